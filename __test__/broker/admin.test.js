'use strict'

// The admin client, side by side with kafkajs's on the same broker: the same results, the same errors.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const kafkajs = require('kafkajs')
const { bootstrap } = require('../helpers/broker')
const { connectAdmin, connectProducer, createTopic, kafkaOf, numbered } = require('../helpers/clients')
const { topicName } = require('../helpers/topic')
const { waitFor } = require('../helpers/wait')

/** @typedef {import('node:test').TestContext} TestContext */

const RETRY = { initialRetryTime: 20, maxRetryTime: 100, retries: 2 }

/** @param {TestContext} t @returns {Promise<Record<string, any>>} ours and theirs, connected */
async function both(t) {
  return {
    ours: await connectAdmin(t, kafkaOf(bootstrap(), { retry: RETRY })),
    theirs: await connectAdmin(
      t,
      new kafkajs.Kafka({ brokers: [bootstrap()], logLevel: kafkajs.logLevel.NOTHING, retry: RETRY }),
    ),
  }
}

/** What a program can tell of an error. @param {any} error @returns {any} */
function facts(error) {
  const { name, type, topic, retriable, retryCount, errors, cause } = error
  return {
    name,
    type,
    topic,
    retriable,
    retryCount,
    ...(errors ? { errors: errors.map(facts) } : {}),
    ...(cause && name === 'KafkaJSNumberOfRetriesExceeded' ? { cause: facts(cause) } : {}),
  }
}

/**
 * Makes the same call on both, and compares how they end.
 * @param {Record<string, any>} clients
 * @param {(admin: any, own: string) => Promise<any>} call  own: a name that differs between both
 */
async function same(clients, call) {
  /** @type {any} */
  const ends = {}
  for (const [own, admin] of Object.entries(clients)) {
    ends[own] = await call(admin, own).then(
      (value) => ({ value }),
      (error) => ({ error: facts(error) }),
    )
  }
  assert.deepEqual(JSON.parse(JSON.stringify(ends.ours)), JSON.parse(JSON.stringify(ends.theirs)))
  return ends.ours
}

test('createTopics() is true for new topics and false when all exist', async (t) => {
  const clients = await both(t)
  const topic = topicName(t)
  const create = (/** @type {any} */ admin, /** @type {string} */ own) =>
    admin.createTopics({
      topics: [{ topic: `${topic}-${own}`, numPartitions: 3, replicationFactor: 1 }, { topic: `${topic}-${own}-2` }],
    })
  assert.deepEqual(await same(clients, create), { value: true })
  assert.deepEqual(await same(clients, create), { value: false })
  const {
    topics: [{ partitions }],
  } = await clients.theirs.fetchTopicMetadata({ topics: [`${topic}-ours`] })
  assert.equal(partitions.length, 3)
})

test('createTopics() takes config entries and a replica assignment', async (t) => {
  const clients = await both(t)
  const topic = topicName(t)
  await same(clients, (admin, own) =>
    admin.createTopics({
      topics: [
        { topic: `${topic}-${own}-a`, numPartitions: 1, configEntries: [{ name: 'retention.ms', value: '123456' }] },
        {
          topic: `${topic}-${own}-b`,
          replicaAssignment: [
            { partition: 0, replicas: [1] },
            { partition: 1, replicas: [1] },
          ],
        },
      ],
    }),
  )
  const {
    topics: [{ partitions }],
  } = await clients.theirs.fetchTopicMetadata({ topics: [`${topic}-ours-b`] })
  assert.equal(partitions.length, 2)
  const {
    resources: [{ configEntries }],
  } = await clients.theirs.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: `${topic}-ours-a`, configNames: ['retention.ms'] }],
  })
  assert.equal(configEntries[0].configValue, '123456')
})

test('createTopics() with validateOnly makes nothing', async (t) => {
  const clients = await both(t)
  const topic = topicName(t)
  assert.deepEqual(
    await same(clients, (admin, own) =>
      admin.createTopics({ validateOnly: true, waitForLeaders: false, topics: [{ topic: `${topic}-${own}` }] }),
    ),
    { value: true },
  )
  assert.ok(!(await clients.theirs.listTopics()).includes(`${topic}-ours`))
})

test('createTopics() that the broker refuses rejects with one error for each topic', async (t) => {
  const clients = await both(t)
  const { error } = await same(clients, (admin) =>
    admin.createTopics({
      topics: [
        { topic: 'no spaces, please', numPartitions: 1 },
        { topic: 'too-many-replicas', numPartitions: 1, replicationFactor: 5 },
      ],
    }),
  )
  assert.equal(error.name, 'KafkaJSAggregateError')
  assert.equal(error.errors.length, 2)
})

