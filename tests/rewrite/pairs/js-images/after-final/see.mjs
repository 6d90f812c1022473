import { readFile } from 'node:fs/promises'

const BASE = 'http://localhost:8000'

export async function describe(path) {
  const picture = (await readFile(path)).toString('base64')
  const reply = await fetch(`${BASE}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ model: 'llava-hf/llava-v1.6-mistral-7b-hf', messages: [{ role: 'user', content: [{ type: 'text', text: 'What is on it?' }, { type: 'image_url', image_url: { url: `data:image/jpeg;base64,${picture}` } }] }], stream: false }),
  })
  const data = await reply.json()
  return data.choices[0].message.content ?? ''
}

export async function talk(question, pictures) {
  const reply = await fetch(BASE + '/v1/chat/completions', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      model: 'llava-hf/llava-v1.6-mistral-7b-hf',
      messages: [{ role: 'user', content: [{ type: 'text', text: question }, ...pictures.map((image) => ({ type: 'image_url', image_url: { url: `data:image/jpeg;base64,${image}` } }))] }],
      stream: false,
    }),
  })
  return (await reply.json()).choices[0].message.content ?? ''
}
