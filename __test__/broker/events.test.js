'use strict'

// The instrumentation events of all three clients: what they carry, and when. kafkajs runs the same program beside ours.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const kafkajs = require('kafkajs')
const native = require('../../lib/native')
const { connectAdmin, connectConsumer, connectProducer, createTopic, gate, kafkaOf } = require('../helpers/clients')
const { bootstrap } = require('../helpers/broker')
const { topicName } = require('../helpers/topic')
const { waitFor, within } = require('../helpers/wait')

const FAST = { maxWaitTimeInMs: 100, heartbeatInterval: 200, sessionTimeout: 6000 }

/** Every event of a client, as it comes. @param {any} client @param {string[]} [keys] of `client.events`; all */
function listen(client, keys = Object.keys(client.events)) {
  const heard = /** @type {any[]} */ ([])
  for (const key of keys) client.on(client.events[key], (/** @type {any} */ event) => { heard.push(event) })
  return {
    heard,
    of: (/** @type {string} */ key) => heard.filter(({ type }) => type === client.events[key]).map(({ payload }) => payload),
  }
}

/** Keys and types, so that two libraries can be compared. @param {any} payload @returns {any} */
function shape(payload) {
  // Of offsets that the user commits kafkajs tells as a Long of its own.
  if (payload === null || typeof payload !== 'object') return typeof payload
  if (typeof payload.value === 'bigint') return 'string'
  if (Array.isArray(payload)) return payload.slice(0, 1).map(shape)
  return Object.fromEntries(Object.keys(payload).sort().map((key) => [key, shape(payload[key])]))
}

/**
 * A producer, an admin client and a consumer do their work with a listener on everything.
 * @param {any} kafka @param {string} topic
 */
async function program(kafka, topic) {
  const admin = kafka.admin()
  const producer = kafka.producer({ maxInFlightRequests: 1 })
  const consumer = kafka.consumer({ groupId: `${topic}-group`, ...FAST })
  const [ofAdmin, ofProducer, ofConsumer] = [admin, producer, consumer].map((client) => listen(client))
  try {
    await admin.connect()
    await admin.listTopics()
    await producer.connect()
    await Promise.all([0, 1, 2].map((n) => producer.send({ topic, messages: [{ value: `v${n}` }] })))
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    let handled = 0
    await consumer.run({ eachMessage: async () => { handled++ } })
    const enough = () => handled === 3 && ofConsumer.of('HEARTBEAT').length > 0 && ofConsumer.of('FETCH').length > 2 &&
      ofConsumer.of('COMMIT_OFFSETS').length > 0
    await waitFor(enough, { message: () => `messages, fetches, a heartbeat: ${handled} handled` })
    await consumer.commitOffsets([{ topic, partition: 0, offset: '3' }])
  } finally {
    await Promise.all([admin, producer, consumer].map((client) => client.disconnect()))
  }
  return { ofAdmin, ofProducer, ofConsumer }
}

