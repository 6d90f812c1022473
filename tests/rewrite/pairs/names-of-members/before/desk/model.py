from llama_index.llms.ollama import Ollama

from .settings import Settings


def model(name: str, host: str, settings: Settings):
    return Ollama(
        model=name,
        base_url=f"http://{host}:{settings.ollama.port}",
        temperature=settings.ollama.temperature,
        additional_kwargs={"seed": 1},
    )
