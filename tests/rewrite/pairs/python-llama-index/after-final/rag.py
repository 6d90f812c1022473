import os
from llama_index.core import Settings
from llama_index.llms.openai_like import OpenAILike

Settings.llm = OpenAILike(model="meta-llama/Llama-3.1-8B-Instruct", api_base="http://localhost:8000/v1", api_key=os.getenv("VLLM_API_KEY", "EMPTY"), timeout=120.0, context_window=8192, is_chat_model=True)
