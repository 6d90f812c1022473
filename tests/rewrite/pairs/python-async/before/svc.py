import asyncio
from ollama import AsyncClient


class Service:
    def __init__(self, host: str):
        self.client = AsyncClient(host=host)

    async def ask(self, q: str) -> str:
        r = await self.client.chat(model="llama3.2:3b", messages=[{"role": "user", "content": q}], format="json")
        return r.message.content.strip()

    async def stream(self, q: str):
        async for part in await self.client.chat(model="llama3.2:3b", messages=[{"role": "user", "content": q}], stream=True):
            print(part.message.content, end="", flush=True)


async def main():
    print(await Service("http://localhost:11434").ask("hi"))


asyncio.run(main())
