"""A small identity provider that checks what real ones check: registered redirect, PKCE, a code that works once, the client's
secret. Whoever comes is signed in as `claims` say; what it does wrong on purpose is in `faults`."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import subprocess
import tempfile
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CLIENT, SECRET = "segue", "between us: s3cret/+"


def _word(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _openssl(*arguments: str, data: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *arguments], check=True, input=data, capture_output=True).stdout


class SigningKey:
    """RS256 or ES256, by the openssl program."""

    def __init__(self, algorithm: str, name: str):
        self.algorithm, self.name = algorithm, name
        self._folder = tempfile.TemporaryDirectory(prefix="segue-idp-")
        self._file = self._folder.name + "/key.pem"
        kind = ("RSA", "rsa_keygen_bits:2048") if algorithm == "RS256" else ("EC", "ec_paramgen_curve:P-256")
        _openssl("genpkey", "-algorithm", kind[0], "-pkeyopt", kind[1], "-out", self._file)

    def published(self) -> dict[str, str]:
        about = {"kid": self.name, "use": "sig", "alg": self.algorithm}
        if self.algorithm == "RS256":
            modulus = bytes.fromhex(_openssl("rsa", "-in", self._file, "-noout", "-modulus").decode().strip().partition("=")[2])
            return {**about, "kty": "RSA", "n": _word(modulus), "e": "AQAB"}
        point = _openssl("pkey", "-in", self._file, "-pubout", "-outform", "DER")[-64:]
        return {**about, "kty": "EC", "crv": "P-256", "x": _word(point[:32]), "y": _word(point[32:])}

    def sign(self, message: bytes) -> bytes:
        made = _openssl("dgst", "-sha256", "-sign", self._file, data=message)
        if self.algorithm == "RS256":
            return made
        out, at = b"", 4 if made[1] < 128 else 5  # SEQUENCE { INTEGER r, INTEGER s }
        for _ in range(2):
            length = made[at - 1]
            out += made[at:at + length][-32:].rjust(32, b"\0")
            at += length + 2
        return out


class IdentityProvider:
    """`key` signs, `published` are the keys that it tells of."""

    def __init__(self) -> None:
        self.key = SigningKey("RS256", "first")
        self.published = [self.key]
        self.header: dict[str, Any] = {}  # changes of the token's head
        self.keys_asked = 0
        self.claims: dict[str, Any] = {"sub": "1", "email": "carol@example.com", "email_verified": True, "name": "Carol"}
        self.faults: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def answer(self, status: int, body: Any) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self) -> None:
                url = urllib.parse.urlsplit(self.path)
                if url.path == "/realm/.well-known/openid-configuration":
                    self.answer(200, {"issuer": provider.issuer, "authorization_endpoint": f"{provider.issuer}/authorize",
                                      "token_endpoint": f"{provider.issuer}/token", "jwks_uri": f"{provider.issuer}/keys"})
                    return
                if url.path == "/realm/keys":
                    provider.keys_asked += 1
                    self.answer(200, {"keys": [key.published() for key in provider.published]})
                    return
                asked = dict(urllib.parse.parse_qsl(url.query))
                good = (url.path == "/realm/authorize" and asked["client_id"] == CLIENT and asked["response_type"] == "code"
                        and asked["code_challenge_method"] == "S256" and "openid" in asked["scope"].split()
                        and asked["redirect_uri"].endswith("/segue/v1/session/oidc/callback"))
                if not good:
                    self.answer(400, {"error": "invalid_request"})
                    return
                code = secrets.token_urlsafe(8)
                provider.codes[code] = asked
                back = urllib.parse.urlencode({"code": code, "state": asked["state"]})
                self.send_response(302)
                self.send_header("Location", f"{asked['redirect_uri']}?{back}")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_POST(self) -> None:
                form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
                user, _, password = base64.b64decode(self.headers.get("Authorization", "Basic ").split()[1]).decode().partition(":")
                asked = provider.codes.pop(form.get("code", ""), None)
                challenge = _word(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
                if (urllib.parse.unquote(user), urllib.parse.unquote(password)) != (CLIENT, SECRET):
                    self.answer(401, {"error": "invalid_client"})
                elif not asked or asked["redirect_uri"] != form["redirect_uri"] or challenge != asked["code_challenge"]:
                    self.answer(400, {"error": "invalid_grant"})
                else:
                    claims = {"iss": provider.issuer, "aud": CLIENT, "exp": int(time.time()) + 300, "nonce": asked["nonce"],
                              **provider.claims, **provider.faults}
                    head = {"alg": provider.key.algorithm, "kid": provider.key.name, **provider.header}
                    signed = ".".join(_word(json.dumps(part).encode()) for part in (head, claims))
                    token = f"{signed}.{_word(provider.key.sign(signed.encode()))}"
                    self.answer(200, {"access_token": "x", "token_type": "Bearer", "id_token": token})

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}/realm"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


if __name__ == "__main__":  # for tests that are not in Python: tells its issuer; each line that comes in is the next claims
    import sys

    PROVIDER = IdentityProvider()
    print(PROVIDER.issuer, flush=True)
    for line in sys.stdin:
        PROVIDER.claims = json.loads(line)
        print("ok", flush=True)
