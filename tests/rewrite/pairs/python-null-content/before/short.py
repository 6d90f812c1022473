import os

import ollama

client = ollama.Client(host=os.getenv("OLLAMA_HOST", "http://localhost:11434"))


def whole(q):
    return client.chat(model="llama3.1:8b", messages=[{"role": "user", "content": q}])["message"]["content"]


def lines(q):
    reply = client.chat(model="llama3.1:8b", messages=[{"role": "user", "content": q}])
    return reply.message.content.strip().splitlines()


def or_else(q):
    reply = client.chat(model="llama3.1:8b", messages=[{"role": "user", "content": q}])
    message = reply["message"]
    return message["content"] or "nothing", f"{message['content']}!"
