import openai
from langchain_openai import ChatOpenAI
import ai_client

BASE_URL = ai_client.base_url("http://localhost:11434")

llm = ChatOpenAI(model=ai_client.model("qwen2.5:7b"), base_url=ai_client.base_url('http://localhost:11434'), api_key=ai_client.API_KEY)
other = openai.AsyncOpenAI(base_url=BASE_URL, api_key=ai_client.API_KEY, timeout=30)
cloud = openai.OpenAI()
