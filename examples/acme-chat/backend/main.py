"""The backend's application: `uvicorn backend.main:app`."""

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from backend import config
from backend.ai_service import AIService, AIServiceError
from backend.chat_service import Message, router

app = FastAPI(title="Acme Chat", description="Acme's internal chat. Answers come from Ollama in our own data centre.")
app.include_router(router)
ai_service = AIService()


class Conversation(BaseModel):
    messages: list[Message]


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok", "backend": "ollama", "model": config.OLLAMA_MODEL}


@app.get("/about")
async def about() -> dict[str, str]:
    """What the page's footer shows."""
    return {"text": f"Answers are written by {config.OLLAMA_MODEL}, served by Ollama. They may be wrong."}


@app.get("/models")
async def models() -> dict[str, list[str]]:
    try:
        return {"models": await ai_service.models()}
    except AIServiceError as error:
        raise HTTPException(503, str(error)) from error


@app.post("/titles")
async def titles(conversation: Conversation) -> dict[str, str]:
    try:
        title = await ai_service.title([message.model_dump() for message in conversation.messages])
    except AIServiceError as error:
        raise HTTPException(503, str(error)) from error
    return {"title": title, "model": config.OLLAMA_MODEL}
