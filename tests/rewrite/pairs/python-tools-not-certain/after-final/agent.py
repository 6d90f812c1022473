import ollama


def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


def ask(question):
    return ollama.chat(model="meta-llama/Llama-3.1-8B-Instruct", messages=[{"role": "user", "content": question}], tools=[add])
