'use strict'
const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Kafka } = require('../../lib/kafkajs/kafka')
const { kafkaOptions, producerOptions, consumerOptions, adminOptions } = require('../../lib/kafkajs/options')
const { resolveBrokers } = require('../../lib/kafkajs/brokers')
const { fakeNative } = require('../helpers/fake-native')

const native = fakeNative()
const kafka = (config = {}) => kafkaOptions({ brokers: ['a:1'], ...config }, native)
const producer = (config = {}, own = {}) => producerOptions(kafka(config), own, native).properties
const consumer = (config = {}, own = {}) => consumerOptions(kafka(config), { groupId: 'g', ...own }, native).properties

/** @param {Record<string, string>} properties @param {Record<string, string>} expected */
function has(properties, expected) {
  assert.deepEqual(Object.fromEntries(Object.keys(expected).map((name) => [name, properties[name]])), expected)
}

test('the options of Kafka become properties of every client', () => {
  const config = { clientId: 'me', connectionTimeout: 5000, requestTimeout: 20000, logLevel: 1 }
  const expected = {
    'client.id': 'me',
    'socket.connection.setup.timeout.ms': '5000',
    'socket.timeout.ms': '20000',
    log_level: '6',
    'socket.keepalive.enable': 'true',
    'reconnect.backoff.ms': '20',
    'socket.nagle.disable': 'true',
  }
  has(producer(config), expected)
  has(consumer(config), expected)
  has(adminOptions(kafka(config), {}, native).properties, { ...expected, 'allow.auto.create.topics': 'false' })
})

test('no client collects metrics for the brokers, unless it is told to', () => {
  for (const properties of [producer(), consumer(), adminOptions(kafka(), {}, native).properties]) {
    has(properties, { 'enable.metrics.push': 'false' })
  }
  has(consumer({ rdkafka: { 'enable.metrics.push': true } }), { 'enable.metrics.push': 'true' })
})

test('maxBufferedBytes is shared by the queue of librdkafka and what is handed to JavaScript', () => {
  const options = (own = {}) => {
    const { properties, handedBytes } = consumerOptions(kafka(), { groupId: 'g', ...own }, native)
    return [properties['queued.max.messages.kbytes'], handedBytes]
  }
  const MB = 1024 * 1024
  assert.deepEqual(options(), ['32768', 16 * MB])
  assert.deepEqual(options({ maxBufferedBytes: 6 * MB }), ['4096', 2 * MB])
  assert.deepEqual(options({ maxBufferedBytes: 0 }), ['1', 0])
  assert.deepEqual(options({ maxBufferedBytes: Infinity }), ['2097151', Infinity])
  // Batches of 20 MB need more, unless the program says how much it may be.
  assert.deepEqual(options({ maxBytesPerPartition: 20 * MB }), ['32768', 40 * MB])
  assert.deepEqual(options({ maxBytesPerPartition: 20 * MB, maxBufferedBytes: 6 * MB }), ['4096', 2 * MB])
  assert.deepEqual(options({ maxBufferedBytes: 6 * MB, rdkafka: { 'queued.max.messages.kbytes': 100 } }), ['100', 2 * MB])
  for (const wrong of [-1, Number.NaN, '1']) {
    assert.throws(() => options({ maxBufferedBytes: wrong }), (/** @type {any} */ error) =>
      error.name === 'KafkaJSNonRetriableError' && /option "maxBufferedBytes" must be a number/.test(error.message))
  }
})

test('a producer is idempotent unless told otherwise', () => {
  has(producer(), { 'enable.idempotence': 'true', acks: '-1', 'linger.ms': '0', partitioner: 'murmur2_random' })
  has(producer({}, { idempotent: false }), { 'enable.idempotence': 'false' })
  // How large a message may be is said by the broker, as with kafkajs; but the queue has to hold it.
  has(producer(), { 'message.max.bytes': '100000000' })
  has(producer({}, { rdkafka: { 'queue.buffering.max.kbytes': 100 } }), { 'message.max.bytes': '102400' })
  has(producer({}, { rdkafka: { 'message.max.bytes': 5000 } }), { 'message.max.bytes': '5000' })
  has(producer({}, { maxInFlightRequests: 20 }), { 'max.in.flight': '5' })
  has(producer({}, { maxInFlightRequests: 20, idempotent: false }), { 'max.in.flight': '20' })
  const acked = producerOptions(kafka(), { rdkafka: { 'request.required.acks': 1 } }, native).properties
  has(acked, { acks: '1', 'enable.idempotence': 'false' })
})

