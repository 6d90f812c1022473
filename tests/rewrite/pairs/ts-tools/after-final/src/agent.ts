import OpenAI from 'openai'

const vllmClient = new OpenAI({ baseURL: `${process.env.VLLM_ENDPOINT ?? 'http://localhost:8000'}/v1`, apiKey: process.env.VLLM_API_KEY ?? 'EMPTY' })

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
  const response = await vllmClient.chat.completions.create({ model: 'meta-llama/Llama-3.1-8B-Instruct', messages: [{ role: 'user', content: question }], tools })
  const found: string[] = []
  for (const call of response.choices[0]!.message.tool_calls ?? []) {
    if (call.type !== 'function') continue
    found.push(String(JSON.parse(call.function.arguments)['city']))
  }
  return found.length > 0 ? found : [response.choices[0]?.message.content ?? '']
}
