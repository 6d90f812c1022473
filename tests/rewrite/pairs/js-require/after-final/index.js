const OpenAI = require('openai')

const client = new OpenAI({ baseURL: 'http://127.0.0.1:8000/v1', apiKey: process.env.VLLM_API_KEY ?? 'EMPTY' })

async function main() {
  const { data: models } = await client.models.list()
  console.log(models.map((m) => m.id))
  const embeddings = (await client.embeddings.create({ model: 'nomic-ai/nomic-embed-text-v1.5', input: ['a', 'b'] })).data.map((item) => item.embedding)
  console.log(embeddings.length)
}

main()
