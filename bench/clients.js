'use strict'
/** The clients that are compared. All are used through kafkajs's API with their own defaults. */

/** @type {Record<string, (brokers: string[]) => any>} */
const CLIENTS = {
  'kafka-oxide': (brokers) => {
    const { Kafka, logLevel } = require('..')
    return new Kafka({ clientId: 'bench', brokers, logLevel: logLevel.NOTHING })
  },
  kafkajs: (brokers) => {
    process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1'
    const { Kafka, logLevel } = require('kafkajs')
    return new Kafka({ clientId: 'bench', brokers, logLevel: logLevel.NOTHING })
  },
}

module.exports = { CLIENTS }
