const { client } = require('./client.js')

exports.install = async (name) => {
  return 'done'
}
