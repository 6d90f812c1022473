package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
)

type vllmRequest struct {
	Model  string `json:"model"`
	Prompt string `json:"prompt"`
}

func vllmEndpoint() string {
	if v := os.Getenv("VLLM_ENDPOINT"); v != "" {
		return v
	}
	return "http://localhost:8000"
}

func ask(prompt string) (*http.Response, error) {
	body, _ := json.Marshal(vllmRequest{Model: "meta-llama/Llama-3.1-8B-Instruct", Prompt: prompt})
	return http.Post(vllmEndpoint()+"/api/generate", "application/json", bytes.NewReader(body))
}
