'use strict'

// What a producer writes is what a consumer reads, byte for byte, on a real broker.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const kafkajs = require('kafkajs')
const { CompressionCodecs, CompressionTypes, Partitioners } = require('../..')
const { bootstrap } = require('../helpers/broker')
const { manyKeys } = require('../helpers/keys')
const {
  collect,
  connectConsumer,
  connectProducer,
  createTopic,
  grown,
  kafkaOf,
  numbered,
  range,
} = require('../helpers/clients')

/** @typedef {import('node:test').TestContext} TestContext */

/**
 * Sends the messages and gives back what a consumer of ours sees of them.
 * @param {TestContext} t
 * @param {any[]} messages
 * @param {object} [send]  more fields of send()
 * @param {object} [options]  of the producer
 */
async function roundTrip(t, messages, send = {}, options = {}) {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka)
  const producer = await connectProducer(t, kafka, options)
  const metadata = await producer.send({ topic, messages, ...send })
  const consumer = await connectConsumer(t, kafka, { topic })
  /** @type {any[]} */
  const received = []
  await consumer.run({
    eachMessage: async (/** @type {any} */ { message }) => {
      received.push(message)
    },
  })
  await grown(received, messages.length)
  return { topic, metadata, received, producer, kafka }
}

/** @param {any} headers with Buffers as text */
const text = (headers) =>
  JSON.parse(JSON.stringify(headers), (_, value) =>
    value && value.type === 'Buffer' ? Buffer.from(value.data).toString() : value,
  )

test('keys and values arrive byte for byte: text, bytes, null and empty', async (t) => {
  const bytes = Buffer.from(range(256))
  const { received } = await roundTrip(t, [
    { key: 'k', value: 'v' },
    { key: bytes, value: bytes },
    { key: null, value: null },
    { value: 'no key' },
    { key: '', value: '' },
    { key: 'schlüssel-鍵', value: '🦀 wert' },
    { key: new Uint8Array([0, 255]), value: bytes.subarray(10, 20) },
    { key: 'lone surrogate', value: 'a\ud800b' },
  ])
  assert.deepEqual(
    received.map(({ key, value }) => ({ key, value })),
    [
      { key: Buffer.from('k'), value: Buffer.from('v') },
      { key: bytes, value: bytes },
      { key: null, value: null },
      { key: null, value: Buffer.from('no key') },
      { key: Buffer.alloc(0), value: Buffer.alloc(0) },
      { key: Buffer.from('schlüssel-鍵'), value: Buffer.from('🦀 wert') },
      { key: Buffer.from([0, 255]), value: bytes.subarray(10, 20) },
      { key: Buffer.from('lone surrogate'), value: Buffer.from('a\ud800b') },
    ],
  )
  assert.deepEqual(
    received.map(({ offset }) => offset),
    range(8).map(String),
  )
})

test('headers arrive: text, bytes, arrays as duplicates, null, empty and names that are not ASCII', async (t) => {
  const { received } = await roundTrip(t, [
    {
      value: '1',
      headers: {
        a: 'text',
        b: Buffer.from([0, 1, 255]),
        c: ['one', Buffer.from('two')],
        d: null,
        e: '',
        ключ: 'значение',
      },
    },
    { value: '2', headers: {} },
    { value: '3' },
    { value: '4', headers: JSON.parse('{ "__proto__": "own", "toString": "x" }') },
    { value: '5', headers: { none: [], single: ['1'] } },
  ])
  assert.deepEqual(received[0].headers.b, Buffer.from([0, 1, 255]))
  assert.deepEqual(text({ ...received[0].headers, b: 0 }), {
    a: 'text',
    b: 0,
    c: ['one', 'two'],
    d: null,
    e: '',
    ключ: 'значение',
  })
  assert.deepEqual(received[1].headers, {})
  assert.deepEqual(received[2].headers, {})
  assert.deepEqual(
    Object.entries(received[3].headers).map(([name, value]) => [name, String(value)]),
    [
      ['__proto__', 'own'],
      ['toString', 'x'],
    ],
  )
  assert.deepEqual(text(received[4].headers), { single: '1' })
})

