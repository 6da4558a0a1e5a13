'use strict'

// kafka-oxide/testing, looked at by clients that are not ours: kafkajs, and bare sockets where the protocol itself
// matters.

const assert = require('node:assert/strict')
const net = require('node:net')
const { test } = require('node:test')
const { Kafka, Partitioners, logLevel } = require('kafkajs')
const { MockCluster, MockClusterError } = require('../../lib/testing')
const { RawConnection } = require('../helpers/raw-connection')
const { once, waitFor, within } = require('../helpers/wait')

/** @typedef {import('node:test').TestContext} TestContext */

const AN_HOUR = 3_600_000
const HALF_AN_HOUR = 1_800_000
const API_VERSIONS = 18
const JOIN_GROUP = 11

/**
 * @param {TestContext} t
 * @param {object} [options]
 */
async function start (t, options) {
  const cluster = await MockCluster.start(options)
  t.after(() => cluster.close())
  return cluster
}

/**
 * kafkajs with little patience, unless told otherwise.
 * @param {{ brokers: string[] }} cluster
 * @param {object} [retry]
 */
function client (cluster, retry = { retries: 0 }) {
  return new Kafka({ brokers: cluster.brokers, logLevel: logLevel.NOTHING, retry })
}

/** @param {TestContext} t @param {Kafka} kafka */
async function connectProducer (t, kafka) {
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  t.after(() => producer.disconnect())
  await producer.connect()
  return producer
}

/** @param {TestContext} t @param {Kafka} kafka */
async function connectAdmin (t, kafka) {
  const admin = kafka.admin()
  t.after(() => admin.disconnect())
  await admin.connect()
  return admin
}

/** @param {TestContext} t @param {string} address `host:port` */
async function connect (t, address) {
  const connection = await RawConnection.open(address)
  t.after(() => connection.close())
  return connection
}

/** @param {string} address */
async function refuses (address) {
  await assert.rejects(RawConnection.open(address), { code: 'ECONNREFUSED' })
}

test('records go through the cluster and back, read by a group', async t => {
  const cluster = await start(t)
  await cluster.createTopic({ topic: 'orders', partitions: 2, replicationFactor: 3 })
  const kafka = client(cluster, { retries: 5, initialRetryTime: 50 })
  const producer = await connectProducer(t, kafka)
  const sent = Array.from({ length: 20 }, (_, i) => ({ key: `k${i}`, value: `v${i}`, headers: { h: `${i}` } }))
  await producer.send({ topic: 'orders', messages: sent })

  const consumer = kafka.consumer({ groupId: 'readers', maxWaitTimeInMs: 100 })
  t.after(() => consumer.disconnect())
  await consumer.connect()
  await consumer.subscribe({ topic: 'orders', fromBeginning: true })
  /** @type {{ key: string, value: string, headers: { h: string } }[]} */
  const received = []
  const partitions = new Set()
  await consumer.run({
    eachMessage: async ({ partition, message: { key, value, headers } }) => {
      partitions.add(partition)
      received.push({ key: String(key), value: String(value), headers: { h: String(headers?.h) } })
    }
  })
  await waitFor(() => received.length >= sent.length, { message: () => `${received.length} of ${sent.length} records` })

  /** @param {{ headers: { h: string } }} a @param {{ headers: { h: string } }} b */
  const byNumber = (a, b) => Number(a.headers.h) - Number(b.headers.h)
  assert.deepEqual(received.sort(byNumber), sent)
  assert.deepEqual([...partitions].sort(), [0, 1])
})

test('as many brokers run as were asked for, and both forms of their addresses agree', async t => {
  const three = await start(t)
  assert.equal(three.brokers.length, 3)
  assert.equal(three.bootstrapServers, three.brokers.join(','))
  const one = await start(t, { brokers: 1 })
  assert.equal(one.brokers.length, 1)
  for (const address of [...three.brokers, ...one.brokers]) await connect(t, address)

  const admin = await connectAdmin(t, client(three))
  const { brokers } = await admin.describeCluster()
  const listed = brokers.sort((a, b) => a.nodeId - b.nodeId)
  assert.deepEqual(listed.map(({ nodeId }) => nodeId), [1, 2, 3])
  assert.deepEqual(listed.map(({ host, port }) => `${host}:${port}`), three.brokers)
})

