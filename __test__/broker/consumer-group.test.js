'use strict'

// Membership on a real broker, whatever the protocol: revocations, slow handlers, lost partitions.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const kafkajs = require('kafkajs')
const { bootstrap } = require('../helpers/broker')
const {
  collect,
  committedOffsets,
  connectAdmin,
  connectConsumer,
  connectProducer,
  createTopic,
  deferred,
  gate,
  grown,
  kafkaOf,
  numbered,
  range,
} = require('../helpers/clients')
const { PartitionAssigners } = require('../..')
const { topicName } = require('../helpers/topic')
const { once, waitFor, within } = require('../helpers/wait')

/** @typedef {import('node:test').TestContext} TestContext */

/** @param {TestContext} t @param {string} groupId */
async function describe(t, groupId) {
  const admin = new kafkajs.Kafka({ brokers: [bootstrap()], logLevel: kafkajs.logLevel.NOTHING }).admin()
  t.after(() => admin.disconnect())
  await admin.connect()
  return async () => (await admin.describeGroups([groupId])).groups[0]
}

test('partitions that are resumed while they are unassigned are fetched when they come back', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka, 2)
  const groupId = topicName(t)
  const producer = await connectProducer(t, kafka)
  const consumer = await connectConsumer(t, kafka, { topic, groupId })
  const received = await collect(consumer)
  consumer.pause([{ topic }])
  let resumed = false
  consumer.on(consumer.events.REBALANCING, () =>
    setImmediate(() => {
      resumed = true
      consumer.resume([{ topic }])
    }),
  )
  const other = await connectConsumer(t, kafka, { topic, groupId })
  await other.run({ eachMessage: async () => {} })
  await within(other.disconnect(), 'disconnect()')
  await producer.send({ topic, messages: [...numbered(1, { partition: 0 }), ...numbered(1, { partition: 1 })] })
  await grown(received, 2)
  assert.equal(resumed, true)
})

test('a revocation waits for the running handler, and what it handled is committed before another member reads on', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka, 1)
  const groupId = topicName(t)
  const producer = await connectProducer(t, kafka)
  await producer.send({ topic, messages: numbered(20) })
  const hold = gate(t)
  const reached = deferred()
  const first = await connectConsumer(t, kafka, { topic, groupId })
  /** @type {number[]} */
  const finished = []
  await first.run({
    eachMessage: async (/** @type {any} */ { message }) => {
      if (message.offset === '9') {
        reached.resolve()
        await hold.promise
      }
      finished.push(Number(message.offset))
    },
  })
  await within(reached.promise, 'the tenth message')
  const rebalancing = once(first, first.events.REBALANCING)
  const second = await connectConsumer(t, kafka, { topic, groupId })
  const received = await (async () => {
    const running = collect(second)
    await rebalancing
    hold.resolve()
    return running
  })()
  await within(first.disconnect(), 'disconnect()')
  await waitFor(() => finished.length + received.length >= 20)
  const handled = [...finished, ...received.map(({ offset }) => offset)]
  assert.deepEqual(handled, range(20), 'each once, in order')
})

test('a handler that takes longer than the session timeout keeps its membership', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka, 1)
  const producer = await connectProducer(t, kafka)
  await producer.send({ topic, messages: numbered(2) })
  const consumer = await connectConsumer(t, kafka, {
    topic,
    sessionTimeout: 6000,
    heartbeatInterval: 500,
    rebalanceTimeout: 60000,
  })
  let rebalances = 0
  consumer.on(consumer.events.REBALANCING, () => {
    rebalances++
  })
  /** @type {string[]} */
  const offsets = []
  await consumer.run({
    eachMessage: async (/** @type {any} */ { message }) => {
      if (message.offset === '0') await new Promise((resolve) => setTimeout(resolve, 8000))
      offsets.push(message.offset)
    },
  })
  await grown(offsets, 2)
  assert.deepEqual(offsets, ['0', '1'])
  assert.equal(rebalances, 0)
})

test('a handler that takes longer than the rebalance timeout loses its partition, and the consumer goes on', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka, 1)
  const groupId = topicName(t)
  const producer = await connectProducer(t, kafka)
  await producer.send({ topic, messages: numbered(5) })
  const consumer = await connectConsumer(t, kafka, {
    topic,
    groupId,
    sessionTimeout: 6000,
    heartbeatInterval: 500,
    rebalanceTimeout: 6000,
  })
  const state = await describe(t, groupId)
  /** @type {string[]} */
  const offsets = []
  let slow = true
  await consumer.run({
    eachMessage: async (/** @type {any} */ { message }) => {
      if (slow) {
        slow = false
        await waitFor(async () => (await state()).members.length === 0, {
          interval: 300,
          message: 'the member to be put out',
        })
      }
      offsets.push(message.offset)
    },
  })
  await waitFor(() => offsets.at(-1) === '4', { message: () => `the rest; ${offsets}` })
  assert.deepEqual(offsets.slice(-5), ['0', '1', '2', '3', '4'], 'what was lost comes again')
})

test('heartbeat() keeps a long handler in the group', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka, 1)
  const producer = await connectProducer(t, kafka)
  await producer.send({ topic, messages: numbered(2) })
  const consumer = await connectConsumer(t, kafka, {
    topic,
    sessionTimeout: 6000,
    heartbeatInterval: 500,
    rebalanceTimeout: 6000,
  })
  let rebalances = 0
  consumer.on(consumer.events.REBALANCING, () => {
    rebalances++
  })
  /** @type {string[]} */
  const offsets = []
  await consumer.run({
    eachMessage: async (/** @type {any} */ { message, heartbeat }) => {
      for (let i = 0; message.offset === '0' && i < 90; i++) {
        await new Promise((resolve) => setTimeout(resolve, 100))
        await heartbeat()
      }
      offsets.push(message.offset)
    },
  })
  await grown(offsets, 2)
  assert.deepEqual([offsets, rebalances], [['0', '1'], 0])
})

