'use strict'
/** The consuming workloads; they also check what the producing ones left in their topics. */
const { setTimeout: delay } = require('node:timers/promises')
const { readMessage } = require('./clients')
const { Meter } = require('./meter')
const { OrderedTally } = require('./payload')

/** How long nothing happens after the last message, and how long that is measured then, ms. */
const SETTLING = 1000
const IDLE = 4000

/** @typedef {import('./child').Task} Task */
/** @typedef {import('./clients').Client} Client */

let groups = 0

/**
 * Opens a consumer of a new group, which counts what it gets.
 * @param {Client} client @param {Task} task
 * @param {object} events
 * @param {() => void} [events.joined]
 * @param {(count: number, number: number) => void} events.taken how many there are now, and the message's number
 * @param {(error: Error) => void} events.failed
 */
async function open(client, task, { joined = () => {}, taken, failed }) {
  const { brokers, topic, kind, style, codec, maxBytes, reads, valueBytes } = task
  const tally = new OrderedTally()
  const { read = readMessage } = client
  /** @type {import('./clients').ConsumerSettings['take']} */
  const take = reads
    ? (partition, value, message) => {
      const number = tally.addOf(partition, value)
      /** @type {string[]} */
      const texts = []
      read(message, (text) => { texts.push(text) })
      tally.read(number, texts, valueBytes)
      taken(tally.count, number)
    }
    : (partition, value) => {
      const number = tally.addOf(partition, value)
      taken(tally.count, number)
    }
  if (!client.consumer) throw new Error(`${client.name} has no consumer`)
  const consumer = await client.consumer({
    brokers, topic, codec, maxBytes, style, take, joined, failed,
    kind: kind === 'fill' ? 'eachBatch' : kind,
    groupId: `bench-${topic}-${process.pid}-${++groups}`,
  })
  return { consumer, tally }
}

/** A promise, what settles it, and a watch that fails it when nothing comes any more. @param {Task} task */
function arrival({ patience, messages }) {
  /** @type {(value?: any) => void} */
  let resolve = () => {}
  /** @type {(error: Error) => void} */
  let reject = () => {}
  const done = new Promise((yes, no) => { resolve = yes; reject = no })
  done.catch(() => {}) // whoever waits for it comes later than what may fail
  let count = 0
  let before = 0
  const watch = setInterval(() => {
    if (count === before) reject(new Error(`only ${count} of ${messages} messages arrived, none for ${patience} s`))
    before = count
  }, patience * 1000)
  return { done, resolve, reject, count: () => ++count, end: () => clearInterval(watch) }
}

/** @param {OrderedTally} tally @param {boolean} ordered */
function judge({ disorder, altered }, ordered) {
  if (altered > 0) throw new Error(`${altered} messages were altered: key, value or headers are not those sent`)
  if (ordered && disorder > 0) throw new Error(`${disorder} messages came out of their partition's order`)
}

/** @param {Client} client @param {Task} task */
async function consume(client, task) {
  const { messages, ordered } = task
  const meter = new Meter()
  const { done, resolve, reject, count, end } = arrival(task)
  let opened
  try {
    // From joining on, so that what a client fetches and unpacks ahead of the first message is counted.
    let begun = 0
    opened = await open(client, task, {
      joined: () => { if (begun++ === 0) meter.start() },
      taken: (taken) => {
        if (taken === 1 && begun++ === 0) meter.start()
        count()
        if (taken === messages) resolve(meter.stop(messages))
      },
      failed: reject,
    })
    const figures = await done
    await opened.consumer.close()
    judge(opened.tally, ordered)
    return { figures, tally: opened.tally.result }
  } catch (error) {
    await opened?.consumer.close()
    throw error
  } finally {
    end()
  }
}

/**
 * Many consumers in one process, each of a group of its own: how fast all of them get all messages, or what it costs
 * that they are there.
 * @param {Client} client @param {Task} task
 */
async function consumers(client, task) {
  const { messages, consumers = 1, idle, ordered } = task
  const all = messages * consumers
  const meter = new Meter()
  const { done, resolve, reject, count, end } = arrival({ ...task, messages: all })
  /** @type {Awaited<ReturnType<typeof open>>[]} */
  const opened = []
  try {
    meter.start()
    await Promise.all(Array.from({ length: consumers }, async () => {
      opened.push(await open(client, task, {
        taken: () => { if (count() === all) resolve(meter.stop(all)) },
        failed: reject,
      }))
    }))
    let figures = await done
    if (idle) {
      await delay(SETTLING)
      const { user, system } = process.cpuUsage()
      await delay(IDLE)
      const used = process.cpuUsage({ user, system })
      figures = { rssNow: process.memoryUsage.rss() / 2 ** 20, idleCpu: (used.user + used.system) / (IDLE * 1000) }
    }
    const tally = { count: 0, bytes: 0, sum: 0 }
    for (const one of opened) {
      judge(one.tally, ordered)
      tally.count += one.tally.count
      tally.bytes += one.tally.bytes
      tally.sum = (tally.sum + one.tally.sum) | 0
    }
    return { figures, tally }
  } finally {
    end()
    await Promise.all(opened.map(({ consumer }) => consumer.close()))
  }
}

module.exports = { consume, consumers, open, arrival, judge }
