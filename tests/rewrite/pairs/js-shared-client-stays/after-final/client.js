const { Ollama } = require('ollama')

const client = new Ollama({ host: 'http://localhost:8000' })

module.exports = { client }
