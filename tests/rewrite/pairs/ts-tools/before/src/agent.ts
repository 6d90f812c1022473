import ollama from 'ollama'

const tools = [
  {
    type: 'function' as const,
    function: {
      name: 'getWeather',
      description: 'The weather in a city',
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    },
  },
]

export async function cities(question: string): Promise<string[]> {
  const response = await ollama.chat({ model: 'llama3.1:8b', messages: [{ role: 'user', content: question }], tools })
  const found: string[] = []
  for (const call of response.message.tool_calls ?? []) {
    found.push(String(call.function.arguments['city']))
  }
  return found.length > 0 ? found : [response.message.content]
}
