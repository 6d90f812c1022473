const OLLAMA_URL = process.env.OLLAMA_URL || 'http://localhost:11434'

export async function turn(messages, tools, run) {
  const reply = await fetch(`${OLLAMA_URL}/api/chat`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ model: 'llama3.1:8b', messages, tools, stream: false }),
  })
  const { message } = await reply.json()
  messages.push(message)
  for (const call of message.tool_calls || []) {
    const { name } = call.function
    messages.push({ role: 'tool', tool_name: name, content: await run(name, call.function.arguments) })
  }
  return message.content
}
