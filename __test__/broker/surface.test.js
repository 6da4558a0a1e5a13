'use strict'

// What only a broker gives a program to see: messages, batches, what handlers receive, transactions. See unit/surface.test.js.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const kafkajs = require('kafkajs')
const ours = require('../..')
const { bootstrap } = require('../helpers/broker')
const { connectConsumer, connectProducer, createTopic } = require('../helpers/clients')
const { differences, unexplained, walkKeys, walkObject } = require('../helpers/surface')
const { topicName } = require('../helpers/topic')
const { waitFor } = require('../helpers/wait')

/**
 * @param {import('node:test').TestContext} t
 * @param {any} library
 */
async function facts(t, library) {
  /** @type {Map<string, string>} */
  const all = new Map()
  const walk = (/** @type {string} */ name, /** @type {any} */ value) => {
    if (all.has(name)) return
    walkObject(all, name, value, (_, property) => kind(property))
    walkKeys(all, name, value)
  }
  const kafka = new library.Kafka({ brokers: [bootstrap()], logLevel: library.logLevel.NOTHING })
  const topic = await createTopic(t, kafka)
  const producer = await connectProducer(t, kafka, { transactionalId: topic, maxInFlightRequests: 1, idempotent: true })
  const [metadata] = await producer.send({ topic, messages: [{ key: 'k', value: 'v', headers: { a: 'b', c: ['d', 'e'] } }] })
  walk('result of send', metadata)
  const transaction = await producer.transaction()
  walk('transaction', transaction)
  await transaction.send({ topic, messages: [{ value: 'w' }] })
  await transaction.commit()

  for (const handler of ['eachMessage', 'eachBatch']) {
    const consumer = await connectConsumer(t, kafka, { topic, groupId: topicName(t) })
    let seen = 0
    await consumer.run({
      [handler]: async (/** @type {any} */ payload) => {
        walk(`payload of ${handler}`, payload)
        const messages = payload.batch ? payload.batch.messages : [payload.message]
        if (payload.batch) {
          walk('batch', payload.batch)
          walk('uncommittedOffsets()', payload.uncommittedOffsets())
        }
        walk(`message of ${handler}`, messages[0])
        walk(`headers of ${handler}`, messages[0].headers)
        seen += messages.length
      },
    })
    await waitFor(() => seen >= 2, { message: 'two messages' })
    walk('paused()', consumer.paused())
    await consumer.disconnect()
  }
  return all
}

/** The kind of a value: values themselves are compared by the tests of the differential tier. @param {any} value */
function kind(value) {
  if (value === null || value === undefined) return String(value)
  return Buffer.isBuffer(value) ? 'Buffer' : Array.isArray(value) ? 'Array' : typeof value
}

test('what a broker gives to see differs from kafkajs\'s only where the migration guide says so', async (t) => {
  const found = differences(await facts(t, ours), await facts(t, kafkajs))
  assert.deepEqual(unexplained(found), [])
})
