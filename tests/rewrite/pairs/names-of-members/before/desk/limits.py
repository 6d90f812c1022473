from .settings import Settings


def warm(settings: Settings) -> bool:
    return settings.ollama.temperature > 0.5
