"""HTTPS on the listener: certificates, their renewal, and clients that behave badly before the first request."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest

from support import certificates, wire
from support.engines import Answer
from support.listener import TlsRig, chat, eventually, said
from support.rigs import MODEL
from support.segue import binary


@pytest.fixture(scope="module")
def rig():
    one = TlsRig(limits={"handshake_timeout": "500ms", "header_timeout": "700ms"})
    yield one
    one.stop()


def shown(rig, context=None) -> bytes:
    """The certificate that a new connection is shown."""
    plain = ssl.create_default_context()
    plain.check_hostname, plain.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", rig.port), 10) as raw:
        with (context or plain).wrap_socket(raw, server_hostname="localhost") as tls:
            return tls.getpeercert(True)


def der(certificate: str) -> bytes:
    return ssl.PEM_cert_to_DER_cert(Path(certificate).read_text())


def test_the_official_clients(rig):
    """over HTTP/1.1 and HTTP/2, whole answers and streams"""
    import httpx
    import httpx2
    import ollama
    import openai

    words = "each word of this comes alone"
    for http2 in (False, True):
        context = rig.context()
        client = openai.OpenAI(base_url=f"{rig.url}/v1", api_key="k",
                               http_client=httpx2.Client(verify=context, http2=http2))
        messages = [{"role": "user", "content": words}]
        whole = client.chat.completions.create(model=MODEL, messages=messages)
        assert whole.choices[0].message.content == words
        stream = client.chat.completions.create(model=MODEL, messages=messages, stream=True)
        assert "".join(part.choices[0].delta.content or "" for part in stream if part.choices) == words
        client.close()
        other = ollama.Client(rig.url, verify=rig.context(), http2=http2)
        assert other.chat(MODEL, messages)["message"]["content"] == words
        assert "".join(part["message"]["content"] for part in other.chat(MODEL, messages, stream=True)) == words
        with httpx.Client(verify=rig.context(), http2=http2) as bare:
            assert bare.get(f"{rig.url}/livez").http_version == ("HTTP/2" if http2 else "HTTP/1.1")


def test_versions(rig):
    for version, welcome in ((ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)):
        context = rig.context("http/1.1")
        context.minimum_version = context.maximum_version = version
        assert shown(rig, context) == der(rig.certificate)
    old = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{rig.port}", "-tls1_1", "-cipher",
                          "DEFAULT@SECLEVEL=0"], stdin=subprocess.DEVNULL, capture_output=True, timeout=20)
    assert old.returncode != 0
    strange = rig.context("http/9")
    with pytest.raises(ssl.SSLError):
        shown(rig, strange)


def test_plain_http_is_told_so(rig):
    with socket.create_connection(("127.0.0.1", rig.port), 10) as raw:
        raw.sendall(b"POST /api/chat HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{}")
        answer = b""
        while data := raw.recv(4096):
            answer += data
    assert answer.startswith(b"HTTP/1.1 400 ") and b"https://" in answer


def test_a_handshake_that_stalls(rig):
    for begin in (b"", b"\x16\x03\x01\x02\x00\x01"):
        with socket.create_connection(("127.0.0.1", rig.port), 10) as raw:
            raw.sendall(begin)
            started = time.monotonic()
            try:
                assert raw.recv(100) == b""
            except ConnectionResetError:  # what it sent was not read to its end
                pass
            assert 0.3 < time.monotonic() - started < 5
    assert rig.refusals()["handshake_timeout"] >= 2
    with socket.create_connection(("127.0.0.1", rig.port), 10) as raw:  # neither TLS nor HTTP
        raw.sendall(b"\x00" * 64)
        while raw.recv(4096):
            pass
    assert rig.get("/livez")[0] == 200


def test_a_slow_head_inside_tls(rig):
    with socket.create_connection(("127.0.0.1", rig.port), 10) as raw:
        with rig.context().wrap_socket(raw, server_hostname="localhost") as tls:
            head, done = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 200, threading.Event()

            def drip():
                for byte in head:
                    if done.wait(0.05):
                        return
                    try:
                        tls.send(bytes([byte]))
                    except OSError:
                        return

            thread = threading.Thread(target=drip)
            thread.start()
            try:
                assert tls.recv(1000).startswith(b"HTTP/1.1 408 ")
            finally:
                done.set()
                thread.join()


def test_large_bodies_both_ways(rig):
    """records of TLS are cut elsewhere than messages"""
    text = "".join(f"{number:07d} " for number in range(100_000))
    status, body = rig.ask("POST", "/v1/chat/completions", chat(text, stream=False))
    assert status == 200 and text.strip() in body


def test_renewal_under_load():
    """new handshakes see the new certificate, open connections go on, no request is lost"""
    rig = TlsRig()
    try:
        first = rig.certificate
        trusted = ssl.create_default_context(cafile=first)
        second, second_key = certificates.make(rig.path, "b")
        trusted.load_verify_locations(second)
        stop, counts, problems = threading.Event(), [0], []

        def load():
            while not stop.is_set():
                try:
                    connection = http.client.HTTPSConnection("127.0.0.1", rig.port, timeout=20, context=trusted)
                    connection.request("GET", "/livez")
                    assert connection.getresponse().status == 200
                    connection.close()
                    counts[0] += 1
                except Exception as error:  # noqa: BLE001 (reported below)
                    problems.append(repr(error))

        threads = [threading.Thread(target=load) for _ in range(3)]
        release = threading.Event()
        rig.engine.on("/v1/chat/completions", lambda seen: Answer.sse(
            [wire.delta(content="before "), release, wire.delta(content="after"), *wire.stream()], mode="recorded"))
        with socket.create_connection(("127.0.0.1", rig.port), 20) as raw:
            with trusted.wrap_socket(raw, server_hostname="localhost") as open_one:
                body = json.dumps(chat("x")).encode()
                open_one.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                                 b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
                got = open_one.recv(65536)
                for thread in threads:
                    thread.start()
                assert shown(rig) == der(first)
                # A half-made renewal, as scripts do it: first the certificate, later the key.
                shutil.copy(second, first)
                time.sleep(0.2)
                shutil.copy(second_key, rig.key)
                assert eventually(lambda: shown(rig) == der(second))
                release.set()
                while data := open_one.recv(65536):
                    got += data
        assert said_http1(got) == "before after"
        # A bad one changes nothing, and says why.
        Path(first).write_text("no certificate")
        rig.segue.child.send_signal(signal.SIGHUP)
        assert eventually(lambda: "the certificate stays as it was" in rig.segue.log)
        assert shown(rig) == der(second)
        stop.set()
        for thread in threads:
            thread.join()
        assert counts[0] > 10 and problems == []
    finally:
        rig.stop()


def said_http1(raw: bytes) -> str:
    """The text of a chunked, streamed answer as it came over the wire."""
    body, rest = b"", raw.split(b"\r\n\r\n", 1)[1]
    while rest:
        size, rest = rest.split(b"\r\n", 1)
        length = int(size, 16)
        if length == 0:
            break
        body, rest = body + rest[:length], rest[length + 2:]
    return said(body)


def test_sighup_reads_the_certificate_again():
    rig = TlsRig()
    try:
        second, second_key = certificates.make(rig.path, "b")
        os.replace(second, rig.certificate)
        os.replace(second_key, rig.key)
        rig.segue.child.send_signal(signal.SIGHUP)
        assert eventually(lambda: shown(rig) == der(rig.certificate))
        assert rig.get("/livez")[0] == 200
    finally:
        rig.stop()


def test_client_certificates():
    with tempfile.TemporaryDirectory() as folder:
        ca = certificates.make(Path(folder), "ca")
        client = certificates.make(Path(folder), "client", signer=ca)
        stranger = certificates.make(Path(folder), "stranger")
        rig = None
        original = TlsRig.context
        try:
            TlsRig.context = lambda self, *names, **more: original(self, *names, **{"client": client, **more})
            rig = TlsRig(tls={"client_ca": ca[0]})
            assert rig.get("/livez")[0] == 200
            for files in (None, stranger):
                with pytest.raises((ssl.SSLError, ConnectionError)):
                    context = original(rig, client=files)
                    with socket.create_connection(("127.0.0.1", rig.port), 10) as raw:
                        with context.wrap_socket(raw, server_hostname="localhost") as tls:
                            tls.sendall(b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                            if tls.recv(100) == b"":
                                raise ConnectionError("closed")
        finally:
            TlsRig.context = original
            if rig:
                rig.stop()


@pytest.mark.parametrize("what", ["missing", "garbage", "mismatch", "no key", "half", "folder"])
def test_a_bad_certificate_stops_the_start(tmp_path, what):
    certificate, key = certificates.make(tmp_path, "a")
    other = certificates.make(tmp_path, "b")[1]
    (tmp_path / "garbage").write_text("garbage")
    flags = {"missing": (certificate + "x", key, "cannot read the certificate"),
             "garbage": (str(tmp_path / "garbage"), key, "cannot use the certificate"),
             "mismatch": (certificate, other, "does not belong to the certificate"),
             "no key": (certificate, certificate, "cannot use the key"),
             "half": (certificate, "", "needs 'tls.key' beside it"),
             "folder": (str(tmp_path), key, "cannot use the certificate")}[what]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "SEGUE_LISTEN": "127.0.0.1:0",
                   "SEGUE_TLS_CERTIFICATE": flags[0], "SEGUE_TLS_KEY": flags[1], "SEGUE_DATA_DIR": str(tmp_path / "d")}
    done = subprocess.run([binary(), "serve"], env=environment, cwd=tmp_path, capture_output=True, timeout=20)
    assert done.returncode == 2, done
    assert flags[2] in done.stderr.decode()
    assert "PRIVATE" not in done.stderr.decode()
