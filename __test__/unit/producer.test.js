'use strict'
const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Kafka } = require('../../lib/kafkajs/kafka')
const { CompressionTypes } = require('../../lib/kafkajs/enums')
const { Partitioners } = require('../../lib/kafkajs/partitioners')
const { fakeNative, errorData } = require('../helpers/fake-native')

/** @param {any} [script] @param {any} [options] @param {any} [config] */
function setUp(script, options, config) {
  const native = fakeNative(script)
  const entries = /** @type {any[]} */ ([])
  const kafka = new Kafka(
    {
      brokers: ['a:1'],
      logCreator: () => (/** @type {any} */ entry) => {
        entries.push(entry)
      },
      ...config,
    },
    { native },
  )
  return { native, entries, producer: kafka.producer(options) }
}

/** @param {any} [script] @param {any} [options] */
async function connected(script, options) {
  const all = setUp(script, options)
  await all.producer.connect()
  return { ...all, client: all.native.clients[0] }
}

const message = { value: 'v' }
const send = (/** @type {any} */ producer, more = {}) => producer.send({ topic: 't', messages: [message], ...more })

test('send resolves with one RecordMetadata of six keys for each partition', async () => {
  const { producer, client } = await connected({
    submit: (/** @type {any} */ fake, /** @type {any[]} */ [{ id }]) =>
      fake.deliver([
        {
          id,
          partitions: [
            { partition: 2, offset: 10n, count: 2 },
            { partition: 0, offset: 3n, logAppendTime: 1700000000123n },
          ],
        },
      ]),
  })
  const result = await producer.send({
    topic: 't',
    messages: [message, message, { value: null, key: 'k', headers: { a: 'b' } }],
  })
  const rest = { topicName: 't', errorCode: 0, logStartOffset: '0' }
  assert.deepEqual(result, [
    { ...rest, partition: 2, baseOffset: '10', logAppendTime: '-1' },
    { ...rest, partition: 0, baseOffset: '3', logAppendTime: '1700000000123' },
  ])
  assert.equal(client.config['bootstrap.servers'], 'a:1')
  assert.equal(client.frames[0][0].records.length, 3)
})

test('all sends of a turn cross together', async () => {
  const { producer, client } = await connected()
  await Promise.all(Array.from({ length: 100 }, () => send(producer)))
  assert.equal(client.frames.length, 1)
  assert.equal(client.frames[0].length, 100)
})

test('a large frame does not wait for the end of the turn', async () => {
  const { producer, client } = await connected()
  const value = 'x'.repeat(700 * 1024)
  const both = [send(producer, { messages: [{ value }] }), send(producer, { messages: [{ value }] })]
  assert.equal(client.frames.length, 1)
  await Promise.all(both)
})

test('messages may be changed after the call', async () => {
  const { producer, client } = await connected()
  const value = Buffer.from('before')
  const done = send(producer, { messages: [{ value }] })
  value.fill('x')
  await done
  assert.equal(String(client.frames[0][0].records[0].value), 'before')
})

// They wrote into the middle of the send that was being packed: the frame was none any more, or a send never settled.
test('a getter of a message may send as well', async () => {
  const { producer, client } = await connected()
  const inner = /** @type {Promise<any>[]} */ ([])
  const another = () => inner.push(send(producer), producer.sendBatch({ topicMessages: [{ topic: 't', messages: [message] }] }))
  const getters = /** @type {any[]} */ ([
    { get value() { another(); return 'outer' } },
    { value: 'outer', headers: { get h() { another(); return 'h' } } },
  ])
  await send(producer, { messages: getters })
  const refused = /** @type {any} */ ({ get value() { another(); throw new Error('of the getter') } })
  await assert.rejects(send(producer, { messages: [refused] }), { message: 'of the getter' })
  await Promise.all(inner)
  const values = client.frames.flat().map((/** @type {any} */ { records }) => records.map((/** @type {any} */ { value }) => String(value)))
  assert.deepEqual(values, [['outer', 'outer'], ...Array.from({ length: 6 }, () => ['v'])])
})

test('sendBatch merges a topic that comes twice, and waits for all topics', async () => {
  const { producer, client } = await connected()
  const result = await producer.sendBatch({
    topicMessages: [
      { topic: 'a', messages: [{ value: '1' }] },
      { topic: 'b', messages: [{ value: '2' }] },
      { topic: 'a', messages: [{ value: '3' }] },
    ],
  })
  assert.deepEqual(
    client.frames[0].map((/** @type {any} */ { records }) =>
      records.map((/** @type {any} */ { value }) => String(value)),
    ),
    [['1', '3'], ['2']],
  )
  assert.deepEqual(
    result.map(({ topicName }) => topicName),
    ['a', 'b'],
  )
})

