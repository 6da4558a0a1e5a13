'use strict'

// Producing when brokers refuse, are slow, silent or gone, beyond what producer.test.js tells: what a send says, that
// it always says something, and that the producer is of use afterwards.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { collect, connectConsumer, connectProducer, grown, kafkaOf, mockCluster, range } = require('../helpers/clients')
const { waitFor, within } = require('../helpers/wait')

/** @typedef {import('node:test').TestContext} TestContext */

const RETRY = Object.freeze({ retries: 1, initialRetryTime: 20 })
/** A latency in ms that no test waits for: the broker takes requests and is silent. */
const SILENT = 10 * 60_000

/**
 * A cluster of one broker with the topic `t` of one partition, and a producer that has already sent one message.
 * @param {TestContext} t
 * @param {object} [options]  of the producer
 */
async function start(t, options = {}) {
  const cluster = await mockCluster(t)
  await cluster.createTopic({ topic: 't', partitions: 1 })
  const kafka = kafkaOf(cluster.brokers, { retry: RETRY })
  const producer = await connectProducer(t, kafka, options)
  assert.equal(await offsetOf(producer.send({ topic: 't', messages: [{ value: 'first' }] })), 0)
  const send = (/** @type {string} */ value) =>
    within(producer.send({ topic: 't', messages: [{ value }] }), `the send of ${value}`)
  return { cluster, kafka, producer, send }
}

/** @param {Promise<any[]>} sent */
async function offsetOf(sent) {
  const [{ baseOffset }] = await sent
  return Number(baseOffset)
}

/** @param {Promise<any>[]} sends */
const settled = (sends) => within(Promise.allSettled(sends), 'every send to be settled')

/** What lies in the topic, in order. @param {TestContext} t @param {any} kafka @param {number} count */
async function stored(t, kafka, count) {
  const received = await collect(await connectConsumer(t, kafka, { topic: 't' }))
  await grown(received, count)
  return received.map(({ value }) => value)
}

for (const [chosen, options] of Object.entries({
  'the native partitioner': {},
  'a partitioner of the program': { createPartitioner: () => () => 0 },
})) {
  test(`with ${chosen} a topic that does not exist and may not be made rejects, others go on`, async (t) => {
    const { producer, send } = await start(t, { allowAutoTopicCreation: false, ...options })
    const missing = within(producer.send({ topic: 'missing', messages: [{ value: 'v' }] }), 'the send to reject')
    assert.equal(await offsetOf(send('a')), 1)
    await assert.rejects(missing, (/** @type {any} */ error) => {
      const reason = error.cause || error
      assert.equal(reason.name, 'KafkaJSProtocolError')
      assert.equal(reason.type, 'UNKNOWN_TOPIC_OR_PARTITION')
      assert.match(error.message, /topic "missing"/)
      return true
    })
    assert.equal(await offsetOf(send('b')), 2)
  })
}

test('a batch of which one topic does not exist rejects, and what could be delivered is', async (t) => {
  const rdkafka = { 'topic.metadata.propagation.max.ms': 500 }
  const { producer, kafka, send } = await start(t, { allowAutoTopicCreation: false, rdkafka })
  const messages = [{ value: 'a' }]
  const batch = producer.sendBatch({
    topicMessages: [
      { topic: 'missing', messages },
      { topic: 't', messages },
    ],
  })
  await assert.rejects(within(batch, 'the batch to reject'), (/** @type {any} */ error) => {
    assert.equal(error.name, 'KafkaJSNumberOfRetriesExceeded')
    assert.equal(error.cause.type, 'UNKNOWN_TOPIC_OR_PARTITION')
    assert.match(error.message, /"missing"/)
    return true
  })
  await send('b')
  assert.deepEqual(await stored(t, kafka, 3), ['first', 'a', 'b'])
})

test('a partition that the topic does not have rejects and names the topic, whoever chose it', async (t) => {
  const { kafka, producer, send } = await start(t)
  const said = {
    name: 'KafkaJSProtocolError',
    type: 'UNKNOWN_TOPIC_OR_PARTITION',
    message: /Topic "t" has no such partition/,
  }
  const messages = [{ value: 'v', partition: 1 }]
  await assert.rejects(within(producer.send({ topic: 't', messages }), 'the send to reject'), said)
  const own = await connectProducer(t, kafka, { createPartitioner: () => () => 9 })
  await assert.rejects(within(own.send({ topic: 't', messages }), 'the send to reject'), said)
  assert.equal(await offsetOf(send('a')), 1)
})

