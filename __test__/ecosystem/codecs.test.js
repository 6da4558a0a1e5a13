'use strict'

// Programs that register a codec for kafkajs, because it has none of its own but gzip.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const kafkajs = require('kafkajs')
const { bootstrap } = require('../helpers/broker')
const { connectConsumer, connectProducer, createTopic, grown } = require('../helpers/clients')
const { installation } = require('./installation')

const installed = installation()
const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = installed.require('kafkajs')
const SnappyCodec = installed.require('kafkajs-snappy')

const options = { brokers: [bootstrap()], logLevel: logLevel.NOTHING }

/** Messages that are worth compressing, with headers and keys. */
const messages = Array.from({ length: 50 }, (_, i) => ({ key: `k${i}`, value: `${i} `.repeat(100), headers: { i: `${i}` } }))

/** @param {any} consumer */
async function collect(consumer) {
  /** @type {any[]} */
  const received = []
  await consumer.run({
    eachMessage: async ({ message: { key, value, headers } }) => {
      received.push({ key: key.toString(), value: value.toString(), headers: { i: headers.i.toString() } })
    },
  })
  return received
}

test('kafkajs-snappy is registered, and Snappy goes both ways between us and kafkajs', async (t) => {
  CompressionCodecs[CompressionTypes.Snappy] = SnappyCodec
  assert.equal(typeof CompressionCodecs[CompressionTypes.Snappy]().compress, 'function')
  kafkajs.CompressionCodecs[kafkajs.CompressionTypes.Snappy] = SnappyCodec
  const ours = new Kafka(options)
  const theirs = new kafkajs.Kafka({ ...options, logLevel: kafkajs.logLevel.NOTHING })
  for (const [from, to] of [[ours, theirs], [theirs, ours]]) {
    const topic = await createTopic(t, ours)
    const producer = await connectProducer(t, from)
    await producer.send({ topic, compression: CompressionTypes.Snappy, messages })
    const received = await collect(await connectConsumer(t, to, { topic, groupId: topic }))
    await grown(received, messages.length)
    assert.deepEqual(received, messages)
  }
})