test('a batch of which one message cannot be sent sends nothing', async () => {
  const { producer, client } = await connected()
  await assert.rejects(
    producer.sendBatch({
      topicMessages: [
        { topic: 'a', messages: [{ value: '1' }] },
        { topic: 'b', messages: [/** @type {any} */ ({ value: 2 })] },
      ],
    }),
    { name: 'KafkaJSNonRetriableError' },
  )
  await send(producer)
  assert.deepEqual(
    client.frames.flat().map((/** @type {any} */ { records }) => String(records[0].value)),
    ['v'],
  )
})

test('nothing to send resolves with nothing', async () => {
  const { producer, client } = await connected()
  assert.deepEqual(await send(producer, { messages: [] }), [])
  assert.deepEqual(await producer.sendBatch({}), [])
  assert.equal(client.frames.length, 0)
})

/** Sends that complete when the test says so. @param {number} count */
async function underWay(count) {
  const ids = /** @type {number[]} */ ([])
  const submit = (/** @type {any} */ _fake, /** @type {any[]} */ sends) => ids.push(...sends.map(({ id }) => id))
  const { producer, client } = await connected({ submit })
  const seen = { settled: 0 }
  const promises = Array.from({ length: count }, () => send(producer).then(() => seen.settled++))
  await Promise.resolve()
  const deliver = () => client.deliver(ids.map((id) => ({ id, partitions: [{ partition: 0, offset: 5n }] })))
  return { producer, client, promises, seen, deliver }
}

test('thousands of sends that complete at once leave the event loop turns in between', async () => {
  const { promises, seen, deliver } = await underWay(5500)
  deliver()
  let turns = 0
  let before = 0
  for (; seen.settled < 5500; turns++) {
    await new Promise((resolve) => setImmediate(resolve))
    assert.ok(seen.settled - before <= 2000, `${seen.settled - before} in one turn`)
    before = seen.settled
  }
  assert.ok(turns >= 3)
  await Promise.all(promises)
})

test('a program that sends again and again as sends complete leaves the event loop turns as well', async () => {
  const { producer, client } = await connected({
    submit: (/** @type {any} */ fake, /** @type {any[]} */ sends) =>
      queueMicrotask(() => fake.deliver(sends.map(({ id }) => ({ id })))),
  })
  let turned = false
  setImmediate(() => {
    turned = true
  })
  let sent = 0
  while (!turned && sent < 10_000) {
    sent++
    await send(producer)
  }
  assert.ok(turned, 'no turn within 10,000 sends')
  assert.equal(client.frames.length, sent)
})

for (const way of /** @type {const} */ (['flush', 'disconnect'])) {
  test(`what is complete is settled when ${way}() resolves, however much it is`, async () => {
    const { producer, seen, deliver } = await underWay(3500)
    deliver()
    await producer[way]()
    assert.equal(seen.settled, 3500)
  })
}

for (const way of /** @type {const} */ (['flush', 'disconnect'])) {
  test(`what is complete is settled when ${way}() resolves, also when its answer came first`, async () => {
    const { producer } = await connected({
      submit: (/** @type {any} */ fake, /** @type {any[]} */ [{ id }]) => fake.complete.push({ id }),
    })
    let settled = false
    const sending = send(producer).then(() => {
      settled = true
    })
    await producer[way]()
    assert.ok(settled)
    await sending
  })
}

test('a send over more partitions than a deliveries frame has room for', async () => {
  const partitions = Array.from({ length: 20_000 }, (_, partition) => ({ partition, offset: 1n }))
  const { producer } = await connected({
    submit: (/** @type {any} */ fake, /** @type {any[]} */ [{ id }]) => fake.deliver([{ id, partitions }]),
  })
  const result = await send(producer)
  assert.deepEqual(result.map(({ partition }) => partition), partitions.map(({ partition }) => partition))
})

test('the first failure of a send is its error', async () => {
  const { producer } = await connected({
    submit: (/** @type {any} */ fake, /** @type {any[]} */ [{ id }]) =>
      fake.deliver([{ id, error: 10, failed: 1, partitions: [{ partition: 0, offset: 1n }] }]),
  })
  async function programOfTheUser() {
    await send(producer)
  }
  await assert.rejects(programOfTheUser(), (/** @type {any} */ error) => {
    assert.deepEqual(
      [error.name, error.type, error.code, error.retriable],
      ['KafkaJSProtocolError', 'MESSAGE_TOO_LARGE', 10, false],
    )
    assert.match(error.stack, /programOfTheUser/)
    return true
  })
})

