'use strict'

// What handlers hold on to beyond a run, and what they throw. Found by review.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { connectConsumer, connectProducer, gate, kafkaOf, mockCluster, numbered } = require('../helpers/clients')
const { once, waitFor, within } = require('../helpers/wait')

/** The mock brokers let a group wait for the session of a member that is no more. */
const SESSION = Object.freeze({ sessionTimeout: 2000, heartbeatInterval: 500 })

/** @param {import('node:test').TestContext} t */
async function start (t) {
  const cluster = await mockCluster(t)
  await cluster.createTopic({ topic: 'topic', partitions: 1 })
  const kafka = kafkaOf(cluster.brokers)
  const producer = await connectProducer(t, kafka)
  await producer.send({ topic: 'topic', messages: numbered(2) })
  return { kafka }
}

// It threw, as consumer.resume() does: in a timer, where programs call it, that ends the process. kafkajs's does not.
test('resume() of a handler does not throw when the consumer has stopped, and does not resume a later run', async t => {
  const { kafka } = await start(t)
  const consumer = await connectConsumer(t, kafka, { topic: 'topic', ...SESSION })
  /** @type {any} */
  let resume
  await consumer.run({ eachMessage: async (/** @type {any} */ { pause }) => { resume = pause() } })
  await waitFor(() => resume !== undefined)
  await consumer.stop()
  resume()
  await consumer.run({ eachMessage: async () => {} })
  consumer.pause([{ topic: 'topic' }])
  resume()
  assert.deepEqual(consumer.paused(), [{ topic: 'topic', partitions: [0] }])
})

test('pause() in a handler that ends while the consumer stops does not make its message fail', async t => {
  const { kafka } = await start(t)
  const consumer = await connectConsumer(t, kafka, { topic: 'topic' })
  const hold = gate(t)
  /** @type {any} */
  let outcome
  await consumer.run({
    eachMessage: async (/** @type {any} */ { pause }) => {
      outcome = 'began'
      await hold.promise
      try {
        pause()
        outcome = 'paused'
      } catch (error) {
        outcome = error
      }
    }
  })
  await waitFor(() => outcome === 'began')
  const stopped = consumer.stop()
  hold.resolve()
  await within(stopped, 'stop()')
  assert.equal(outcome, 'paused')
})

// Looking for the first cause never came to an end, and with it the process.
test('an error that is its own cause crashes the consumer like any other', async t => {
  const { kafka } = await start(t)
  const consumer = await connectConsumer(t, kafka, { topic: 'topic', retry: { retries: 0, restartOnFailure: async () => false } })
  const crashed = once(consumer, consumer.events.CRASH)
  await consumer.run({
    eachMessage: async () => {
      const error = new Error('round')
      error.cause = { cause: error }
      throw error
    }
  })
  const [{ payload }] = await within(crashed, 'the crash')
  assert.equal(payload.restart, false)
})
