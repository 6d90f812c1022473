import asyncio
from openai import AsyncOpenAI
import ai_client


class Service:
    def __init__(self, host: str):
        self.client = AsyncOpenAI(base_url=ai_client.base_url(host), api_key=ai_client.API_KEY)

    async def ask(self, q: str) -> str:
        r = await self.client.chat.completions.create(model=ai_client.model("llama3.2:3b"), messages=[{"role": "user", "content": q}], response_format={"type": "json_object"})
        return (r.choices[0].message.content or "").strip()

    async def stream(self, q: str):
        async for part in await self.client.chat.completions.create(model=ai_client.model("llama3.2:3b"), messages=[{"role": "user", "content": q}], stream=True):
            if not part.choices:
                continue
            print(part.choices[0].delta.content or "", end="", flush=True)


async def main():
    print(await Service("http://localhost:11434").ask("hi"))


asyncio.run(main())
