import json

import aiohttp

OLLAMA = "http://localhost:11434"


async def stream(q):
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{OLLAMA}/api/generate", json={"model": "llama3.1:8b", "prompt": q}) as resp:
            async for line in resp.content:
                chunk = json.loads(line.decode("utf-8"))
                yield chunk["response"]