test("what a member handled of a partition that it no longer owns is not committed over its new owner's offsets", async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka, 1)
  const groupId = topicName(t)
  const producer = await connectProducer(t, kafka)
  await producer.send({ topic, messages: numbered(10) })
  const hold = gate(t)
  const reached = deferred()
  const slow = await connectConsumer(t, kafka, {
    topic,
    groupId,
    sessionTimeout: 6000,
    heartbeatInterval: 500,
    rebalanceTimeout: 6000,
  })
  await slow.run({
    autoCommit: true,
    eachMessage: async () => {
      reached.resolve()
      await hold.promise
    },
  })
  await within(reached.promise, 'the slow handler')
  const quick = await connectConsumer(t, kafka, {
    topic,
    groupId,
    sessionTimeout: 6000,
    heartbeatInterval: 500,
    rebalanceTimeout: 6000,
  })
  const received = await collect(quick)
  await grown(received, 10)
  await waitFor(async () => (await committedOffsets(bootstrap(), groupId, topic))[0] === 10, { interval: 200 })
  hold.resolve()
  await within(slow.disconnect(), 'disconnect() of the member that was put out')
  assert.deepEqual(await committedOffsets(bootstrap(), groupId, topic), { 0: 10 })
})

test('a static member (groupInstanceId) comes back to its partitions without a rebalance', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka, 2)
  const groupId = topicName(t)
  const options = { topic, groupId, sessionTimeout: 30000 }
  const state = await describe(t, groupId)
  const partitionsOf = async () =>
    (await state()).members.map(({ memberAssignment }) => kafkajs.AssignerProtocol.MemberAssignment.decode(memberAssignment))
  let rebalances = 0
  const stays = await connectConsumer(t, kafka, { ...options, groupInstanceId: 'stays' })
  await stays.run({ eachMessage: async () => {} })
  const leaves = await connectConsumer(t, kafka, { ...options, groupInstanceId: 'leaves' })
  await leaves.run({ eachMessage: async () => {} })
  await waitFor(async () => (await partitionsOf()).every((one) => one?.assignment[topic]?.length === 1), { interval: 100 })
  stays.on(stays.events.REBALANCING, () => {
    rebalances++
  })
  await leaves.disconnect()
  assert.equal((await state()).members.length, 2, 'it is still a member')
  const back = await connectConsumer(t, kafka, { ...options, groupInstanceId: 'leaves' })
  const received = await collect(back)
  const producer = await connectProducer(t, kafka)
  await producer.send({ topic, messages: [...numbered(1, { partition: 0 }), ...numbered(1, { partition: 1 })] })
  await grown(received, 1)
  assert.equal(rebalances, 0)
})

test('PartitionAssigners.range gives consecutive partitions, roundRobin every other one', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka, 4)
  for (const [assigner, expected] of /** @type {[any, string][]} */ ([
    [PartitionAssigners.range, '0,1 2,3'],
    [PartitionAssigners.roundRobin, '0,2 1,3'],
  ])) {
    const groupId = topicName(t)
    const owned = /** @type {string[]} */ ([])
    const members = await Promise.all(
      range(2).map(async (i) => {
        const consumer = await connectConsumer(t, kafka, { topic, groupId, partitionAssigners: [assigner] })
        consumer.on(consumer.events.GROUP_JOIN, (/** @type {any} */ { payload }) => {
          owned[i] = [...(payload.memberAssignment[topic] || [])].sort().join()
        })
        await consumer.run({ eachMessage: async () => {} })
        return consumer
      }),
    )
    await waitFor(() => [...owned].sort().join(' ') === expected, { message: () => `${expected}; it is ${owned}` })
    await Promise.all(members.map((consumer) => consumer.disconnect()))
  }
})

test('a RegExp that matches nothing yet waits for its first topic', async (t) => {
  const kafka = kafkaOf()
  const topic = topicName(t)
  const consumer = kafka.consumer({ groupId: topicName(t), metadataMaxAge: 200 })
  t.after(() => consumer.disconnect())
  await consumer.connect()
  await consumer.subscribe({ topic: new RegExp(`^${topic}$`) })
  const received = await collect(consumer)
  const admin = await connectAdmin(t, kafka)
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })
  const producer = await connectProducer(t, kafka)
  await producer.send({ topic, messages: numbered(2) })
  await grown(received, 2)
})

test('a RegExp picks up topics that come later with all their messages, flags and all', async (t) => {
  const kafka = kafkaOf()
  const first = await createTopic(t, kafka, 1)
  const consumer = kafka.consumer({ groupId: topicName(t), metadataMaxAge: 300 })
  t.after(() => consumer.disconnect())
  await consumer.connect()
  await consumer.subscribe({ topic: new RegExp(`^${first.toUpperCase()}`, 'i'), fromBeginning: false })
  const received = await collect(consumer)
  const producer = await connectProducer(t, kafka)
  const later = `${first}-later`
  const admin = await connectAdmin(t, kafka)
  await admin.createTopics({ topics: [{ topic: later, numPartitions: 2 }] })
  await producer.send({ topic: later, messages: numbered(3) })
  await grown(received, 3)
  assert.deepEqual(received.map(({ topic, value }) => [topic, value]).sort(), range(3).map((i) => [later, `${i}`]))
  await producer.send({ topic: first, messages: numbered(1) })
  await grown(received, 4)
})
