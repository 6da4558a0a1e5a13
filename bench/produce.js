'use strict'
/** The producing workloads. */
const { performance } = require('node:perf_hooks')
const { Meter } = require('./meter')
const { messageOf, Tally } = require('./payload')

/** Different messages of one run, made beforehand and sent over and over: making them is not what is measured. */
const DIFFERENT = 50_000
/** Sends before the clock starts: connections, topic metadata, the compiler. */
const WARM_UP = 500

/** @typedef {import('./child').Task} Task */

/** @param {number} messages @param {number} perSend @param {boolean} strings */
function makeSends(messages, perSend, strings) {
  const count = Math.max(1, Math.min(messages, DIFFERENT) / perSend | 0)
  return Array.from({ length: count }, (_, send) =>
    Array.from({ length: perSend }, (_, i) => messageOf(send * perSend + i, strings)))
}

/** What arrives of `messages` messages, `sends` in turn. @param {any[][]} sends @param {number} messages */
function tallyOf(sends, messages) {
  const tally = new Tally()
  for (let at = 0; tally.count < messages; at = (at + 1) % sends.length) {
    for (const { value } of sends[at]) tally.add(Buffer.from(value))
  }
  return tally.result
}

/** @param {any} kafka @param {Task} task */
async function produce(kafka, { topic, messages, strings, perSend = 1, inFlight = 1, waves = false }) {
  const sends = makeSends(messages, perSend, strings)
  const calls = messages / perSend
  const producer = kafka.producer()
  await producer.connect()
  const meter = new Meter()
  try {
    // Connections and topic metadata are not what is measured: the clock starts behind the first send.
    await producer.send({ topic, messages: sends[0] })
    meter.start()
    let next = 1
    const send = () => producer.send({ topic, messages: sends[next++ % sends.length] })
    if (waves) {
      while (next < calls) await Promise.all(Array.from({ length: Math.min(inFlight, calls - next) }, send))
    } else {
      const lane = async () => { while (next < calls) await send() }
      await Promise.all(Array.from({ length: inFlight }, lane))
    }
    const figures = meter.stop(messages - perSend)
    return { figures, tally: tallyOf(sends, messages) }
  } finally {
    await producer.disconnect()
  }
}

/** @param {any} kafka @param {Task} task */
async function produceAwaited(kafka, { topic, messages, strings }) {
  const total = messages + WARM_UP
  const sends = makeSends(total, 1, strings)
  const producer = kafka.producer()
  await producer.connect()
  const meter = new Meter()
  const times = new Float64Array(messages)
  try {
    for (let i = 0; i < WARM_UP; i++) await producer.send({ topic, messages: sends[i % sends.length] })
    meter.start()
    for (let i = 0; i < messages; i++) {
      const start = performance.now()
      await producer.send({ topic, messages: sends[(WARM_UP + i) % sends.length] })
      times[i] = performance.now() - start
    }
    const figures = meter.stop(messages)
    times.sort()
    const percentile = (/** @type {number} */ share) => times[Math.min(messages - 1, Math.floor(messages * share))]
    return { figures: { ...figures, p50: percentile(0.5), p99: percentile(0.99) }, tally: tallyOf(sends, total) }
  } finally {
    await producer.disconnect()
  }
}

/**
 * Puts messages of growing numbers into the topic that the consumers read. Not measured.
 * @param {any} kafka @param {Task} task
 */
async function fill(kafka, { topic, messages, strings }) {
  const producer = kafka.producer()
  await producer.connect()
  const tally = new Tally()
  const perSend = 1000
  try {
    const lane = async () => {
      while (tally.count < messages) {
        const batch = []
        while (batch.length < perSend && tally.count < messages) {
          const message = messageOf(tally.count, strings)
          tally.add(Buffer.from(message.value))
          batch.push(message)
        }
        await producer.send({ topic, messages: batch })
      }
    }
    await Promise.all(Array.from({ length: 10 }, lane))
    return { tally: tally.result }
  } finally {
    await producer.disconnect()
  }
}

module.exports = { produce, produceAwaited, fill }
