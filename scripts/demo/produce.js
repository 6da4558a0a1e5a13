'use strict'

const { performance } = require('node:perf_hooks')
const { DemoFailure } = require('./failure')

/** Records in one send. */
const CHUNK = 1000
/** Sends under way at a time. */
const WINDOW = 10

/**
 * Sends the records in their order, and waits until the brokers have confirmed each of them.
 * @param {object} options
 * @param {import('kafka-oxide').Kafka} options.kafka
 * @param {string} options.topic
 * @param {import('./dataset').DemoRecord[]} options.records
 * @param {(acknowledged: number) => void} [options.onProgress]  after each send that was confirmed
 * @returns {Promise<number>} seconds from the first send to the last confirmation
 */
async function produce ({ kafka, topic, records, onProgress = () => {} }) {
  const producer = kafka.producer()
  await producer.connect()
  try {
    const begun = performance.now()
    let next = 0
    let acknowledged = 0
    const worker = async () => {
      while (next < records.length) {
        // Taken and sent in one go: the sends reach the producer in the order of the records.
        const first = next
        const messages = records.slice(first, first + CHUNK)
        next += messages.length
        try {
          await producer.send({ topic, messages })
        } catch (error) {
          next = records.length
          throw DemoFailure.from(`Records ${first} to ${first + messages.length - 1} were not confirmed`, error)
        }
        acknowledged += messages.length
        onProgress(acknowledged)
      }
    }
    await Promise.all(Array.from({ length: WINDOW }, worker))
    return (performance.now() - begun) / 1000
  } finally {
    await producer.disconnect()
  }
}

module.exports = { produce }
