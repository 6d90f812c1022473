import litellm


def ask(q):
    r = litellm.completion(model="ollama/llama3.1:8b", messages=[{"role": "user", "content": q}], api_base="http://localhost:11434")
    return r.choices[0].message.content
