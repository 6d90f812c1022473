from settings import settings

print(settings.ollama_base_url, settings.ollama_model)
