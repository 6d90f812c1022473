import ollama


def f(q):
    a = ollama.generate(model="team/legal:7b", prompt=q)["response"]
    b = ollama.generate(model="team/other:13b", prompt=q)["response"]
    return a + b
