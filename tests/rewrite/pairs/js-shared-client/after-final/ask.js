const { client } = require('./client')

exports.ask = async (question) => (await client.chat.completions.create({ model: 'mistralai/Mistral-7B-Instruct-v0.3', messages: [{ role: 'user', content: question }] })).choices[0].message.content ?? ''
