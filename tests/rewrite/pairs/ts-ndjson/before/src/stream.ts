const BASE = 'http://localhost:11434'

export async function stream(messages: { role: string; content: string }[], onText: (text: string) => void) {
  const response = await fetch(`${BASE}/api/chat`, {
    method: 'POST',
    body: JSON.stringify({ model: 'llama3.1:8b', messages }),
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
      const chunk = JSON.parse(line)
      if (chunk.message?.content) onText(chunk.message.content)
    }
  }
}
