import ollama


def pull(name):
    ollama.pull(name)


def raw(q):
    return ollama.chat(model="llama3.1:8b", messages=q)
