import httpx


class OllamaLLM:
    def __init__(self, url: str):
        self.url = url

    def names(self):
        return [model["name"] for model in httpx.get(f"{self.url}/api/tags").json()["models"]]
