import { ref } from 'vue'

export interface ChatMessage {
  role: 'user' | 'assistant'
  content: string
}

interface ServerEvent {
  name: string
  data: { text?: string; conversation?: string; model?: string }
}

/** Reads server-sent events from a stream that may be cut anywhere. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder()
  const reader = body.getReader()
  let buffer = ''
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return
    buffer += decoder.decode(value, { stream: true })
    let end: number
    while ((end = buffer.indexOf('\n\n')) >= 0) {
      const block = buffer.slice(0, end)
      buffer = buffer.slice(end + 2)
      const name = /^event: (.*)$/m.exec(block)?.[1] ?? 'message'
      const data = /^data: (.*)$/m.exec(block)?.[1] ?? '{}'
      yield { name, data: JSON.parse(data) }
    }
  }
}

/** One conversation with the backend. */
export function useChat(send: typeof fetch = fetch) {
  const messages = ref<ChatMessage[]>([])
  const model = ref('')
  const error = ref('')
  const busy = ref(false)
  let conversation: string | undefined

  async function ask(question: string): Promise<void> {
    busy.value = true
    error.value = ''
    messages.value.push({ role: 'user', content: question }, { role: 'assistant', content: '' })
    const answer = messages.value[messages.value.length - 1]!
    try {
      const response = await send('/api/chat/stream', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ question, conversation }),
      })
      if (!response.ok || !response.body) throw new Error(`the server answered ${response.status}`)
      for await (const { name, data } of readEvents(response.body)) {
        if (name === 'begin') {
          conversation = data.conversation
          model.value = data.model ?? ''
        } else if (name === 'piece') answer.content += data.text ?? ''
        else if (name === 'error') error.value = data.text ?? ''
      }
    } catch {
      error.value = 'Ollama cannot be reached. Please try again in a minute.'
    } finally {
      busy.value = false
    }
  }

  return { messages, model, error, busy, ask }
}
