import os
import openai
from langchain_openai import ChatOpenAI

BASE_URL = os.getenv("VLLM_ENDPOINT", "http://localhost:8000") + "/v1"

llm = ChatOpenAI(model="Qwen/Qwen2.5-7B-Instruct", base_url=os.getenv('VLLM_ENDPOINT', 'http://localhost:8000') + '/v1', api_key=os.getenv("VLLM_API_KEY", "EMPTY"))
other = openai.AsyncOpenAI(base_url=BASE_URL, api_key=os.getenv("VLLM_API_KEY", "EMPTY"), timeout=30)
cloud = openai.OpenAI()
