from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    vllm_endpoint: str = "http://localhost:8000"
    vllm_model: str = "meta-llama/Llama-3.1-8B-Instruct"


settings = Settings()