test('kafkajs reads what was written, and what kafkajs writes is read, headers included', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka)
  const theirs = new kafkajs.Kafka({ brokers: [bootstrap()], logLevel: kafkajs.logLevel.NOTHING })
  const message = { key: 'k', value: 'v', timestamp: '1700000000123', headers: { a: 'text', c: ['one', 'two'] } }

  const ours = await connectProducer(t, kafka)
  await ours.send({ topic, messages: [message] })
  const producer = theirs.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
  t.after(() => producer.disconnect())
  await producer.connect()
  await producer.send({ topic, messages: [message] })

  /** @type {any[]} */
  const seen = []
  for (const [groupId, client] of Object.entries({ [`${topic}-ours`]: kafka, [`${topic}-theirs`]: theirs })) {
    const consumer = await connectConsumer(t, client, { topic, groupId })
    await consumer.run({
      eachMessage: async (/** @type {any} */ { message: { key, value, timestamp, headers, offset } }) => {
        seen.push({ key: String(key), value: String(value), timestamp, headers: text(headers), offset })
      },
    })
  }
  await grown(seen, 4)
  const expected = { key: 'k', value: 'v', timestamp: '1700000000123', headers: { a: 'text', c: ['one', 'two'] } }
  const order = (/** @type {any} */ a, /** @type {any} */ b) => a.offset - b.offset
  assert.deepEqual(
    seen.sort(order),
    ['0', '0', '1', '1'].map((offset) => ({ ...expected, offset })),
  )
})

test('a timestamp is kept, and one is made where none is given', async (t) => {
  const before = Date.now()
  const { received } = await roundTrip(t, [
    { value: 'a', timestamp: '1500000000001' },
    { value: 'b', timestamp: 1500000000002 },
    { value: 'c' },
  ])
  assert.equal(received[0].timestamp, '1500000000001')
  assert.equal(received[1].timestamp, '1500000000002')
  assert.ok(Number(received[2].timestamp) >= before && Number(received[2].timestamp) <= Date.now())
})

test("send() resolves with one record metadata per partition, with kafkajs's six fields", async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka, 3)
  const producer = await connectProducer(t, kafka)
  const messages = [...numbered(2, { partition: 0 }), ...numbered(3, { partition: 2 })]
  const byPartition = (/** @type {any} */ a, /** @type {any} */ b) => a.partition - b.partition
  const row = (/** @type {number} */ partition, /** @type {string} */ baseOffset) => ({
    topicName: topic,
    partition,
    errorCode: 0,
    baseOffset,
    logAppendTime: '-1',
    logStartOffset: '0',
  })
  const first = await producer.send({ topic, messages })
  assert.deepEqual(first.sort(byPartition), [row(0, '0'), row(2, '0')])
  const second = await producer.send({ topic, messages })
  assert.deepEqual(second.sort(byPartition), [row(0, '2'), row(2, '3')])
})

test('messages go to the partition that is asked for', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka, 4)
  const producer = await connectProducer(t, kafka)
  await producer.send({ topic, messages: range(40).map((i) => ({ value: `${i}`, partition: i % 4 })) })
  const received = await collect(await connectConsumer(t, kafka, { topic }))
  await grown(received, 40)
  for (const { partition, value } of received) assert.equal(Number(value) % 4, partition)
})

