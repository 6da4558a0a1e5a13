'use strict'

// What programs write by mistake. Each is refused by an error that says what to write, nothing happens because of it,
// and the client goes on working.

const assert = require('node:assert/strict')
const { before, after, test } = require('node:test')
const { inspect } = require('node:util')
const { CompressionTypes, Kafka, KafkaJSNonRetriableError } = require('../..')
const { MockCluster } = require('../../lib/testing')
const { collect, connectConsumer, connectProducer, grown, kafkaOf } = require('../helpers/clients')
const { topicName } = require('../helpers/topic')
const { within } = require('../helpers/wait')

/** @typedef {import('node:test').TestContext} TestContext */

const RETRY = { retries: 1, initialRetryTime: 20 }
/** @type {MockCluster} one for all tests: nothing that is tested here changes it */
let cluster
/** @type {any} */
let kafka

before(async () => {
  cluster = await MockCluster.start({ brokers: 1 })
  kafka = kafkaOf(cluster.brokers, { retry: RETRY })
})
after(() => cluster.close())

/** A topic with one partition. @param {{ name: string }} t */
async function onePartition(t) {
  const topic = topicName(t)
  await cluster.createTopic({ topic, partitions: 1 })
  return topic
}

/** @param {RegExp} message */
const refused = (message) => (/** @type {any} */ error) => {
  assert.ok(error instanceof KafkaJSNonRetriableError, `${error.stack}`)
  assert.match(error.message, message)
  assert.equal(error.retriable, false)
  return true
}

/** For the names of what is wrong. @param {any} value */
const show = (value) => inspect(value, { breakLength: Infinity })

/** A value of every type that cannot be sent, and how an error calls it. @type {[any, string][]} */
const NOT_BYTES = [
  [5, 'a number: write String(it)'],
  [true, 'a boolean: write String(it)'],
  [5n, 'a bigint: write String(it)'],
  [Symbol('s'), 'a symbol: write String(it)'],
  [() => {}, 'a function: write String(it)'],
  [{}, 'an object: write JSON.stringify(it)'],
  [new Date(0), 'a Date: write JSON.stringify(it)'],
  [new Uint16Array(2), 'a Uint16Array: write Buffer.from(…)'],
  [new ArrayBuffer(2), 'an ArrayBuffer: write Buffer.from(…)'],
  [new DataView(new ArrayBuffer(2)), 'a DataView: write Buffer.from(…)'],
  [['v'], 'an array: write JSON.stringify(it)'],
]

const NOT_HEADERS = [5, 'h=v', ['h', 'v'], new Map([['h', 'v']])]
const NOT_PARTITIONS = [-1, 0.5, NaN, Infinity, 2 ** 31, '0', 0n, {}, []]
const NOT_TIMESTAMPS = [-1, 0.5, NaN, 2 ** 60, '', 'yesterday', '1e3', '-1', new Date(0), 0n, {}, []]

/** What is wrong about a message, and what the error says. @type {[any, string][]} */
const MESSAGES = []
for (const message of [undefined, null, 'v', 5]) {
  MESSAGES.push([message, "a message is an object such as { key: 'k', value: 'v' }, not "])
}
MESSAGES.push(
  [{}, 'Invalid message without value for topic'],
  [{ key: 'k' }, 'Invalid message without value for topic'],
)
for (const [value, how] of NOT_BYTES) {
  MESSAGES.push([{ value }, `value must be a string, a Buffer or null, not ${how}`])
  MESSAGES.push([{ value: 'v', key: value }, `key must be a string, a Buffer or null, not ${how}`])
  MESSAGES.push([{ value: 'v', headers: { h: [value] } }, `header "h" must be a string, a Buffer or null, not ${how}`])
  // An array is several headers of one name.
  if (Array.isArray(value)) continue
  MESSAGES.push([{ value: 'v', headers: { h: value } }, `header "h" must be a string, a Buffer or null, not ${how}`])
}
for (const headers of NOT_HEADERS) {
  MESSAGES.push([{ value: 'v', headers }, "headers must be an object such as { name: 'value' }, not a"])
}
for (const partition of NOT_PARTITIONS) {
  MESSAGES.push([{ value: 'v', partition }, 'partition must be a whole number from 0, not '])
}
for (const timestamp of NOT_TIMESTAMPS) {
  MESSAGES.push([
    { value: 'v', timestamp },
    'timestamp must be milliseconds after 1970 as text, e.g. String(Date.now())',
  ])
}

