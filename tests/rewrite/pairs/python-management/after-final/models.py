import os
from openai import APIStatusError, OpenAI

vllm_client = OpenAI(base_url=os.getenv("VLLM_ENDPOINT", "http://localhost:8000") + "/v1", api_key=os.getenv("VLLM_API_KEY", "EMPTY"))


def not_with_vllm(call, *_, **__):
    raise NotImplementedError(f"{call}: vLLM's models are chosen when it starts")



def prepare(name="llama3.1:8b"):
    try:
        pass
    except APIStatusError as error:
        print("no model:", error.message)


def remove(name):
    return not_with_vllm("delete", name)


def family(name):
    return not_with_vllm("show", name)["details"]["family"]


def ask(question):
    return vllm_client.chat.completions.create(model="meta-llama/Llama-3.1-8B-Instruct", messages=[{"role": "user", "content": question}]).choices[0].message.content or ""
