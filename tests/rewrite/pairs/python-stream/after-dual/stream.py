from openai import APIStatusError, OpenAI
import ai_client

client = OpenAI(base_url=ai_client.base_url("http://gpu1:11434"), api_key=ai_client.API_KEY, timeout=30)


def pieces(prompt):
    try:
        for chunk in client.chat.completions.create(model=ai_client.model("mistral:7b"), messages=[{"role": "system", "content": "Be short."}, {"role": "user", "content": prompt}], stream=True):
            if not chunk.choices:
                continue
            yield chunk.choices[0].delta.content or ""
    except APIStatusError as e:
        yield f"error {e.status_code}: {e.message}"


def joined(messages):
    stream = client.chat.completions.create(model=ai_client.model("mistral:7b"), messages=messages, stream=True)
    return "".join(part.choices[0].delta.content or "" for part in stream if part.choices)
