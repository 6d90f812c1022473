"""The proxies that `make bench` measures, one class each: how it is started with one worker on one core, where it answers, and what a
client sends it. Each command line is the documented one; rate limits and access logs are off for all.
"""
import json
import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / ".deps/peers"
CHAT = "/v1/chat/completions"
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))    # what is measured is on this machine


class Proxy:
    """A way of a request to the upstream. `name` is what --only and the results say."""
    name = "direct"
    title = "direct"
    path = CHAT
    model = "bench"
    headers = {}
    dialect = "openai"       # of the client
    ready_path = "/health"
    start_seconds = 20
    is_pausable = False      # it may be stopped while others are measured: it looks after no engine meanwhile

    def __init__(self, options):
        self.segue = options.segue
        self.files = min(options.files, 40000)    # descriptors that a process may have

    def missing(self):
        """Why it cannot be measured here, or nothing."""
        return ""

    def version(self):
        return ""

    def command(self, folder, port, upstream):
        """Arguments and extra environment; writes its configuration into `folder`."""
        return None

    def body(self, prompt, events, gap_us, streams):
        # `stream` stands before the long prompt, so that nobody has to search 100 KB for it.
        value = {"model": self.model, "stream": streams,
                 "messages": [{"role": "user", "content": f"[mk-00000000 n{events:04d} g{gap_us:07d}] {prompt}"}]}
        return json.dumps(value, separators=(",", ":"))

    @property
    def end(self):
        return "[DONE]" if self.dialect == "openai" else '"done":true'


class Installed(Proxy):
    """One that `tools/deps bench` puts into .deps/peers."""
    folder = program = package = ""

    def missing(self):
        place = PEERS / self.folder
        if (place / ".version").exists() and (place / self.program).exists():
            return ""
        failed = place / ".failed"
        return failed.read_text().strip() or "cannot be installed" if failed.exists() else "not installed; run tools/deps bench"

    def version(self):
        pins = ROOT / "bench/pins" / f"{self.folder}.txt"
        return re.search(rf"^{re.escape(self.package)}(?:\[\w+\])?==(\S+)", pins.read_text(), re.M).group(1)


class Nginx(Proxy):
    name = title = "nginx"

    def missing(self):
        return "" if tool("nginx") else "not installed"

    def version(self):
        return re.search(r"nginx/(\S+)", output([tool("nginx"), "-v"])).group(1)

    def command(self, folder, port, upstream):
        (folder / "nginx.conf").write_text(f"""
worker_processes 1; worker_rlimit_nofile {self.files}; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections {self.files - 100}; }}
http {{
  access_log off; client_max_body_size 0; client_body_buffer_size 256k;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  keepalive_requests 100000000;
  upstream engine {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=16384;
    location / {{ proxy_pass http://engine; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }}
  }}
}}""")
        return [tool("nginx"), "-p", folder, "-c", folder / "nginx.conf"], {}


class HaProxy(Proxy):
    name, title = "haproxy", "HAProxy"

    def missing(self):
        return "" if tool("haproxy") else "not installed"

    def version(self):
        return re.search(r"version (\S+)", output([tool("haproxy"), "-v"])).group(1)

    def command(self, folder, port, upstream):
        (folder / "haproxy.cfg").write_text(f"""
global
  nbthread 1
  maxconn {self.files // 2 - 100}
defaults
  mode http
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  timeout http-keep-alive 300s
  http-reuse always
  option http-no-delay
frontend front
  bind 127.0.0.1:{port} backlog 16384
  default_backend engine
backend engine
  server engine 127.0.0.1:{upstream} pool-max-conn -1
""")
        return [tool("haproxy"), "-f", folder / "haproxy.cfg"], {}


