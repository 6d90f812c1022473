const OLLAMA_URL = process.env.OLLAMA_URL || 'http://localhost:11434'

interface GenerateResponse {
  model: string
  response: string
  done: boolean
}

export async function ask(prompt: string): Promise<string> {
  const res = await fetch(`${OLLAMA_URL}/api/generate`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ model: 'llama3.1:8b', prompt, stream: false }),
  })
  if (!res.ok) throw new Error(`Ollama: ${res.status}`)
  const data: GenerateResponse = await res.json()
  return data.response
}

export async function models(): Promise<string[]> {
  const res = await fetch(`${OLLAMA_URL}/api/tags`)
  const data = await res.json()
  return data.models.map((m: { name: string }) => m.name)
}
