import { readFile } from 'node:fs/promises'

const BASE = 'http://localhost:11434'

export async function describe(path) {
  const picture = (await readFile(path)).toString('base64')
  const reply = await fetch(`${BASE}/api/generate`, {
    method: 'POST',
    body: JSON.stringify({ model: 'llava:7b', prompt: 'What is on it?', images: [picture], stream: false }),
  })
  const data = await reply.json()
  return data.response
}

export async function talk(question, pictures) {
  const reply = await fetch(BASE + '/api/chat', {
    method: 'POST',
    body: JSON.stringify({
      model: 'llava:7b',
      messages: [{ role: 'user', content: question, images: pictures }],
      stream: false,
    }),
  })
  return (await reply.json()).message.content
}
