'use strict'
/** This package, with its defaults. */
const api = require('./kafkajs-api')

/** @param {string[]} brokers */
function open(brokers) {
  const library = require('../..')
  return { library, kafka: new library.Kafka({ clientId: 'bench', brokers, logLevel: library.logLevel.NOTHING }) }
}

/** @type {import('./index').Client} */
module.exports = {
  name: 'kafka-oxide',
  rates: { produce: 1_200_000, singles: 300_000, awaited: 3000, eachMessage: 1_500_000, eachBatch: 1_500_000 },
  producer(settings) {
    const { library, kafka } = open(settings.brokers)
    return api.producer(kafka, library, settings)
  },
  consumer(settings) {
    return api.consumer(open(settings.brokers).kafka, settings)
  },
}
