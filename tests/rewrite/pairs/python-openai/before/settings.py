import openai
from langchain_openai import ChatOpenAI

BASE_URL = "http://localhost:11434/v1/"

llm = ChatOpenAI(model="qwen2.5:7b", base_url='http://localhost:11434/v1', api_key='ollama')
other = openai.AsyncOpenAI(base_url=BASE_URL, api_key="ollama", timeout=30)
cloud = openai.OpenAI()
