'use strict'

const { randomBytes } = require('node:crypto')

/**
 * A name for a topic (or a group) of one test: what the test is called, in the characters Kafka allows, and a random
 * end, so that tests share a cluster without meeting and a log says whose topic it was.
 * @param {{ name: string } | string} test  a node:test context, or the text itself
 * @returns {string} at most 100 characters; Kafka allows 249
 */
function topicName (test) {
  const name = typeof test === 'string' ? test : test.name
  const legal = name.toLowerCase().replace(/[^a-z0-9-]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 80)
  return `${legal || 'topic'}-${randomBytes(6).toString('hex')}`
}

module.exports = { topicName }
