"""Traces over OTLP/HTTP, as a collector and the engine behind see them."""

import json
import re
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from support.engines import Answer, ReplayEngine
from support.segue import NotStarted, Rehearsal, Segue

CHAT = {"model": "segue-tiny", "stream": False, "think": False,
        "messages": [{"role": "user", "content": "promptissecret Hello"}]}
OWN_TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GENERATION = {"gen_ai.operation.name", "gen_ai.request.model", "gen_ai.usage.input_tokens",
              "gen_ai.usage.output_tokens", "gen_ai.response.finish_reasons"}


class Collector:
    """An OTLP receiver that checks the shape of what it gets, as the specification's JSON encoding has it."""

    def __init__(self):
        collector = self
        self.spans, self.resources, self.headers, self.mistakes = [], [], [], []
        self.statuses = deque()
        self.lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with collector.lock:
                    status = collector.statuses.popleft() if collector.statuses else 200
                    if status == 200:
                        try:
                            collector._take(self.path, dict(self.headers), json.loads(body))
                        except Exception as error:  # noqa: BLE001
                            collector.mistakes.append(f"{error!r} in {body[:2000]!r}")
                            status = 400
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @staticmethod
    def _value(value):
        (kind, inner), = value.items()
        if kind == "arrayValue":
            return [Collector._value(one) for one in inner["values"]]
        assert kind in ("stringValue", "intValue", "doubleValue", "boolValue"), kind
        assert isinstance(inner, {"doubleValue": float, "boolValue": bool}.get(kind, str)), value
        return int(inner) if kind == "intValue" else inner

    @staticmethod
    def _attributes(rows):
        names = [row["key"] for row in rows]
        assert len(set(names)) == len(names), f"an attribute twice: {names}"
        assert all(set(row) == {"key", "value"} for row in rows)
        return {row["key"]: Collector._value(row["value"]) for row in rows}

    def _take(self, path, headers, root):
        assert path == "/v1/traces" and headers["Content-Type"] == "application/json"
        self.headers.append(headers)
        assert set(root) == {"resourceSpans"}
        for resource in root["resourceSpans"]:
            assert set(resource) == {"resource", "scopeSpans"}
            self.resources.append(self._attributes(resource["resource"]["attributes"]))
            for scope in resource["scopeSpans"]:
                assert scope["scope"]["name"] == "segue" and scope["scope"]["version"]
                for span in scope["spans"]:
                    self._check(span)
                    span["attributes"] = self._attributes(span["attributes"])
                    self.spans.append(span)

    @staticmethod
    def _check(span):
        known = {"traceId", "spanId", "parentSpanId", "traceState", "flags", "name", "kind", "startTimeUnixNano",
                 "endTimeUnixNano", "attributes", "status"}
        assert set(span) <= known, set(span) - known
        assert re.fullmatch("[0-9a-f]{32}", span["traceId"]) and re.fullmatch("[0-9a-f]{16}", span["spanId"])
        assert re.fullmatch("[0-9a-f]{16}", span.get("parentSpanId", "0" * 16))
        assert span["name"] and span["kind"] in (1, 2, 3) and span["flags"] & 1
        assert all(re.fullmatch("[0-9]{19}", span[key]) for key in ("startTimeUnixNano", "endTimeUnixNano"))
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
        assert span["status"].get("code", 0) in (0, 2)

    def trace(self, trace_id, count=1, seconds=15):
        """The spans of one trace, when at least `count` are there."""
        end = time.monotonic() + seconds
        while True:
            with self.lock:
                assert not self.mistakes, self.mistakes
                found = [span for span in self.spans if span["traceId"] == trace_id]
            if len(found) >= count:
                return found
            assert time.monotonic() < end, f"{len(found)} spans of {trace_id} came, {count} were due"
            time.sleep(0.02)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def collector():
    made = Collector()
    yield made
    made.stop()
    assert not made.mistakes, made.mistakes


@pytest.fixture
def engine():
    made = Rehearsal("vllm")
    yield made
    made.stop()


def environment(collector, **more):
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "50",
            "OTEL_EXPORTER_OTLP_HEADERS": "api-key=headerissecret", "OTEL_SERVICE_NAME": "chat-gateway",
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test", **more}


def config(*engines, **more):
    return {"engines": [{"name": name, "dialect": "openai", "url": url, "probe_interval": "100ms"}
                        for name, url in engines], **more}


def one(spans, name):
    found = [span for span in spans if span["name"] == name]
    assert len(found) == 1, f"{len(found)} spans are called {name!r}: {[span['name'] for span in spans]}"
    return found[0]


def traceparent(trace=OWN_TRACE, caller=CALLER, flags="01"):
    return {"traceparent": f"00-{trace}-{caller}-{flags}", "tracestate": "vendor=x"}


def trace_id_of(segue):
    lines = [json.loads(line) for line in segue.log.splitlines() if line.startswith("{") and '"endpoint"' in line]
    return lines[-1]["trace_id"]


