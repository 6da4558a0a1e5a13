'use strict'
/** Producers and consumers of a client whose API is that of kafkajs. */

/** @typedef {import('./index').Settings} Settings */

/**
 * @param {any} kafka
 * @param {any} library its CompressionTypes
 * @param {Settings} settings
 * @returns {Promise<import('./index').Producer>}
 */
async function producer(kafka, { CompressionTypes }, { topic, codec = 'none' }) {
  const producer = kafka.producer()
  await producer.connect()
  const compression = CompressionTypes[{ none: 'None', gzip: 'GZIP', snappy: 'Snappy', lz4: 'LZ4', zstd: 'ZSTD' }[codec]]
  return {
    send: (messages) => producer.send({ topic, messages, compression }),
    close: () => producer.disconnect(),
  }
}

/**
 * @param {any} kafka
 * @param {Settings & import('./index').ConsumerSettings} settings
 * @returns {Promise<import('./index').Consumer>}
 */
async function consumer(kafka, { topic, groupId, style, take, joined, failed }) {
  const consumer = kafka.consumer({ groupId })
  let anyTaken = false
  const handler = style === 'eachBatch'
    ? {
      eachBatch: async (/** @type {any} */ { batch: { partition, messages } }) => {
        anyTaken = true
        for (const message of messages) take(partition, message.value, message)
      },
    }
    : {
      eachMessage: async (/** @type {any} */ { partition, message }) => {
        anyTaken = true
        take(partition, message.value, message)
      },
    }
  consumer.on(consumer.events.GROUP_JOIN, joined)
  // A new broker's coordinator may still be loading: kafkajs calls that a crash, and then joins again.
  consumer.on(consumer.events.CRASH, (/** @type {any} */ { payload }) => {
    if (!payload.restart || anyTaken) failed(payload.error)
  })
  try {
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run(handler)
  } catch (error) {
    await consumer.disconnect()
    throw error
  }
  return { close: () => consumer.disconnect() }
}

module.exports = { producer, consumer }
