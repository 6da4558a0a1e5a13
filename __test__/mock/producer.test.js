'use strict'

// A producer in trouble: wrong input, full queues, brokers that fail, disconnect at the wrong moment.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const {
  collect,
  connectConsumer,
  connectProducer,
  grown,
  kafkaOf,
  mockCluster,
  numbered,
  range,
} = require('../helpers/clients')
const { waitFor, within } = require('../helpers/wait')

/** @typedef {import('node:test').TestContext} TestContext */

/**
 * @param {TestContext} t
 * @param {object} [options]  of the producer
 * @param {{ brokers?: number, partitions?: number }} [size]
 */
async function start(t, options = {}, { brokers = 1, partitions = 1 } = {}) {
  const cluster = await mockCluster(t, { brokers })
  await cluster.createTopic({ topic: 't', partitions, replicationFactor: brokers })
  const kafka = kafkaOf(cluster.brokers)
  const producer = await connectProducer(t, kafka, options)
  return { cluster, kafka, producer }
}

/** What lies in the topic, in order. @param {TestContext} t @param {any} kafka @param {number} count */
async function stored(t, kafka, count) {
  const received = await collect(await connectConsumer(t, kafka, { topic: 't' }))
  await grown(received, count)
  return received
}

const settled = (/** @type {Promise<any>[]} */ sends) => within(Promise.allSettled(sends), 'every send to be settled')

test('wrong messages are refused with what to write, and nothing of the call is sent', async (t) => {
  const { producer, kafka } = await start(t)
  /** @type {[any, RegExp][]} */
  const wrong = [
    [{ value: 5 }, /value must be a string, a Buffer or null, not a number: write String\(it\)/],
    [{ value: { a: 1 } }, /value .*JSON\.stringify/],
    [{ value: undefined }, /without value/],
    [{}, /without value/],
    [{ key: 5, value: 'v' }, /key must be a string/],
    [{ value: 'v', headers: { h: 5 } }, /header "h" must be/],
    [{ value: 'v', headers: [] }, /headers must be an object/],
    [{ value: 'v', headers: new Map() }, /headers must be an object/],
    [{ value: 'v', partition: '0' }, /partition must be a whole number/],
    [{ value: 'v', partition: -1 }, /partition must be a whole number/],
    [{ value: 'v', partition: 1.5 }, /partition must be a whole number/],
    [{ value: 'v', timestamp: 'yesterday' }, /timestamp must be milliseconds/],
    [{ value: 'v', timestamp: new Date() }, /timestamp must be milliseconds/],
    [null, /a message is an object/],
    ['text', /a message is an object/],
  ]
  for (const [message, text] of wrong) {
    await assert.rejects(producer.send({ topic: 't', messages: [{ value: 'good' }, message] }), {
      name: 'KafkaJSNonRetriableError',
      message: text,
    })
  }
  for (const topic of [undefined, null, '', 5]) {
    await assert.rejects(producer.send({ topic, messages: [{ value: 'v' }] }), {
      name: 'KafkaJSNonRetriableError',
      message: /Invalid topic/,
    })
  }
  for (const messages of [undefined, null, 'v', { value: 'v' }]) {
    await assert.rejects(producer.send({ topic: 't', messages }), {
      name: 'KafkaJSNonRetriableError',
      message: /Invalid messages/,
    })
  }
  await producer.send({ topic: 't', messages: [{ value: 'the only one', partition: 0 }] })
  assert.deepEqual(
    (await stored(t, kafka, 1)).map(({ value }) => value),
    ['the only one'],
  )
})

test('a send before connect() and after disconnect() is refused', async (t) => {
  const { kafka, producer: connected } = await start(t)
  const producer = kafka.producer()
  const message = { topic: 't', messages: [{ value: 'v' }] }
  await assert.rejects(producer.send(message), { name: 'KafkaJSError', message: 'The producer is disconnected' })
  const ending = connected.disconnect()
  await assert.rejects(connected.send(message), { message: /disconnecting/ })
  await ending
  await assert.rejects(connected.send(message), { name: 'KafkaJSError', message: 'The producer is disconnected' })
  await assert.rejects(connected.flush(), { message: 'The producer is disconnected' })
})

test('a message over message.max.bytes is refused, those around it are delivered', async (t) => {
  const { producer, kafka } = await start(t, { rdkafka: { 'message.max.bytes': 2000 } })
  const [before, large, after] = await settled([
    producer.send({ topic: 't', messages: [{ value: 'a', partition: 0 }] }),
    producer.send({ topic: 't', messages: [{ value: Buffer.alloc(3000), partition: 0 }] }),
    producer.send({ topic: 't', messages: [{ value: 'b', partition: 0 }] }),
  ])
  assert.deepEqual([before.status, large.status, after.status], ['fulfilled', 'rejected', 'fulfilled'])
  const { reason } = /** @type {any} */ (large)
  assert.deepEqual([reason.name, reason.type, reason.retriable], ['KafkaJSProtocolError', 'MESSAGE_TOO_LARGE', false])
  assert.deepEqual(
    (await stored(t, kafka, 2)).map(({ value }) => value),
    ['a', 'b'],
  )
})

