import os

from openai import OpenAI

llm = OpenAI(base_url=os.environ["VLLM_ENDPOINT"] + "/v1", api_key=os.getenv("VLLM_API_KEY", "EMPTY"))


def get_client():
    return OpenAI(base_url=os.environ["VLLM_ENDPOINT"] + "/v1", api_key=os.getenv("VLLM_API_KEY", "EMPTY"))
