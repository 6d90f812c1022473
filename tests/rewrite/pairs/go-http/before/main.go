package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
)

type ollamaRequest struct {
	Model  string `json:"model"`
	Prompt string `json:"prompt"`
}

func ollamaURL() string {
	if v := os.Getenv("OLLAMA_URL"); v != "" {
		return v
	}
	return "http://localhost:11434"
}

func ask(prompt string) (*http.Response, error) {
	body, _ := json.Marshal(ollamaRequest{Model: "llama3.1:8b", Prompt: prompt})
	return http.Post(ollamaURL()+"/api/generate", "application/json", bytes.NewReader(body))
}