test('every event has the payload of kafkajs', async (t) => {
  const kafka = kafkaOf(bootstrap(), { clientId: 'observed' })
  const topic = await createTopic(t, kafka)
  const other = await createTopic(t, kafka)
  const ours = await program(kafka, topic)
  const config = { clientId: 'observed', brokers: bootstrap().split(','), logLevel: kafkajs.logLevel.NOTHING }
  const theirs = /** @type {any} */ (await program(new kafkajs.Kafka(config), other))
  const shapes = (/** @type {any} */ { heard }) => {
    const found = /** @type {Record<string, any>} */ ({})
    for (const { type, payload } of heard) found[type] = { ...found[type], [JSON.stringify(shape(payload))]: true }
    // What an assignment or the lag of a batch holds differs by topic and timing; its shape is that of its keys.
    for (const type of Object.keys(found)) found[type] = Object.keys(found[type]).map((text) => text.replaceAll(topic, 't').replaceAll(other, 't')).sort()
    return found
  }
  for (const client of /** @type {const} */ (['ofAdmin', 'ofProducer', 'ofConsumer'])) {
    const [mine, expected] = [shapes(ours[client]), shapes(theirs[client])]
    // kafkajs tells of queues only where requests wait.
    for (const type of Object.keys(mine)) if (!/queue_size/.test(type)) assert.deepEqual(mine[type], expected[type], type)
    for (const type of Object.keys(expected)) assert.ok(mine[type], `${type} is emitted`)
  }

  const events = ours.ofConsumer.heard
  assert.deepEqual([...events].sort((a, b) => a.id - b.id), events, 'ids count up')
  assert.deepEqual(Object.keys(events[0]), ['id', 'type', 'timestamp', 'payload'])
  const lifecycle = /connect|group_join|stop/
  assert.deepEqual(
    events.map(({ type }) => type).filter((type) => lifecycle.test(type)),
    ['consumer.connect', 'consumer.connect', 'consumer.group_join', 'consumer.stop', 'consumer.disconnect'],
  )
  const requests = ours.ofProducer.of('REQUEST')
  assert.equal(requests[0].apiName, 'ApiVersions')
  const produce = requests.find(({ apiName }) => apiName === 'Produce')
  assert.deepEqual([produce.apiKey, produce.broker, produce.clientId], [0, bootstrap(), 'observed'])
  assert.ok(produce.size > 0 && produce.correlationId > 0 && produce.sentAt > Date.now() - 600_000)
  assert.ok(ours.ofConsumer.of('REQUEST').every(({ broker }) => broker === bootstrap()), 'also the coordinator has its address')
  assert.ok(ours.ofConsumer.of('REQUEST').some(({ apiName }) => apiName === 'GroupCoordinator'))
  assert.equal(ours.ofProducer.of('REQUEST_QUEUE_SIZE').at(-1).queueSize, 0)
  const [join] = ours.ofConsumer.of('GROUP_JOIN')
  assert.deepEqual(join.memberAssignment, { [topic]: [0] })
  assert.deepEqual([join.groupProtocol, join.isLeader, join.leaderId], ['RoundRobinAssigner', true, join.memberId])
  for (const key of ['HEARTBEAT', 'COMMIT_OFFSETS']) {
    assert.deepEqual(ours.ofConsumer.of(key).map(({ memberId }) => memberId === join.memberId), ours.ofConsumer.of(key).map(() => true))
    assert.equal(ours.ofConsumer.of(key)[0].groupGenerationId, 1)
  }
})

test('a rebalance is told with the member id, and each member knows the leader', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka, 2)
  const groupId = topicName(t)
  const first = await connectConsumer(t, kafka, { topic, groupId, ...FAST })
  const ofFirst = listen(first, ['GROUP_JOIN', 'REBALANCING'])
  await first.run({ eachMessage: async () => {} })
  const second = await connectConsumer(t, kafka, { topic, groupId, ...FAST })
  const ofSecond = listen(second, ['GROUP_JOIN'])
  await second.run({ eachMessage: async () => {} })
  await waitFor(() => ofFirst.of('GROUP_JOIN').length >= 2, { message: 'a second join' })
  const [join, again] = ofFirst.of('GROUP_JOIN')
  const [other] = ofSecond.of('GROUP_JOIN')
  assert.deepEqual(ofFirst.of('REBALANCING')[0], { groupId, memberId: join.memberId })
  assert.deepEqual([again.isLeader, other.isLeader, other.leaderId], [true, false, join.memberId])
  assert.notEqual(other.memberId, join.memberId)
  const types = ofFirst.heard.map(({ type }) => type)
  assert.deepEqual(types.slice(0, 3), ['consumer.group_join', 'consumer.rebalancing', 'consumer.group_join'])
})

test('fetch events go on while all partitions are paused, and not while a handler hangs', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka)
  const producer = await connectProducer(t, kafka)
  const consumer = await connectConsumer(t, kafka, { topic, ...FAST })
  const { of } = listen(consumer, ['FETCH_START', 'FETCH'])
  const open = gate(t)
  let started = false
  await consumer.run({
    eachMessage: async () => {
      consumer.pause([{ topic }])
      started = true
      await open.promise
    },
  })
  await producer.send({ topic, messages: [{ value: 'v' }] })
  await waitFor(() => started, { message: 'the handler' })
  // Fetches of librdkafka that were under way end by themselves; then all is quiet until the handler returns.
  const count = () => of('FETCH').length
  let last = { count: -1, since: Date.now() }
  await waitFor(() => {
    if (count() !== last.count) last = { count: count(), since: Date.now() }
    return Date.now() - last.since > 4 * FAST.maxWaitTimeInMs
  }, { message: 'no more fetches' })
  open.resolve()
  const before = count()
  await waitFor(() => count() >= before + 3, { message: 'fetch events while paused' })
  assert.deepEqual(Object.keys(of('FETCH').at(-1)), ['numberOfBatches', 'duration', 'nodeId'])
  assert.equal(of('FETCH').at(-1).nodeId, '1')
})

