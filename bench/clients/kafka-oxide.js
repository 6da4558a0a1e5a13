'use strict'
/** This package, with its defaults. */
const api = require('./kafkajs-api')

/** @param {import('./index').Settings} settings */
function open({ brokers }) {
  const library = require('../..')
  const { Kafka, logLevel } = library
  return { library, kafka: new Kafka({ clientId: 'bench', brokers, logLevel: logLevel.NOTHING }) }
}

/** @type {import('./index').Client} */
module.exports = {
  name: 'kafka-oxide',
  rates: { produce: 1_200_000, singles: 300_000, awaited: 3000, eachMessage: 1_500_000, eachBatch: 1_500_000 },
  producer(settings) {
    const { library, kafka } = open(settings)
    return api.producer(kafka, library, settings)
  },
  consumer(settings) {
    return api.consumer(open(settings).kafka, settings)
  },
}
