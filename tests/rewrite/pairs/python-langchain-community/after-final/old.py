import os
from langchain_openai import ChatOpenAI
from langchain_openai import OpenAI

chat = ChatOpenAI(model="mistralai/Mistral-7B-Instruct-v0.3", base_url=os.getenv("VLLM_ENDPOINT", "http://localhost:8000") + "/v1", api_key=os.getenv("VLLM_API_KEY", "EMPTY"))
text = OpenAI(model="mistralai/Mistral-7B-Instruct-v0.3", base_url="http://gpu:8000/v1", api_key=os.getenv("VLLM_API_KEY", "EMPTY"))
