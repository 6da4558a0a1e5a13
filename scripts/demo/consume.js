'use strict'

const { performance } = require('node:perf_hooks')
const { DemoFailure } = require('./failure')

/** How long nothing may come before the demo gives up, ms. More than the restart of a broker takes. */
const STALL_MS = 60_000

/** @typedef {import('./verify').Received} Received */

/**
 * Reads a topic as the only member of a new group, from the beginning up to the given ends.
 * @param {object} options
 * @param {import('kafka-oxide').Kafka} options.kafka
 * @param {string} options.topic
 * @param {string} options.groupId
 * @param {Map<number, number>} options.ends  for each partition the offset after its last message
 * @param {Omit<import('kafka-oxide').ConsumerConfig, 'groupId'>} [options.config]
 * @param {(consumer: import('kafka-oxide').Consumer) => void} [options.onConsumer]  before it connects
 * @param {(position: number, message: Received) => void} [options.onProgress]  position: how many different ones came
 * @param {number} [options.stall]  how long nothing may come, ms; noticed after twice that at the latest
 * @returns {Promise<{ messages: Received[], seconds: number }>} all that came, in this order; seconds from the first to
 *   the last message
 */
async function consume ({
  kafka, topic, groupId, ends, config, onConsumer = () => {}, onProgress = () => {}, stall = STALL_MS
}) {
  /** @type {Received[]} */
  const messages = []
  /** The offset after the last message of each partition. @type {Map<number, number>} */
  const positions = new Map()
  const total = [...ends.values()].reduce((sum, end) => sum + end, 0)
  let position = 0
  let begun = 0
  let seconds = 0

  const consumer = kafka.consumer({ groupId, ...config })
  /** @type {() => void} */
  let succeed
  /** @type {(error: Error) => void} */
  let fail
  const finished = new Promise((resolve, reject) => {
    succeed = () => resolve(undefined)
    fail = reject
  })
  finished.catch(() => {}) // it may fail while run() is awaited
  consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
    if (!restart) fail(DemoFailure.from('The consumer ended', error))
  })

  /** @param {import('kafka-oxide').EachMessagePayload} payload */
  const eachMessage = async ({ partition, message: { offset, key, value, headers = {} } }) => {
    if (begun === 0) begun = performance.now()
    const message = { partition, offset, key, value, headers }
    messages.push(message)
    const after = Number(offset) + 1
    const before = positions.get(partition) ?? 0
    if (after > before) {
      positions.set(partition, after)
      position += after - before
    }
    onProgress(position, message)
    if (position >= total) {
      seconds = (performance.now() - begun) / 1000
      succeed()
    }
  }

  // An interval that looks, because a timer refreshed by every message would cost more than the rest of the handler.
  let looked = -1
  const timer = setInterval(() => {
    const stalled = messages.length === looked
    looked = messages.length
    if (!stalled) return
    const open = [...ends].filter(([partition, end]) => (positions.get(partition) ?? 0) < end)
      .map(([partition, end]) => `partition ${partition} is at offset ${positions.get(partition) ?? 0} of ${end}`)
    const missing = `${total - position} are to come: ${open.join(', ')}`
    fail(new DemoFailure(`No message came for ${stall / 1000} s, and ${missing}`))
  }, stall)
  onConsumer(consumer)
  try {
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    if (total > 0) {
      // A run() that fails has to end the wait, and a group that nobody can join the run().
      await Promise.race([finished, consumer.run({ eachMessage }).then(() => finished)])
    }
  } catch (error) {
    throw DemoFailure.from('Consuming failed', error)
  } finally {
    clearInterval(timer)
    await consumer.disconnect()
  }
  return { messages, seconds }
}

module.exports = { consume }
