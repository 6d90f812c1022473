"""The chat itself: conversations, prompts, answers.

An answer comes from the hosted model where a team has one, and from our own Ollama otherwise, or when the hosted one
does not answer. The page reads answers as server-sent events; other tools take them whole.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections import OrderedDict
from collections.abc import AsyncIterator

import httpx
import ollama
from fastapi import APIRouter, HTTPException
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from backend import config

log = logging.getLogger(__name__)
router = APIRouter()

SYSTEM_PROMPT = (
    "You are Acme's assistant. Answer in the language of the question. "
    "Use the passages where there are any, and say when they do not hold the answer."
)
MAX_CONVERSATIONS = 1000


class Message(BaseModel):
    role: str = Field(pattern="^(user|assistant)$")
    content: str


class ChatRequest(BaseModel):
    question: str = Field(min_length=1, max_length=20_000)
    conversation: str | None = None
    passages: list[str] = []


class ChatAnswer(BaseModel):
    conversation: str
    answer: str
    model: str
    tokens: int


class Conversations:
    """The last conversations, in memory; the oldest one goes when there are too many."""

    def __init__(self, limit: int = MAX_CONVERSATIONS) -> None:
        self._limit = limit
        self._messages: OrderedDict[str, list[dict[str, str]]] = OrderedDict()

    def begin(self, known: str | None) -> str:
        name = known if known in self._messages else uuid.uuid4().hex
        self._messages.setdefault(name, [])
        self._messages.move_to_end(name)
        while len(self._messages) > self._limit:
            self._messages.popitem(last=False)
        return name

    def history(self, name: str) -> list[dict[str, str]]:
        return self._messages[name][-config.HISTORY_LENGTH :]

    def add(self, name: str, question: str, answer: str) -> None:
        if name in self._messages:
            self._messages[name] += [
                {"role": "user", "content": question},
                {"role": "assistant", "content": answer},
            ]


conversations = Conversations()


def build_messages(history: list[dict[str, str]], request: ChatRequest) -> list[dict[str, str]]:
    """The prompt: who we are, what was said, and the question with its passages."""
    question = request.question
    if request.passages:
        listed = "\n\n".join(f"[{number}] {text}" for number, text in enumerate(request.passages, 1))
        question = f"Passages:\n{listed}\n\n{request.question}"
    return [
        {"role": "system", "content": SYSTEM_PROMPT},
        *history,
        {"role": "user", "content": question},
    ]


def event(name: str, **data: object) -> str:
    """One server-sent event."""
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


async def ask_hosted(messages: list[dict[str, str]]) -> tuple[str, int]:
    """The hosted model's answer and its length in tokens."""
    async with httpx.AsyncClient(timeout=config.REQUEST_TIMEOUT) as client:
        response = await client.post(
            f"{config.HOSTED_LLM_URL}/chat/completions",
            headers={"Authorization": f"Bearer {config.HOSTED_LLM_KEY}"},
            json={
                "model": config.HOSTED_LLM_MODEL,
                "messages": messages,
                "max_tokens": config.MAX_ANSWER_TOKENS,
            },
        )
        response.raise_for_status()
    data = response.json()
    return data["choices"][0]["message"]["content"], data["usage"]["completion_tokens"]


async def stream_answer(name: str, request: ChatRequest) -> AsyncIterator[str]:
    """The answer as events: `begin`, a `piece` for each part, `end`; `error` when it breaks off."""
    yield event("begin", conversation=name, model=config.OLLAMA_MODEL)
    messages = build_messages(conversations.history(name), request)
    client = ollama.AsyncClient(host=config.OLLAMA_URL, timeout=config.REQUEST_TIMEOUT)
    pieces: list[str] = []
    try:
        stream = await client.chat(
            model=config.OLLAMA_MODEL,
            messages=messages,
            stream=True,
            options={
                "temperature": config.TEMPERATURE,
                "num_predict": config.MAX_ANSWER_TOKENS,
            },
        )
        async for chunk in stream:
            piece = chunk["message"]["content"]
            if piece:
                pieces.append(piece)
                yield event("piece", text=piece)
    except ollama.ResponseError as error:
        log.warning("the model refused: %s", error)
        yield event("error", text="The language model cannot answer this.")
        return
    except ConnectionError as error:
        log.error("no connection to Ollama at %s: %s", config.OLLAMA_URL, error)
        yield event("error", text="The language model is not there. Please try again in a minute.")
        return
    conversations.add(name, request.question, "".join(pieces))
    yield event("end", conversation=name)


@router.post("/api/chat/stream")
async def chat_stream(request: ChatRequest) -> StreamingResponse:
    name = conversations.begin(request.conversation)
    return StreamingResponse(stream_answer(name, request), media_type="text/event-stream")


@router.get("/api/conversations/{name}")
async def conversation(name: str) -> dict[str, list[Message]]:
    try:
        history = conversations.history(name)
    except KeyError:
        raise HTTPException(404, "there is no such conversation") from None
    return {"messages": [Message(**message) for message in history]}


@router.post("/api/chat")
async def chat(request: ChatRequest) -> ChatAnswer:
    """The whole answer: by the hosted model first, by our own when that one fails.

    `model` in the reply says which of them it was.
    """
    name = conversations.begin(request.conversation)
    messages = build_messages(conversations.history(name), request)

    if config.HOSTED_LLM_URL:
        try:
            answer, tokens = await ask_hosted(messages)
            conversations.add(name, request.question, answer)
            return ChatAnswer(conversation=name, answer=answer, model=config.HOSTED_LLM_MODEL, tokens=tokens)
        except (httpx.HTTPError, KeyError, ValueError) as error:
            log.warning("the hosted model did not answer, falling back to Ollama: %s", error)

    # Fallback: our own Ollama. It is slower, but it is always there and nothing leaves the house.
    started = time.monotonic()
    client = ollama.AsyncClient(host=config.OLLAMA_URL, timeout=config.REQUEST_TIMEOUT)
    try:
        response = await client.chat(
            model=config.OLLAMA_MODEL,
            messages=messages,
            options={
                "temperature": config.TEMPERATURE,
                "num_predict": config.MAX_ANSWER_TOKENS,
            },
        )
    except ollama.ResponseError as error:
        raise HTTPException(502, f"the language model cannot answer this: {error.error}") from error
    except ConnectionError as error:
        raise HTTPException(503, "the language model is not there; please try again in a minute") from error
    answer = response["message"]["content"]
    tokens = response["eval_count"]
    log.info("%s answered with %d tokens in %.1f s", config.OLLAMA_MODEL, tokens, time.monotonic() - started)
    conversations.add(name, request.question, answer)
    return ChatAnswer(conversation=name, answer=answer, model=config.OLLAMA_MODEL, tokens=tokens)
