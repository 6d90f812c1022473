using OllamaSharp;

class Chat
{
    // falls back to Ollama
    private readonly OllamaApiClient _client = new OllamaApiClient("http://localhost:11434", "llama3.1:8b");
}
