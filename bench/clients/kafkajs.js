'use strict'
/** kafkajs, with its defaults. */
const api = require('./kafkajs-api')

/** @param {string[]} brokers */
function open(brokers) {
  process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1'
  const library = require('kafkajs')
  return { library, kafka: new library.Kafka({ clientId: 'bench', brokers, logLevel: library.logLevel.NOTHING }) }
}

/** @type {import('./index').Client} */
module.exports = {
  name: 'kafkajs',
  rates: { produce: 140_000, singles: 10_000, awaited: 2000, eachMessage: 400_000, eachBatch: 600_000 },
  limits: ({ codec = 'none' }) => ['none', 'gzip'].includes(codec)
    ? undefined
    : `has no ${codec} of its own; packages of others add it`,
  producer(settings) {
    const { library, kafka } = open(settings.brokers)
    return api.producer(kafka, library, settings)
  },
  consumer(settings) {
    return api.consumer(open(settings.brokers).kafka, settings)
  },
}
