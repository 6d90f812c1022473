import litellm


def ask(q):
    r = litellm.completion(model="hosted_vllm/meta-llama/Llama-3.1-8B-Instruct", messages=[{"role": "user", "content": q}], api_base="http://localhost:8000/v1")
    return r.choices[0].message.content
