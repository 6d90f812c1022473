const BASE = 'http://localhost:8000'

export async function stream(messages: { role: string; content: string }[], onText: (text: string) => void) {
  const response = await fetch(`${BASE}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ stream: true, model: 'meta-llama/Llama-3.1-8B-Instruct', messages }),
  })
  const reader = response.body!.getReader()
  const decoder = new TextDecoder()
  let buffer = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    buffer += decoder.decode(value, { stream: true })
    const lines = buffer.split('\n')
    buffer = lines.pop() ?? ''
    for (const line of lines) {
      if (!line.trim()) continue
      if (!line.startsWith('data: ') || line.trim() === 'data: [DONE]') continue
      const chunk = JSON.parse(line.slice(6))
      if (!chunk.choices?.length) continue
      if (chunk.choices?.[0]?.delta?.content) onText(chunk.choices[0]?.delta?.content ?? '')
    }
  }
}