test('a broker that is down drops its connections and refuses new ones, and is back on the same port', async t => {
  const cluster = await start(t, { brokers: 2 })
  const before = await connect(t, cluster.brokers[0])
  await cluster.setBrokerDown(1)
  await within(before.closed, 'the connection to be dropped')
  await refuses(cluster.brokers[0])
  await connect(t, cluster.brokers[1])
  await cluster.setBrokerUp(1)
  await connect(t, cluster.brokers[0])

  await cluster.setBrokerDown(-1)
  for (const address of cluster.brokers) await refuses(address)
  await cluster.setBrokerUp(-1)
  for (const address of cluster.brokers) await connect(t, address)
})

test('a client cannot send to a broker that is down, and can again once it is up', async t => {
  const cluster = await start(t, { brokers: 1 })
  await cluster.createTopic({ topic: 'patient' })
  const producer = await connectProducer(t, client(cluster))
  const send = () => producer.send({ topic: 'patient', messages: [{ value: 'x' }] })
  await send()
  await cluster.setBrokerDown(1)
  await assert.rejects(send(), (/** @type {any} */ error) => /^KafkaJSConnection/.test(error.cause?.name))
  await cluster.setBrokerUp(1)
  const [{ baseOffset }] = await within(waitFor(send), 'the send to succeed')
  assert.equal(baseOffset, '1')
})

for (const [form, error] of Object.entries({
  'a code': 29,
  "librdkafka's name": 'ERR_TOPIC_AUTHORIZATION_FAILED',
  'the bare name': 'TOPIC_AUTHORIZATION_FAILED'
})) {
  test(`a pushed error given as ${form} reaches the client once`, async t => {
    const cluster = await start(t)
    await cluster.createTopic({ topic: 'guarded' })
    const producer = await connectProducer(t, client(cluster))
    const send = () => producer.send({ topic: 'guarded', messages: [{ value: 'x' }] })
    await cluster.pushRequestErrors('Produce', [error])
    await assert.rejects(send(), { type: 'TOPIC_AUTHORIZATION_FAILED' })
    await send()
  })
}

test("kafkajs's names work too where librdkafka has another, and an API may be given by its key", async t => {
  const cluster = await start(t)
  await cluster.createTopic({ topic: 'named' })
  const producer = await connectProducer(t, client(cluster))
  const produced = 0
  for (const type of ['MESSAGE_TOO_LARGE', 'INVALID_TOPIC_EXCEPTION', 'UNKNOWN']) {
    await cluster.pushRequestErrors(produced, [type])
    await assert.rejects(producer.send({ topic: 'named', messages: [{ value: 'x' }] }), { type })
  }
})

test('pushed errors come one after another, success among them', async t => {
  const cluster = await start(t, { brokers: 1 })
  const connection = await connect(t, cluster.brokers[0])
  await cluster.pushRequestErrors('ApiVersions', ['REQUEST_TIMED_OUT', 'NONE'])
  await cluster.pushRequestErrors('ApiVersions', [42])
  const codes = []
  for (let i = 0; i < 4; i++) codes.push((await connection.request(API_VERSIONS)).readInt16BE(0))
  assert.deepEqual(codes, [7, 0, 42, 0])
})

test('cleared errors do not happen', async t => {
  const cluster = await start(t, { brokers: 1 })
  const connection = await connect(t, cluster.brokers[0])
  await cluster.pushRequestErrors('ApiVersions', [7, 7, 7])
  assert.equal((await connection.request(API_VERSIONS)).readInt16BE(0), 7)
  await cluster.clearRequestErrors('ApiVersions')
  assert.equal((await connection.request(API_VERSIONS)).readInt16BE(0), 0)
})

test('ERR__TRANSPORT closes the connection', async t => {
  const cluster = await start(t, { brokers: 1 })
  const connection = await connect(t, cluster.brokers[0])
  await cluster.pushRequestErrors('ApiVersions', ['ERR__TRANSPORT'])
  const answer = connection.request(API_VERSIONS).then(() => 'answered', () => 'closed')
  assert.equal(await within(answer, 'the connection to close'), 'closed')
})