test('the retry options say how long a message may take, at least 30 s', () => {
  has(producer(), { 'message.timeout.ms': '120000' })
  has(producer({ retry: { retries: 0 } }), { 'message.timeout.ms': '30000' })
  has(producer({ retry: { retries: 0 } }, { retry: { retries: 20, factor: 0 } }), {
    'message.timeout.ms': String(300 * (2 ** 7 - 1) + 13 * 30000 + 21 * 1000),
  })
})

test('an idempotent producer without retries is refused', () => {
  assert.throws(
    () => producer({}, { idempotent: true, retry: { retries: 0 } }),
    /Idempotent producer must allow retries/,
  )
})

test('the options of a consumer become properties', () => {
  has(
    consumer(
      {},
      {
        sessionTimeout: 10000,
        heartbeatInterval: 1000,
        rebalanceTimeout: 5000,
        maxBytesPerPartition: 1000,
        minBytes: 5,
        maxBytes: 20000000,
        maxWaitTimeInMs: 50,
        readUncommitted: true,
        rackId: 'r',
        allowAutoTopicCreation: false,
        metadataMaxAge: 60000,
      },
    ),
    {
      'group.id': 'g',
      'session.timeout.ms': '10000',
      'heartbeat.interval.ms': '1000',
      'max.poll.interval.ms': '10000',
      'max.partition.fetch.bytes': '1000',
      'fetch.min.bytes': '5',
      'fetch.max.bytes': '20000000',
      'fetch.wait.max.ms': '50',
      'isolation.level': 'read_uncommitted',
      'client.rack': 'r',
      'allow.auto.create.topics': 'false',
      'topic.metadata.refresh.interval.ms': '60000',
      'enable.auto.commit': 'false',
      'enable.auto.offset.store': 'false',
    },
  )
  has(consumer(), { 'isolation.level': 'read_committed', 'max.poll.interval.ms': '60000' })
})

test("numbers that librdkafka would not take together are moved, unless they are the user's", () => {
  has(consumer({}, { maxBytes: 5000 }), { 'fetch.max.bytes': '5000', 'message.max.bytes': '5000' })
  has(consumer({}, { maxBytes: 10 }), { 'fetch.max.bytes': '1000', 'message.max.bytes': '1000' })
  has(producer({ connectionTimeout: 1 }), { 'socket.connection.setup.timeout.ms': '1000' })
  has(producer({ metadataMaxAge: 1 }, { metadataMaxAge: 1e12 }), { 'topic.metadata.refresh.interval.ms': '3600000' })
})

test('groupId and heartbeats are checked when the consumer is made', () => {
  assert.throws(() => consumerOptions(kafka(), {}, native), {
    name: 'KafkaJSNonRetriableError',
    message: 'Consumer groupId must be a non-empty string.',
  })
  assert.throws(
    () => consumer({}, { heartbeatInterval: 30000 }),
    /Consumer heartbeatInterval \(30000\) must be lower than sessionTimeout \(30000\)/,
  )
})