// The mock brokers look at no sequence numbers: behind a batch that was refused they take the next one, where a real
// broker refuses that too. So only one batch is under way when something fails here; the tests on a real broker have
// many.
const ONE_BATCH = Object.freeze({ rdkafka: { 'linger.ms': 50 } })

for (const error of [
  'NOT_LEADER_FOR_PARTITION',
  'REQUEST_TIMED_OUT',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'LEADER_NOT_AVAILABLE',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'KAFKA_STORAGE_ERROR',
  'CORRUPT_MESSAGE',
  'UNKNOWN_PRODUCER_ID',
  'ERR__TRANSPORT',
]) {
  test(`${error} is made good: the messages around it are stored once, in order`, async (t) => {
    const { cluster, kafka, producer } = await start(t, ONE_BATCH)
    for (const round of range(3)) {
      if (round === 1) await cluster.pushRequestErrors('Produce', [error, error])
      const messages = range(20).map((i) => ({ value: `${round * 20 + i}` }))
      assert.equal(await offsetOf(within(producer.send({ topic: 't', messages }), 'the send')), 1 + round * 20)
    }
    assert.deepEqual(await stored(t, kafka, 61), ['first', ...range(60).map(String)])
  })
}

for (const [error, code] of /** @type {[string, number][]} */ ([
  ['TOPIC_AUTHORIZATION_FAILED', 29],
  ['MESSAGE_TOO_LARGE', 10],
  ['INVALID_RECORD', 87],
  ['INVALID_REQUIRED_ACKS', 21],
  ['POLICY_VIOLATION', 44],
  ['UNSUPPORTED_FOR_MESSAGE_FORMAT', 43],
])) {
  test(`${error} rejects the send as what it is, and the producer goes on`, async (t) => {
    const { cluster, kafka, send } = await start(t)
    await cluster.pushRequestErrors('Produce', [error])
    await assert.rejects(send('refused'), {
      name: 'KafkaJSProtocolError',
      type: error,
      code,
      retriable: false,
      fatal: false,
    })
    // librdkafka takes a topic that is denied for gone, until it has asked for its metadata again.
    assert.equal(await waitFor(() => offsetOf(send('a')), { message: 'the next message to be taken' }), 1)
    assert.deepEqual(await stored(t, kafka, 2), ['first', 'a'])
  })
}

test('an identity that cannot be had for a while is waited for', async (t) => {
  const cluster = await mockCluster(t)
  await cluster.pushRequestErrors('InitProducerId', [
    'COORDINATOR_NOT_AVAILABLE',
    'REQUEST_TIMED_OUT',
    'ERR__TRANSPORT',
  ])
  const producer = await connectProducer(t, kafkaOf(cluster.brokers))
  assert.equal(await offsetOf(within(producer.send({ topic: 't', messages: [{ value: 'v' }] }), 'the send')), 0)
})

test('an identity that is denied is fatal: sends reject with the reason, and a new connect() heals', async (t) => {
  const cluster = await mockCluster(t)
  await cluster.pushRequestErrors('InitProducerId', ['CLUSTER_AUTHORIZATION_FAILED'])
  const producer = await connectProducer(t, kafkaOf(cluster.brokers))
  const send = () => within(producer.send({ topic: 't', messages: [{ value: 'v' }] }), 'the send')
  const said = {
    name: 'KafkaJSNonRetriableError',
    fatal: true,
    retriable: false,
    message: /[Cc]luster authorization failed/,
  }
  await assert.rejects(send(), said)
  await assert.rejects(send(), said)
  await within(producer.flush(), 'flush()')
  await producer.disconnect()
  await producer.connect()
  assert.equal(await offsetOf(send()), 0)
})

test('a sequence that broke is fatal: later sends are refused, and a new connect() heals', async (t) => {
  const { cluster, kafka, producer, send } = await start(t)
  await cluster.pushRequestErrors('Produce', ['OUT_OF_ORDER_SEQUENCE_NUMBER'])
  // One message only: the mock does not check sequences, so a second request that is under way already would succeed.
  await assert.rejects(send('lost'))
  await assert.rejects(send('late'), { name: 'KafkaJSNonRetriableError', fatal: true, code: 45, message: /sequence/ })
  await within(producer.disconnect(), 'disconnect()')
  await producer.connect()
  assert.equal(await offsetOf(send('a')), 1)
  assert.deepEqual(await stored(t, kafka, 2), ['first', 'a'])
})

