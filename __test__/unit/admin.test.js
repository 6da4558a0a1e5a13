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
    {
      topics: [{ topic: 'a', numPartitions: 3, replicationFactor: 1, config: [['cleanup.policy', 'compact']] }],
      validateOnly: false,
    },
    700,
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
      {
        topics: [
          { topic: 'a', numPartitions: -1, replicationFactor: -1, config: [] },
          { topic: 'b', numPartitions: 2, replicationFactor: -1, replicaAssignment: [[1, 2], [3]], config: [] },
        ],
        validateOnly: true,
      },
      5000,
    ],
  ])
})

test('topics that exist already make it false, any other failure an aggregate', async () => {
  const errors = /** @type {Record<string, any>} */ ({ a: errorData(36), b: errorData(17), c: null })
  const { admin } = await connected((_name, [{ topics }]) =>
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
  const { admin, client } = await connected((_name, [{ topics }], count) =>
    topics.map((/** @type {string} */ topic) => ({
      topic,
      error: topic === 'new' && count === 0 ? errorData(3) : null,
    })),
  )
  await admin.deleteTopics({ topics: ['old', 'new'] })
  assert.deepEqual(client.calls, [
    ['deleteTopics', { topics: ['old', 'new'] }, 5000],
    ['deleteTopics', { topics: ['new'] }, 5000],
  ])

  const never = await connected((_name, [{ topics }]) =>
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
    return asked.partitions.map((/** @type {any} */ { partition, timestamp }) => ({
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

test('a call before connect() connects, once for all', async () => {
  const native = fakeNative({ call: () => ({ topics: [] }) })
  const admin = new Kafka(quiet, { native }).admin()
  await Promise.all([admin.listTopics(), admin.listTopics(), admin.connect()])
  assert.equal(native.clients.length, 1)
  await admin.disconnect()
})

test('an admin client does not work after disconnect(), until it is connected again', async () => {
  const { admin, client } = await connected(() => ({ topics: [] }))
  await admin.listTopics()
  await Promise.all([admin.disconnect(), admin.disconnect()])
  assert.equal(client.closed, 0)
  await assert.rejects(admin.listTopics(), { name: 'KafkaJSConnectionClosedError', message: /disconnected/ })
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

test('what librdkafka has no request for is refused', async () => {
  const { admin, client } = await connected(() => ({}))
  for (const name of ['alterPartitionReassignments', 'listPartitionReassignments']) {
    await assert.rejects(/** @type {any} */ (admin)[name]({}), {
      name: 'KafkaJSNotImplemented',
      message: new RegExp(`admin\\.${name}\\(\\) is not implemented: .{10}`),
    })
  }
  for (const name of ['describeConfigs', 'alterConfigs']) {
    const resources = [{ type: 8, name: '1', configEntries: [] }]
    await assert.rejects(/** @type {any} */ (admin)[name]({ resources }), { name: 'KafkaJSNotImplemented' })
  }
  const acl = { resourceType: 6, resourceName: 'a', resourcePatternType: 3, principal: 'User:a', host: '*', operation: 3, permissionType: 3 }
  for (const call of [() => admin.createAcls({ acl: [acl] }), () => admin.describeAcls(acl), () => admin.deleteAcls({ filters: [acl] })]) {
    await assert.rejects(call, { name: 'KafkaJSNotImplemented' })
  }
  assert.deepEqual(client.calls, [])
})

test('each broker among the resources is asked for its own configuration, the others together, each once', async () => {
  const { admin, client } = await connected((name, [{ resources }]) => {
    if (name === 'metadata') return { brokers: [1, 2].map((nodeId) => ({ nodeId, host: 'a', port: 1 })), controllerId: 1, topics: [] }
    return resources.map((/** @type {any} */ one) => ({ ...one, error: null, entries: [] }))
  })
  const asked = [['4', '2'], ['2', 't'], ['4', '1'], ['2', 'u'], ['2', 't']].map(([type, name]) => ({ type: Number(type), name }))
  const { resources } = await admin.describeConfigs({ resources: asked })
  assert.deepEqual(resources.map((/** @type {any} */ one) => ({ type: one.resourceType, name: one.resourceName })), asked)
  const sent = client.calls.filter((/** @type {any} */ [name]) => name === 'describeConfigs')
  assert.deepEqual(
    sent.map((/** @type {any} */ [, { resources: part }]) => part.map((/** @type {any} */ { name }) => name)),
    [['2'], ['1'], ['t', 'u']],
  )
})

test('a group that somebody joins in between is not overwritten, and the error says why', async () => {
  const group = (/** @type {string} */ state) => [{ groupId: 'g', error: null, state, protocolType: '', protocol: '', members: [] }]
  const { admin } = await connected((name, _args, count) => {
    if (name === 'metadata') return { topics: [{ name: 'a', error: null, partitions: [partition(0)] }] }
    if (name === 'describeGroups') return group(count === 0 ? 'Empty' : 'Stable')
    return { error: null, partitions: [{ topic: 'a', partition: 0, offset: '5', error: errorData(25) }] }
  })
  await assert.rejects(admin.setOffsets({ groupId: 'g', topic: 'a', partitions: [{ partition: 0, offset: '5' }] }), {
    name: 'KafkaJSNonRetriableError',
    message: 'The consumer group must have no running instances, current state: Stable',
  })
})

test('records that could not be deleted now are asked for again, the others not', async () => {
  const { admin, client } = await connected((name, [fields], count) => {
    if (name === 'metadata') return { topics: [{ name: 'a', error: null, partitions: [partition(0), partition(1)] }] }
    return fields.partitions.map((/** @type {any} */ one) => ({
      topic: 'a',
      partition: one.partition,
      offset: name === 'listOffsets' ? '0' : one.offset,
      error: name === 'deleteRecords' && one.partition === 1 && count === 0 ? { ...errorData(6), retriable: true } : null,
    }))
  })
  await admin.deleteTopicRecords({ topic: 'a', partitions: [{ partition: 0, offset: '1' }, { partition: 1, offset: '2' }] })
  const sent = client.calls.filter((/** @type {any} */ [name]) => name === 'deleteRecords')
  assert.deepEqual(
    sent.map((/** @type {any} */ [, { partitions }]) => partitions.map((/** @type {any} */ one) => one.partition)),
    [[0, 1], [1]],
  )
})

test('a KIP-848 member has its assignment in the bytes that classic members have', async () => {
  const { AssignerProtocol } = require('../../lib/kafkajs/assigners')
  const member = { memberId: 'm', clientId: 'c', clientHost: '/h', metadata: null, assignment: null }
  const { admin } = await connected(() => [{
    groupId: 'g', error: null, state: 'Stable', protocolType: 'consumer', protocol: 'uniform',
    members: [{ ...member, assigned: [{ topic: 'a', partition: 0 }, { topic: 'b', partition: 3 }, { topic: 'a', partition: 2 }] }],
  }])
  const { groups: [group] } = await admin.describeGroups(['g', 'g'])
  assert.equal(group.protocol, 'uniform')
  const [{ memberMetadata, memberAssignment }] = group.members
  assert.deepEqual(AssignerProtocol.MemberMetadata.decode(memberMetadata).topics, ['a', 'b'])
  assert.deepEqual(AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment, { a: [0, 2], b: [3] })
})
