import ollama


def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


def ask(question):
    return ollama.chat(model="llama3.1:8b", messages=[{"role": "user", "content": question}], tools=[add])
