"""C143: langchain-ollama, langchain-openai, LlamaIndex, unchanged (wire 4.4)."""

from __future__ import annotations

import pytest
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langchain_ollama import ChatOllama, OllamaEmbeddings
from langchain_openai import ChatOpenAI
from llama_index.core.llms import ChatMessage
from llama_index.llms.ollama import Ollama as LlamaIndexOllama

from clients.python.questions import FRANCE, MODEL, OBJECT, PARIS, SCHEMA, SUM, SUM_THINKING, WEATHER


@tool
def get_weather(city: str) -> str:
    """Get the weather of a city"""
    return f"21 degrees in {city}"


def langchain(rig, **more):
    return ChatOllama(model=MODEL, base_url=rig.segue.url, temperature=0, reasoning=False,
                      validate_model_on_init=True, **more)


def test_c143_langchain_ollama(served):
    """frameworks: answer, usage not null, a tool called once, a broken stream raises"""
    answer = langchain(served).invoke(FRANCE)
    assert answer.content == PARIS
    assert answer.usage_metadata["input_tokens"] == 24 and answer.usage_metadata["output_tokens"] == 11
    assert "".join(part.content for part in langchain(served).stream(FRANCE)) == PARIS


def test_c143_langchain_ollama_tools(served):
    answer = langchain(served).bind_tools([get_weather]).invoke([HumanMessage(WEATHER)])
    assert [(call["name"], call["args"]) for call in answer.tool_calls] == [("get_weather", {"city": "Paris"})]


def test_c143_langchain_ollama_more(served):
    answer = ChatOllama(model=MODEL, base_url=served.segue.url, temperature=0, reasoning=True).invoke(SUM)
    assert answer.additional_kwargs["reasoning_content"].strip() == SUM_THINKING
    answer = langchain(served, format=SCHEMA).invoke(OBJECT)
    assert answer.content == '{"city": "Paris", "country": "France"}'


def test_c143_langchain_ollama_broken(breaking):
    with pytest.raises(Exception):
        for _ in langchain(breaking).stream(FRANCE):
            pass


def test_c143_langchain_embeddings(embedding):
    vectors = OllamaEmbeddings(model=MODEL, base_url=embedding.segue.url).embed_documents(["one", "two"])
    assert [len(one) for one in vectors] == [16, 16]


def openai_chat(rig, **more):
    effort = {"reasoning_effort": "none"} if rig.engine.dialect == "ollama" else {
        "extra_body": {"chat_template_kwargs": {"enable_thinking": False}}}
    return ChatOpenAI(model=MODEL, base_url=f"{rig.segue.url}/v1", api_key="unused", temperature=0, max_tokens=60,
                      max_retries=0, **effort, **more)


def test_c143_langchain_openai(served):
    answer = openai_chat(served).invoke(FRANCE)
    assert answer.content == PARIS and answer.usage_metadata["total_tokens"] == 35
    parts = list(openai_chat(served, stream_usage=True).stream(FRANCE))
    assert "".join(part.content for part in parts) == PARIS
    answer = openai_chat(served).bind_tools([get_weather]).invoke(WEATHER)
    assert [(call["name"], call["args"]) for call in answer.tool_calls] == [("get_weather", {"city": "Paris"})]


def test_c143_langchain_openai_broken(breaking):
    with pytest.raises(Exception):
        for _ in openai_chat(breaking).stream(FRANCE):
            pass


def llama_index(rig):
    return LlamaIndexOllama(model=MODEL, base_url=rig.segue.url, temperature=0, thinking=False)


def test_c143_llama_index(served):
    model = llama_index(served)
    assert model.metadata.context_window >= 1024  # from show
    answer = model.chat([ChatMessage(role="user", content=FRANCE)])
    assert answer.message.content == PARIS
    assert answer.raw["usage"]["prompt_tokens"] == 24 and answer.raw["usage"]["completion_tokens"] == 11
    assert list(model.stream_complete(FRANCE))[-1].text == PARIS


def test_c143_llama_index_tools(served):
    from llama_index.core.tools import FunctionTool

    def weather(city: str) -> str:
        """Get the weather of a city"""
        return city

    model = llama_index(served)
    answer = model.chat_with_tools([FunctionTool.from_defaults(weather, name="get_weather")], user_msg=WEATHER)
    calls = model.get_tool_calls_from_response(answer)
    assert [(call.tool_name, call.tool_kwargs) for call in calls] == [("get_weather", {"city": "Paris"})]


def test_c143_llama_index_broken(breaking):
    with pytest.raises(Exception):
        for _ in llama_index(breaking).stream_complete(FRANCE):
            pass