class Segue(Proxy):
    """The relay: an OpenAI client before an OpenAI engine."""
    name, title = "segue", "Segue, relay"
    engine = "openai"
    ready_path = "/readyz"

    def missing(self):
        return "" if self.segue.exists() else f"{self.segue} is not built"

    def version(self):
        commit = output(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"]).strip()
        return f"{output([self.segue, '--version']).split()[-1]} ({commit})"

    def command(self, folder, port, upstream):
        (folder / "segue.yaml").write_text(f"""
listen: 127.0.0.1:{port}
workers: 1
data_dir: {folder}/data
database: none
engines: [{{name: bench, dialect: {self.engine}, url: "http://127.0.0.1:{upstream}", probe_capabilities: false}}]
models: [{{name: bench, targets: [{{engine: bench, model: bench}}], profile: {{capabilities: [completion]}}}}]
log: {{level: "off"}}
""")
        return [self.segue, "serve", "--no-store", "--config", folder / "segue.yaml"], {}


class SegueFromOllama(Segue):
    """An application that was written for Ollama, in front of vLLM: the way that most who migrate will run."""
    name, title = "segue-from-ollama", "Segue, Ollama client → vLLM"
    path, dialect = "/api/chat", "ollama"


class SegueToOllama(Segue):
    name, title = "segue-to-ollama", "Segue, OpenAI client → Ollama"
    engine = "ollama"


class Smg(Installed):
    name, title, folder, program, package = "smg", "SMG", "smg", "bin/smg", "smg"

    def command(self, folder, port, upstream):
        return [PEERS / "smg/bin/smg", "launch", "--host", "127.0.0.1", "--port", port, "--worker-urls", f"http://127.0.0.1:{upstream}",
                "--backend", "vllm", "--policy", "round_robin", "--max-concurrent-requests", 100000, "--disable-tokenizer-autoload",
                "--history-backend", "none", "--prometheus-host", "127.0.0.1", "--prometheus-port", free_port(),
                "--worker-startup-check-interval", 1, "--log-level", "error"], {"TOKIO_WORKER_THREADS": "1", "HF_HUB_OFFLINE": "1"}


class VllmRouter(Installed):
    name = title = folder = package = "vllm-router"
    program = "bin/vllm-router"

    def command(self, folder, port, upstream):
        return [PEERS / "vllm-router/bin/vllm-router", "--host", "127.0.0.1", "--port", port,
                "--worker-urls", f"http://127.0.0.1:{upstream}", "--policy", "round_robin", "--max-concurrent-requests", 100000,
                "--rate-limit-tokens-per-second", 100000000, "--prometheus-host", "127.0.0.1", "--prometheus-port", free_port(),
                "--worker-startup-check-interval", 1, "--log-level", "error"], {"TOKIO_WORKER_THREADS": "1", "HF_HUB_OFFLINE": "1"}


class Ferro(Installed):
    name, title, folder, program, package = "ferro", "Ferro", "ferrogw", "bin/ferrogw", "ferrogw"
    is_pausable = True
    model = "gpt-4o-mini"    # it sends only models of its catalogue to an OpenAI-style engine

    def command(self, folder, port, upstream):
        (folder / "ferro.yaml").write_text("strategy: {mode: single}\ntargets: [{virtual_key: openai}]\n")
        return [PEERS / "ferrogw/bin/ferrogw", "serve"], {
            "GATEWAY_CONFIG": str(folder / "ferro.yaml"), "PORT": str(port), "OPENAI_API_KEY": "none",
            "OPENAI_BASE_URL": f"http://127.0.0.1:{upstream}/v1", "MASTER_KEY": "fgw_" + "0" * 32,
            "ALLOW_UNAUTHENTICATED_PROXY": "true", "RATE_LIMIT_RPS": "0", "FERRO_MODEL_CATALOG_TIMEOUT": "0",
            "LOG_LEVEL": "error", "GOMAXPROCS": "1"}


class LiteLlm(Installed):
    name, title, folder, program, package = "litellm", "LiteLLM", "litellm", "bin/litellm", "litellm"
    ready_path = "/health/liveliness"
    start_seconds = 90
    is_pausable = True
    engine = "hosted_vllm"

    def command(self, folder, port, upstream):
        suffix = "/v1" if self.engine == "hosted_vllm" else ""
        (folder / "litellm.yaml").write_text(f"""
model_list:
  - model_name: bench
    litellm_params: {{model: {self.engine}/bench, api_base: "http://127.0.0.1:{upstream}{suffix}", api_key: none}}
litellm_settings: {{telemetry: false, num_retries: 0}}
""")
        return [PEERS / "litellm/bin/litellm", "--config", folder / "litellm.yaml", "--host", "127.0.0.1", "--port", port,
                "--num_workers", 1, "--telemetry", "False"], {
            "LITELLM_LOG": "ERROR", "LITELLM_MODE": "PRODUCTION", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "HF_HUB_OFFLINE": "1",
            "OPENBLAS_NUM_THREADS": "1", "DISABLE_ADMIN_UI": "True", "NO_DOCS": "True"}


class LiteLlmToOllama(LiteLlm):
    name, title, engine = "litellm-to-ollama", "LiteLLM, OpenAI client → Ollama", "ollama_chat"


class Portkey(Installed):
    name, title, folder = "portkey", "Portkey", "portkey"
    is_pausable = True
    program = "node_modules/@portkey-ai/gateway/build/start-server.js"
    ready_path = "/"

    def __init__(self, options):
        super().__init__(options)
        self.headers = {}

    def version(self):
        return json.loads((ROOT / "bench/pins/portkey/package.json").read_text())["dependencies"]["@portkey-ai/gateway"]

    def command(self, folder, port, upstream):
        # It takes the engine from the request's headers.
        self.headers = {"x-portkey-provider": "openai", "authorization": "Bearer none",
                        "x-portkey-custom-host": f"http://127.0.0.1:{upstream}/v1"}
        return [ROOT / ".deps/node/bin/node", PEERS / self.folder / self.program, f"--port={port}", "--headless"], {
            "NODE_ENV": "production", "TRUSTED_CUSTOM_HOSTS": "127.0.0.1,localhost"}


ALL = [Proxy, Nginx, HaProxy, Segue, SegueFromOllama, SegueToOllama, Smg, VllmRouter, Ferro, LiteLlm, Portkey]
EXTRA = [LiteLlmToOllama]    # measured only when --only names them


def tool(name):
    """A program that may lie where only root's PATH looks."""
    for folder in [*os.environ.get("PATH", "").split(":"), "/usr/sbin", "/usr/local/sbin"]:
        if folder and os.access(Path(folder) / name, os.X_OK):
            return str(Path(folder) / name)
    return ""


def output(command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(port, path, body=None, headers=None, timeout=10):
    """Status and text of one request; status 0 when nothing answers."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body.encode() if body else None,
                                     headers={"Content-Type": "application/json", **(headers or {})})
    try:
        with OPENER.open(request, timeout=timeout) as reply:
            return reply.status, reply.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
    except (OSError, ValueError) as error:
        return 0, str(error)


def wait_until(check, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if check():
            return True
        time.sleep(0.1)
    return False
