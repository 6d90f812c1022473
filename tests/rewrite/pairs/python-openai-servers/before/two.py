from openai import OpenAI

chat = OpenAI(base_url="http://gpu-1:11434/v1", api_key="none")
vectors = OpenAI(base_url="http://gpu-2:11434/v1", api_key="none")
