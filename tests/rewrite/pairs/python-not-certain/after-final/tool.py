import ollama


def pull(name):
    ollama.pull(name)


def raw(q):
    return ollama.chat(model="meta-llama/Llama-3.1-8B-Instruct", messages=q)
