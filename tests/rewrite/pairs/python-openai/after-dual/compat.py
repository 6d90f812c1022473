from openai import OpenAI
import ai_client

client = OpenAI(base_url=ai_client.base_url("http://localhost:11434"), api_key=ai_client.API_KEY)


def ask(q):
    r = client.chat.completions.create(model=ai_client.model("llama3.1:8b"), messages=[{"role": "user", "content": q}])
    return r.choices[0].message.content
