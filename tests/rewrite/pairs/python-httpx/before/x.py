import httpx

OLLAMA_URL = "http://ollama:11434"


async def ask(messages):
    async with httpx.AsyncClient() as http:
        reply = await http.post(
            f"{OLLAMA_URL}/api/chat",
            json={
                "model": "gemma2:9b",
                "messages": messages,
                "stream": False,
                "options": {
                    "temperature": 0.3,
                    "num_ctx": 8192,
                },
            },
        )
    data = reply.json()
    return data.get("message", {}).get("content", "")
