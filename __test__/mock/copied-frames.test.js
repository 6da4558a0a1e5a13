'use strict'

// Where the runtime forbids external buffers (Electron) frames are copied into its own memory. The switch that forces
// this is process-wide, so that this file holds nothing else.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const native = require('../../lib/native')
const { connectConsumer, connectProducer, grown, kafkaOf, mockCluster } = require('../helpers/clients')
const { topicName } = require('../helpers/topic')
const { waitFor } = require('../helpers/wait')

/** @typedef {import('node:test').TestContext} TestContext */

/** @param {TestContext} t */
function forceCopy (t) {
  native.forceCopy(true)
  t.after(() => native.forceCopy(false))
}

/** What a consumer gets, with nothing left that is a view of a frame. @param {any} message */
function copy ({ offset, timestamp, key, value, headers }) {
  const bytes = (/** @type {any} */ it) => {
    if (Array.isArray(it)) return it.map(bytes)
    assert.ok(it === null || Buffer.isBuffer(it))
    return it && it.toString('hex')
  }
  return {
    offset,
    timestamp,
    key: bytes(key),
    value: bytes(value),
    headers: Object.fromEntries(Object.entries(headers).map(([name, header]) => [name, bytes(header)]))
  }
}

const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, i) => i))

/** Every shape of key, value and headers, and many messages, so that they come in several frames. */
const MESSAGES = [
  { key: null, value: null },
  { key: '', value: '' },
  { key: null, value: 'value' },
  { key: 'key', value: null },
  { key: ALL_BYTES, value: ALL_BYTES },
  { key: 'ключ', value: '値 🚀', headers: { имя: '値' } },
  { value: null, headers: { only: 'headers' } },
  { value: 'v', headers: { a: '', b: ALL_BYTES, many: ['1', Buffer.from([0, 255]), '3'], none: null } },
  { value: 'v', headers: { ['__proto__']: 'x' } },
  { value: 'v', headers: Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`h${i}`, 'x'.repeat(i)])) },
  { value: Buffer.alloc(600_000, ALL_BYTES) },
  ...Array.from({ length: 3000 }, (_, i) => (
    { key: `k${i}`, value: ALL_BYTES.subarray(i % 256), headers: { i: String(i) } }
  ))
].map((message, i) => ({ ...message, partition: 0, timestamp: String(1_700_000_000_000 + i) }))

/** What MESSAGES are when they come back. */
function expected () {
  const hex = (/** @type {any} */ it) => (
    Array.isArray(it) ? it.map(hex) : it === null || it === undefined ? null : Buffer.from(it).toString('hex')
  )
  return MESSAGES.map((/** @type {any} */ { key, value, headers = {}, timestamp }, i) => ({
    offset: String(i),
    timestamp,
    key: hex(key),
    value: hex(value),
    headers: Object.fromEntries(Object.entries(headers).map(([name, header]) => [name, hex(header)]))
  }))
}

/**
 * Everything in a topic, as a group of its own sees it.
 * @param {TestContext} t
 * @param {any} kafka
 * @param {string} topic
 * @param {'eachMessage' | 'eachBatch'} handler
 */
async function consume (t, kafka, topic, handler) {
  const consumer = await connectConsumer(t, kafka, { topic, groupId: topicName(t) })
  /** @type {any[]} */
  const received = []
  await consumer.run(handler === 'eachMessage'
    ? { eachMessage: async (/** @type {any} */ { message }) => { received.push(copy(message)) } }
    : { eachBatch: async (/** @type {any} */ { batch }) => { received.push(...batch.messages.map(copy)) } })
  await grown(received, MESSAGES.length)
  await consumer.disconnect()
  return received
}

for (const handler of /** @type {const} */ (['eachMessage', 'eachBatch'])) {
  test(`with copied frames ${handler} gets every byte that was sent`, async t => {
    forceCopy(t)
    const cluster = await mockCluster(t)
    await cluster.createTopic({ topic: 'topic' })
    const kafka = kafkaOf(cluster.bootstrapServers)
    const producer = await connectProducer(t, kafka)
    await producer.send({ topic: 'topic', messages: MESSAGES })
    assert.deepEqual(await consume(t, kafka, 'topic', handler), expected())
    await producer.disconnect()
  })
}

/**
 * Whether this memory is the runtime's own. Node gives memory that belongs to an addon to nobody else: moving it away
 * fails, or leaves it where it is.
 * @param {Uint8Array} view
 */
function isCopied ({ buffer }) {
  assert.ok(buffer.byteLength > 0)
  try {
    structuredClone(buffer, { transfer: [/** @type {ArrayBuffer} */ (buffer)] })
  } catch (/** @type {any} */ error) {
    if (error.name !== 'DataCloneError') throw error
  }
  return buffer.byteLength === 0
}

test('frames are copied as long as the switch is on, and only then', async t => {
  const cluster = await mockCluster(t)
  await cluster.createTopic({ topic: 'topic' })
  const kafka = kafkaOf(cluster.bootstrapServers)
  const producer = await connectProducer(t, kafka)
  const consumer = await connectConsumer(t, kafka, { topic: 'topic' })
  /** @type {boolean[]} */
  const copied = []
  await consumer.run({ eachMessage: async (/** @type {any} */ { message }) => { copied.push(isCopied(message.value)) } })
  t.after(() => native.forceCopy(false))
  for (const on of [false, true, false]) {
    native.forceCopy(on)
    const before = copied.length
    await producer.send({ topic: 'topic', messages: [{ value: 'value' }] })
    await waitFor(() => copied.length > before, { message: 'the message' })
    assert.deepEqual(copied.slice(before), [on])
  }
  await Promise.all([producer.disconnect(), consumer.disconnect()])
})