test('partitions of a topic that was not subscribed are told of and left out', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka)
  const extra = `${topic}-extra`
  const admin = await connectAdmin(t, kafka)
  await admin.createTopics({ topics: [{ topic: extra }] })
  const groupId = topicName(t)
  // A leader that gives every topic of its own subscription to everybody, as kafkajs's own assigner does.
  const { AssignerProtocol: { MemberAssignment, MemberMetadata } } = kafkajs
  const careless = () => ({
    name: 'roundrobin',
    version: 0,
    protocol: (/** @type {any} */ { topics }) => ({
      name: 'roundrobin', metadata: MemberMetadata.encode({ version: 0, topics, userData: Buffer.alloc(0) }),
    }),
    assign: async (/** @type {any} */ { members }) => members.map((/** @type {any} */ { memberId }) => ({
      memberId,
      memberAssignment: MemberAssignment.encode({
        version: 0, assignment: { [topic]: [0], [extra]: [0] }, userData: Buffer.alloc(0),
      }),
    })),
  })
  const leader = new kafkajs.Kafka({ brokers: bootstrap().split(','), logLevel: kafkajs.logLevel.NOTHING })
    .consumer({ groupId, partitionAssigners: [/** @type {any} */ (careless)], ...FAST })
  t.after(() => leader.disconnect())
  await leader.connect()
  await leader.subscribe({ topics: [topic, extra] })
  await leader.run({ eachMessage: async () => {} })
  const consumer = await connectConsumer(t, kafka, { topic, groupId, ...FAST })
  const { of } = listen(consumer, ['GROUP_JOIN', 'RECEIVED_UNSUBSCRIBED_TOPICS'])
  await within(consumer.run({ eachMessage: async () => {} }), 'the join')
  const [join] = of('GROUP_JOIN')
  assert.deepEqual(join.memberAssignment, { [topic]: [0] })
  const [{ generationId, assignedTopics, ...told }] = of('RECEIVED_UNSUBSCRIBED_TOPICS')
  assert.ok(generationId > 0)
  assert.deepEqual(assignedTopics.sort(), [topic, extra].sort())
  assert.deepEqual(told, {
    groupId, memberId: join.memberId, topicsSubscribed: [topic], topicsNotSubscribed: [extra],
  })
})

test('a listener may come and go at any time, and native code observes only meanwhile', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka)
  const producer = await connectProducer(t, kafka)
  const send = () => producer.send({ topic, messages: [{ value: 'v' }] })
  const heard = /** @type {any[]} */ ([])
  await send()
  const remove = producer.on(producer.events.REQUEST, (/** @type {any} */ { payload }) => { heard.push(payload.apiName) })
  await send()
  assert.deepEqual(heard.filter((name) => name === 'Produce'), ['Produce'])
  remove()
  await send()
  assert.deepEqual(heard.filter((name) => name === 'Produce'), ['Produce'])

  // Below the listeners: nothing is noted, and nothing crosses.
  const kinds = /** @type {number[]} */ ([])
  const { NativeProducer } = /** @type {any} */ (native)
  const client = new NativeProducer({ 'bootstrap.servers': bootstrap() }, (/** @type {number} */ kind) => { kinds.push(kind) })
  t.after(() => client.close(0))
  await client.connect(10_000)
  await client.partitions(topic, 10_000)
  assert.equal(client.observe(1), 0)
  await client.partitions(topic, 10_000)
  await waitFor(() => kinds.includes(8), { message: 'requests' })
  const made = client.observe(0)
  assert.ok(made > 0)
  await client.partitions(topic, 10_000)
  assert.equal(client.observe(0), made)
})