test('a full queue is back-pressure: everything is delivered, in order, with and without headers', async (t) => {
  const { producer, kafka } = await start(t, { rdkafka: { 'queue.buffering.max.messages': 50 } })
  const sends = range(400).map((i) =>
    producer.send({
      topic: 't',
      messages: range(5).map((j) => ({
        value: `${i * 5 + j}`,
        partition: 0,
        ...((i + j) % 3 === 0 ? { headers: { h: 'x' } } : {}),
      })),
    }),
  )
  await within(Promise.all(sends), 'all sends')
  assert.deepEqual(
    (await stored(t, kafka, 2000)).map(({ value }) => Number(value)),
    range(2000),
  )
})

test('a full queue of bytes is back-pressure too', async (t) => {
  const { producer, kafka } = await start(t, {
    rdkafka: { 'queue.buffering.max.kbytes': 64, 'message.max.bytes': 20000 },
  })
  const value = 'x'.repeat(10_000)
  await within(
    Promise.all(range(100).map((i) => producer.send({ topic: 't', messages: [{ key: `${i}`, value, partition: 0 }] }))),
    'all sends',
  )
  assert.deepEqual(
    (await stored(t, kafka, 100)).map(({ key }) => Number(key)),
    range(100),
  )
})

test('disconnect() while more waits than the queue holds delivers everything', async (t) => {
  const { producer, kafka } = await start(t, { rdkafka: { 'queue.buffering.max.messages': 10 } })
  const sends = range(300).map((i) => producer.send({ topic: 't', messages: [{ value: `${i}`, partition: 0 }] }))
  await within(producer.disconnect(), 'disconnect()')
  await Promise.all(sends)
  assert.deepEqual(
    (await stored(t, kafka, 300)).map(({ value }) => Number(value)),
    range(300),
  )
})

test('disconnect() when the brokers are gone rejects what was not delivered, in bounded time', async (t) => {
  const { cluster, producer } = await start(t, { rdkafka: { 'queue.buffering.max.messages': 10 } })
  await cluster.setBrokerDown(1)
  const sends = range(100).map((i) => producer.send({ topic: 't', messages: [{ value: `${i}`, partition: 0 }] }))
  const all = settled(sends)
  await within(producer.disconnect(), 'disconnect()', 30_000)
  for (const result of await all) {
    assert.equal(result.status, 'rejected')
    assert.match(/** @type {any} */ (result).reason.message, /disconnected before the message was delivered/)
  }
})

test('disconnect() twice, at once and concurrently with sends, settles every send', async (t) => {
  const { producer, kafka } = await start(t)
  /** @type {Promise<any>[]} */
  const sends = []
  const pump = (async () => {
    for (let i = 0; i < 200; i++) {
      const send = producer.send({ topic: 't', messages: [{ value: `${i}`, partition: 0 }] })
      send.catch(() => {})
      sends.push(send)
      if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve))
      if (i === 100) producer.disconnect()
    }
  })()
  await pump
  const all = settled(sends)
  await Promise.all([producer.disconnect(), producer.disconnect()])
  const delivered = (await all).filter(({ status }) => status === 'fulfilled').length
  assert.ok(delivered >= 101, `${delivered} delivered`)
  assert.deepEqual(
    (await stored(t, kafka, delivered)).map(({ value }) => Number(value)),
    range(delivered),
  )
})

test('a message that cannot be delivered in time rejects and says what is wrong with the brokers', async (t) => {
  const { cluster, producer } = await start(t, { rdkafka: { 'message.timeout.ms': 2000 } })
  await producer.send({ topic: 't', messages: [{ value: 'v', partition: 0 }] })
  await cluster.setBrokerDown(1)
  await assert.rejects(producer.send({ topic: 't', messages: [{ value: 'v', partition: 0 }] }), (/** @type {any} */ error) => {
    assert.deepEqual([error.name, error.cause.name], ['KafkaJSNumberOfRetriesExceeded', 'KafkaJSRequestTimeoutError'])
    assert.match(error.message, /could not be delivered in time .*(refused|down|[Dd]isconnect|closed)/)
    return true
  })
})

test('flush() with a timeout rejects when messages are still under way, and the messages are not lost by that', async (t) => {
  const { cluster, producer } = await start(t)
  await producer.send({ topic: 't', messages: [{ value: '0', partition: 0 }] })
  await cluster.setBrokerDown(1)
  const send = producer.send({ topic: 't', messages: [{ value: '1', partition: 0 }] })
  await assert.rejects(producer.flush({ timeout: 300 }), { name: 'KafkaJSRequestTimeoutError', retriable: true })
  await cluster.setBrokerUp(1)
  assert.equal((await within(send, 'the send'))[0].baseOffset, '1')
  await producer.flush()
})

