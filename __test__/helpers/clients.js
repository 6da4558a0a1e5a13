'use strict'

// Clients for tests, closed through t.after, and what tests do with them again and again.

const { Kafka, logLevel } = require('../..')
const { MockCluster } = require('../../lib/testing')
const { bootstrap } = require('./broker')
const { topicName } = require('./topic')
const { waitFor, within } = require('./wait')

/** @typedef {import('node:test').TestContext} TestContext */

/** What the end of a test has to do. @type {WeakMap<TestContext, { gates: (() => void)[], closers: (() => any)[] }>} */
const ends = new WeakMap()

/**
 * node:test runs `after` hooks in the order of their making. Here the last made is closed first, so that a cluster outlives its
 * clients, and gates are opened before all, because a consumer waits for its handlers.
 * @param {TestContext} t
 */
function endOf(t) {
  let end = ends.get(t)
  if (end === undefined) {
    const made = (end = { gates: /** @type {(() => void)[]} */ ([]), closers: /** @type {(() => any)[]} */ ([]) })
    ends.set(t, made)
    t.after(async () => {
      for (const open of made.gates) open()
      for (const close of made.closers.reverse()) await close()
    })
  }
  return end
}

/** Quick to connect again, so that tests of trouble are short. */
const RETRY = Object.freeze({ initialRetryTime: 50, maxRetryTime: 500, retries: 5 })

/**
 * A Kafka that writes nothing.
 * @param {string | string[]} [brokers]  without it, the runner's Apache Kafka
 * @param {object} [options]
 */
function kafkaOf(brokers = bootstrap(), options = {}) {
  return new Kafka({
    brokers: typeof brokers === 'string' ? brokers.split(',') : brokers,
    logLevel: logLevel.NOTHING,
    retry: RETRY,
    ...options,
  })
}

/**
 * @param {TestContext} t
 * @param {object} [options]
 */
async function mockCluster(t, options = { brokers: 1 }) {
  const cluster = await MockCluster.start(options)
  endOf(t).closers.push(() => cluster.close())
  return cluster
}

/**
 * A producer that is connected.
 * @param {TestContext} t
 * @param {any} kafka
 * @param {object} [options]
 */
async function connectProducer(t, kafka, options) {
  const producer = kafka.producer(options)
  endOf(t).closers.push(() => within(producer.disconnect(), 'the producer to disconnect'))
  await producer.connect()
  return producer
}

/**
 * @param {TestContext} t
 * @param {any} kafka
 * @param {object} [options]
 */
async function connectAdmin(t, kafka, options) {
  const admin = kafka.admin(options)
  endOf(t).closers.push(() => within(admin.disconnect(), 'the admin client to disconnect'))
  await admin.connect()
  return admin
}

/**
 * A consumer that is connected and subscribed, not yet running.
 * @param {TestContext} t
 * @param {any} kafka
 * @param {{ topic?: string, topics?: string[], groupId?: string, fromBeginning?: boolean, [option: string]: any }} options
 *   what else is given goes to kafka.consumer()
 */
async function connectConsumer(t, kafka, { topic, topics, groupId = topicName(t), fromBeginning = true, ...options }) {
  const consumer = kafka.consumer({ groupId, ...options })
  endOf(t).closers.push(() => within(consumer.disconnect(), 'the consumer to disconnect'))
  await consumer.connect()
  const list = topics || (topic === undefined ? [] : [topic])
  if (list.length > 0) await consumer.subscribe({ topics: list, fromBeginning })
  return consumer
}

/**
 * A topic of the test's own.
 * @param {TestContext} t
 * @param {any} kafka
 * @param {number} [partitions]
 * @param {object} [more]  fields of createTopics' entry
 * @returns {Promise<string>} its name
 */
async function createTopic(t, kafka, partitions = 1, more = {}) {
  const topic = topicName(t)
  const admin = kafka.admin()
  await admin.connect()
  try {
    await admin.createTopics({ topics: [{ topic, numPartitions: partitions, replicationFactor: 1, ...more }] })
  } finally {
    await admin.disconnect()
  }
  return topic
}

/**
 * Runs a consumer that notes what it gets.
 * @param {any} consumer
 * @param {object} [run]  more options of run()
 * @returns {Promise<{ topic: string, partition: number, offset: number, key: string | null, value: string | null }[]>} grows
 */
async function collect(consumer, run = {}) {
  /** @type {any[]} */
  const received = []
  await consumer.run({
    eachMessage: async (/** @type {any} */ payload) => {
      received.push(plain(payload))
    },
    ...run,
  })
  return received
}

/** @param {any} payload of eachMessage */
function plain({ topic, partition, message: { offset, key, value } }) {
  return { topic, partition, offset: Number(offset), key: key && key.toString(), value: value && value.toString() }
}

/**
 * Waits until a list has at least so many entries.
 * @param {any[]} list
 * @param {number} count
 */
function grown(list, count) {
  return waitFor(() => list.length >= count, { message: () => `${count} entries; there are ${list.length}` })
}

/** `count` messages with the values prefix0, prefix1 … @param {number} count @param {object} [more] @param {string} [prefix] */
function numbered(count, more = {}, prefix = '') {
  return Array.from({ length: count }, (_, i) => ({ value: `${prefix}${i}`, ...more }))
}

/** 0, 1 … count - 1 @param {number} count */
function range(count) {
  return Array.from({ length: count }, (_, i) => i)
}

/**
 * The offsets that a group has committed, asked of the broker by a client that is not ours.
 * @param {string} brokers
 * @param {string} groupId
 * @param {string} topic
 * @returns {Promise<Record<number, number>>} by partition, -1 without one
 */
async function committedOffsets(brokers, groupId, topic) {
  const kafkajs = require('kafkajs')
  const admin = new kafkajs.Kafka({ brokers: brokers.split(','), logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    const [{ partitions }] = await within(admin.fetchOffsets({ groupId, topics: [topic] }), 'kafkajs to tell offsets')
    return Object.fromEntries(partitions.map(({ partition, offset }) => [partition, Number(offset)]))
  } finally {
    await admin.disconnect()
  }
}

/** A promise and the functions that settle it. */
function deferred() {
  /** @type {(value?: any) => void} */
  let resolve = () => {}
  /** @type {(error: any) => void} */
  let reject = () => {}
  const promise = new Promise((_resolve, _reject) => {
    resolve = _resolve
    reject = _reject
  })
  return { promise, resolve, reject }
}

/**
 * Something that a handler waits for, opened at the end of the test at the latest.
 * @param {TestContext} t
 */
function gate(t) {
  const made = deferred()
  endOf(t).gates.push(() => made.resolve())
  return made
}

module.exports = {
  gate,
  RETRY,
  kafkaOf,
  mockCluster,
  connectProducer,
  connectAdmin,
  connectConsumer,
  createTopic,
  collect,
  plain,
  grown,
  numbered,
  range,
  committedOffsets,
  deferred,
}
