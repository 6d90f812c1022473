const { client } = require('./client')

exports.run = (job) => job(client)
