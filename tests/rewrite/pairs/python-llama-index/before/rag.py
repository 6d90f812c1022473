from llama_index.core import Settings
from llama_index.llms.ollama import Ollama

Settings.llm = Ollama(model="llama3.1:8b", base_url="http://localhost:11434", request_timeout=120.0, context_window=8192)
