const VLLM_ENDPOINT = process.env.VLLM_ENDPOINT ?? 'http://localhost:8000'

interface VllmChatReply {
  choices: { message: { role: string; content: string | null } }[]
}

export async function complete(prompt: string): Promise<string> {
  const body = { model: 'meta-llama/Llama-3.1-8B-Instruct', messages: [{ role: 'user', content: prompt }], stream: false }
  const response = await fetch(`${VLLM_ENDPOINT}/v1/chat/completions`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })
  const data = (await response.json()) as VllmChatReply
  return (data.choices[0].message.content ?? '').trim()
}

export async function sketch(prompt: string): Promise<string> {
  const response = await fetch(`${VLLM_ENDPOINT}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ model: 'meta-llama/Llama-3.1-8B-Instruct', messages: [{ role: 'user', content: prompt }], stream: false }),
  })
  const data = (await response.json()) as { choices: { message: { role: string; content: string | null } }[] }
  return data.choices[0].message.content ?? ''
}

export async function either(prompt: string): Promise<string> {
  const response = await fetch(`${VLLM_ENDPOINT}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ model: 'meta-llama/Llama-3.1-8B-Instruct', messages: [{ role: 'user', content: prompt }], stream: false }),
  })
  const data: any = await response.json()
  return data.choices?.[0]?.message?.content || ''
}
