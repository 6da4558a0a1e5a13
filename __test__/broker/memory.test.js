'use strict'

// What a consumer holds: of messages that its handlers have not come to, and of those that they are done with.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { setFlagsFromString } = require('node:v8')
const { runInNewContext } = require('node:vm')
const { connectConsumer, connectProducer, createTopic, gate, kafkaOf, range } = require('../helpers/clients')
const { waitFor } = require('../helpers/wait')

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc')

/** @typedef {import('node:test').TestContext} TestContext */

const MB = 1024 * 1024
const VALUE_BYTES = 100_000
/** Looks in a row that have to see the same, for what comes to rest. */
const STEADY = 10
/** Bytes. */
const NEAR = 32 * 1024

/**
 * @param {TestContext} t @param {number} count in each partition @param {number} partitions
 * @param {number} [bytes] of a value, which begins with its number
 */
async function filled(t, count, partitions, bytes = VALUE_BYTES) {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka, partitions)
  const producer = await connectProducer(t, kafka)
  for (const partition of range(partitions)) {
    const value = Buffer.alloc(bytes, 'x')
    const messages = range(count).map((i) => {
      const numbered = Buffer.from(value)
      numbered.writeUInt32LE(i)
      return { value: numbered, partition }
    })
    await producer.send({ topic, messages })
  }
  await producer.disconnect()
  return { kafka, topic }
}

/** Waits until a number stays about as it is. @param {() => number} look @param {string} what */
async function steady(look, what) {
  let [before, times] = [-1, 0]
  await waitFor(() => {
    const now = look()
    times = Math.abs(now - before) < NEAR ? times + 1 : 0
    before = now
    return times >= STEADY
  }, { interval: 100, message: () => `${what} to rest; it is ${before}` })
  return before
}

/** External memory that is in use, bytes. What is garbage is given back some turns later. */
function external() {
  collectGarbage()
  return process.memoryUsage().external
}

test('while a handler takes its time no more than maxBufferedBytes is fetched, and everything comes afterwards', async (t) => {
  const [count, partitions] = [250, 4]
  const { kafka, topic } = await filled(t, count, partitions)
  const options = { maxBufferedBytes: 12 * MB, maxBytes: 2 * MB, maxBytesPerPartition: MB }
  const consumer = await connectConsumer(t, kafka, { topic, ...options })
  let fetched = 0
  consumer.on(consumer.events.REQUEST, (/** @type {any} */ { payload }) => {
    if (payload.apiName === 'Fetch') fetched += payload.size
  })
  const hold = gate(t)
  const seen = range(partitions).map(() => /** @type {number[]} */ ([]))
  await consumer.run({
    eachMessage: async (/** @type {any} */ { partition, message }) => {
      await hold.promise
      seen[partition].push(message.value.readUInt32LE())
    },
  })
  await waitFor(() => fetched > 4 * MB, { message: () => `something to be fetched; ${fetched}` })
  const held = await steady(() => fetched, 'fetching')
  assert.ok(held <= 12 * MB + 2 * MB, `${held} bytes of 100 MB were fetched`)
  hold.resolve()
  const all = count * partitions
  await waitFor(() => seen.flat().length >= all, { message: () => `${all} messages; ${seen.map(({ length }) => length)}` })
  assert.deepEqual(seen, range(partitions).map(() => range(count)))
})

test('what a partition holds whose handler takes its time is a third of maxBufferedBytes, while the others go on', async (t) => {
  const [count, partitions] = [200, 4]
  const { kafka, topic } = await filled(t, count, partitions)
  const before = await steady(external, 'external memory')
  const consumer = await connectConsumer(t, kafka, { topic, maxBufferedBytes: 6 * MB })
  const hold = gate(t)
  const seen = range(partitions).map(() => /** @type {number[]} */ ([]))
  await consumer.run({
    partitionsConsumedConcurrently: partitions,
    eachMessage: async (/** @type {any} */ { partition, message }) => {
      if (partition === 0) await hold.promise
      seen[partition].push(message.value.readUInt32LE())
    },
  })
  const others = () => seen.slice(1)
  await waitFor(() => others().flat().length >= count * (partitions - 1), { message: () => `${seen.map(({ length }) => length)}` })
  assert.deepEqual(seen[0], [])
  const held = (await steady(external, 'external memory')) - before
  // A frame more may have come meanwhile, with a message too many.
  assert.ok(held > MB && held < 3 * MB, `${held} bytes are held`)
  hold.resolve()
  await waitFor(() => seen.flat().length >= count * partitions)
  assert.deepEqual(seen, range(partitions).map(() => range(count)))
})

test('memory of large messages that were handled is given back before it piles up', async (t) => {
  const count = 300
  const { kafka, topic } = await filled(t, count, 1, 900_000)
  const before = await steady(external, 'external memory')
  const consumer = await connectConsumer(t, kafka, { topic })
  let [handled, most] = [0, 0]
  await consumer.run({
    eachMessage: async () => {
      handled++
      most = Math.max(most, process.memoryUsage().external - before)
    },
  })
  await waitFor(() => handled === count, { message: () => `${count} messages; ${handled}` })
  assert.ok(most < 52 * MB, `${most} bytes of ${count * 900_000} were held at once`)
})