test('a send with acks of its own rejects while the brokers are gone, and is delivered after', async (t) => {
  const { cluster, producer, send } = await start(t)
  await cluster.setBrokerDown(1)
  const own = () => within(producer.send({ topic: 't', acks: 1, messages: [{ value: 'v' }] }), 'the send')
  await assert.rejects(own(), { name: 'KafkaJSNumberOfRetriesExceeded', code: 'ECONNREFUSED' })
  await cluster.setBrokerUp(1)
  assert.equal(await offsetOf(own()), 1)
  assert.equal(await offsetOf(send('v')), 2)
})

test('a full queue in front of dead brokers rejects every send, and goes on when they are back', async (t) => {
  const { cluster, send } = await start(t, {
    rdkafka: { 'queue.buffering.max.messages': 20, 'message.timeout.ms': 1500 },
  })
  await cluster.setBrokerDown(1)
  for (const result of await settled(range(40).map((i) => send(`${i}`)))) {
    assert.equal(result.status, 'rejected')
    assert.equal(/** @type {any} */ (result).reason.cause.name, 'KafkaJSRequestTimeoutError')
  }
  await cluster.setBrokerUp(1)
  await send('alive')
})

test('disconnect() waits for a slow broker to take what was sent', async (t) => {
  const { cluster, producer, kafka, send } = await start(t)
  await cluster.setLatency(1, 500)
  const sends = range(10).map((i) => send(`${i}`))
  await within(producer.disconnect(), 'disconnect()')
  for (const { status } of await settled(sends)) assert.equal(status, 'fulfilled')
  await cluster.setLatency(1, 0)
  assert.deepEqual(await stored(t, kafka, 11), ['first', ...range(10).map(String)])
})

test('disconnect() does not wait for a broker that is silent: every send under way rejects', async (t) => {
  const { cluster, producer, send } = await start(t)
  await cluster.setLatency(1, SILENT)
  const sends = range(10).map((i) => send(`${i}`))
  const all = settled(sends)
  await within(producer.disconnect(), 'disconnect()', 20_000)
  for (const result of await all) {
    assert.match(
      /** @type {any} */ (result).reason.message,
      /^The producer was disconnected before the message was delivered$/,
    )
  }
})

for (const [what, options, record] of /** @type {[string, object, object][]} */ ([
  ['metadata for a partitioner is awaited', { createPartitioner: () => () => 0 }, { topic: 'other' }],
  ['a connection for acks of its own is made', {}, { topic: 't', acks: 1 }],
])) {
  test(`disconnect() while ${what} rejects the send at once`, async (t) => {
    const { cluster, producer } = await start(t, { retry: { retries: 100 }, ...options })
    await cluster.setBrokerDown(1)
    const [send] = [producer.send({ ...record, messages: [{ value: 'v' }] })]
    const rejected = assert.rejects(within(send, 'the send to reject', 20_000), { message: /disconnect/ })
    await new Promise((resolve) => setImmediate(resolve))
    await within(producer.disconnect(), 'disconnect()', 20_000)
    await rejected
  })
}

test('what is sent while the brokers are gone arrives when they are back, once and in order', async (t) => {
  const { cluster, kafka, send } = await start(t)
  for (const round of range(3)) {
    await cluster.setBrokerDown(1)
    const sends = range(50).map((i) => send(`${round * 100 + i}`))
    await new Promise((resolve) => setImmediate(resolve))
    await cluster.setBrokerUp(1)
    sends.push(...range(50).map((i) => send(`${round * 100 + 50 + i}`)))
    for (const { status } of await settled(sends)) assert.equal(status, 'fulfilled')
  }
  assert.deepEqual(await stored(t, kafka, 301), ['first', ...range(300).map(String)])
})

test('a leader that moves before the producer knows loses nothing, doubles nothing and keeps the order', async (t) => {
  const cluster = await mockCluster(t, { brokers: 3 })
  await cluster.createTopic({ topic: 't', partitions: 1, replicationFactor: 3 })
  const kafka = kafkaOf(cluster.brokers)
  const producer = await connectProducer(t, kafka)
  for (const round of range(6)) {
    await cluster.setLeader({ topic: 't', partition: 0, broker: (round % 3) + 1 })
    const sends = range(50).map((i) => producer.send({ topic: 't', messages: [{ value: `${round * 50 + i}` }] }))
    for (const { status } of await settled(sends)) assert.equal(status, 'fulfilled')
  }
  assert.deepEqual(await stored(t, kafka, 300), range(300).map(String))
})
