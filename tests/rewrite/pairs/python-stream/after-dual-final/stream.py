import os
from openai import APIStatusError, OpenAI

client = OpenAI(base_url=os.getenv("VLLM_ENDPOINT", "http://gpu1:8000") + "/v1", api_key=os.getenv("VLLM_API_KEY", "EMPTY"), timeout=30)


def pieces(prompt):
    try:
        for chunk in client.chat.completions.create(model="mistralai/Mistral-7B-Instruct-v0.3", messages=[{"role": "system", "content": "Be short."}, {"role": "user", "content": prompt}], stream=True):
            if not chunk.choices:
                continue
            yield chunk.choices[0].delta.content or ""
    except APIStatusError as e:
        yield f"error {e.status_code}: {e.message}"


def joined(messages):
    stream = client.chat.completions.create(model="mistralai/Mistral-7B-Instruct-v0.3", messages=messages, stream=True)
    return "".join(part.choices[0].delta.content or "" for part in stream if part.choices)
