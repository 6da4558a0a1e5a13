'use strict'
/**
 * Platformatic's client. It has one way of consuming, a stream of messages, which is read by its `data` events, quicker
 * than by iterating. It has no batches, so both columns of the table show that stream.
 */
const { load, missing, nodeFor } = require('../peers')
const { toBuffer } = require('./librdkafka')

const NAME = '@platformatic/kafka'

/** @param {string[]} brokers */
const base = (brokers) => ({ clientId: 'bench', bootstrapBrokers: brokers })

/** @param {string | Buffer | undefined} data */
const serialize = (data) => data === undefined ? undefined : toBuffer(data)

/** @type {import('./index').Client} */
module.exports = {
  name: NAME,
  missing: () => missing(NAME),
  node: () => nodeFor(NAME),
  rates: { produce: 250_000, singles: 14_000, awaited: 2500, eachMessage: 450_000, eachBatch: 450_000 },

  async producer({ brokers, topic, codec = 'none' }) {
    const { ProduceAcks, Producer } = load(NAME)
    const serializers = { key: serialize, value: serialize, headerKey: serialize, headerValue: serialize }
    const producer = new Producer({ ...base(brokers), acks: ProduceAcks.ALL, compression: codec, serializers })
    return {
      send: (messages) => producer.send({
        messages: messages.map(({ key, value, headers }) => ({ topic, key, value, headers })),
      }),
      close: () => producer.close(),
    }
  },

  async consumer({ brokers, topic, groupId, take, joined, failed }) {
    const { Consumer, MessagesStreamModes } = load(NAME)
    const consumer = new Consumer({ ...base(brokers), groupId })
    consumer.on('consumer:group:join', joined)
    const stream = await consumer.consume({
      topics: [topic], mode: MessagesStreamModes.EARLIEST, autocommit: true,
    })
    stream.on('error', failed)
    stream.on('data', (/** @type {any} */ message) => take(message.partition, message.value, message))
    return { close: () => consumer.close(true) }
  },

  read({ key, value, headers }, visit) {
    visit(key.toString())
    visit(value.toString())
    for (const text of headers.values()) visit(text.toString())
  },
}