/**
 * Calls a method with each of these arguments, in a subtest each, and expects it to refuse.
 * @param {TestContext} t
 * @param {any} client
 * @param {[method: string, givens: any[], message: RegExp][]} rows
 */
async function refusesEach(t, client, rows) {
  for (const [method, givens, message] of rows) {
    for (const given of givens) {
      const call = async () => client[method](given)
      await t.test(`${method}(${show(given)})`, () =>
        assert.rejects(within(call(), 'the call to reject'), refused(message)),
      )
    }
  }
}

test('a message that cannot be sent rejects its whole send and says what to write', async (t) => {
  const producer = await connectProducer(t, kafka)
  const topic = await onePartition(t)
  for (const [message, says] of MESSAGES) {
    await t.test(show(message), async () => {
      const messages = [{ value: 'good' }, message, { value: 'good' }]
      const check = (/** @type {any} */ error) => {
        assert.ok(error.message.includes(says), error.message)
        return refused(new RegExp(`^Invalid message .*topic "${topic}"`))(error)
      }
      await assert.rejects(producer.send({ topic, messages }), check)
      const other = { topic: `${topic}-other`, messages: [{ value: 'good' }] }
      await assert.rejects(producer.sendBatch({ topicMessages: [other, { topic, messages }] }), check)
    })
  }
  // Nothing of what was refused went out, also not the other messages of the same call.
  const [{ baseOffset }] = await producer.send({ topic, messages: [{ value: 'first' }] })
  assert.equal(baseOffset, '0')
  const admin = kafka.admin()
  t.after(() => admin.disconnect())
  await admin.connect()
  assert.ok(!(await admin.listTopics()).includes(`${topic}-other`))
})

test('a send that is refused takes nothing from the sends of the same turn', async (t) => {
  const producer = await connectProducer(t, kafka)
  const topic = await onePartition(t)
  const results = await Promise.allSettled([
    producer.send({ topic, messages: [{ value: 'a' }] }),
    producer.send({ topic, messages: [{ value: 'b' }, { value: /** @type {any} */ (5) }] }),
    producer.send({ topic, messages: [{ value: 'c' }] }),
  ])
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  const consumer = await connectConsumer(t, kafka, { topic })
  const received = await collect(consumer)
  await producer.send({ topic, messages: [{ value: 'd' }] })
  await grown(received, 3)
  assert.deepEqual(
    received.map(({ value }) => value),
    ['a', 'c', 'd'],
  )
})

