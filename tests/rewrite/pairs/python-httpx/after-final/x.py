import httpx

VLLM_ENDPOINT = "http://vllm:8000"


async def ask(messages):
    async with httpx.AsyncClient() as http:
        reply = await http.post(
            f"{VLLM_ENDPOINT}/v1/chat/completions",
            json={
                "model": "google/gemma-2-9b-it",
                "messages": messages,
                "stream": False,
                "temperature": 0.3,
            },
        )
    data = reply.json()
    return data.get("choices", [{}])[0].get("message", {}).get("content") or ""
