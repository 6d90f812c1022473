const { Ollama } = require('ollama')

const client = new Ollama({ host: 'http://localhost:11434' })

module.exports = { client }
