using System;
using OllamaSharp;

namespace Desk;

public class Assistant
{
    private readonly OllamaApiClient _client = new(
        Environment.GetEnvironmentVariable("OLLAMA_URL") ?? "http://localhost:11434", "phi4:14b");
}
