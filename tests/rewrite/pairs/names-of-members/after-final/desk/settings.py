from pydantic import BaseModel, Field


class VllmSettings(BaseModel):
    port: int = Field(default=8000)
    temperature: float = 0.1


class Settings(BaseModel):
    vllm: VllmSettings = VllmSettings()