test('an error pushed to one broker is not seen at another', async t => {
  const cluster = await start(t, { brokers: 2 })
  const [first, second] = [await connect(t, cluster.brokers[0]), await connect(t, cluster.brokers[1])]
  await cluster.pushBrokerRequestErrors(2, 'ApiVersions', [{ error: 'REQUEST_TIMED_OUT' }, { error: 42 }])
  assert.equal((await first.request(API_VERSIONS)).readInt16BE(0), 0)
  assert.equal((await second.request(API_VERSIONS)).readInt16BE(0), 7)
  assert.equal((await second.request(API_VERSIONS)).readInt16BE(0), 42)
  assert.equal((await second.request(API_VERSIONS)).readInt16BE(0), 0)
})

test('a pushed delay holds back that one answer', async t => {
  const cluster = await start(t, { brokers: 2 })
  const [slow, quick] = [await connect(t, cluster.brokers[0]), await connect(t, cluster.brokers[1])]
  await cluster.pushBrokerRequestErrors(1, 'ApiVersions', [{ delay: 1000 }])
  /** @type {string[]} */
  const order = []
  const late = slow.request(API_VERSIONS).then(answer => { order.push('slow'); return answer })
  await quick.request(API_VERSIONS).then(() => order.push('quick'))
  assert.equal((await within(late, 'the late answer')).readInt16BE(0), 0)
  assert.deepEqual(order, ['quick', 'slow'])
})

test('latency holds back every answer of a broker until it is taken away', async t => {
  const cluster = await start(t, { brokers: 2 })
  const [slow, quick] = [await connect(t, cluster.brokers[0]), await connect(t, cluster.brokers[1])]
  await cluster.startRequestTracking()
  await cluster.setLatency(1, AN_HOUR)
  let answered = false
  const late = slow.request(API_VERSIONS).then(() => { answered = true })
  await waitFor(async () => (await cluster.requests()).some(({ broker }) => broker === 1))
  await quick.request(API_VERSIONS)
  assert.equal(answered, false)
  await cluster.setLatency(1, 0)
  await within(late, 'the answer that was held back')
})

test('a leader moves where it is told, and may be missing', async t => {
  const cluster = await start(t)
  await cluster.createTopic({ topic: 'led', partitions: 2, replicationFactor: 3 })
  const admin = await connectAdmin(t, client(cluster))
  const leader = async () => {
    const { topics: [{ partitions }] } = await admin.fetchTopicMetadata({ topics: ['led'] })
    return partitions.find(({ partitionId }) => partitionId === 1)?.leader
  }
  for (const broker of [2, 3, 1]) {
    await cluster.setLeader({ topic: 'led', partition: 1, broker })
    assert.equal(await leader(), broker)
  }
  await cluster.setLeader({ topic: 'led', partition: 1, broker: -1 })
  assert.equal(await leader(), -1)
  await assert.rejects(cluster.setLeader({ topic: 'led', partition: 2, broker: 1 }),
    { name: 'MockClusterError', code: 3, type: 'ERR_UNKNOWN_TOPIC_OR_PART', message: /led \[2\]/ })
})

test('a topic error is answered until it is taken away', async t => {
  const cluster = await start(t)
  await cluster.createTopic({ topic: 'secret' })
  const admin = await connectAdmin(t, client(cluster))
  const metadata = () => admin.fetchTopicMetadata({ topics: ['secret'] })
  await cluster.setTopicError('secret', 'TOPIC_AUTHORIZATION_FAILED')
  for (let i = 0; i < 2; i++) await assert.rejects(metadata(), { type: 'TOPIC_AUTHORIZATION_FAILED' })
  await cluster.setTopicError('secret', 'NONE')
  assert.equal((await metadata()).topics[0].partitions.length, 1)
})

