const VLLM_ENDPOINT = process.env.VLLM_ENDPOINT || 'http://localhost:8000'

interface GenerateResponse {
  model: string
  choices: { message: { role: string; content: string | null } }[]
}

export async function ask(prompt: string): Promise<string> {
  const res = await fetch(`${VLLM_ENDPOINT}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ model: 'meta-llama/Llama-3.1-8B-Instruct', messages: [{ role: 'user', content: prompt }], stream: false }),
  })
  if (!res.ok) throw new Error(`vLLM: ${res.status}`)
  const data: GenerateResponse = await res.json()
  return data.choices[0].message.content ?? ''
}

export async function models(): Promise<string[]> {
  const res = await fetch(`${VLLM_ENDPOINT}/v1/models`)
  const data = await res.json()
  return data.data.map((m: { id: string }) => m.id)
}