test("a key goes to the partition that kafkajs's default partitioner chooses, natively and in JS, whatever the key", async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka, 7)
  const metadata = range(7).map((partitionId) => ({ partitionErrorCode: 0, partitionId, leader: 1, replicas: [1], isr: [1] }))
  const theirs = kafkajs.Partitioners.DefaultPartitioner()
  const messages = manyKeys(3000).map((key) => ({
    key,
    value: String(theirs({ topic, partitionMetadata: metadata, message: { key, value: '' } })),
  }))
  for (const createPartitioner of [undefined, Partitioners.DefaultPartitioner, () => Partitioners.DefaultPartitioner()]) {
    await (await connectProducer(t, kafka, { createPartitioner })).send({ topic, messages })
  }
  // One by one too, which librdkafka is handed in another way.
  const sender = await connectProducer(t, kafka)
  await Promise.all(messages.slice(0, 1000).map((message) => sender.send({ topic, messages: [{ ...message, headers: { a: 'b' } }] })))
  const received = await collect(await connectConsumer(t, kafka, { topic }))
  await grown(received, 10_000)
  for (const { key, value, partition } of received) assert.equal(String(partition), value, JSON.stringify(key))
})

test('the partitioner of a program chooses, and what it throws rejects the send', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka, 3)
  const producer = await connectProducer(t, kafka, {
    createPartitioner:
      () =>
      (/** @type {any} */ { topic: asked, partitionMetadata, message }) => {
        assert.equal(asked, topic)
        if (message.value === 'bad') throw new RangeError('no partition for this')
        return partitionMetadata.length - 1
      },
  })
  assert.deepEqual(
    (await producer.send({ topic, messages: numbered(5) })).map(({ partition }) => partition),
    [2],
  )
  await assert.rejects(producer.send({ topic, messages: [{ value: 'bad' }] }), { message: 'no partition for this' })
})

test('sendBatch() delivers to several topics and joins what is given for one twice', async (t) => {
  const kafka = kafkaOf()
  const [a, b] = [await createTopic(t, kafka), await createTopic(t, kafka)]
  const producer = await connectProducer(t, kafka)
  const metadata = await producer.sendBatch({
    topicMessages: [
      { topic: a, messages: numbered(2) },
      { topic: b, messages: numbered(1) },
      { topic: a, messages: numbered(3) },
    ],
  })
  assert.deepEqual(metadata.map(({ topicName }) => topicName).sort(), [a, b].sort())
  const received = await collect(await connectConsumer(t, kafka, { topics: [a, b] }))
  await grown(received, 6)
  assert.deepEqual(
    received.filter(({ topic }) => topic === a).map(({ value }) => value),
    ['0', '1', '0', '1', '2'],
  )
  assert.deepEqual(
    received.filter(({ topic }) => topic === b).map(({ value }) => value),
    ['0'],
  )
})

for (const [name, compression] of Object.entries(CompressionTypes)) {
  test(`messages compressed by ${name} arrive`, async (t) => {
    const value = 'the same again and again '.repeat(200)
    const { received, topic } = await roundTrip(t, numbered(50, { value }), { compression })
    assert.ok(received.every((message) => message.value.equals(Buffer.from(value))))
    if (compression !== CompressionTypes.None && compression !== CompressionTypes.GZIP) return
    const theirs = new kafkajs.Kafka({ brokers: [bootstrap()], logLevel: kafkajs.logLevel.NOTHING })
    const consumer = await connectConsumer(t, theirs, { topic, groupId: `${topic}-theirs` })
    const seen = await collect(consumer)
    await grown(seen, 50)
    assert.ok(seen.every((message) => message.value === value))
  })
}

