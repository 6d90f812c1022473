const OLLAMA_URL = process.env.OLLAMA_URL ?? 'http://localhost:11434'

interface OllamaGenerateRequest {
  model: string
  prompt: string
  stream: boolean
}

interface OllamaChatReply {
  message: {
    role: string
    content: string
  }
  done: boolean
}

export async function complete(prompt: string): Promise<string> {
  const body = { model: 'llama3.1:8b', messages: [{ role: 'user', content: prompt }], stream: false }
  const response = await fetch(`${OLLAMA_URL}/api/chat`, { method: 'POST', body: JSON.stringify(body) })
  const data = (await response.json()) as OllamaChatReply
  return data.message.content.trim()
}

export async function sketch(prompt: string): Promise<string> {
  const response = await fetch(`${OLLAMA_URL}/api/generate`, {
    method: 'POST',
    body: JSON.stringify({ model: 'llama3.1:8b', prompt, stream: false } satisfies OllamaGenerateRequest),
  })
  const data = (await response.json()) as { response: string }
  return data.response
}

export async function either(prompt: string): Promise<string> {
  const response = await fetch(`${OLLAMA_URL}/api/chat`, {
    method: 'POST',
    body: JSON.stringify({ model: 'llama3.1:8b', messages: [{ role: 'user', content: prompt }], stream: false }),
  })
  const data: any = await response.json()
  return data.message?.content || data.response || ''
}
