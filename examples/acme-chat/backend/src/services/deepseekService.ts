/**
 * Answers that need thought come from DeepSeek R1, which runs on our Ollama like the other models.
 * The model thinks aloud between <think> tags; readers get what comes after.
 */
const OLLAMA_URL = process.env.OLLAMA_URL ?? 'http://localhost:11434'
const DEEPSEEK_MODEL = process.env.DEEPSEEK_MODEL ?? 'deepseek-r1:7b'

interface OllamaChatResponse {
  model: string
  message: { role: string; content: string }
  done: boolean
  prompt_eval_count: number
  eval_count: number
}

export interface Analysis {
  text: string
  promptTokens: number
  answerTokens: number
}

export class DeepseekError extends Error {}

export function withoutThoughts(text: string): string {
  return text.replace(/<think>[\s\S]*?<\/think>/g, '').trim()
}

export async function analyse(question: string, context: string[] = []): Promise<Analysis> {
  const prompt = context.length > 0 ? `Passages:\n${context.join('\n\n')}\n\n${question}` : question
  const response = await fetch(`${OLLAMA_URL}/api/chat`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      model: DEEPSEEK_MODEL,
      messages: [{ role: 'user', content: prompt }],
      stream: false,
      options: { temperature: 0.6, num_predict: 512 },
    }),
  })
  if (!response.ok) {
    throw new DeepseekError(`Ollama answered ${response.status} for ${DEEPSEEK_MODEL}`)
  }
  const data = (await response.json()) as OllamaChatResponse
  return {
    text: withoutThoughts(data.message.content),
    promptTokens: data.prompt_eval_count,
    answerTokens: data.eval_count,
  }
}
