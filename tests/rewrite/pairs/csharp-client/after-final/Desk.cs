using System;
using OllamaSharp;

namespace Desk;

public class Assistant
{
    private readonly OllamaApiClient _client = new(
        Environment.GetEnvironmentVariable("VLLM_ENDPOINT") ?? "http://localhost:8000", "microsoft/phi-4");
}
