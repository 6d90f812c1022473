import { ChatOpenAI } from "@langchain/openai";

export const llm = new ChatOpenAI({
  model: "meta-llama/Llama-3.1-8B-Instruct",
  configuration: { baseURL: `${process.env.VLLM_ENDPOINT ?? "http://localhost:8000"}/v1` },
  apiKey: process.env.VLLM_API_KEY ?? "EMPTY",
  temperature: 0,
});
