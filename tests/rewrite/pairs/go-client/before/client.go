package desk

import (
	"context"
	"os"

	"github.com/ollama/ollama/api"
)

func Ask(ctx context.Context, question string) (string, error) {
	client, err := api.ClientFromEnvironment()
	if err != nil {
		return "", err
	}
	model := os.Getenv("OLLAMA_MODEL")
	if model == "" {
		model = "llama3.1:8b"
	}
	answer := ""
	err = client.Generate(ctx, &api.GenerateRequest{Model: model, Prompt: question}, func(r api.GenerateResponse) error {
		answer += r.Response
		return nil
	})
	return answer, err
}
