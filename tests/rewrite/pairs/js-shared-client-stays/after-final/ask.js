const { client } = require('./client')

exports.ask = async (question) => (await client.generate({ model: 'mistralai/Mistral-7B-Instruct-v0.3', prompt: question })).response
