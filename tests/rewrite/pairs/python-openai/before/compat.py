from openai import OpenAI

client = OpenAI(base_url="http://localhost:11434/v1", api_key="ollama")


def ask(q):
    r = client.chat.completions.create(model="llama3.1:8b", messages=[{"role": "user", "content": q}])
    return r.choices[0].message.content
