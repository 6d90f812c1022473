"""C139: Ollama front, Ollama engine: every recorded request is relayed (wire 6.9)."""

from __future__ import annotations

import json
import re

import pytest

from support import wire
from support.engines import Answer

# Answered by Segue itself, whatever the engine is (wire 1.4, 3.9): their words are checked by other cases.
OWN = {"get_root", "head_root", "get_api_nope", "get_nope", "get_chat_wrong_method", "cors_preflight",
       "cors_foreign", "host_foreign", "get_api_version", "head_tags", "get_v1_models", "get_v1_models_segue-tiny",
       "get_v1_models_nope", "get_api_tags", "tags_after_copy", "get_api_ps", "ps_loaded", "ps_after_unload",
       "err_bad_json", "err_empty_body", "v1_bad_json"}
# The model is not in Segue's table, or the route manages models: Segue answers before any engine is asked.
UNKNOWN = {name for name in wire.recordings("ollama") if "unknown" in name and "option" not in name}
MANAGED = {"copy", "delete", "create_from", "create_from_nostream", "show_created", "create_missing",
           "blob_head_missing", "blob_post_mismatch", "pull_present_offline", "pull_offline_nostream",
           "push_offline"}
RELAYED = ("/api/chat", "/api/generate", "/api/embed", "/api/embeddings", "/api/show")
CASES = [name for name, row in wire.recordings("ollama").items()
         if row["request"]["path"] in RELAYED and name not in OWN | UNKNOWN | MANAGED]


def plain(data: bytes) -> bytes:
    """Dates and durations left out; U+0085 as Segue escapes it."""
    data = re.sub(rb'"(created_at|modified_at|expires_at)":"[^"]*"', rb'"\1":""', data)
    data = re.sub(rb'"(\w+_duration)":\d+', rb'"\1":0', data)
    return data.replace("\u0085".encode(), b"\\u0085")


@pytest.mark.parametrize("name", CASES)
def test_c139_relay(l_modes, name):
    """Ollama to Ollama: the engine's bytes, but model, dates, durations (issue 1 B, wire 4.2)"""
    row = wire.recording("ollama", name)
    path, sent = row["request"]["path"], row["request"]["body"]
    l_modes.engine.on(path, Answer.recorded("ollama", name))
    reply = l_modes.post(path, sent if isinstance(sent, str) else json.dumps(sent))
    expected = b"".join(text.encode() for _, text in row["chunks"])
    assert reply.status == row["status"], reply
    assert plain(reply.body) == plain(expected)
    assert reply.complete
    assert (reply.get("content-type") or "").split(";")[0] == wire.content_type(row).split(";")[0]
