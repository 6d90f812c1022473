import os

import ollama

llm = ollama.Client(host=os.environ["OLLAMA_URL"])


def get_client():
    return ollama.Client(host=os.environ["OLLAMA_URL"])
