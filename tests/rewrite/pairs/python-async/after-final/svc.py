import os
import asyncio
from openai import AsyncOpenAI


class Service:
    def __init__(self, host: str):
        self.client = AsyncOpenAI(base_url=f"{host}/v1", api_key=os.getenv("VLLM_API_KEY", "EMPTY"))

    async def ask(self, q: str) -> str:
        r = await self.client.chat.completions.create(model="meta-llama/Llama-3.2-3B-Instruct", messages=[{"role": "user", "content": q}], response_format={"type": "json_object"})
        return (r.choices[0].message.content or "").strip()

    async def stream(self, q: str):
        async for part in await self.client.chat.completions.create(model="meta-llama/Llama-3.2-3B-Instruct", messages=[{"role": "user", "content": q}], stream=True):
            if not part.choices:
                continue
            print(part.choices[0].delta.content or "", end="", flush=True)


async def main():
    print(await Service("http://localhost:8000").ask("hi"))


asyncio.run(main())