test('a group is coordinated where it is told, or nowhere', async t => {
  const cluster = await start(t)
  await cluster.createTopic({ topic: 'shared' })
  for (const broker of [1, 2, 3]) {
    await cluster.setCoordinator({ type: 'group', key: `group-${broker}`, broker })
    const { coordinator } = await findCoordinator(t, cluster, `group-${broker}`, 0)
    assert.equal(coordinator, broker)
  }
  await cluster.setCoordinator({ type: 'group', key: 'group-1', broker: -1 })
  assert.equal((await findCoordinator(t, cluster, 'group-1', 0)).error, 15)
})

test('a transaction is coordinated where it is told, apart from the group of the same name', async t => {
  const cluster = await start(t)
  await cluster.setCoordinator({ type: 'group', key: 'both', broker: 1 })
  await cluster.setCoordinator({ type: 'transaction', key: 'both', broker: 2 })
  assert.equal((await findCoordinator(t, cluster, 'both', 0)).coordinator, 1)
  assert.equal((await findCoordinator(t, cluster, 'both', 1)).coordinator, 2)
})

/**
 * @param {TestContext} t
 * @param {{ brokers: string[] }} cluster
 * @param {string} key
 * @param {0 | 1} type group or transaction
 */
async function findCoordinator (t, cluster, key, type) {
  const connection = await connect(t, cluster.brokers[0])
  const FIND_COORDINATOR = 10
  const body = Buffer.concat([RawConnection.string(key), Buffer.from([type])])
  const answer = await connection.request(FIND_COORDINATOR, 1, body)
  // int32 throttle time, int16 error, nullable string message, int32 node
  const messageLength = Math.max(answer.readInt16BE(6), 0)
  return { error: answer.readInt16BE(4), coordinator: answer.readInt32BE(8 + messageLength) }
}

test('requests are recorded from start to stop, each with broker, API and time', async t => {
  const cluster = await start(t, { brokers: 2 })
  const [first, second] = [await connect(t, cluster.brokers[0]), await connect(t, cluster.brokers[1])]
  const brief = (/** @type {{ broker: number, apiKey: number, apiName: string }[]} */ requests) =>
    requests.map(({ broker, apiKey, apiName }) => ({ broker, apiKey, apiName }))
  const at = (/** @type {number} */ broker) => ({ broker, apiKey: API_VERSIONS, apiName: 'ApiVersions' })

  await first.request(API_VERSIONS)
  assert.deepEqual(await cluster.requests(), [])
  await cluster.startRequestTracking()
  await second.request(API_VERSIONS)
  await first.request(API_VERSIONS)
  const requests = await cluster.requests()
  assert.deepEqual(brief(requests), [at(2), at(1)])
  assert.ok(Number.isSafeInteger(requests[0].timestamp) && requests[0].timestamp < requests[1].timestamp)

  await cluster.clearRequests()
  await second.request(API_VERSIONS)
  assert.deepEqual(brief(await cluster.stopRequestTracking()), [at(2)])
  await first.request(API_VERSIONS)
  assert.deepEqual(await cluster.requests(), [])
})

test('a group waits for more members only when it is told to', async t => {
  const eager = await start(t, { brokers: 1 })
  const waiting = await start(t, { brokers: 1, groupInitialRebalanceDelay: HALF_AN_HOUR })
  const join = async (/** @type {{ brokers: string[] }} */ cluster) => {
    const connection = await connect(t, cluster.brokers[0])
    const { string, int32 } = RawConnection
    const sessionTimeout = 30_000
    return connection.request(JOIN_GROUP, 0, Buffer.concat([
      string('group'), int32(sessionTimeout), string(''), string('consumer'), int32(1), string('range'), int32(0)
    ]))
  }
  await waiting.startRequestTracking()
  let joined = false
  const never = join(waiting).then(() => { joined = true }, () => {})
  await waitFor(async () => (await waiting.requests()).length > 0)
  assert.equal((await within(join(eager), 'the eager group')).readInt16BE(0), 0)
  assert.equal(joined, false)
  await waiting.close()
  await never
})

test('a topic that nobody created has four partitions', async t => {
  const cluster = await start(t, { defaultPartitions: 4, autoCreateTopics: true })
  const producer = await connectProducer(t, client(cluster, { retries: 5 }))
  await producer.send({ topic: 'surprise', messages: [{ value: 'x' }] })
  const admin = await connectAdmin(t, client(cluster))
  const { topics } = await admin.fetchTopicMetadata({ topics: ['surprise'] })
  assert.equal(topics[0].partitions.length, 4)
})

