'use strict'

// Connecting, and ending in the middle of it. Found by review, on a cluster that answers slowly.

const assert = require('node:assert/strict')
const net = require('node:net')
const { test } = require('node:test')
const native = require('../../lib/native')
const { connectAdmin, connectConsumer, connectProducer, deferred, kafkaOf, mockCluster } = require('../helpers/clients')
const { waitFor, within } = require('../helpers/wait')

/** @typedef {import('node:test').TestContext} TestContext */

const SOON = 20_000
/** Nothing is answered within a test. In ms. */
const AN_HOUR = 3_600_000
const METADATA = 3
const ATTEMPTS = 20

const NOTHING = () => {}

/** @type {Record<string, { make: (kafka: any) => any, open: (brokers: string) => any }>} */
const KINDS = {
  producer: {
    make: kafka => kafka.producer(),
    open: brokers => new native.NativeProducer({ 'bootstrap.servers': brokers }, NOTHING)
  },
  consumer: {
    make: kafka => kafka.consumer({ groupId: 'group' }),
    open: brokers => new native.NativeConsumer({ 'bootstrap.servers': brokers, 'group.id': 'group' }, NOTHING,
      { frameBytes: 65_536, frameMessages: 100 })
  },
  admin: {
    make: kafka => kafka.admin(),
    open: brokers => new native.NativeAdmin({ 'bootstrap.servers': brokers }, NOTHING)
  }
}

for (const [kind, { make, open }] of Object.entries(KINDS)) {
  // connect() asked for metadata again and again, each time for 100 ms, and threw away what came later: a cluster that
  // is further away than that could never be connected to.
  test(`the ${kind} connects to a cluster that takes 150 ms for every answer`, async t => {
    const cluster = await mockCluster(t)
    await cluster.setLatency(1, 150)
    const client = make(kafkaOf(cluster.brokers))
    t.after(() => within(client.disconnect(), `the ${kind} to disconnect`))
    await within(client.connect(), `the ${kind} to connect`, SOON)
  })

  // A close that came while connect() waited for metadata found no connection to end; then the answer arrived, and
  // connect() stored a connection that nobody would ever end. Its threads and sockets stayed for the life of the
  // process.
  test(`the native ${kind} that is closed just before its connect() is answered leaves nothing connected`, async t => {
    const cluster = await mockCluster(t)
    // Which connection is asked first is up to librdkafka, so that connect() may have been answered before.
    for (let outcome = 'connected', attempts = 0; outcome === 'connected'; attempts++) {
      assert.ok(attempts < ATTEMPTS, 'connect() was always answered before it was closed')
      const between = await relay(t, cluster.brokers[0])
      const client = open(between.address)
      const connecting = client.connect(AN_HOUR).then(() => 'connected', (/** @type {any} */ error) => error.name)
      await within(between.asked, 'the request for metadata', SOON)
      const closed = client.close(0)
      between.answer()
      await within(closed, 'the close', SOON)
      await waitFor(() => between.connections.size === 0,
        { timeout: SOON, message: () => `${between.connections.size} connections to be closed` })
      // A client that lives on connects anew at times: none does while a whole other client comes and goes.
      await cluster.setLatency(1, 60)
      await (await connectProducer(t, kafkaOf(cluster.brokers))).disconnect()
      await cluster.setLatency(1, 0)
      assert.equal(between.connections.size, 0)
      outcome = await within(connecting, 'connect()', SOON)
      assert.match(outcome, /^(connected|ERR__DESTROY)$/)
    }
  })
}

// The answer to a call came back through the client's threadsafe function, which a close released: what was under way
// then was never settled, and a program that awaited it hung.
test('an admin call that is under way when the client is disconnected rejects', async t => {
  const cluster = await mockCluster(t)
  await cluster.createTopic({ topic: 'topic' })
  const admin = await connectAdmin(t, kafkaOf(cluster.brokers))
  await admin.listTopics() // so that the next one needs no new connection, which would be held as well
  await held(cluster)
  const call = assert.rejects(admin.listTopics(), aboutDisconnecting)
  await metadataAsked(cluster)
  await within(admin.disconnect(), 'disconnect()')
  await within(call, 'listTopics() to settle', SOON)
})

