import os
import base64

from openai import OpenAI


def image_url(image):
    """An image as OpenAI's API wants it: from bytes, a path, or base64."""
    if not isinstance(image, bytes) and os.path.isfile(image):
        with open(image, "rb") as file:
            image = file.read()
    if isinstance(image, bytes):
        image = base64.b64encode(image).decode()
    return f"data:image/jpeg;base64,{image}"


client = OpenAI(base_url="http://localhost:8000/v1", api_key=os.getenv("VLLM_API_KEY", "EMPTY"))


def describe(path):
    r = client.chat.completions.create(
        model="llava-hf/llava-v1.6-mistral-7b-hf",
        messages=[{"role": "user", "content": [{"type": "text", "text": "What is on it?"}, {"type": "image_url", "image_url": {"url": image_url(path)}}]}],
    )
    return r.choices[0].message.content or ""


def compare(paths):
    messages = [{"role": "system", "content": "Be short."}]
    messages.append({"role": "user", "content": [{"type": "text", "text": "What differs?"}, *[{"type": "image_url", "image_url": {"url": image_url(image)}} for image in paths]]})
    return client.chat.completions.create(model="llava-hf/llava-v1.6-mistral-7b-hf", messages=messages).choices[0].message.content or ""


def read(data):
    return client.chat.completions.create(model="llava-hf/llava-v1.6-mistral-7b-hf", messages=[{"role": "user", "content": [{"type": "text", "text": "Read it out."}, {"type": "image_url", "image_url": {"url": image_url(base64.b64encode(data).decode())}}]}]).choices[0].message.content or ""
