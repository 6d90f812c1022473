from settings import settings

print(settings.vllm_endpoint, settings.vllm_model)
