const { client } = require('./client')

exports.ask = async (question) => (await client.generate({ model: 'mistral:7b', prompt: question })).response