test('a send whose partitioner still waits for metadata when the producer is disconnected rejects', async t => {
  const cluster = await mockCluster(t)
  await cluster.createTopic({ topic: 'topic' })
  const producer = await connectProducer(t, kafkaOf(cluster.brokers), { createPartitioner: () => () => 0 })
  await producer.send({ topic: 'another', messages: [{ value: 'x' }] }) // as above
  await held(cluster)
  const send = assert.rejects(producer.send({ topic: 'topic', messages: [{ value: 'x' }] }), aboutDisconnecting)
  await metadataAsked(cluster)
  await within(producer.disconnect(), 'disconnect()')
  await within(send, 'send() to settle', SOON)
})

test('a run() that still waits for metadata when the consumer is disconnected settles', async t => {
  const cluster = await mockCluster(t)
  await cluster.createTopic({ topic: 'topic' })
  const consumer = await connectConsumer(t, kafkaOf(cluster.brokers), { topic: 'topic' })
  await held(cluster)
  const run = consumer.run({ eachMessage: async () => {} })
  await metadataAsked(cluster)
  await within(consumer.disconnect(), 'disconnect()')
  await within(run, 'run() to settle', SOON)
})

/** @param {any} error */
function aboutDisconnecting (error) {
  assert.match(error.name, /^KafkaJS/)
  assert.match(error.message, /disconnect/)
  return true
}

/** From now on the cluster hears and does not answer. @param {any} cluster */
async function held (cluster) {
  await cluster.setLatency(1, AN_HOUR)
  await cluster.startRequestTracking()
}

/** @param {any} cluster */
async function metadataAsked (cluster) {
  await waitFor(async () => (await cluster.requests()).some((/** @type {any} */ { apiKey }) => apiKey === METADATA),
    { message: 'a request for metadata', timeout: SOON })
}

/**
 * Stands between a client and a broker. From the request for metadata that connect() makes it keeps all answers back
 * until it is told to give them. The broker tells its own address in its answers; the client is told that of the relay
 * instead, so that all its connections are here.
 * @param {TestContext} t
 * @param {string} broker  its address
 */
async function relay (t, broker) {
  const [host, brokerPort] = broker.split(':')
  /** @type {Set<net.Socket>} the client's */
  const connections = new Set()
  const [asked, mayAnswer] = [deferred(), deferred()]
  let [accepted, holding] = [0, false]
  const server = net.createServer(client => {
    accepted++
    connections.add(client)
    const upstream = net.connect(Number(brokerPort), host)
    const requests = messages(request => {
      const apiKey = request.readInt16BE(4)
      // From the first connection librdkafka learns who the broker is; then it connects anew, and asks what connect()
      // wants to know.
      if (apiKey === METADATA && accepted > 1) {
        holding = true
        asked.resolve()
      }
      upstream.write(request)
    })
    const answers = messages(async message => {
      const at = message.indexOf(host)
      if (at >= 0) message.writeInt32BE(port, at + host.length)
      if (holding) await mayAnswer.promise
      client.write(message)
    })
    client.on('data', requests).on('error', () => {}).on('close', () => {
      connections.delete(client)
      upstream.destroy()
    })
    upstream.on('data', answers).on('error', () => {}).on('close', () => client.destroy())
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  t.after(() => {
    server.close()
    for (const client of connections) client.destroy()
  })
  const { port } = /** @type {net.AddressInfo} */ (server.address())
  return { address: `127.0.0.1:${port}`, connections, asked: asked.promise, answer: mayAnswer.resolve }
}

/**
 * Takes the pieces that a socket gives and hands on whole messages of the Kafka protocol, each with the 4 bytes of its
 * size.
 * @param {(message: Buffer) => void} each
 */
function messages (each) {
  let rest = Buffer.alloc(0)
  return (/** @type {Buffer} */ piece) => {
    rest = Buffer.concat([rest, piece])
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const length = 4 + rest.readInt32BE(0)
      const message = Buffer.from(rest.subarray(0, length))
      rest = rest.subarray(length)
      each(message)
    }
  }
}