test('produce requests that fail are made good: nothing lost, doubled or reordered', async (t) => {
  // The mock brokers do not look at sequence numbers, as real ones do: only one request at a time keeps the order there.
  const { cluster, producer, kafka } = await start(t, { maxInFlightRequests: 1 }, { brokers: 3, partitions: 2 })
  await cluster.pushRequestErrors('Produce', [
    'NOT_LEADER_FOR_PARTITION',
    'REQUEST_TIMED_OUT',
    'ERR__TRANSPORT',
    'NOT_ENOUGH_REPLICAS',
    'UNKNOWN_TOPIC_OR_PARTITION',
    'ERR__TRANSPORT',
  ])
  const sends = range(300).map((i) => producer.send({ topic: 't', messages: [{ value: `${i}`, partition: i % 2 }] }))
  await within(Promise.all(sends), 'all sends')
  const received = await stored(t, kafka, 300)
  for (const one of [0, 1]) {
    assert.deepEqual(
      received.filter(({ partition }) => partition === one).map(({ value }) => Number(value)),
      range(300).filter((i) => i % 2 === one),
    )
  }
})

test('leaders that move, slow brokers and one that dies and returns lose nothing while producing goes on', async (t) => {
  const { cluster, producer, kafka } = await start(t, { maxInFlightRequests: 1 }, { brokers: 3, partitions: 1 })
  let next = 0
  /** @type {Promise<any>[]} */
  const sends = []
  const some = () => {
    for (let i = 0; i < 50; i++)
      sends.push(producer.send({ topic: 't', messages: [{ value: `${next++}`, partition: 0 }] }))
  }
  const trouble = [
    () => cluster.setLeader({ topic: 't', partition: 0, broker: 2 }),
    () => cluster.setLatency(2, 300),
    () => cluster.setLeader({ topic: 't', partition: 0, broker: 3 }),
    () => cluster.setLatency(2, 0),
    async () => {
      await cluster.setBrokerDown(3)
      some()
      await cluster.setBrokerUp(3)
    },
    () => cluster.setLeader({ topic: 't', partition: 0, broker: 1 }),
  ]
  for (const make of trouble) {
    some()
    await make()
    some()
    await sends[sends.length - 100]
  }
  await within(Promise.all(sends), 'all sends')
  assert.deepEqual(
    (await stored(t, kafka, next)).map(({ value }) => Number(value)),
    range(next),
  )
})

test("an error that no retry can heal rejects the send with the broker's reason", async (t) => {
  const { cluster, producer } = await start(t)
  await cluster.pushRequestErrors('Produce', ['TOPIC_AUTHORIZATION_FAILED'])
  await assert.rejects(producer.send({ topic: 't', messages: [{ value: 'v' }] }), {
    name: 'KafkaJSProtocolError',
    type: 'TOPIC_AUTHORIZATION_FAILED',
    code: 29,
    retriable: false,
  })
  // librdkafka takes the topic for forbidden until it asks for its metadata again, a second later.
  await waitFor(
    async () => (await producer.send({ topic: 't', messages: [{ value: 'v', partition: 0 }] })).length === 1,
  )
})

test('unknown librdkafka properties are refused when the client is made, bad values at connect()', async (t) => {
  const { kafka } = await start(t)
  const refused = (/** @type {RegExp} */ message) => ({ name: 'KafkaJSNonRetriableError', message })
  assert.throws(() => kafka.producer({ rdkafka: { 'linger.mss': 5 } }), refused(/did you mean "linger\.ms"/))
  assert.throws(
    () => kafka.producer({ rdkafka: { 'linger.ms': {} } }),
    refused(/must be a string, a number or a boolean/),
  )
  for (const rdkafka of [{ 'linger.ms': 'soon' }, { 'linger.ms': -5 }, { 'compression.codec': 'zip' }]) {
    const producer = kafka.producer({ rdkafka })
    await assert.rejects(producer.connect(), refused(new RegExp(Object.keys(rdkafka)[0])))
    await producer.disconnect()
  }
})

test('a hundred thousand messages in small sends arrive once each', async (t) => {
  const { producer, kafka } = await start(t, {}, { partitions: 4 })
  const count = 100_000
  for (let from = 0; from < count; from += 10_000) {
    await Promise.all(
      range(1000).map((i) => producer.send({ topic: 't', messages: numbered(10, { key: `${from + i * 10}` }) })),
    )
  }
  const received = await stored(t, kafka, count)
  const keys = new Map()
  for (const { key } of received) keys.set(key, (keys.get(key) || 0) + 1)
  assert.equal(keys.size, count / 10)
  assert.ok([...keys.values()].every((times) => times === 10))
})
