'use strict'
/**
 * kafka-crab-js. Single messages come as a Node.js stream over batches, the fastest of its ways to hand them out one by
 * one; batches as its Web Stream. Its README measures batches of 4,096 within 2 ms, but with that it stopped in the
 * middle of some runs; a quarter of it is as fast within the noise and has always arrived.
 */
const { load, missing, nodeFor } = require('../peers')
const { consumerConfig, producerConfig, toBuffer } = require('./librdkafka')

const NAME = 'kafka-crab-js'

const BATCHES = { batchSize: 1024, batchTimeout: 5 }
/** Where the time of each message counts: the size and the ms of its own stream of single messages. */
const SMALL_BATCHES = { batchSize: 64, batchTimeout: 1 }

/** @param {string[]} brokers */
function open(brokers) {
  const { KafkaClient } = load(NAME)
  // diagnostics are for those who listen to them; nobody does here.
  return new KafkaClient({ clientId: 'bench', brokers: brokers.join(','), logLevel: 'error', diagnostics: false })
}

/** @param {import('./index').Message} message @returns what it takes: everything as a Buffer */
function own({ key, value, headers }) {
  if (!headers) return { key: Buffer.from(key), payload: toBuffer(value) }
  const entries = Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])
  return { key: Buffer.from(key), payload: toBuffer(value), headers: Object.fromEntries(entries) }
}

/** @type {import('./index').Client} */
module.exports = {
  name: NAME,
  native: true,
  missing: () => missing(NAME),
  node: () => nodeFor(NAME),
  rates: { produce: 90_000, singles: 25_000, awaited: 10, eachMessage: 500_000, eachBatch: 600_000 },

  limits: ({ codec }) => codec === 'zstd' ? 'its librdkafka is built without zstd' : undefined,

  async producer(settings) {
    const { brokers, topic } = settings
    const producer = open(brokers).createProducer({ configuration: { ...producerConfig(settings), acks: 'all' } })
    return {
      send: (messages) => producer.send({ topic, messages: messages.map(own) }),
      close: () => producer.flush(),
    }
  },

  async consumer({ brokers, topic, kind, groupId, style, take, joined, failed }) {
    const batches = kind === 'latency' ? SMALL_BATCHES : BATCHES
    const settings = { ...batches, groupId, configuration: consumerConfig() }
    /** @param {any} consumer */
    const watch = (consumer) => consumer.onEvents((/** @type {any} */ _error, /** @type {any} */ event) => {
      if (event?.name === 'PostRebalance') joined()
    })
    if (style === 'eachMessage') {
      const stream = open(brokers).createStreamConsumer(settings)
      watch(stream.rawConsumer())
      await stream.subscribe(topic)
      stream.on('error', failed)
      stream.on('data', (/** @type {any} */ message) => take(message.partition, message.payload, message))
      return { close: () => new Promise((resolve) => stream.once('close', resolve).destroy()) }
    }
    const { consumer, stream } = open(brokers).createWebStreamConsumer(settings)
    watch(consumer)
    await consumer.subscribe(topic)
    const reader = stream.getReader()
    const readAll = async () => {
      for (;;) {
        const { value: messages, done } = await reader.read()
        if (done) return
        for (const message of messages) take(message.partition, message.payload, message)
      }
    }
    readAll().catch(failed)
    return {
      close: async () => {
        await reader.cancel()
        await consumer.disconnect()
      },
    }
  },

  read({ key, payload, headers }, visit) {
    visit(key.toString())
    visit(payload.toString())
    // Its record has them in any order; the others hand them out as they were sent.
    for (const name of Object.keys(headers ?? {}).sort().reverse()) visit(headers[name].toString())
  },
}
