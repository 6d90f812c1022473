import ollama from 'ollama'

export async function prepare(name: string) {
  await ollama.pull({ model: name })
  for await (const part of await ollama.pull({ model: name, stream: true })) console.log(part.status)
}

export async function ask(question: string) {
  const reply = await ollama.generate({ model: 'llama3.1:8b', prompt: question })
  return reply.response
}
