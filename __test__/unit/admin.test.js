'use strict'
const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Kafka } = require('../../lib/kafkajs/kafka')
const { fakeNative, errorData } = require('../helpers/fake-native')

const partition = (/** @type {number} */ id, leader = 1) => ({ id, leader, replicas: [1, 2], isrs: [1], error: null })
const quiet = { brokers: ['a:1'], logLevel: 0, retry: { retries: 2, initialRetryTime: 1 } }

/**
 * @param {(name: string, args: any[], count: number) => any} answer `count`: how often this method was called before
 */
async function connected(answer) {
  const counts = /** @type {Record<string, number>} */ ({})
  const native = fakeNative({
    call: (_client, name, args) => {
      counts[name] = (counts[name] ?? -1) + 1
      const result = answer(name, args, counts[name])
      if (result && result.code) throw result
      return result
    },
  })
  const admin = new Kafka(quiet, { native }).admin()
  await admin.connect()
  return { admin, client: native.clients[0] }
}

test('createTopics asks for the topics and waits until a broker knows a leader for each partition', async () => {
  const { admin, client } = await connected((name, args, count) => {
    if (name === 'createTopics') return [{ topic: 'a', error: null }]
    if (count === 0) return { topics: [{ name: 'a', error: errorData(3), partitions: [] }] }
    return { topics: [{ name: 'a', error: null, partitions: [partition(0, count === 1 ? -1 : 1)] }] }
  })
  assert.equal(
    await admin.createTopics({
      topics: [
        {
          topic: 'a',
          numPartitions: 3,
          replicationFactor: 1,
          configEntries: [{ name: 'cleanup.policy', value: 'compact' }],
        },
      ],
      timeout: 700,
    }),
    true,
  )
  assert.deepEqual(client.calls[0], [
    'createTopics',
    [{ topic: 'a', numPartitions: 3, replicationFactor: 1, config: { 'cleanup.policy': 'compact' } }],
    700,
    false,
  ])
  assert.deepEqual(
    client.calls.slice(1).map(([name]) => name),
    ['metadata', 'metadata', 'metadata'],
  )
})

test("the defaults are the broker's, and an assignment of replicas stands for both numbers", async () => {
  const { admin, client } = await connected(() => [])
  await admin.createTopics({
    waitForLeaders: false,
    validateOnly: true,
    topics: [
      { topic: 'a' },
      {
        topic: 'b',
        replicaAssignment: [
          { partition: 1, replicas: [3] },
          { partition: 0, replicas: [1, 2] },
        ],
      },
    ],
  })
  assert.deepEqual(client.calls, [
    [
      'createTopics',
      [
        { topic: 'a', numPartitions: -1, replicationFactor: -1, config: {} },
        { topic: 'b', numPartitions: 2, replicationFactor: -1, replicaAssignment: [[1, 2], [3]], config: {} },
      ],
      5000,
      true,
    ],
  ])
})

test('topics that exist already make it false, any other failure an aggregate', async () => {
  const errors = /** @type {Record<string, any>} */ ({ a: errorData(36), b: errorData(17), c: null })
  const { admin } = await connected((_name, [topics]) =>
    topics.map((/** @type {any} */ { topic }) => ({ topic, error: errors[topic] })),
  )
  assert.equal(await admin.createTopics({ topics: [{ topic: 'a' }], waitForLeaders: false }), false)
  await assert.rejects(
    admin.createTopics({ topics: [{ topic: 'a' }, { topic: 'b' }, { topic: 'c' }] }),
    (/** @type {any} */ error) => {
      assert.equal(error.name, 'KafkaJSAggregateError')
      assert.deepEqual(
        error.errors.map((/** @type {any} */ { name, type, topic }) => [name, type, topic]),
        [
          ['KafkaJSCreateTopicError', 'TOPIC_ALREADY_EXISTS', 'a'],
          ['KafkaJSCreateTopicError', 'INVALID_TOPIC_EXCEPTION', 'b'],
        ],
      )
      return true
    },
  )
})

test('a controller that moved is asked again', async () => {
  const { admin, client } = await connected((_name, _args, count) => [
    { topic: 'a', error: count === 0 ? errorData(41) : null },
  ])
  assert.equal(await admin.createTopics({ topics: [{ topic: 'a' }], waitForLeaders: false }), true)
  assert.equal(client.calls.length, 2)
})

test('what cannot be a topic is refused before anything is asked', async () => {
  const { admin, client } = await connected(() => [])
  const wrong = /** @type {any[]} */ ([
    undefined,
    { topics: 'a' },
    { topics: [5] },
    { topics: [{ topic: 5 }] },
    { topics: [{ topic: 'a' }, { topic: 'a' }] },
    { topics: [{ topic: 'a', numPartitions: '3' }] },
    { topics: [{ topic: 'a', numPartitions: 0 }] },
    { topics: [{ topic: 'a', configEntries: {} }] },
    { topics: [{ topic: 'a', configEntries: [{ name: 'x', value: 1 }] }] },
    { topics: [{ topic: 'a', replicaAssignment: [{ partition: 1, replicas: [1] }] }] },
    { topics: [{ topic: 'a' }], timeout: 'x' },
  ])
  for (const request of wrong)
    await assert.rejects(
      admin.createTopics(request),
      { name: 'KafkaJSNonRetriableError', message: /^Invalid/ },
      JSON.stringify(request),
    )
  for (const request of [undefined, { topics: 'a' }, { topics: [null] }]) {
    await assert.rejects(admin.deleteTopics(/** @type {any} */ (request)), {
      name: 'KafkaJSNonRetriableError',
      message: /^Invalid topics array/,
    })
  }
  await assert.rejects(admin.fetchTopicMetadata(/** @type {any} */ ({ topics: [1] })), { message: /^Invalid topic 1/ })
  await assert.rejects(admin.fetchTopicOffsets(''), { message: /^Invalid topic/ })
  assert.deepEqual(client.calls, [])
})