def wait_for(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not come true in time"
        time.sleep(0.02)


def inside(child, parent):
    return (int(parent["startTimeUnixNano"]) <= int(child["startTimeUnixNano"])
            and int(child["endTimeUnixNano"]) <= int(parent["endTimeUnixNano"]))


@pytest.mark.parametrize("stream", [False, True])
def test_a_request_is_one_trace_from_the_caller_to_the_engine(collector, engine, stream):
    engine.faults({"slow": {"first_ms": 60, "gap_ms": 5}})
    segue = Segue(config(("e", engine.url)), environment(collector))
    try:
        segue.wait_ready()
        before = time.time_ns()
        assert segue.request("POST", "/api/chat", {**CHAT, "stream": stream}, traceparent()).status == 200
        after = time.time_ns()
        spans = collector.trace(OWN_TRACE, 6)
        assert sorted(span["name"] for span in spans) == [
            "POST /api/chat", "chat segue-tiny", "connect", "first event", "queue", "stream"]
        server, attempt = one(spans, "POST /api/chat"), one(spans, "chat segue-tiny")
        assert server["parentSpanId"] == CALLER and server["kind"] == 2 and server["flags"] & 0x200
        assert attempt["parentSpanId"] == server["spanId"] and attempt["kind"] == 3
        assert one(spans, "queue")["parentSpanId"] == server["spanId"]
        for name in ("connect", "first event", "stream"):
            assert one(spans, name)["parentSpanId"] == attempt["spanId"] and inside(one(spans, name), attempt)
        assert inside(attempt, server) and inside(one(spans, "queue"), server)
        assert all(span["traceState"] == "vendor=x" for span in spans)
        first = one(spans, "first event")
        assert int(first["endTimeUnixNano"]) - int(first["startTimeUnixNano"]) >= 55_000_000
        slack = 50_000_000  # the clocks are read one after the other
        assert before - slack <= int(server["startTimeUnixNano"]) and int(server["endTimeUnixNano"]) <= after + slack

        # The engine was told the attempt's own id, so that its spans hang below it.
        asked = [request for request in engine.requests()["requests"] if "/v1/chat/completions" in request["path"]
                 and any(name.lower() == "traceparent" for name in names(request))]
        assert header(asked[-1], "traceparent") == f"00-{OWN_TRACE}-{attempt['spanId']}-01"
        assert header(asked[-1], "tracestate") == "vendor=x"

        assert GENERATION <= set(server["attributes"]) and server["attributes"]["gen_ai.operation.name"] == "chat"
        assert server["attributes"]["http.response.status_code"] == 200
        assert attempt["attributes"]["gen_ai.provider.name"] == "vllm"
        assert attempt["attributes"]["server.port"] == engine.port
        assert collector.resources[0]["service.name"] == "chat-gateway"
        assert collector.resources[0]["deployment.environment.name"] == "test"
        assert collector.headers[0]["api-key"] == "headerissecret"
        assert "headerissecret" not in segue.log
        assert "promptissecret" not in json.dumps(collector.spans)
    finally:
        segue.stop()


def names(request):
    headers = request["headers"]
    return list(headers) if isinstance(headers, dict) else [row[0] for row in headers]


def header(request, wanted):
    headers = request["headers"]
    rows = headers.items() if isinstance(headers, dict) else headers
    return next(value for name, value in rows if name.lower() == wanted)


def test_each_attempt_is_a_span_and_a_root_begins_here(collector, engine):
    broken = ReplayEngine("openai")
    broken.on("/v1/chat/completions", lambda seen: Answer(end="drop"))
    models = [{"name": "segue-tiny", "targets": [{"engine": "first"}, {"engine": "second", "priority": 1}]}]
    segue = Segue(config(("first", broken.url), ("second", engine.url), models=models), environment(collector))
    try:
        wait_for(lambda: all(e["state"] == "up" for e in segue.get("/segue/v1/engines").json()["engines"]))
        assert segue.request("POST", "/v1/chat/completions", {"model": "segue-tiny", "messages": CHAT["messages"]}
                             ).status == 200
        wait_for(lambda: '"endpoint":"chat"' in segue.log)
        spans = collector.trace(trace_id_of(segue), 9)
        server = one(spans, "POST /v1/chat/completions")
        assert "parentSpanId" not in server and "code" not in server["status"]
        assert server["attributes"]["segue.attempts"] == 2
        attempts = {span["attributes"]["segue.engine"]: span for span in spans if span["kind"] == 3}
        assert attempts["first"]["status"]["code"] == 2 and "engine 'first'" in attempts["first"]["status"]["message"]
        assert attempts["second"]["status"] == {}
        assert {span["parentSpanId"] for span in attempts.values()} == {server["spanId"]}
        sent = {seen.get("traceparent").split("-")[2] for seen in broken.requests}
        assert sent == {attempts["first"]["spanId"]}
    finally:
        segue.stop()
        broken.stop()


def test_sampling_follows_the_caller_and_what_was_decided_is_passed_on(collector, engine):
    segue = Segue(config(("e", engine.url)), environment(collector, OTEL_TRACES_SAMPLER="parentbased_traceidratio",
                                                         OTEL_TRACES_SAMPLER_ARG="0"))
    try:
        segue.wait_ready()
        assert segue.request("POST", "/api/chat", CHAT, traceparent("c" * 32, flags="00")).status == 200
        assert segue.request("POST", "/api/chat", CHAT).status == 200  # the share is 0
        assert segue.request("POST", "/api/chat", CHAT, traceparent("d" * 32, flags="01")).status == 200
        collector.trace("d" * 32, 6)
        assert {span["traceId"] for span in collector.spans} == {"d" * 32}
        told = [header(request, "traceparent") for request in engine.requests()["requests"]
                if "/v1/chat/completions" in request["path"] and "traceparent" in [n.lower() for n in names(request)]]
        assert [value[-2:] for value in told[-3:]] == ["00", "00", "01"]
        assert told[-3].startswith(f"00-{'c' * 32}-")
    finally:
        segue.stop()


def test_a_trace_context_that_makes_no_sense_is_not_passed_on(collector, engine):
    segue = Segue(config(("e", engine.url)), environment(collector))
    try:
        segue.wait_ready()
        for nonsense in ("00-" + "0" * 32 + f"-{CALLER}-01", f"00-{OWN_TRACE}-{'0' * 16}-01", f"ff-{OWN_TRACE}-{CALLER}-01",
                         f"00-{OWN_TRACE.upper()}-{CALLER}-01", "hello"):
            assert segue.request("POST", "/api/chat", CHAT, {"traceparent": nonsense}).status == 200
        wait_for(lambda: len([span for span in collector.spans if span["kind"] == 2]) == 5)
        roots = [span for span in collector.spans if span["kind"] == 2]
        assert all("parentSpanId" not in span and span["traceId"] != OWN_TRACE for span in roots)
        assert len({span["traceId"] for span in roots}) == 5
    finally:
        segue.stop()


def test_what_is_there_is_sent_at_the_end_and_health_checks_are_no_traces(collector, engine):
    segue = Segue(config(("e", engine.url)), environment(collector, OTEL_BSP_SCHEDULE_DELAY="600000"))
    try:
        segue.wait_ready()
        for path in ("/livez", "/readyz", "/metrics", "/segue/v1/engines"):
            segue.get(path)
        assert segue.request("POST", "/api/chat", CHAT, traceparent()).status == 200
        assert segue.get("/api/nothing").status == 404
        assert not collector.spans
    finally:
        assert segue.stop() == 0
    collector.trace(OWN_TRACE, 6)
    assert {span["name"] for span in collector.spans if span["kind"] == 2} == {"POST /api/chat", "GET"}


def test_a_collector_that_fails_or_is_away_costs_spans_and_no_request(collector, engine):
    collector.statuses.extend([503, 400])
    segue = Segue(config(("e", engine.url)), environment(collector))
    try:
        segue.wait_ready()
        assert segue.request("POST", "/api/chat", CHAT, traceparent("1" * 32)).status == 200
        wait_for(lambda: 'segue_traces_total{outcome="failed"} 1' in segue.get("/metrics").text)
        assert "traces cannot be sent to" in segue.log
        assert segue.request("POST", "/api/chat", CHAT, traceparent("2" * 32)).status == 200
        collector.trace("2" * 32, 6)
        wait_for(lambda: 'segue_traces_total{outcome="exported"} 1' in segue.get("/metrics").text)
        assert "are sent to" in segue.log
        assert not [span for span in collector.spans if span["traceId"] == "1" * 32]
    finally:
        segue.stop()
    away = Segue(config(("e", engine.url)), environment(collector, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9"))
    try:
        away.wait_ready()
        for _ in range(20):
            assert away.request("POST", "/api/chat", CHAT).status == 200
        begun = time.monotonic()
    finally:
        assert away.stop() == 0
    assert time.monotonic() - begun < 8, "the end of a process must not wait for a collector"


def test_off_is_off(engine):
    segue = Segue(config(("e", engine.url)))
    try:
        segue.wait_ready()
        assert segue.request("POST", "/api/chat", CHAT, traceparent()).status == 200
        assert "segue_traces_total" not in segue.get("/metrics").text
        told = [header(request, "traceparent") for request in engine.requests()["requests"]
                if "traceparent" in [n.lower() for n in names(request)]]
        assert re.fullmatch(f"00-{OWN_TRACE}-[0-9a-f]{{16}}-01", told[-1]) and CALLER not in told[-1]
    finally:
        segue.stop()


def test_a_variable_that_makes_no_sense_stops_the_start(engine):
    with pytest.raises(NotStarted) as error:
        Segue(config(("e", engine.url)), {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317",
                                          "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    assert "ended with 2" in str(error.value) and "http/json" in str(error.value)
