import ollama

print([m.model for m in ollama.list().models])
