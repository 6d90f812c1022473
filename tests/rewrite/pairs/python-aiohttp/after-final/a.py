import json

import aiohttp

VLLM = "http://localhost:8000"


async def stream(q):
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{VLLM}/v1/chat/completions", json={"stream": True, "model": "meta-llama/Llama-3.1-8B-Instruct", "messages": [{"role": "user", "content": q}]}) as resp:
            async for line in resp.content:
                if not line.startswith(b"data: "):
                    continue
                if line.strip() == b"data: [DONE]":
                    break
                chunk = json.loads(line[6:].decode("utf-8"))
                if not chunk["choices"]:
                    continue
                yield chunk["choices"][0]["delta"].get("content") or ""