test('a message that could not be delivered in time says what was wrong with the brokers', async () => {
  const { producer } = await connected({
    submit: (/** @type {any} */ fake, /** @type {any[]} */ [{ id }]) => {
      fake.onEvent(4, JSON.stringify(errorData(-195, 'a:1: Connection refused')))
      fake.deliver([{ id, error: -192, failed: 1 }])
    },
  })
  await assert.rejects(send(producer), (/** @type {any} */ error) => {
    assert.deepEqual([error.name, error.retriable], ['KafkaJSNumberOfRetriesExceeded', false])
    assert.deepEqual([error.cause.name, error.cause.retriable], ['KafkaJSRequestTimeoutError', true])
    assert.match(error.message, /"t".*in time.*: a:1: Connection refused/)
    return true
  })
})

test('what submit throws rejects every send of the frame', async () => {
  const { producer } = await connected({
    submit: () => {
      throw errorData(-172, 'closed')
    },
  })
  for (const result of await Promise.allSettled([send(producer), send(producer)])) {
    assert.equal(result.status, 'rejected')
    assert.equal(/** @type {any} */ (result).reason.name, 'KafkaJSNonRetriableError')
  }
})

test("arguments are checked in kafkajs's order, before the connection", async () => {
  const { producer } = setUp()
  const { producer: idempotent } = setUp({}, { idempotent: true })
  const cases = /** @type {[any, any, string | RegExp][]} */ ([
    [producer, { topic: '', messages: null }, 'Invalid topic'],
    [producer, { topic: 5, messages: [] }, /^Invalid topic 5 \(number\)/],
    [idempotent, { topic: 't', acks: 1, messages: null }, /^Not requiring ack for all messages/],
    [producer, { topic: 't', messages: null }, 'Invalid messages array [null] for topic "t"'],
    [producer, { topic: 't', messages: 'v' }, /messages must be an array/],
    [producer, { topic: 't', messages: [{ key: 'k' }] }, 'Invalid message without value for topic "t": {"key":"k"}'],
    [producer, { topic: 't', messages: [null] }, /a message is an object/],
    [producer, { topic: 't', messages: [] }, 'The producer is disconnected'],
    [producer, undefined, /write send\(/],
  ])
  for (const [who, record, text] of cases) await assert.rejects(who.send(record), { message: text })
  await assert.rejects(producer.send({ topic: 't', messages: [] }), { name: 'KafkaJSError' })
  await assert.rejects(producer.sendBatch(/** @type {any} */ ({ topicMessages: 'x' })), { message: /write sendBatch/ })
})

test('connect and disconnect tell, may be called twice, and a producer may connect again', async () => {
  const { producer, native } = setUp()
  const heard = /** @type {string[]} */ ([])
  producer.on(producer.events.CONNECT, ({ type }) => heard.push(type))
  producer.on(producer.events.DISCONNECT, ({ type }) => heard.push(type))
  await producer.disconnect()
  await Promise.all([producer.connect(), producer.connect()])
  assert.equal(native.clients.length, 1)
  await send(producer)
  await Promise.all([producer.disconnect(), producer.disconnect()])
  await assert.rejects(send(producer), { message: 'The producer is disconnected' })
  await producer.connect()
  await send(producer)
  assert.equal(native.clients.length, 2)
  assert.deepEqual(heard, [
    'producer.disconnect',
    'producer.connect',
    'producer.connect',
    'producer.disconnect',
    'producer.disconnect',
    'producer.connect',
  ])
})

test('disconnect hands over what was sent in the same turn, and rejects what was not delivered', async () => {
  const { producer, client } = await connected({ submit: () => {} })
  const late = assert.rejects(send(producer), {
    name: 'KafkaJSError',
    message: /disconnected before the message was delivered/,
  })
  const closing = producer.disconnect()
  await assert.rejects(send(producer), { message: /^The producer is disconnecting/ })
  await closing
  await late
  assert.equal(client.frames.length, 1)
  assert.ok(client.closed > 0)
})

test('connect rejects with the reason, in the class for retries used up', async () => {
  const { producer, native } = setUp(
    {
      connect: async () => {
        throw errorData(-195, 'a:1/bootstrap: Connection refused')
      },
    },
    { retry: { retries: 2 } },
  )
  await assert.rejects(producer.connect(), (/** @type {any} */ error) => {
    assert.deepEqual(
      [error.name, error.retryCount, error.cause.name, error.cause.code],
      ['KafkaJSNumberOfRetriesExceeded', 2, 'KafkaJSConnectionError', 'ECONNREFUSED'],
    )
    return true
  })
  assert.equal(native.clients[0].connectTimeout, 300 + 600 + 3 * 1000)
  assert.notEqual(native.clients[0].closed, undefined)
  await assert.rejects(send(producer), { message: 'The producer is disconnected' })
})

test('connect that ran out of time says what the brokers said', async () => {
  const { producer } = setUp({
    connect: async (/** @type {any} */ fake) => {
      fake.onEvent(4, JSON.stringify(errorData(-193, 'a:1: Failed to resolve')))
      fake.onEvent(4, JSON.stringify(errorData(-187, 'all down')))
      throw errorData(-185, 'No broker answered')
    },
  })
  await assert.rejects(producer.connect(), { name: 'KafkaJSNumberOfRetriesExceeded', message: /Failed to resolve/ })
})

test('a wrong password is told at once and as what it is', async () => {
  const native = fakeNative({
    connect: async () => {
      throw errorData(-169, 'no such user')
    },
  })
  const kafka = new Kafka({ brokers: ['a:1'], sasl: { mechanism: 'plain', username: 'u', password: 'p' } }, { native })
  await assert.rejects(kafka.producer().connect(), {
    name: 'KafkaJSSASLAuthenticationError',
    message: /^SASL PLAIN authentication failed/,
  })
})

test('a property that librdkafka refuses makes connect reject', async () => {
  const native = fakeNative()
  native.NativeProducer = /** @type {any} */ (
    class {
      constructor() {
        throw errorData(-186, 'Invalid value "x"')
      }
    }
  )
  const producer = new Kafka({ brokers: ['a:1'] }, { native }).producer()
  await assert.rejects(producer.connect(), { name: 'KafkaJSNonRetriableError', message: 'Invalid value "x"' })
})

test('disconnect during connect makes it reject at once', async () => {
  const { producer, native } = setUp({ connect: () => new Promise(() => {}) })
  const connecting = assert.rejects(producer.connect(), {
    message: 'The producer was disconnected while it was connecting',
  })
  await new Promise(setImmediate)
  await producer.disconnect()
  await connecting
  assert.equal(native.clients[0].closed, 0)

  const waiting = setUp({}, {}, { brokers: () => new Promise(() => {}) })
  const asking = assert.rejects(waiting.producer.connect(), { message: /was disconnected while it was connecting/ })
  await waiting.producer.disconnect()
  await asking
  assert.equal(waiting.native.clients.length, 0)
})

test('brokers are asked for at each connect', async () => {
  let calls = 0
  const { producer, native } = setUp({}, {}, { brokers: async () => [`a:${++calls}`] })
  await producer.connect()
  await producer.disconnect()
  await producer.connect()
  assert.deepEqual(
    native.clients.map(({ config }) => config['bootstrap.servers']),
    ['a:1', 'a:2'],
  )
})

test('other acks, timeouts and codecs have a native producer of their own, made once', async () => {
  const { producer, native } = await connected()
  await send(producer, { acks: -1, timeout: 30000, compression: CompressionTypes.None })
  assert.equal(native.clients.length, 1)
  assert.deepEqual(await send(producer, { acks: 0 }), [])
  await send(producer, { acks: 0 })
  await Promise.all([
    send(producer, { compression: CompressionTypes.ZSTD }),
    send(producer, { compression: CompressionTypes.ZSTD }),
  ])
  assert.deepEqual(
    native.clients.map(({ config }) => [config.acks, config['compression.codec'], config['enable.idempotence']]),
    [
      ['-1', undefined, 'true'],
      ['0', undefined, 'false'],
      ['-1', 'zstd', 'true'],
    ],
  )
  await producer.flush()
  await producer.disconnect()
  for (const client of native.clients) assert.deepEqual([client.calls[0][0], client.closed > 0], ['flush', true])
})

test('acks, timeout and compression that cannot be are refused', async () => {
  const { producer } = await connected()
  await assert.rejects(send(producer, { acks: 5 }), { type: 'INVALID_REQUIRED_ACKS', code: 21 })
  for (const more of [{ acks: '1' }, { timeout: 'soon' }, { compression: 9 }]) {
    await assert.rejects(send(producer, more), { name: 'KafkaJSNonRetriableError', message: /write/ })
  }
})

test('not more than sixteen such producers stay', async () => {
  const { producer, native } = await connected()
  for (let i = 1; i <= 20; i++) await send(producer, { timeout: 1000 + i })
  await new Promise(setImmediate)
  assert.equal(native.clients.filter(({ closed }) => closed !== undefined).length, 4)
})

test('a partitioner of the program chooses with the metadata of the topic, loaded once', async () => {
  const seen = /** @type {any[]} */ ([])
  let loads = 0
  const script = {
    call: () => {
      loads += 1
      if (loads === 1) return { topics: [{ name: 't', error: errorData(3), partitions: [] }] }
      return {
        topics: [
          {
            name: 't',
            error: null,
            partitions: [0, 1].map((id) => ({ id, leader: 1, replicas: [1], isrs: [1], error: null })),
          },
        ],
      }
    },
  }
  const options = {
    retry: { initialRetryTime: 1 },
    createPartitioner: () => (/** @type {any} */ args) => {
      seen.push(args)
      return 1
    },
  }
  const { producer, client } = await connected(script, options)
  await Promise.all([send(producer), send(producer)])
  await send(producer)
  assert.equal(loads, 2)
  assert.deepEqual(
    client.frames.flat().map((/** @type {any} */ { records }) => records[0].partition),
    [1, 1, 1],
  )
  assert.deepEqual(seen[0], {
    topic: 't',
    message,
    partitionMetadata: [0, 1].map((partitionId) => ({
      partitionErrorCode: 0,
      partitionId,
      leader: 1,
      replicas: [1],
      isr: [1],
      offlineReplicas: [],
    })),
  })
})

test("a partitioner's mistake is the send's", async () => {
  const call = () => ({
    topics: [{ name: 't', error: null, partitions: [{ id: 0, leader: 1, replicas: [], isrs: [] }] }],
  })
  const { producer } = await connected({ call }, { createPartitioner: () => () => 'first' })
  await assert.rejects(send(producer), {
    name: 'KafkaJSNonRetriableError',
    message: /partition must be a whole number/,
  })
})

test("the default partitioner is librdkafka's and never called", async () => {
  const { producer, client } = await connected({}, { createPartitioner: Partitioners.DefaultPartitioner })
  await send(producer)
  assert.equal(client.frames[0][0].records[0].partition, -1)
  assert.equal(client.config.partitioner, 'murmur2_random')
})

test("librdkafka's log goes to the program's logger at its level", async () => {
  const { client, entries } = await connected()
  client.onEvent(5, JSON.stringify({ level: 3, facility: 'FAIL', message: 'refused' }))
  client.onEvent(5, JSON.stringify({ level: 7, facility: 'X', message: 'detail' }))
  assert.deepEqual(
    entries.map(({ namespace, label, log }) => [namespace, label, log.message]),
    [['librdkafka', 'ERROR', 'refused']],
  )
})

test('methods work when taken off the producer, and send may be replaced', async () => {
  const { producer } = await connected()
  const { send: taken, isIdempotent } = producer
  assert.equal((await taken({ topic: 't', messages: [message] })).length, 1)
  assert.equal(isIdempotent(), false)
  const own = async () => []
  producer.send = own
  assert.equal(producer.send, own)
})

test('a fatal error is logged and rejects the sends that it fails', async () => {
  const { producer, entries } = await connected({
    submit: (/** @type {any} */ fake, /** @type {any[]} */ [{ id }]) => {
      fake.onEvent(4, JSON.stringify({ ...errorData(47, 'epoch fenced'), fatal: true }))
      fake.deliver([{ id, error: -150, failed: 1 }])
    },
  })
  await assert.rejects(send(producer), { name: 'KafkaJSNonRetriableError', fatal: true, message: 'epoch fenced' })
  assert.match(entries[0].log.message, /cannot go on: epoch fenced/)
})


// It went on once the first disconnect() was over, as if there were no second one.
test('of disconnect(), connect(), disconnect() the last counts', async () => {
  const { producer, native } = await connected()
  const ended = producer.disconnect()
  const connecting = producer.connect()
  const last = producer.disconnect()
  await assert.rejects(connecting, { name: 'KafkaJSNonRetriableError', message: /disconnected while it was connecting/ })
  await Promise.all([ended, last])
  assert.ok(native.clients.every(({ closed }) => closed !== undefined))
  await producer.connect()
  await producer.send({ topic: 't', messages: [message] })
})
