import requests

PORT = 11434


def names(host: str):
    return [model["name"] for model in requests.get(f"http://{host}:11434/api/tags").json()["models"]]


def local():
    return requests.get(f"http://localhost:{PORT}/api/version").json()
