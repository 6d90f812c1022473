"""Fixtures for all parts: rigs (a Segue in front of an engine), cached because most tests need the same few."""

from __future__ import annotations

import os

import pytest

from support import rigs as support_rigs
from support.segue import binary

# Whatever a test starts has no database unless the test asks for one (SEGUE_DATABASE=auto, tests/store): making one takes a while.
os.environ.setdefault("SEGUE_DATABASE", "none")

pytest_plugins = ["conformance.report"]


def pytest_collection_modifyitems(items):
    if binary() is not None:
        return
    for item in items:
        if "support/" not in str(item.path).replace("\\", "/"):
            item.add_marker(pytest.mark.skip(reason="no segue binary: set SEGUE_BIN or build one"))


@pytest.fixture(scope="session")
def rigs():
    cache = support_rigs.Rigs()
    yield cache
    cache.stop()


def _rig(rigs, request, dialect):
    kind, _, mode = request.param.partition(":")
    rig = rigs.get(dialect, kind)
    if mode:
        rig.engine.mode = mode
    return rig


REPLAY = ["replay"]
REAL = ["real-vllm"] if os.environ.get("SEGUE_VLLM") else []
MODES = ["replay:recorded", "replay:bytewise", "replay:once"]


@pytest.fixture(params=REPLAY)
def v(rigs, request):
    """Segue in front of a scripted vLLM."""
    return _rig(rigs, request, "openai")


@pytest.fixture(params=MODES)
def v_modes(rigs, request):
    """The same, run as recorded, byte by byte, and in one read."""
    return _rig(rigs, request, "openai")


@pytest.fixture(params=[*REPLAY, "rehearsal", *REAL])
def v_any(rigs, request):
    """Every vLLM there is: scripted, rehearsal, and a real one where SEGUE_VLLM names it."""
    return _rig(rigs, request, "openai")


@pytest.fixture(params=[*MODES, "rehearsal", *REAL])
def v_all(rigs, request):
    return _rig(rigs, request, "openai")


@pytest.fixture(params=REPLAY)
def l(rigs, request):  # noqa: E741 (the letter of the specification)
    """Segue in front of a scripted Ollama."""
    return _rig(rigs, request, "ollama")


@pytest.fixture(params=MODES)
def l_modes(rigs, request):
    return _rig(rigs, request, "ollama")


@pytest.fixture(params=[*REPLAY, "rehearsal"])
def l_any(rigs, request):
    return _rig(rigs, request, "ollama")


@pytest.fixture(params=[*MODES, "rehearsal"])
def l_all(rigs, request):
    return _rig(rigs, request, "ollama")


@pytest.fixture(params=["replay:openai", "replay:ollama"])
def x(rigs, request):
    """Segue in front of each dialect, for what does not depend on the engine."""
    return rigs.get(request.param.partition(":")[2], "replay")
