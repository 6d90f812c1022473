import ollama


def prepare(name="llama3.1:8b"):
    try:
        ollama.pull(name)
    except ollama.ResponseError as error:
        print("no model:", error.error)


def remove(name):
    return ollama.delete(name)


def family(name):
    return ollama.show(name)["details"]["family"]


def ask(question):
    return ollama.chat(model="llama3.1:8b", messages=[{"role": "user", "content": question}])["message"]["content"]
