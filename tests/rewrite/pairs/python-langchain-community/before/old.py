from langchain_community.chat_models import ChatOllama
from langchain_community.llms import Ollama

chat = ChatOllama(model="mistral:7b")
text = Ollama(model="mistral:7b", base_url="http://gpu:11434")
