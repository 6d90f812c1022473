import { ChatOllama } from "@langchain/ollama";

export const llm = new ChatOllama({
  model: "llama3.1:8b",
  baseUrl: process.env.OLLAMA_BASE_URL ?? "http://localhost:11434",
  temperature: 0,
});
