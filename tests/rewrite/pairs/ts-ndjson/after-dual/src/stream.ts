import * as aiClient from './ai-client'
const BASE = 'http://localhost:11434'

export async function stream(messages: { role: string; content: string }[], onText: (text: string) => void) {
  const response = await fetch(`${aiClient.address(BASE)}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ stream: true, model: aiClient.model('llama3.1:8b'), messages }),
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
