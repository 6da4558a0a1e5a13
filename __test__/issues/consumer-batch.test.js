'use strict'

// What handlers may do to the partition that they handle: pause it, resolve offsets, commit. Found by review.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { KafkaJSNonRetriableError } = require('../..')
const {
  connectConsumer, connectProducer, gate, grown, kafkaOf, mockCluster, numbered, range
} = require('../helpers/clients')
const { waitFor, within } = require('../helpers/wait')

/** @typedef {import('node:test').TestContext} TestContext */

/**
 * @param {TestContext} t
 * @param {{ partitions?: number }} [options]
 */
async function start (t, { partitions = 1 } = {}) {
  const cluster = await mockCluster(t)
  await cluster.createTopic({ topic: 'topic', partitions })
  const kafka = kafkaOf(cluster.brokers)
  // What is sent at once becomes one batch, and is fetched as one.
  const producer = await connectProducer(t, kafka, { rdkafka: { 'linger.ms': '50' } })
  return { cluster, kafka, producer }
}

// A worker goes through the runs of messages that were fetched one after another. Whether the partition had been paused
// was looked at between two messages of such a run only: after the last message of one the next run was begun.
test('pause() in the handler of the last message of a fetch is heeded, though the next fetch is at hand', async t => {
  const { kafka, producer } = await start(t, { partitions: 2 })
  const [PAUSED, OTHER] = [0, 1]
  const opened = gate(t)
  const consumer = await connectConsumer(t, kafka, { topic: 'topic' })
  /** @type {string[]} */
  const seen = []
  let others = 0
  await consumer.run({
    partitionsConsumedConcurrently: 2,
    eachMessage: async (/** @type {any} */ { partition, message }) => {
      if (partition === OTHER) {
        others++
        return
      }
      seen.push(message.offset)
      if (seen.length === 1) await opened.promise
      if (seen.length === 2) consumer.pause([{ topic: 'topic', partitions: [PAUSED] }])
    }
  })
  // Each message is fetched before the next one is sent: what the other partition gets after it says so.
  const send = (/** @type {number} */ partition) =>
    producer.send({ topic: 'topic', messages: [{ value: 'x', partition }] })
  const count = 5
  for (let i = 1; i <= count; i++) {
    await send(PAUSED)
    await send(OTHER)
    await waitFor(() => others === i, { message: () => `message ${i} of the other partition; ${others} came` })
  }
  opened.resolve()
  await waitFor(() => seen.length >= 2)
  // The other partition is handled on, which takes longer than what is at hand of the paused one would.
  await send(OTHER)
  await waitFor(() => others === count + 1)
  assert.deepEqual(seen, ['0', '1'])
  consumer.resume([{ topic: 'topic', partitions: [PAUSED] }])
  await grown(seen, count)
  assert.deepEqual(seen, range(count).map(String))
})

// It became NaN, which was neither committed nor dropped: the same batch came for ever.
for (const wrong of ['x', '', '-1', '1.5', undefined, null, {}]) {
  test(`resolveOffset(${JSON.stringify(wrong)}) throws and says what to write`, async t => {
    const { kafka, producer } = await start(t)
    await producer.send({ topic: 'topic', messages: numbered(3) })
    const consumer = await connectConsumer(t, kafka, { topic: 'topic' })
    const thrown = new Promise(resolve => consumer.run({
      eachBatch: async (/** @type {any} */ { resolveOffset }) => {
        try {
          resolveOffset(wrong)
          resolve(undefined)
        } catch (error) {
          resolve(error)
        }
      }
    }))
    const error = await within(thrown, 'the batch')
    assert.ok(error instanceof KafkaJSNonRetriableError, String(error))
    assert.match(error.message, /resolveOffset\(message\.offset\)/)
  })
}

// Each call counted as one message, and did not wait for the commit that it began.
test('commitOffsetsIfNecessary() commits after autoCommitThreshold offsets, and waits for that', async t => {
  const { cluster, kafka, producer } = await start(t)
  await producer.send({ topic: 'topic', messages: numbered(7) })
  const consumer = await connectConsumer(t, kafka, { topic: 'topic' })
  /** @type {string[]} */
  const commits = []
  consumer.on(consumer.events.COMMIT_OFFSETS, (/** @type {any} */ { payload }) => {
    commits.push(payload.topics[0].partitions[0].offset)
  })
  /** @type {[string, string[]][]} what had been committed after so many offsets */
  const steps = []
  const handled = new Promise((resolve, reject) => consumer.run({
    autoCommitThreshold: 3,
    eachBatchAutoResolve: false,
    eachBatch: async (/** @type {any} */ { batch, resolveOffset, commitOffsetsIfNecessary }) => {
      if (batch.messages.length !== 7) return reject(new Error(`the batch has ${batch.messages.length} messages`))
      await cluster.setLatency(1, 50)
      const step = async (/** @type {number} */ from, /** @type {number} */ until) => {
        for (const { offset } of batch.messages.slice(from, until)) resolveOffset(offset)
        await commitOffsetsIfNecessary()
        steps.push([`${from} to ${until}`, [...commits]])
      }
      await step(0, 2)
      await step(2, 3)
      await step(3, 5)
      await step(5, 7)
      resolve(undefined)
    }
  }))
  await within(handled, 'the batch')
  assert.deepEqual(steps, [['0 to 2', []], ['2 to 3', ['3']], ['3 to 5', ['3']], ['5 to 7', ['3', '7']]])
})
