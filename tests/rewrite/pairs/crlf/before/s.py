import ollama


def f(q):
    for c in ollama.chat(model="llama3.1:8b", messages=q, stream=True):
        print(c["message"]["content"])
