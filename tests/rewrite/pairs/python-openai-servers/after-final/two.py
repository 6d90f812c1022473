from openai import OpenAI

chat = OpenAI(base_url="http://gpu-1:8000/v1", api_key="none")
vectors = OpenAI(base_url="http://gpu-2:8000/v1", api_key="none")
