from ollama import Client, ResponseError

client = Client(host="http://gpu1:11434", timeout=30)


def pieces(prompt):
    try:
        for chunk in client.generate(model="mistral:7b", prompt=prompt, system="Be short.", stream=True):
            if chunk["done"]:
                break
            yield chunk["response"]
    except ResponseError as e:
        yield f"error {e.status_code}: {e.error}"


def joined(messages):
    stream = client.chat("mistral:7b", messages, stream=True)
    return "".join(part["message"]["content"] for part in stream)
