import base64

from ollama import Client

client = Client(host="http://localhost:11434")


def describe(path):
    r = client.chat(
        model="llava:7b",
        messages=[{"role": "user", "content": "What is on it?", "images": [path]}],
    )
    return r.message.content


def compare(paths):
    messages = [{"role": "system", "content": "Be short."}]
    messages.append({"role": "user", "content": "What differs?", "images": paths})
    return client.chat(model="llava:7b", messages=messages)["message"]["content"]


def read(data):
    return client.generate(model="llava:7b", prompt="Read it out.", images=[base64.b64encode(data).decode()])["response"]
