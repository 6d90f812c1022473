"""Segue in front of a rehearsal engine of each dialect; the clients are unchanged from the package index."""

from __future__ import annotations

import pytest

from support.embedder import make_embedder
from support.rigs import EMBEDS


@pytest.fixture(params=["openai-rehearsal", "ollama-rehearsal"])
def served(rigs, request):
    """A gateway whose engine answers by itself, as the small model would."""
    rig = rigs.get(request.param.partition("-")[0], "rehearsal")
    yield rig
    rig.engine.faults({})


@pytest.fixture(params=["openai-rehearsal", "ollama-rehearsal"])
def breaking(rigs, request):
    """The same, with an engine that cuts each stream after three tokens. Its own rig: it will be put aside."""
    rig = rigs.get(request.param.partition("-")[0], "rehearsal", max_attempts=1)
    rig.engine.faults({"drop_after": 3})
    yield rig
    rig.engine.faults({})


@pytest.fixture(params=["openai", "ollama"])
def embedding(rigs, request):
    rig = rigs.get(request.param, profile=EMBEDS)
    make_embedder(rig.engine)
    return rig


@pytest.fixture(params=["openai", "ollama"])
def scripted(rigs, request):
    return rigs.get(request.param)
