"""Certificates for tests, made by the openssl program."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, stdin=subprocess.DEVNULL, capture_output=True)


def make(folder: Path, name: str, signer: tuple[str, str] | None = None, days: int = 30) -> tuple[str, str]:
    """A certificate for localhost and its key; signed by itself, or by `signer` (certificate, key)."""
    certificate, key, request = (str(folder / f"{name}.{kind}") for kind in ("crt", "key", "csr"))
    extra = folder / f"{name}.ext"
    extra.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:TRUE\n")
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
            "-keyout", key, "-out", request)
    by = ["-CA", signer[0], "-CAkey", signer[1], "-CAcreateserial"] if signer else ["-signkey", key]
    openssl("x509", "-req", "-in", request, *by, "-days", str(days), "-extfile", str(extra), "-out", certificate)
    return certificate, key


def trusting(certificate: str, *protocols: str, client: tuple[str, str] | None = None) -> ssl.SSLContext:
    """A client's context that believes this certificate alone."""
    context = ssl.create_default_context(cafile=certificate)
    if protocols:
        context.set_alpn_protocols(list(protocols))
    if client:
        context.load_cert_chain(*client)
    return context
