try:
    from ollama import Client
except ModuleNotFoundError:
    Client = None


def answer(q):
    if Client is None:
        return "no model"
    return Client(host="http://localhost:11434").generate(model="llama3.1:8b", prompt=q).response