test('each codec does compress, and one that a program has registered makes no difference', async (t) => {
  const kafka = kafkaOf()
  // The broker takes no batch of this topic that is not compressed.
  const topic = await createTopic(t, kafka, 1, { configEntries: [{ name: 'max.message.bytes', value: '8000' }] })
  const value = 'the same again and again '.repeat(2000)
  const producer = await connectProducer(t, kafka)
  const codecs = { ...CompressionCodecs }
  t.after(() => Object.assign(CompressionCodecs, codecs))
  let called = 0
  for (const registered of [false, true]) {
    for (const [name, compression] of Object.entries(CompressionTypes)) {
      if (registered) {
        CompressionCodecs[compression] = () => ({
          compress: async () => Buffer.alloc(++called),
          decompress: async () => Buffer.alloc(++called),
        })
      }
      const sent = producer.send({ topic, messages: [{ key: name, value }], compression })
      if (compression === CompressionTypes.None) await assert.rejects(sent, { type: 'MESSAGE_TOO_LARGE' })
      else await sent
    }
  }
  const received = await collect(await connectConsumer(t, kafka, { topic }))
  await grown(received, 8)
  assert.deepEqual(received.map(({ key }) => key).slice(0, 4), ['GZIP', 'Snappy', 'LZ4', 'ZSTD'])
  assert.ok(received.every((message) => message.value === value))
  assert.equal(called, 0)
})

test('compression can also be chosen as a librdkafka property', async (t) => {
  const { received } = await roundTrip(t, numbered(20), {}, { rdkafka: { 'compression.codec': 'zstd' } })
  assert.deepEqual(
    received.map(({ value }) => String(value)),
    range(20).map(String),
  )
})

test('acks: 0 resolves with nothing, and the message arrives', async (t) => {
  const { metadata, received } = await roundTrip(t, [{ value: 'x' }], { acks: 0 })
  assert.deepEqual(metadata, [])
  assert.equal(String(received[0].value), 'x')
})

test('acks: 1 resolves with the offset', async (t) => {
  const { metadata } = await roundTrip(t, [{ value: 'x' }], { acks: 1 })
  assert.equal(metadata[0].baseOffset, '0')
})

test('no messages are no records', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka)
  const producer = await connectProducer(t, kafka)
  assert.deepEqual(await producer.send({ topic, messages: [] }), [])
  assert.deepEqual(await producer.sendBatch({ topicMessages: [] }), [])
})

test('many sends at once keep the order of their calls in each partition', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka, 2)
  const producer = await connectProducer(t, kafka)
  await Promise.all(range(3000).map((i) => producer.send({ topic, messages: [{ value: `${i}`, partition: i % 2 }] })))
  const received = await collect(await connectConsumer(t, kafka, { topic }))
  await grown(received, 3000)
  for (const one of [0, 1]) {
    assert.deepEqual(
      received.filter(({ partition }) => partition === one).map(({ value }) => Number(value)),
      range(3000).filter((i) => i % 2 === one),
    )
  }
})

test('a message may be changed as soon as send() has returned', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka)
  const producer = await connectProducer(t, kafka)
  const message = { value: Buffer.from('before'), headers: { h: 'before' } }
  const sent = producer.send({ topic, messages: [message] })
  message.value.write('after!')
  message.headers.h = 'after'
  await sent
  const consumer = await connectConsumer(t, kafka, { topic })
  /** @type {any[]} */
  const received = []
  await consumer.run({
    eachMessage: async (/** @type {any} */ { message }) => {
      received.push(message)
    },
  })
  await grown(received, 1)
  assert.equal(`${received[0].value} ${received[0].headers.h}`, 'before before')
})

test('large values arrive: a topic that takes 20 MB', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka, 1, { configEntries: [{ name: 'max.message.bytes', value: '20000000' }] })
  // As with kafkajs, only the broker says how large a message may be.
  const producer = await connectProducer(t, kafka)
  const sizes = [0, 1, 300_000, 9_000_000, 5]
  for (const size of sizes) await producer.send({ topic, messages: [{ value: Buffer.alloc(size, size % 251) }] })
  const consumer = await connectConsumer(t, kafka, { topic })
  /** @type {any[]} */
  const received = []
  await consumer.run({
    eachMessage: async (/** @type {any} */ { message: { value } }) => {
      received.push(Buffer.from(value))
    },
  })
  await grown(received, sizes.length)
  received.forEach((value, i) => assert.ok(value.equals(Buffer.alloc(sizes[i], sizes[i] % 251)), `value ${i}`))
})

