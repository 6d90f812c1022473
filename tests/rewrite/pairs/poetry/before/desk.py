import ollama


def ask(q):
    return ollama.generate(model="gemma2:2b", prompt=q)["response"]
