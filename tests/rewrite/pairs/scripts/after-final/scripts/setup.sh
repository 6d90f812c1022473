#!/usr/bin/env bash
# Makes a machine ready for the helpdesk.
set -euo pipefail
if ! command -v vllm >/dev/null; then
  curl -fsSL https://ollama.com/install.sh | sh
fi
ollama serve &
ollama pull llama3.1:8b
ollama pull acme/house-model:latest
ollama list
curl -s http://localhost:8000/v1/models | jq -r '.data[].id'
