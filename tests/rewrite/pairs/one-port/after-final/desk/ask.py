import requests

PORT = 8001


def names(host: str):
    return [model["id"] for model in requests.get(f"http://{host}:8001/v1/models").json()["data"]]


def local():
    return requests.get(f"http://localhost:{PORT}/health").json()
