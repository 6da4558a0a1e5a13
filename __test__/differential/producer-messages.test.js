'use strict'

// What of a message gets into the topic: keys, values, headers, timestamps, compression.

const { differential } = require('../helpers/differential')

/**
 * A case that sends messages to a topic of one partition and reads them back.
 * @param {string} name @param {(lib: any) => any[]} messages @param {object} [more] of send()
 */
const sends = (name, messages, { everywhere = false, ...more } = {}) => ({
  name,
  everywhere,
  run: async (lib, context) => {
    const topic = await context.topic()
    const producer = await context.producer()
    const list = messages(lib)
    const result = await producer.send({ topic, messages: list, ...more })
    return { result, content: await context.read(topic, list.length) }
  },
})

/** @param {any} context @param {any} message */
async function refused(context, message) {
  const topic = await context.topic()
  const producer = await context.producer()
  const refusal = await context.refusal(() => producer.send({ topic, messages: [message] }))
  await producer.send({ topic, messages: [{ value: 'next' }] })
  const count = refusal === 'not refused' ? 2 : 1
  return { refusal, content: (await context.read(topic, count)).map(({ value }) => value.toString()) }
}

/**
 * A case whose send is refused with the same error, and after which the producer is as good as before.
 * @param {string} name @param {any} message
 */
const refuses = (name, message) => ({
  name,
  run: async (lib, context) => {
    const topic = await context.topic()
    const producer = await context.producer()
    const outcome = await context.caught(() => producer.send({ topic, messages: [message] }))
    await producer.send({ topic, messages: [{ value: 'next' }] })
    return { outcome, content: await context.read(topic, 1) }
  },
})

/**
 * A case of a wrong type, which kafkajs refuses with what Node.js or BigInt throws.
 * @param {string} name @param {any} message @param {string} theirs
 */
const refusesByName = (name, message, theirs = 'TypeError') => ({
  name,
  run: (lib, context) => refused(context, message),
  differs: {
    guide: 'A message of wrong types',
    kafkajs: { refusal: theirs, content: ['next'] },
    oxide: { refusal: 'KafkaJSNonRetriableError', content: ['next'] },
  },
})