test('deleteTopics asks again only for the topics that were not known, and gives up as retry says', async () => {
  const { admin, client } = await connected((_name, [topics], count) =>
    topics.map((/** @type {string} */ topic) => ({
      topic,
      error: topic === 'new' && count === 0 ? errorData(3) : null,
    })),
  )
  await admin.deleteTopics({ topics: ['old', 'new'] })
  assert.deepEqual(client.calls, [
    ['deleteTopics', ['old', 'new'], 5000],
    ['deleteTopics', ['new'], 5000],
  ])

  const never = await connected((_name, [topics]) =>
    topics.map((/** @type {string} */ topic) => ({ topic, error: errorData(3) })),
  )
  await assert.rejects(never.admin.deleteTopics({ topics: ['x'] }), { name: 'KafkaJSNumberOfRetriesExceeded' })
  assert.equal(never.client.calls.length, 3)
  const denied = await connected(() => [{ topic: 'x', error: errorData(29) }])
  await assert.rejects(denied.admin.deleteTopics({ topics: ['x'] }), {
    name: 'KafkaJSProtocolError',
    type: 'TOPIC_AUTHORIZATION_FAILED',
  })
})

test('listTopics and fetchTopicMetadata read the metadata', async () => {
  const topics = [
    { name: 'a', error: null, partitions: [partition(0), partition(1)] },
    { name: 'b', error: null, partitions: [] },
  ]
  const { admin, client } = await connected(() => ({ topics }))
  assert.deepEqual(await admin.listTopics(), ['a', 'b'])
  const [first] = (await admin.fetchTopicMetadata({ topics: ['a', 'b'] })).topics
  assert.deepEqual(first, {
    name: 'a',
    partitions: [0, 1].map((partitionId) => ({
      partitionErrorCode: 0,
      partitionId,
      leader: 1,
      replicas: [1, 2],
      isr: [1],
      offlineReplicas: [],
    })),
  })
  await admin.fetchTopicMetadata()
  assert.deepEqual(
    client.calls.map(([, asked]) => asked),
    [null, ['a', 'b'], null],
  )
})

test('metadata of a topic that is not there rejects', async () => {
  const { admin } = await connected(() => ({ topics: [{ name: 'a', error: errorData(3), partitions: [] }] }))
  await assert.rejects(admin.fetchTopicMetadata({ topics: ['a'] }), {
    name: 'KafkaJSProtocolError',
    type: 'UNKNOWN_TOPIC_OR_PARTITION',
  })
  await assert.rejects(admin.fetchTopicOffsets('a'), (/** @type {any} */ error) => {
    assert.equal(error.name, 'KafkaJSNumberOfRetriesExceeded')
    assert.equal(error.cause.type, 'UNKNOWN_TOPIC_OR_PARTITION')
    return true
  })
})

test('fetchTopicOffsets gives both ends of each partition, in order', async () => {
  const { admin } = await connected((name, [asked]) => {
    if (name === 'metadata') return { topics: [{ name: 'a', error: null, partitions: [partition(1), partition(0)] }] }
    return asked.map((/** @type {any} */ { partition, timestamp }) => ({
      topic: 'a',
      partition,
      offset: timestamp === '-1' ? `9${partition}` : `1${partition}`,
      error: null,
    }))
  })
  assert.deepEqual(await admin.fetchTopicOffsets('a'), [
    { partition: 0, offset: '90', high: '90', low: '10' },
    { partition: 1, offset: '91', high: '91', low: '11' },
  ])
})

test('an admin client works only between connect and disconnect', async () => {
  const { admin, client } = await connected(() => ({ topics: [] }))
  await admin.listTopics()
  await Promise.all([admin.disconnect(), admin.disconnect()])
  assert.equal(client.closed, 0)
  await assert.rejects(admin.listTopics(), { name: 'KafkaJSError', message: /disconnected/ })
  await admin.connect()
  await admin.listTopics()
})

test('disconnect during connect makes it reject at once', async () => {
  const native = fakeNative({ connect: () => new Promise(() => {}) })
  const admin = new Kafka(quiet, { native }).admin()
  const connecting = assert.rejects(admin.connect(), { message: /was disconnected while it was connecting/ })
  await new Promise(setImmediate)
  await admin.disconnect()
  await connecting
})

test('methods that are still to come say so', async () => {
  const { admin } = await connected(() => ({}))
  for (const name of ['createPartitions', 'describeCluster', 'listGroups', 'setOffsets']) {
    await assert.rejects(/** @type {any} */ (admin)[name]({}), {
      name: 'KafkaJSNotImplemented',
      message: new RegExp(`admin\\.${name}`),
    })
  }
})
