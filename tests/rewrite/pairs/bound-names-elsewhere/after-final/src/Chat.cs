using OllamaSharp;

class Chat
{
    // falls back to vLLM
    private readonly OllamaApiClient _client = new OllamaApiClient("http://localhost:8000", "meta-llama/Llama-3.1-8B-Instruct");
}