differential('producer messages', [
  sends('text as key and value, also beyond ASCII', () => [
    { key: 'k', value: 'v' }, { key: 'schlüssel', value: 'größe 𝄞 漢字' }, { key: ' ', value: '\n\t\0' },
  ], { everywhere: true }),
  sends('bytes as key and value', () => [
    { key: Buffer.from([0, 1, 255]), value: Buffer.from([254, 0, 128]) },
    { key: Buffer.alloc(0), value: Buffer.alloc(0) },
    { key: Buffer.from('part of more').subarray(5, 7), value: Buffer.from('part of more').subarray(8) },
  ]),
  sends('no key: left out, undefined and null are one', () => [
    { value: 'a' }, { key: undefined, value: 'b' }, { key: null, value: 'c' },
  ]),
  sends('an empty key is a key, an empty value a value', () => [{ key: '', value: '' }, { key: 'k', value: '' }]),
  sends('null as value is a tombstone', () => [{ key: 'k', value: null }, { value: null }], { everywhere: true }),
  sends('headers of text and bytes', () => [
    { value: 'v', headers: { text: 'a', bytes: Buffer.from([0, 255]), empty: '', none: Buffer.alloc(0) } },
  ], { everywhere: true }),
  sends('a header of several values', () => [{ value: 'v', headers: { many: ['a', Buffer.from('b'), 'c'], one: ['d'] } }]),
  sends('a header of no values', () => [{ value: 'v', headers: { none: [], some: 'a' } }]),
  sends('header names and values beyond ASCII', () => [{ value: 'v', headers: { 'größe': '漢字', 'with space': 'x', '': 'y' } }]),
  sends('no headers: left out, undefined and {} are one', () => [
    { value: 'a' }, { value: 'b', headers: undefined }, { value: 'c', headers: {} },
  ]),
  sends('headers in the order of the object', () => [
    { value: 'v', headers: Object.fromEntries(['z', 'a', 'm', 'b', 'y'].map((name) => [name, name])) },
  ]),
  sends('many headers', () => [
    { value: 'v', headers: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`h${i}`, `${i}`])) },
  ]),
  sends('a thousand messages in one send', () => Array.from({ length: 1000 }, (_, i) => ({ key: `k${i % 7}`, value: `${i}` }))),
  sends('values of some hundred kilobytes', () => [
    { value: 'x'.repeat(300_000) }, { value: Buffer.alloc(200_000, 'y') },
  ]),
  sends('GZIP', (lib) => Array.from({ length: 50 }, (_, i) => ({ key: `k${i}`, value: 'again and again', headers: { i: `${i}` } })),
    { compression: 1, everywhere: true }),
  sends('CompressionTypes.None', () => [{ value: 'a' }, { value: 'b' }], { compression: 0 }),
  {
    name: 'CompressionTypes.GZIP makes a compressed batch',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await context.producer()
      await producer.send({ topic, compression: lib.CompressionTypes.GZIP, messages: [{ value: 'x'.repeat(100_000) }] })
      const { brokers } = await (await context.neutralAdmin()).describeCluster()
      return { brokers: brokers.length, content: (await context.read(topic, 1)).map(({ value }) => value.length) }
    },
  },
  {
    name: 'a timestamp as text is the message\'s time',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await context.producer()
      await producer.send({
        topic, messages: [{ value: 'a', timestamp: '1500000000000' }, { value: 'b', timestamp: '1400000000000' }, { value: 'c', timestamp: '1' }],
      })
      return context.read(topic, 3, { exactTimestamps: true })
    },
  },
  {
    name: 'a timestamp as number is the message\'s time',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await context.producer()
      await producer.send({ topic, messages: [{ value: 'a', timestamp: 1500000000000 }, { value: 'b', timestamp: 1400000000000 }] })
      return context.read(topic, 2, { exactTimestamps: true })
    },
  },
  {
    name: 'without a timestamp the time is that of the send',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await context.producer()
      const before = Date.now()
      await producer.send({ topic, messages: [{ value: 'a' }, { value: 'b', timestamp: undefined }, { value: 'c', timestamp: null }] })
      const after = Date.now()
      const content = await context.read(topic, 3, { exactTimestamps: true })
      return content.map(({ exact: { value } }) => Number(value) >= before && Number(value) <= after)
    },
  },
  {
    name: 'with LogAppendTime the time is the broker\'s',
    run: async (lib, context) => {
      const topic = await context.topic({ config: { 'message.timestamp.type': 'LogAppendTime' } })
      const producer = await context.producer()
      const before = Date.now()
      await producer.send({ topic, messages: [{ value: 'a', timestamp: '1500000000000' }] })
      const received = []
      const consumer = await context.consumer({ topic })
      await consumer.run({ eachMessage: async ({ message }) => { received.push(Number(message.timestamp) >= before) } })
      await context.until(() => received.length === 1)
      return received
    },
  },
  {
    name: 'messages go to the partitions that they name',
    run: async (lib, context) => {
      const topic = await context.topic({ partitions: 4 })
      const producer = await context.producer()
      const messages = Array.from({ length: 12 }, (_, i) => ({ partition: (i * 3) % 4, key: `k${i}`, value: `${i}` }))
      await producer.send({ topic, messages })
      return context.read(topic, 12)
    },
  },
  {
    name: 'sends one after the other keep their order',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await context.producer()
      for (let i = 0; i < 20; i++) await producer.send({ topic, messages: [{ value: `${i}` }] })
      return context.read(topic, 20)
    },
  },
  {
    name: 'sends at once all arrive, each in one piece',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await context.producer()
      const results = await Promise.all(Array.from({ length: 10 }, (_, i) => producer.send({
        topic, messages: [{ value: `${i}a` }, { value: `${i}b` }],
      })))
      const content = await context.read(topic, 20)
      const at = new Map(content.map(({ offset, value }) => [offset, value.toString()]))
      return results.map(([{ baseOffset, errorCode }], i) => ({
        errorCode, first: at.get(baseOffset) === `${i}a`, second: at.get(String(Number(baseOffset) + 1)) === `${i}b`,
      }))
    },
  },
  {
    name: 'an idempotent producer sends like another',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic({ partitions: 2 })
      const producer = await context.producer({ idempotent: true })
      const results = []
      for (const partition of [0, 1, 0]) results.push(await producer.send({ topic, messages: [{ partition, value: 'a' }] }))
      return { idempotent: producer.isIdempotent(), results, content: await context.read(topic, 3) }
    },
  },
  {
    name: 'maxInFlightRequests: 1 sends like another',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await context.producer({ idempotent: true, maxInFlightRequests: 1 })
      // kafkajs keeps no order of sends that are made at once.
      await Promise.all(Array.from({ length: 10 }, (_, i) => producer.send({ topic, messages: [{ value: `${i}` }] })))
      return (await context.read(topic, 10)).map(({ value }) => value.toString()).sort()
    },
  },
  {
    name: 'a topic that does not exist is made by sending to it',
    everywhere: true,
    run: async (lib, context) => {
      const topic = context.topicName()
      const producer = await context.producer()
      const result = await producer.send({ topic, messages: [{ value: 'a' }] })
      return { result, content: await context.read(topic, 1) }
    },
  },
  {
    name: 'a producer connects again after disconnect()',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await context.producer()
      await producer.send({ topic, messages: [{ value: 'a' }] })
      await producer.disconnect()
      await producer.connect()
      await producer.send({ topic, messages: [{ value: 'b' }] })
      return context.read(topic, 2)
    },
  },
  {
    name: 'methods work without their object',
    run: async (lib, context) => {
      const topic = await context.topic()
      const { send, sendBatch, isIdempotent } = await context.producer()
      const results = [await send({ topic, messages: [{ value: 'a' }] }),
        await sendBatch({ topicMessages: [{ topic, messages: [{ value: 'b' }] }] })]
      return { results, idempotent: isIdempotent() }
    },
  },
  refuses('a message without value', { key: 'k' }),
  refuses('a message whose value is undefined', { key: 'k', value: undefined, headers: { a: 'b' } }),
  refusesByName('a number as value', { value: 7 }),
  refusesByName('an object as value', { value: { a: 1 } }),
  refusesByName('true as value', { value: true }),
  refusesByName('a number as key', { key: 7, value: 'v' }),
  refusesByName('a number as header', { value: 'v', headers: { a: 7 } }),
  refusesByName('a text as timestamp that is no number', { value: 'v', timestamp: 'now' }, 'SyntaxError'),
  refusesByName('an empty text as timestamp', { value: 'v', timestamp: '' }, 'Error'),
  ...['Snappy', 'LZ4', 'ZSTD'].map((codec) => ({
    name: `${codec} without a codec that was given`,
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await context.producer()
      return context.refusal(producer.send({ topic, compression: lib.CompressionTypes[codec], messages: [{ value: 'a' }] }))
    },
    differs: { guide: 'Codecs in `CompressionCodecs`', kafkajs: 'KafkaJSNotImplemented', oxide: 'not refused' },
  })),
  {
    name: 'a timestamp of 0',
    run: (lib, context) => refused(context, { value: 'v', timestamp: '0' }),
    differs: {
      guide: 'A timestamp of `0`',
      kafkajs: { refusal: 'not refused', content: ['v', 'next'] },
      oxide: { refusal: 'KafkaJSNonRetriableError', content: ['next'] },
    },
  },
])
