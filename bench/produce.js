'use strict'
/** The producing workloads. */
const { performance } = require('node:perf_hooks')
const { Meter } = require('./meter')
const { messageOf, percentile, Tally } = require('./payload')

/** Different messages of one run, made beforehand and sent over and over: making them is not what is measured. */
const DIFFERENT = 50_000
const DIFFERENT_BYTES = 16 << 20
/** Awaited sends before the clock starts, at most: connections, topic metadata, the compiler. */
const WARM_UP = 500
/** Sends of `fill`: at most so many messages or bytes, so many at a time. */
const FILL_MESSAGES = 1000
const FILL_BYTES = 1 << 20
const FILL_LANES = 10

/** @typedef {import('./child').Task} Task */
/** @typedef {import('./clients').Client} Client */
/** @typedef {import('./clients').Message} Message */

/** @param {Task} task @returns {Message[][]} */
function makeSends(task) {
  const { messages, perSend, valueBytes } = task
  const different = Math.min(messages, DIFFERENT, DIFFERENT_BYTES / valueBytes)
  return Array.from({ length: Math.max(1, Math.floor(different / perSend)) }, (_, send) =>
    Array.from({ length: perSend }, (_, i) => messageOf(send * perSend + i, task)))
}

/** What arrives of `messages` messages, `sends` in turn. @param {Message[][]} sends @param {number} messages */
function tallyOf(sends, messages) {
  const tally = new Tally()
  for (let at = 0; tally.count < messages; at = (at + 1) % sends.length) {
    for (const { value } of sends[at]) tally.add(Buffer.from(value))
  }
  return tally.result
}

/** @param {Client} client @param {Task} task @returns {Promise<import('./clients').Producer>} */
async function open(client, { brokers, topic, kind, codec, maxBytes }) {
  if (!client.producer) throw new Error(`${client.name} has no producer`)
  return client.producer({ brokers, topic, codec, maxBytes, kind: kind === 'fill' ? 'produce' : kind })
}

/** @param {Client} client @param {Task} task */
async function produce(client, task) {
  const { messages, perSend, inFlight = 1, waves = false } = task
  const sends = makeSends(task)
  const calls = messages / perSend
  const producer = await open(client, task)
  const meter = new Meter()
  try {
    // Connections and topic metadata are not what is measured: the clock starts behind the first send.
    await producer.send(sends[0])
    meter.start()
    let next = 1
    const send = () => producer.send(sends[next++ % sends.length])
    if (waves) {
      while (next < calls) await Promise.all(Array.from({ length: Math.min(inFlight, calls - next) }, send))
    } else {
      const lane = async () => { while (next < calls) await send() }
      await Promise.all(Array.from({ length: inFlight }, lane))
    }
    const figures = meter.stop(Math.max(1, messages - perSend))
    return { figures, tally: tallyOf(sends, messages) }
  } finally {
    await producer.close()
  }
}

/** @param {Client} client @param {Task} task */
async function awaited(client, task) {
  const { messages } = task
  const warmUp = Math.min(WARM_UP, Math.ceil(messages / 10))
  const total = messages + warmUp
  const sends = makeSends({ ...task, messages: total })
  const producer = await open(client, task)
  const meter = new Meter()
  const times = new Float64Array(messages)
  try {
    for (let i = 0; i < warmUp; i++) await producer.send(sends[i % sends.length])
    meter.start()
    for (let i = 0; i < messages; i++) {
      const start = performance.now()
      await producer.send(sends[(warmUp + i) % sends.length])
      times[i] = performance.now() - start
    }
    const figures = meter.stop(messages)
    times.sort()
    const [p50, p99] = [percentile(times, 0.5), percentile(times, 0.99)]
    return { figures: { ...figures, p50, p99 }, tally: tallyOf(sends, total) }
  } finally {
    await producer.close()
  }
}

/**
 * Puts messages of growing numbers into the topic that the consumers read. Not measured.
 * @param {Client} client @param {Task} task
 */
async function fill(client, task) {
  const { messages, valueBytes } = task
  const perSend = Math.min(FILL_MESSAGES, Math.ceil(FILL_BYTES / valueBytes))
  const producer = await open(client, task)
  const tally = new Tally()
  try {
    const lane = async () => {
      while (tally.count < messages) {
        /** @type {Message[]} */
        const batch = []
        while (batch.length < perSend && tally.count < messages) {
          const message = messageOf(tally.count, task)
          tally.add(Buffer.from(message.value))
          batch.push(message)
        }
        await producer.send(batch)
      }
    }
    await Promise.all(Array.from({ length: FILL_LANES }, lane))
    return { tally: tally.result }
  } finally {
    await producer.close()
  }
}

module.exports = { produce, awaited, fill, open, tallyOf }
