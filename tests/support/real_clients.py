"""The official clients, unchanged from the package index, asked on all three fronts: what do they tell their user?

`on_piece` is called after each piece of text.

No retries: the first answer is what counts here.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import Any, Callable

import anthropic
import ollama
import openai

KEY = "unused"


@dataclass
class Answer:
    """What the program behind the client has in its hands."""

    text: str = ""
    whole: bool = False  # the client came to a good end
    problem: Exception | None = None

    @property
    def is_told(self) -> bool:
        """An exception that a program expects of its client: its own kind, or the transport's."""
        if isinstance(self.problem, (ollama.ResponseError, openai.APIError, anthropic.APIError, ConnectionError)):
            return True
        # Not every client uses the same release of the transport (httpx, httpx2).
        return any(kind.__name__ == "HTTPError" for kind in type(self.problem).__mro__)

    def __str__(self) -> str:
        return f"whole={self.whole} {type(self.problem).__name__} {self.problem} after {self.text[-60:]!r}"


def ask_ollama(port: int, model: str, prompt: str, streams: bool, on_piece: Callable[[], None], answer: Answer) -> None:
    with closing(ollama.Client(host=f"http://127.0.0.1:{port}", timeout=60)) as asking:
        given: Any = asking.chat(model, [{"role": "user", "content": prompt}], stream=streams, think=False)
        for part in given if streams else [given]:
            answer.text += part.message.content or ""
            answer.whole = bool(part.done) and part.done_reason == "stop"
            if part.message.content:
                on_piece()


def ask_openai(port: int, model: str, prompt: str, streams: bool, on_piece: Callable[[], None], answer: Answer) -> None:
    with openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key=KEY, max_retries=0, timeout=60) as asking:
        messages: Any = [{"role": "user", "content": prompt}]
        if not streams:
            choice = asking.chat.completions.create(model=model, messages=messages).choices[0]
            answer.text, answer.whole = choice.message.content or "", choice.finish_reason == "stop"
            return
        for chunk in asking.chat.completions.create(model=model, messages=messages, stream=True):
            for one in chunk.choices:
                answer.text += one.delta.content or ""
                answer.whole = answer.whole or one.finish_reason == "stop"
                if one.delta.content:
                    on_piece()


def ask_anthropic(port: int, model: str, prompt: str, streams: bool, on_piece: Callable[[], None], answer: Answer) -> None:
    with anthropic.Anthropic(base_url=f"http://127.0.0.1:{port}", api_key=KEY, max_retries=0, timeout=60) as asking:
        given: Any = {"model": model, "max_tokens": 2000, "messages": [{"role": "user", "content": prompt}]}
        if not streams:
            message = asking.messages.create(**given)
            answer.text = "".join(block.text for block in message.content if block.type == "text")
            answer.whole = message.stop_reason == "end_turn"
            return
        with asking.messages.stream(**given) as stream:
            for text in stream.text_stream:
                answer.text += text
                if text:
                    on_piece()
            answer.whole = stream.get_final_message().stop_reason == "end_turn"


FRONTS = {"ollama": ask_ollama, "openai": ask_openai, "anthropic": ask_anthropic}


def ask(front: str, port: int, model: str, prompt: str, streams: bool = True,
        on_piece: Callable[[], None] = lambda: None) -> Answer:
    answer = Answer()
    try:
        FRONTS[front](port, model, prompt, streams, on_piece, answer)
    except Exception as problem:  # noqa: BLE001 (all that a client may throw is what this is about)
        answer.problem = problem
    return answer