test('an option of the wrong type is refused with its name', () => {
  const wrong = /** @type {[() => any, RegExp][]} */ ([
    [() => kafka({ connectionTimeout: '1s' }), /option "connectionTimeout" must be a number .* not "1s"/],
    [() => kafka({ requestTimeout: NaN }), /requestTimeout/],
    [() => kafka({ clientId: 5 }), /option "clientId" must be a string, not 5/],
    [() => kafka({ logCreator: {} }), /option "logCreator" must be a function/],
    [() => kafka({ retry: 5 }), /option "retry" must be an object such as/],
    [() => kafka({ retry: { retries: '5' } }), /"retries" must be a number/],
    [() => producer({}, { idempotent: 'yes' }), /option "idempotent" must be true or false/],
    [() => consumer({}, { minBytes: -1 }), /option "minBytes"/],
    [() => producerOptions(kafka(), 'x', native), /Options must be an object/],
    [() => new Kafka(undefined, { native }), /write new Kafka\(\{ brokers/],
  ])
  for (const [make, message] of wrong)
    assert.throws(
      make,
      (/** @type {any} */ error) => error.name === 'KafkaJSNonRetriableError' && message.test(error.message),
      String(message),
    )
})

test('options that kafkajs does not know are ignored, null counts as absent', () => {
  assert.deepEqual(producer({}, { nonsense: 1, metadataMaxAge: null }), producer())
})

test('any librdkafka property can be given; the nearest block wins', () => {
  const config = { rdkafka: { 'socket.keepalive.enable': false, 'client.id': 'base' } }
  has(
    producerOptions(kafka(config), { rdkafka: { 'client.id': 'own', 'queue.buffering.max.ms': 7 } }, native).properties,
    { 'socket.keepalive.enable': 'false', 'client.id': 'own', 'linger.ms': '7' },
  )
})

test('a librdkafka property that is not there, not ours to leave, or no scalar is refused', () => {
  const wrong = /** @type {[any, RegExp][]} */ ([
    [
      { 'socket.keepalive.enabled': true },
      /Unknown librdkafka property "socket\.keepalive\.enabled", did you mean "socket\.keepalive\.enable"\?/,
    ],
    [{ 'xxxxxxxxxxxxxxxxxxxxxxxx': 1 }, /Unknown librdkafka property "x+" \(see/],
    [{ 'enable.auto.commit': true }, /use run\(\{ autoCommit \}\) instead/],
    [{ 'client.id': {} }, /must be a string, a number or a boolean/],
    ['x', /Option "rdkafka" must be an object/],
  ])
  for (const [rdkafka, message] of wrong) {
    assert.throws(
      () => consumer({}, { rdkafka }),
      (/** @type {any} */ error) => error.name === 'KafkaJSNonRetriableError' && message.test(error.message),
      String(message),
    )
  }
})

test('with SASL the time for a connection includes that for authenticating', () => {
  const sasl = { mechanism: 'plain', username: 'u', password: 'p' }
  has(producer({ sasl }), { 'socket.connection.setup.timeout.ms': '11000' })
  has(consumer({ sasl, connectionTimeout: 300, authenticationTimeout: 500 }), { 'socket.connection.setup.timeout.ms': '1500' })
})

test('librdkafka logs at least its news, which may say why a broker hangs up', () => {
  has(producer({ logLevel: 0 }), { log_level: '6' })
  has(producer({ logLevel: 5 }), { log_level: '7' })
})

test('socketFactory is refused', () => {
  assert.throws(() => kafka({ socketFactory: () => ({}) }), { name: 'KafkaJSNotImplemented', message: /opens its own sockets/ })
})

test('brokers are a list or a function, and checked when they are needed', async () => {
  assert.equal(await resolveBrokers(['a:1', ' b:2 ', '[::1]:9092', 'c']), 'a:1,b:2,[::1]:9092,c')
  assert.equal(await resolveBrokers(async () => ['x:1']), 'x:1')
  const wrong = /** @type {[any, RegExp][]} */ ([
    [undefined, /^Failed to connect: brokers should not be null$/],
    [[], /^Failed to connect: brokers array is empty$/],
    [[1], /^Failed to connect: broker at index 0 is invalid "number"$/],
    ['a:1', /must be an array/],
    [['a:1,b:2'], /one "host:port" per element/],
    [['a:port'], /the port must be a number/],
    [['a:70000'], /the port must be a number/],
    [() => undefined, /brokers should not be null/],
  ])
  for (const [brokers, message] of wrong) await assert.rejects(resolveBrokers(brokers), { message })
  await assert.rejects(
    resolveBrokers(() => {
      throw new Error('mine')
    }),
    {
      name: 'KafkaJSConnectionError',
      message: 'Failed to connect: "config.brokers" threw: mine',
    },
  )
})
