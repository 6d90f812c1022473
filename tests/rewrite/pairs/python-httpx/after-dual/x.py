import httpx
import ai_client

OLLAMA_URL = "http://ollama:11434"


async def ask(messages):
    async with httpx.AsyncClient() as http:
        reply = await http.post(
            f"{ai_client.address(OLLAMA_URL)}/v1/chat/completions",
            json={
                "model": ai_client.model("gemma2:9b"),
                "messages": messages,
                "stream": False,
                "temperature": 0.3,
            },
        )
    data = reply.json()
    return data.get("choices", [{}])[0].get("message", {}).get("content") or ""
