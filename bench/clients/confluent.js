'use strict'
/**
 * Confluent's client, by its promisified API, the one that it recommends. Batches are as large as it can make them, not
 * its default of at most 32 messages, which is slower.
 */
const { load, missing } = require('../peers')
const { consumerConfig, producerConfig } = require('./librdkafka')

const NAME = '@confluentinc/kafka-javascript'

/** @param {string[]} brokers */
function open(brokers) {
  const { Kafka, logLevel } = load(NAME).KafkaJS
  return new Kafka({ kafkaJS: { clientId: 'bench', brokers, logLevel: logLevel.NOTHING } })
}

/** @type {import('./index').Client} */
module.exports = {
  name: NAME,
  native: true,
  missing: () => missing(NAME),
  rates: { produce: 130_000, singles: 60_000, awaited: 2000, eachMessage: 100_000, eachBatch: 150_000 },

  async producer(settings) {
    const producer = open(settings.brokers).producer(producerConfig(settings))
    await producer.connect()
    const { topic } = settings
    return {
      // It writes into the messages that it is given, and headers do not survive that: it gets new ones.
      send: (messages) => producer.send({
        topic, messages: messages.map(({ key, value, headers }) => ({ key, value, headers })),
      }),
      close: () => producer.disconnect(),
    }
  },

  async consumer({ brokers, topic, groupId, style, take, joined, failed }) {
    const { ErrorCodes } = load(NAME).KafkaJS
    const consumer = open(brokers).consumer({
      ...consumerConfig(),
      'group.id': groupId,
      ...style === 'eachBatch' ? { 'js.consumer.max.batch.size': -1 } : {},
      rebalance_cb: (/** @type {any} */ { code }) => { if (code === ErrorCodes.ERR__ASSIGN_PARTITIONS) joined() },
    })
    await consumer.connect()
    await consumer.subscribe({ topics: [topic] })
    const handler = style === 'eachBatch'
      ? {
        eachBatch: async (/** @type {any} */ { batch: { partition, messages } }) => {
          for (const message of messages) take(partition, message.value, message)
        },
      }
      : {
        eachMessage: async (/** @type {any} */ { partition, message }) => { take(partition, message.value, message) },
      }
    consumer.run(handler).catch(failed)
    return { close: () => consumer.disconnect() }
  },
}