test('what send() and sendBatch() cannot take rejects and says what to write', async (t) => {
  const producer = await connectProducer(t, kafka)
  const topic = await onePartition(t)
  const messages = [{ value: 'v' }]
  const one = { topic, messages }
  await refusesEach(t, producer, [
    ['send', [undefined, null, 5, 'topic'], /write send\({ topic: 't', messages: \[/],
    ['send', [undefined, null, ''].map((it) => ({ topic: it, messages })), /^Invalid topic$/],
    ['send', [5, true, {}, ['t']].map((it) => ({ topic: it, messages })), /^Invalid topic .*: a topic is a string$/],
    ['send', [undefined, null].map((it) => ({ topic, messages: it })), /^Invalid messages array \[/],
    [
      'send',
      ['v', 5, {}, { value: 'v' }].map((it) => ({ topic, messages: it })),
      /must be an array such as \[{ value: 'v' }\]/,
    ],
    [
      'send',
      ['all', 0.5, -2, NaN, {}].map((acks) => ({ ...one, acks })),
      /^Invalid acks .*: write -1 \(all replicas\), 1 .* or 0/,
    ],
    [
      'send',
      [-1, NaN, '1s', {}].map((timeout) => ({ ...one, timeout })),
      /^Invalid timeout .*: write milliseconds, e\.g\. 30000$/,
    ],
    [
      'send',
      [-1, 9, 'gzip', {}].map((compression) => ({ ...one, compression })),
      /^Invalid compression .*: write one of Comp/,
    ],
    ['sendBatch', [undefined, null, 5], /write sendBatch\({ topicMessages: /],
    [
      'sendBatch',
      [5, {}, [null], ['t']].map((topicMessages) => ({ topicMessages })),
      /^Invalid topicMessages: write sendBatch\(/,
    ],
    [
      'sendBatch',
      [{ topicMessages: [one, { topic: 5, messages }] }],
      /^Invalid topic 5 \(number\): a topic is a string$/,
    ],
    ['sendBatch', [{ topicMessages: [one, { topic }] }], /^Invalid messages array \[undefined\]/],
    [
      'flush',
      [-1, NaN, 'soon', { timeout: -1 }],
      /^Invalid timeout .*: write milliseconds, e\.g\. flush\({ timeout: 10000 }\)$/,
    ],
  ])
  const [{ baseOffset }] = await producer.send({
    topic,
    messages,
    acks: -1,
    timeout: 1000,
    compression: CompressionTypes.GZIP,
  })
  assert.equal(baseOffset, '0')
})

test('what subscribe() and run() cannot take rejects, and the consumer can still run', async (t) => {
  const topic = await onePartition(t)
  const consumer = await connectConsumer(t, kafka, {})
  await refusesEach(t, consumer, [
    [
      'subscribe',
      [undefined, null, 5, 'topic', {}, { topic: '' }, { topic: null }],
      /^Missing required argument "topics"$/,
    ],
    ['subscribe', ['t', 5, {}].map((topics) => ({ topics })), /^Argument "topics" must be an array$/],
    ['subscribe', [5, true, {}].map((it) => ({ topic: it })), /^Invalid topic .* has to be a String or a RegExp$/],
    [
      'subscribe',
      [5, null, undefined, {}].map((it) => ({ topics: [topic, it] })),
      /^Invalid topic .* has to be a String or a RegExp$/,
    ],
    ['subscribe', [{ topics: [''] }], /^Invalid topic "": a topic name has at least one character$/],
    ['subscribe', [{ topic, fromBeginning: 'yes' }], /^Argument "fromBeginning" must be true or false, not "yes"$/],
    ['run', [null, 5, 'run'], /^Invalid argument .*: write run\({ eachMessage: async /],
    ['run', [{ eachMessage: 5 }], /^run: "eachMessage" must be a function, not 5$/],
    ['run', [{ eachBatch: {} }], /^run: "eachBatch" must be a function, not an object$/],
    ['run', [{ autoCommit: 1 }], /^run: "autoCommit" must be true or false, not 1$/],
    ['run', [{ eachBatchAutoResolve: 'no' }], /^run: "eachBatchAutoResolve" must be true or false, not "no"$/],
    ['run', [{ autoCommitInterval: -1 }], /^run: "autoCommitInterval" must be a positive number, not -1$/],
    ['run', [{ autoCommitThreshold: '5' }], /^run: "autoCommitThreshold" must be a positive number, not "5"$/],
    [
      'run',
      [0, NaN, '2'].map((it) => ({ partitionsConsumedConcurrently: it })),
      /"partitionsConsumedConcurrently" must be a number of /,
    ],
  ])
  const producer = await connectProducer(t, kafka)
  await producer.send({ topic, messages: [{ value: 'v' }] })
  await consumer.subscribe({ topic, fromBeginning: true })
  await grown(await collect(consumer), 1)
  await assert.rejects(consumer.subscribe({ topic }), refused(/^Cannot subscribe to topic while consumer is running$/))
})

/** What is wrong about topic, partition and offset. @type {[any[], RegExp][]} */
const POSITIONS = [
  [[undefined, null, '', 0].map((topic) => ({ topic, partition: 0, offset: '0' })), /^Invalid topic/],
  [
    [5, true, {}, ['t']].map((topic) => ({ topic, partition: 0, offset: '0' })),
    /^Invalid topic .*: a topic is a string$/,
  ],
  [
    [undefined, null, '0', NaN, {}, 0n].map((partition) => ({ topic: 't', partition, offset: '0' })),
    /^Invalid partition, expected a number received /,
  ],
  [
    [-1, 0.5, Infinity].map((partition) => ({ topic: 't', partition, offset: '0' })),
    /^Invalid partition .*: a partition is 0, 1, 2 …$/,
  ],
  [
    [undefined, null, '', 'x', '1.5', 1.5, NaN, '0x10', '9223372036854775808', {}, true].map((offset) => ({
      topic: 't',
      partition: 0,
      offset,
    })),
    /^Invalid offset, expected a long received /,
  ],
  [[{ topic: 't', partition: 0, offset: '-3' }], /^Offset must not be a negative number$/],
]

test('what seek(), commitOffsets(), pause(), resume() cannot take is refused, and the consumer goes on', async (t) => {
  const topic = await onePartition(t)
  const producer = await connectProducer(t, kafka)
  const consumer = await connectConsumer(t, kafka, { topic })
  const received = await collect(consumer)
  /** @type {any[]} */
  const committed = []
  consumer.on(consumer.events.COMMIT_OFFSETS, (/** @type {any} */ event) => committed.push(event))
  const good = { topic, partition: 0, offset: '1' }
  for (const [positions, message] of POSITIONS) {
    await refusesEach(t, consumer, [
      ['seek', positions, message],
      ['commitOffsets', positions.map((position) => [position]), message],
      ['commitOffsets', positions.map((position) => [good, position]), message],
    ])
  }
  await refusesEach(t, consumer, [
    [
      'seek',
      [undefined, null, 5, 't'],
      /^Invalid argument .*: write seek\({ topic: 't', partition: 0, offset: '31004' }\)$/,
    ],
    [
      'commitOffsets',
      [null, 5, 't', {}],
      /^Invalid offsets .*: write commitOffsets\(\[{ topic, partition, offset: '31004' }\]\)$/,
    ],
    ['commitOffsets', [[null], [5], ['t']], /^Invalid offsets: each must be { topic, partition, offset }, not /],
    ['commitOffsets', [[good, { ...good, offset: '-1' }]], /^Offset must not be a negative number$/],
    ['commitOffsets', [[{ ...good, metadata: 5 }]], /^Invalid offset metadata, expected string or null, received 5$/],
  ])
  for (const method of ['pause', 'resume']) {
    await refusesEach(t, consumer, [
      [
        method,
        [null, 5, 't', {}],
        /^Invalid argument .*: write an array such as \[{ topic: 't', partitions: \[0\] }\]$/,
      ],
      [method, [[null], ['t'], [{}], [{ topic: '' }]], /^Invalid topic /],
      [method, [[{ topic: 5 }]], /^Invalid topic 5 \(number\): a topic is a string$/],
      [
        method,
        [0, '0', {}].map((partitions) => [{ topic, partitions }]),
        /^Array of valid partitions required to pause /,
      ],
      [
        method,
        ['0', NaN, -1, 0.5, null].map((it) => [{ topic, partitions: [0, it] }]),
        /instead of \[.*\]: a partition is 0, 1, 2 …$/,
      ],
    ])
  }
  // Nothing was paused, moved or committed, and the consumer handles what comes.
  assert.deepEqual(consumer.paused(), [])
  assert.deepEqual(committed, [])
  await producer.send({ topic, messages: [{ value: 'a' }, { value: 'b' }] })
  await grown(received, 2)
  assert.deepEqual(
    received.map(({ value }) => value),
    ['a', 'b'],
  )
})

test('commitOffsets() for a partition that does not exist rejects, and the consumer goes on', async (t) => {
  const topic = await onePartition(t)
  const producer = await connectProducer(t, kafka)
  const consumer = await connectConsumer(t, kafka, { topic })
  const received = await collect(consumer)
  await assert.rejects(within(consumer.commitOffsets([{ topic, partition: 7, offset: '1' }]), 'the commit to reject'), {
    code: 3,
  })
  await producer.send({ topic, messages: [{ value: 'a' }] })
  await grown(received, 1)
})

/** @type {[string, any, any, RegExp][]} */
const OPTIONS = [
  ['Kafka', undefined, undefined, /write new Kafka\({ brokers: \['localhost:9092'\] }\)/],
  ['Kafka', 5, undefined, /write new Kafka\({ brokers: \['localhost:9092'\] }\)/],
  ['Kafka', [], undefined, /Options must be an object, not an array/],
  ['Kafka', { clientId: 5 }, undefined, /option "clientId" must be a string, not 5/],
  [
    'Kafka',
    { requestTimeout: '1s' },
    undefined,
    /option "requestTimeout" must be a number that is not negative, e\.g\. 30000, not "1s"/,
  ],
  ['Kafka', { retry: 5 }, undefined, /option "retry" must be an object such as/],
  ['Kafka', { retry: { retries: 'many' } }, undefined, /"retries" must be a number that is not negative, not "many"/],
  ['Kafka', { rdkafka: 5 }, undefined, /Option "rdkafka" must be an object such as/],
  [
    'Kafka',
    { rdkafka: { 'socket.timeuot.ms': 5 } },
    undefined,
    /^Unknown librdkafka .*, did you mean "socket\.timeout\.ms"\?$/,
  ],
  [
    'Kafka',
    { rdkafka: { 'socket.timeout.ms': {} } },
    undefined,
    /"socket\.timeout\.ms" must be a string, a number or a boolean, not object/,
  ],
  ['producer', undefined, 5, /Options must be an object, not 5: write kafka\.producer/],
  ['producer', undefined, { rdkafka: { linger: 5 } }, /Unknown librdkafka property "linger"/],
  ['producer', undefined, { rdkafka: { 'Linger.Ms': 5 } }, /^Unknown librdkafka .*, did you mean "linger\.ms"\?$/],
  [
    'producer',
    undefined,
    { rdkafka: { 'no.such.thing.at.all': 5 } },
    /"no\.such\.thing\.at\.all" \(see its CONFIGURATION\.md\)/,
  ],
  [
    'producer',
    undefined,
    { rdkafka: { 'transactional.id': 'x' } },
    /use kafka\.producer\({ transactionalId }\) instead/,
  ],
  ['consumer', undefined, undefined, /groupId must be a non-empty string/],
  ['consumer', undefined, { groupId: 5 }, /option "groupId" must be a string, not 5/],
  [
    'consumer',
    undefined,
    { groupId: 'g', rdkafka: { 'enable.auto.commit': true } },
    /use run\({ autoCommit }\) instead/,
  ],
]
for (const [what, config, options, message] of OPTIONS) {
  test(`${what}(${show(what === 'Kafka' ? config : options)}) is refused`, () => {
    assert.throws(() => {
      if (what === 'Kafka') return new Kafka(config)
      return kafkaOf('localhost:9092')[/** @type {'producer'} */ (what)](options)
    }, refused(message))
  })
}

for (const [kind, rdkafka, message] of /** @type {[string, any, RegExp][]} */ ([
  ['producer', { 'linger.ms': 'soon' }, /^Invalid value for configuration property "linger\.ms": "soon"$/],
  ['producer', { acks: 7000 }, /^Configuration property "acks" value 7000 is outside allowed range -1\.\.1000$/],
  ['producer', { 'compression.codec': 'zip' }, /^Invalid value "zip" for configuration property "compression\.codec"$/],
  ['producer', { 'message.timeout.ms': 1, 'linger.ms': 5 }, /`message\.timeout\.ms` must be greater than `linger\.ms`/],
  ['consumer', { 'isolation.level': 'loose' }, /^Invalid value "loose" for configuration property "isolation\.level"$/],
  ['consumer', { 'partition.assignment.strategy': 'fair' }, /partition\.assignment\.strategy.*fair/],
  [
    'admin',
    { 'socket.timeout.ms': -5 },
    /^Configuration property "socket\.timeout\.ms" value -5 is outside allowed range 10\.\.300000$/,
  ],
])) {
  test(`a ${kind} with ${show(rdkafka)} rejects connect() and names it as it was given`, async (t) => {
    const client = kafka[kind]({ groupId: 'g', rdkafka })
    t.after(() => client.disconnect())
    await assert.rejects(within(client.connect(), 'connect() to reject'), refused(message))
  })
}

test('a librdkafka property that is refused does not show a secret', async (t) => {
  const producer = kafka.producer({ rdkafka: { 'security.protocol': 'ssl', 'ssl.key.pem': 'my secret key' } })
  t.after(() => producer.disconnect())
  await assert.rejects(within(producer.connect(), 'connect() to reject'), (/** @type {any} */ error) => {
    assert.doesNotMatch(inspect(error), /my secret key/)
    return true
  })
})