test('exactly the APIs that the brokers announce can be named', async t => {
  const cluster = await start(t, { brokers: 1 })
  const connection = await connect(t, cluster.brokers[0])
  const answer = await connection.request(API_VERSIONS)
  // int16 error, then an array of int16 key, min, max
  const announced = Array.from({ length: answer.readInt32BE(2) }, (_, i) => answer.readInt16BE(6 + i * 6))
  const METADATA = 3
  for (const key of announced.filter(key => key !== METADATA)) await cluster.pushRequestErrors(key, [])
  /** @type {string} */
  const refusal = await cluster.pushRequestErrors(9999, []).then(() => '', ({ message }) => message)
  const named = refusal.split('they serve ')[1].split(', ')
  assert.equal(named.length, announced.length)
  for (const name of named.filter(name => name !== 'Metadata')) await cluster.pushRequestErrors(name, [])
})

test('creating a topic twice says so', async t => {
  const cluster = await start(t, { brokers: 1 })
  await cluster.createTopic({ topic: 'twice' })
  const again = cluster.createTopic({ topic: 'twice' })
  const expected = { name: 'MockClusterError', code: 36, type: 'ERR_TOPIC_ALREADY_EXISTS', message: /^twice: / }
  await assert.rejects(again, expected)
  await again.catch(error => {
    assert.ok(error instanceof MockClusterError && error instanceof Error)
    assert.match(error.stack || '', /mock-cluster\.test\.js/)
  })
})

test('a closed cluster refuses connections and says that it is closed; closing twice is fine', async t => {
  const cluster = await start(t)
  const connection = await connect(t, cluster.brokers[1])
  await cluster.close()
  await within(connection.closed, 'the connection to be closed')
  for (const address of cluster.brokers) await refuses(address)
  await cluster.close()
  const calls = /** @type {(() => Promise<unknown>)[]} */ ([
    () => cluster.createTopic({ topic: 'a' }),
    () => cluster.setBrokerDown(1),
    () => cluster.setBrokerUp(1),
    () => cluster.setLatency(1, 0),
    () => cluster.pushRequestErrors('Produce', [7]),
    () => cluster.pushBrokerRequestErrors(1, 'Produce', [{ error: 7 }]),
    () => cluster.clearRequestErrors('Produce'),
    () => cluster.setLeader({ topic: 'a', partition: 0, broker: 1 }),
    () => cluster.setTopicError('a', 7),
    () => cluster.setCoordinator({ type: 'group', key: 'g', broker: 1 }),
    () => cluster.startRequestTracking(),
    () => cluster.stopRequestTracking(),
    () => cluster.requests(),
    () => cluster.clearRequests()
  ])
  const expected = { name: 'MockClusterError', type: 'ERR__STATE', message: /closed.*MockCluster\.start/ }
  for (const call of calls) {
    await assert.rejects(call(), expected, String(call))
  }
  assert.equal(cluster.brokers.length, 3)
})

test('await using closes the cluster', async () => {
  const cluster = await MockCluster.start({ brokers: 1 })
  await /** @type {any} */ (cluster)[Symbol.asyncDispose]()
  await refuses(cluster.brokers[0])
})

test('commands in a row are quick enough to be awaited in any number', async t => {
  const cluster = await start(t, { brokers: 1 })
  // Each of these would wait a second for the cluster's thread if its wake-up were lost, and 200 of them beyond the
  // deadline.
  const all = (async () => {
    for (let i = 0; i < 200; i++) await cluster.createTopic({ topic: `t${i}` })
  })()
  await within(all, '200 topics')
})

test('only MockCluster.start makes a cluster', () => {
  const construct = () => new /** @type {any} */ (MockCluster)()
  assert.throws(construct, { name: 'TypeError', message: /await MockCluster\.start\(\)/ })
})

test('a port that is free again can be listened on', async t => {
  const cluster = await start(t, { brokers: 1 })
  await cluster.close()
  const server = net.createServer()
  t.after(() => server.close())
  const port = Number(cluster.brokers[0].split(':')[1])
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
})