test('deleteTopics() deletes, and rejects for what is not there', async (t) => {
  const clients = await both(t)
  const topic = topicName(t)
  await same(clients, (admin, own) => admin.createTopics({ topics: [{ topic: `${topic}-${own}` }] }))
  assert.deepEqual(await same(clients, (admin, own) => admin.deleteTopics({ topics: [`${topic}-${own}`] })), {
    value: undefined,
  })
  await waitFor(async () => !(await clients.ours.listTopics()).includes(`${topic}-ours`))
  const { error } = await same(clients, (admin) => admin.deleteTopics({ topics: ['nobody-made-this'] }))
  assert.equal(error.name, 'KafkaJSNumberOfRetriesExceeded')
})

test('listTopics() names the same topics', async (t) => {
  const clients = await both(t)
  await createTopic(t, kafkaOf())
  // Other tests make topics meanwhile: no difference may last.
  await waitFor(
    async () => {
      const [ours, theirs] = [await clients.ours.listTopics(), await clients.theirs.listTopics()]
      return JSON.stringify(ours.sort()) === JSON.stringify(theirs.sort())
    },
    { message: 'the two lists to be the same' },
  )
})

test('fetchTopicMetadata() tells partitions, leaders and replicas, and rejects for an unknown topic', async (t) => {
  const clients = await both(t)
  const topic = await createTopic(t, kafkaOf(), 3)
  const sorted = (/** @type {any} */ { topics }) =>
    topics.map((/** @type {any} */ one) => ({
      ...one,
      partitions: one.partitions.sort((/** @type {any} */ a, /** @type {any} */ b) => a.partitionId - b.partitionId),
    }))
  const {
    value: [found],
  } = await same(clients, async (admin) => sorted(await admin.fetchTopicMetadata({ topics: [topic] })))
  assert.equal(found.partitions.length, 3)
  const { error } = await same(clients, (admin) => admin.fetchTopicMetadata({ topics: ['nobody-made-this'] }))
  assert.equal(error.type, 'UNKNOWN_TOPIC_OR_PARTITION')
  const all = await clients.ours.fetchTopicMetadata()
  assert.ok(all.topics.some((/** @type {any} */ { name }) => name === topic))
  assert.ok(!(await clients.ours.listTopics()).includes('nobody-made-this'), 'asking makes no topic')
})

test('fetchTopicOffsets() tells where each partition begins and ends', async (t) => {
  const clients = await both(t)
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka, 2)
  const producer = await connectProducer(t, kafka)
  await producer.send({ topic, messages: [...numbered(3, { partition: 0 }), ...numbered(5, { partition: 1 })] })
  await clients.theirs.fetchTopicMetadata({ topics: [topic] })
  await clients.theirs.deleteTopicRecords({ topic, partitions: [{ partition: 1, offset: '2' }] })
  const byPartition = (/** @type {any} */ a, /** @type {any} */ b) => a.partition - b.partition
  const { value } = await same(clients, async (admin) => (await admin.fetchTopicOffsets(topic)).sort(byPartition))
  assert.deepEqual(value, [
    { partition: 0, offset: '3', high: '3', low: '0' },
    { partition: 1, offset: '5', high: '5', low: '2' },
  ])
  const { error } = await same(clients, (admin) => admin.fetchTopicOffsets('nobody-made-this'))
  assert.equal(error.name, 'KafkaJSNumberOfRetriesExceeded')
})

test('wrong arguments are refused as by kafkajs', async (t) => {
  const clients = await both(t)
  for (const call of [
    (/** @type {any} */ admin) => admin.createTopics({ topics: 'x' }),
    (/** @type {any} */ admin) => admin.createTopics({}),
    (/** @type {any} */ admin) => admin.createTopics({ topics: [{ topic: 5 }] }),
    (/** @type {any} */ admin) => admin.createTopics({ topics: [{ topic: 'a' }, { topic: 'a' }] }),
    (/** @type {any} */ admin) => admin.deleteTopics({ topics: 'x' }),
    (/** @type {any} */ admin) => admin.deleteTopics({ topics: [5] }),
    (/** @type {any} */ admin) => admin.fetchTopicMetadata({ topics: [''] }),
    (/** @type {any} */ admin) => admin.fetchTopicOffsets(''),
    (/** @type {any} */ admin) => admin.fetchTopicOffsets(5),
  ]) {
    const { error } = await same(clients, call)
    assert.equal(error.name, 'KafkaJSNonRetriableError', `${call}`)
  }
})

test('a call before connect() and after disconnect() says so', async (t) => {
  const admin = kafkaOf().admin()
  t.after(() => admin.disconnect())
  await assert.rejects(admin.listTopics(), { name: 'KafkaJSError', message: /disconnected/ })
  await admin.connect()
  await admin.listTopics()
  await admin.disconnect()
  await assert.rejects(admin.listTopics(), { name: 'KafkaJSError', message: /disconnected/ })
})
