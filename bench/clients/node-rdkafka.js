'use strict'
/**
 * node-rdkafka, as its README recommends for volume: the standard API, where one object per send comes back with each
 * delivery report (HighLevelProducer makes an event of each message), and flowing mode for single messages. Delivery
 * reports arrive when it is told to poll; once a millisecond is the shortest interval that it can be told.
 */
const { load, missing } = require('../peers')
const { consumerConfig, producerConfig, toBuffer } = require('./librdkafka')

const NAME = 'node-rdkafka'

/** ms between two polls for delivery reports. */
const POLL_INTERVAL = 1
/** Messages of one consume(): with more it is no faster. */
const BATCH = 1000
/** librdkafka's code for partitions that were assigned. */
const ASSIGN_PARTITIONS = -175

/** @param {any} client a Producer or KafkaConsumer @returns {Promise<void>} */
const connect = (client) => new Promise((resolve, reject) => {
  client.connect({}, (/** @type {any} */ error) => error ? reject(error) : resolve())
})

/** @param {any} client @returns {Promise<void>} */
const disconnect = (client) => new Promise((resolve, reject) => {
  client.disconnect((/** @type {any} */ error) => error ? reject(error) : resolve())
})

/** @param {Record<string, string> | undefined} headers @returns {Record<string, string>[] | undefined} its own form */
const listOf = (headers) => headers && Object.entries(headers).map(([name, value]) => ({ [name]: value }))

/** @type {import('./index').Client} */
module.exports = {
  name: NAME,
  native: true,
  missing: () => missing(NAME),
  rates: { produce: 100_000, singles: 80_000, awaited: 700, eachMessage: 300_000, eachBatch: 130_000 },

  async producer(settings) {
    const { brokers, topic } = settings
    const { Producer } = load(NAME)
    const config = { ...producerConfig(settings), 'client.id': 'bench', 'bootstrap.servers': brokers.join(',') }
    const producer = new Producer({ ...config, dr_cb: true }, { acks: -1 })
    producer.on('delivery-report', (/** @type {any} */ error, /** @type {any} */ { opaque }) => {
      if (error) opaque.reject(error)
      else if (--opaque.left === 0) opaque.resolve()
    })
    await connect(producer)
    producer.setPollInterval(POLL_INTERVAL)
    return {
      send: (messages) => new Promise((resolve, reject) => {
        const opaque = { left: messages.length, resolve, reject }
        for (const { key, value, headers } of messages) {
          producer.produce(topic, null, toBuffer(value), key, null, opaque, listOf(headers))
        }
      }),
      close: () => {
        producer.setPollInterval(0) // all is delivered, and a poll of a client that is being destroyed may crash
        return disconnect(producer)
      },
    }
  },

  async consumer({ brokers, topic, groupId, style, take, joined, failed }) {
    const { KafkaConsumer } = load(NAME)
    const config = { 'client.id': 'bench', 'bootstrap.servers': brokers.join(','), 'group.id': groupId }
    const consumer = new KafkaConsumer({ ...config, rebalance_cb: true }, consumerConfig())
    consumer.on('rebalance', (/** @type {any} */ { code }) => { if (code === ASSIGN_PARTITIONS) joined() })
    let open = true
    await connect(consumer)
    consumer.subscribe([topic])
    if (style === 'eachMessage') {
      consumer.consume((/** @type {any} */ error, /** @type {any} */ message) => {
        if (!error) take(message.partition, message.value, message)
        else if (open) failed(error)
      })
    } else {
      const next = () => consumer.consume(BATCH, (/** @type {any} */ error, /** @type {any[]} */ messages) => {
        if (!open) return
        if (error) return failed(error)
        for (const message of messages) take(message.partition, message.value, message)
        next()
      })
      next()
    }
    return {
      close: () => {
        open = false
        return disconnect(consumer)
      },
    }
  },

  read({ key, value, headers = [] }, visit) {
    visit(key.toString())
    visit(value.toString())
    for (const header of headers) for (const name in header) visit(header[name].toString())
  },
}
