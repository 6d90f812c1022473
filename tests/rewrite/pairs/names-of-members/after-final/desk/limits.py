from .settings import Settings


def warm(settings: Settings) -> bool:
    return settings.vllm.temperature > 0.5
