const { client } = require('./client.js')

exports.install = async (name) => {
  await client.pull({ model: name })
  return 'done'
}
