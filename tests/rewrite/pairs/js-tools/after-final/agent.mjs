const VLLM_ENDPOINT = process.env.VLLM_ENDPOINT || 'http://localhost:8000'

export async function turn(messages, tools, run) {
  const reply = await fetch(`${VLLM_ENDPOINT}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ model: 'meta-llama/Llama-3.1-8B-Instruct', messages, tools, stream: false }),
  })
  const message = (await reply.json()).choices[0].message
  messages.push(message)
  for (const call of message.tool_calls || []) {
    const { name } = call.function
    messages.push({ role: 'tool', tool_call_id: call.id, name: name, content: await run(name, JSON.parse(call.function.arguments)) })
  }
  return message.content ?? ''
}
