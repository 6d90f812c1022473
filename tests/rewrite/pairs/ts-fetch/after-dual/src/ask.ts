import * as aiClient from './ai-client'
const OLLAMA_URL = process.env.OLLAMA_URL || 'http://localhost:11434'

interface GenerateResponse {
  model: string
  choices: { message: { role: string; content: string | null } }[]
}

export async function ask(prompt: string): Promise<string> {
  const res = await fetch(`${aiClient.address(OLLAMA_URL)}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ model: aiClient.model('llama3.1:8b'), messages: [{ role: 'user', content: prompt }], stream: false }),
  })
  if (!res.ok) throw new Error(`Ollama: ${res.status}`)
  const data: GenerateResponse = await res.json()
  return data.choices[0].message.content ?? ''
}

export async function models(): Promise<string[]> {
  const res = await fetch(`${aiClient.address(OLLAMA_URL)}/v1/models`)
  const data = await res.json()
  return data.data.map((m: { id: string }) => m.id)
}
