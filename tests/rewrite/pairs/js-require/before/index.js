const { Ollama } = require('ollama')

const client = new Ollama({ host: 'http://127.0.0.1:11434' })

async function main() {
  const { models } = await client.list()
  console.log(models.map((m) => m.name))
  const { embeddings } = await client.embed({ model: 'nomic-embed-text', input: ['a', 'b'] })
  console.log(embeddings.length)
}

main()