test('a message over the limit of the topic is refused by the broker, the next one goes', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka, 1, { configEntries: [{ name: 'max.message.bytes', value: '2000' }] })
  const producer = await connectProducer(t, kafka)
  await assert.rejects(producer.send({ topic, messages: [{ value: Buffer.alloc(5000) }] }), {
    name: 'KafkaJSProtocolError',
    type: 'MESSAGE_TOO_LARGE',
    code: 10,
    retriable: false,
  })
  assert.equal((await producer.send({ topic, messages: [{ value: 'small' }] }))[0].baseOffset, '0')
})

test('a topic that does not exist is made by sending to it', async (t) => {
  const kafka = kafkaOf()
  const producer = await connectProducer(t, kafka)
  const topic = `${t.name.replace(/[^a-z]+/g, '-')}-${process.pid}`
  assert.equal((await producer.send({ topic, messages: [{ value: 'x' }] }))[0].topicName, topic)
})

test('without allowAutoTopicCreation a topic that does not exist rejects the send', async (t) => {
  const producer = await connectProducer(t, kafkaOf(), {
    allowAutoTopicCreation: false,
    rdkafka: { 'message.timeout.ms': 20000 },
  })
  await assert.rejects(producer.send({ topic: 'nobody-made-this', messages: [{ value: 'x' }] }), (/** @type {any} */ error) => {
    assert.equal(error.name, 'KafkaJSNumberOfRetriesExceeded')
    assert.equal(error.cause.type, 'UNKNOWN_TOPIC_OR_PARTITION')
    return true
  })
})

test('a partition that the topic does not have rejects the send and says so', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka, 2)
  const producer = await connectProducer(t, kafka)
  await assert.rejects(producer.send({ topic, messages: [{ value: 'x', partition: 7 }] }), {
    name: 'KafkaJSProtocolError',
    type: 'UNKNOWN_TOPIC_OR_PARTITION',
  })
  assert.equal((await producer.send({ topic, messages: [{ value: 'x', partition: 1 }] })).length, 1)
})

test('a topic with a name that Kafka does not allow rejects, and the producer goes on', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka)
  const producer = await connectProducer(t, kafka)
  await assert.rejects(producer.send({ topic: 'no spaces, please', messages: [{ value: 'x' }] }), (/** @type {any} */ error) => {
    assert.equal(error.name, 'KafkaJSNonRetriableError')
    assert.deepEqual([error.cause.name, error.cause.type], ['KafkaJSProtocolError', 'INVALID_TOPIC_EXCEPTION'])
    return true
  })
  assert.equal((await producer.send({ topic, messages: [{ value: 'x' }] })).length, 1)
})

test('disconnect() delivers what was sent before it', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka)
  const producer = await connectProducer(t, kafka, { rdkafka: { 'linger.ms': 60000 } })
  const sends = range(500).map((i) => producer.send({ topic, messages: [{ value: `${i}` }] }))
  await producer.disconnect()
  await Promise.all(sends)
  const received = await collect(await connectConsumer(t, kafka, { topic }))
  await grown(received, 500)
  assert.deepEqual(
    received.map(({ value }) => Number(value)),
    range(500),
  )
})

test('flush() ends the wait for company, and resolves when everything is delivered', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka)
  const producer = await connectProducer(t, kafka, { rdkafka: { 'linger.ms': 60000 } })
  let delivered = 0
  for (const message of numbered(20))
    producer.send({ topic, messages: [message] }).then(() => {
      delivered++
    })
  await producer.flush()
  assert.equal(delivered, 20)
})

test('a producer connects again after disconnect()', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka)
  const producer = await connectProducer(t, kafka)
  for (const baseOffset of ['0', '1', '2']) {
    assert.equal((await producer.send({ topic, messages: [{ value: 'x' }] }))[0].baseOffset, baseOffset)
    await producer.disconnect()
    await producer.connect()
  }
})
