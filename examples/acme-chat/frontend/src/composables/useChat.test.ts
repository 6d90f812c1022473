import { describe, expect, it } from 'vitest'
import { useChat } from './useChat'

const stream =
  'event: begin\ndata: {"conversation": "c1", "model": "acme"}\n\n' +
  'event: piece\ndata: {"text": "Gr\u00fc\u00df "}\n\nevent: piece\ndata: {"text": "Gott!"}\n\n' +
  'event: end\ndata: {"conversation": "c1"}\n\n'

/** A server whose bytes arrive one by one. */
function answering(text: string, status = 200): typeof fetch {
  return async () => {
    const bytes = new TextEncoder().encode(text)
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of bytes) controller.enqueue(new Uint8Array([byte]))
        controller.close()
      },
    })
    return new Response(body, { status })
  }
}

describe('useChat', () => {
  it('puts the pieces together', async () => {
    const chat = useChat(answering(stream))
    await chat.ask('Hello?')
    expect(chat.messages.value).toEqual([
      { role: 'user', content: 'Hello?' },
      { role: 'assistant', content: 'Grüß Gott!' },
    ])
    expect(chat.model.value).toBe('acme')
    expect(chat.error.value).toBe('')
    expect(chat.busy.value).toBe(false)
  })

  it('says when the model refuses', async () => {
    const chat = useChat(answering('event: error\ndata: {"text": "No."}\n\n'))
    await chat.ask('Hello?')
    expect(chat.error.value).toBe('No.')
  })

  it('says when nobody answers', async () => {
    const chat = useChat(answering('', 503))
    await chat.ask('Hello?')
    expect(chat.error.value).toContain('cannot be reached')
  })
})
