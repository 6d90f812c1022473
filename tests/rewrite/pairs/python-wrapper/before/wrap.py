import ollama


def _call(messages):
    response = ollama.chat(model="llama3.1:8b", messages=messages)
    return response


def ask(q):
    return _call([{"role": "user", "content": q}])["message"]["content"]
