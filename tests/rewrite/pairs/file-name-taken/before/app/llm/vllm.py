import httpx


class Served:
    def __init__(self, url: str):
        self.url = url

    def names(self):
        return [model["id"] for model in httpx.get(f"{self.url}/v1/models").json()["data"]]
