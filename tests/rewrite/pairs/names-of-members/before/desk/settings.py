from pydantic import BaseModel, Field


class OllamaSettings(BaseModel):
    port: int = Field(default=11434)
    temperature: float = 0.1


class Settings(BaseModel):
    ollama: OllamaSettings = OllamaSettings()
