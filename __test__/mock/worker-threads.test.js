'use strict'

// Clients in worker threads: all state is the thread's own, and a thread that is terminated takes its clients with it
// at any moment, without harm to the process.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { setFlagsFromString } = require('node:v8')
const { runInNewContext } = require('node:vm')
const { Worker } = require('node:worker_threads')
const { liveFrames } = require('../../lib/native')
const {
  collect, connectConsumer, connectProducer, grown, kafkaOf, mockCluster, numbered
} = require('../helpers/clients')
const { FLAGS } = require('../helpers/steady-workers')
const { topicName } = require('../helpers/topic')
const { once, waitFor, within } = require('../helpers/wait')

/** @typedef {import('node:test').TestContext} TestContext */

// Before the first worker: each has a compiler of its own.
setFlagsFromString(FLAGS.join(' '))

const ROOT = path.join(__dirname, '..', '..')
const TERMINATIONS = 20

const PROLOGUE = `
'use strict'
const { parentPort, workerData } = require('node:worker_threads')
const { Kafka, logLevel } = require(${JSON.stringify(ROOT)})
const { brokers, topic, groupId } = workerData
const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { retries: 2, initialRetryTime: 20 } })
`

/** Sends, consumes what it sent, disconnects, and tells the parent what it got. */
const ROUND_TRIP = `
const admin = kafka.admin()
await admin.connect()
const producer = kafka.producer()
await producer.connect()
const sent = Array.from({ length: 2000 }, (_, i) => ({ key: 'k' + i, value: topic + i, headers: { h: String(i) } }))
const [{ baseOffset }] = await producer.send({ topic, messages: sent })
const [{ high }] = await admin.fetchTopicOffsets(topic)
const consumer = kafka.consumer({ groupId })
await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: true })
const got = []
await new Promise((resolve, reject) => {
  consumer.run({
    eachMessage: async ({ message: { key, value, headers } }) => {
      got.push({ key: String(key), value: String(value), headers: { h: String(headers.h) } })
      if (got.length === sent.length) resolve()
    }
  }).catch(reject)
})
await Promise.all([producer.disconnect(), consumer.disconnect(), admin.disconnect()])
parentPort.postMessage({ baseOffset, high, same: JSON.stringify(got) === JSON.stringify(sent) })
`

/**
 * Produces and consumes without an end, and tells the parent each time that both went on. The producer keeps so near
 * to the consumer that the mock brokers, which hold 5 MB of a partition, drop nothing that is to be read.
 */
const BUSY = `
const producer = kafka.producer()
await producer.connect()
let [sent, consumed, pending] = [0, 0, 0]
const messages = Array.from({ length: 100 }, () => ({ value: 'v'.repeat(500) }))
const pump = () => {
  while (pending < 5 && sent - consumed < 2000) {
    pending++
    sent += messages.length
    producer.send({ topic, messages }).then(() => {
      if (consumed > 0) parentPort.postMessage({ consumed, pending })
      pending--
      pump()
    })
  }
}
const consumer = kafka.consumer({ groupId })
await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: true })
pump()
await consumer.run({
  eachMessage: async () => {
    consumed++
    pump()
  }
})
`

/**
 * @param {TestContext} t
 * @param {{ brokers: string[], topic: string, groupId: string }} workerData
 * @param {string} body of an async function
 */
function start (t, workerData, body) {
  // A failure rejects, which in a worker is an uncaught exception, which is the worker's 'error' event.
  const worker = new Worker(`${PROLOGUE}\n;(async () => {\n${body}\n})()`, {
    eval: true, workerData, stdout: true, stderr: true
  })
  t.after(() => worker.terminate())
  const output = { stdout: '', stderr: '' }
  worker.stdout.setEncoding('utf8').on('data', text => { output.stdout += text })
  worker.stderr.setEncoding('utf8').on('data', text => { output.stderr += text })
  const failed = new Promise((resolve, reject) => { worker.on('error', reject) })
  failed.catch(() => {})
  /** @type {Promise<number>} */
  const exited = new Promise(resolve => { worker.on('exit', resolve) })
  /** @param {Promise<any>} event */
  const unlessItFails = event => Promise.race([event, failed])
  return {
    worker,
    /** The next message. */
    message: () => unlessItFails(once(worker, 'message').then(([message]) => message)),
    /** Asserts that the thread ends by itself and has printed nothing. */
    async endsByItself () {
      const code = await unlessItFails(within(exited, 'the worker to end by itself'))
      assert.deepEqual({ code, ...output }, { code: 0, stdout: '', stderr: '' })
    }
  }
}

/** Asserts that a new client of this thread sends and receives. @param {TestContext} t @param {string} brokers */
async function worksHere (t, brokers) {
  const topic = topicName('here')
  const kafka = kafkaOf(brokers)
  const producer = await connectProducer(t, kafka)
  await producer.send({ topic, messages: numbered(100, { partition: 0 }) })
  const consumer = await connectConsumer(t, kafka, { topic, groupId: topicName('here') })
  const received = await collect(consumer)
  await grown(received, 100)
  assert.deepEqual(received.map(({ value }) => value), numbered(100).map(({ value }) => value))
  // Here and not only by t.after, which closes the cluster first: that is no good moment to leave a group.
  await Promise.all([producer.disconnect(), consumer.disconnect()])
}

/** @param {import('../../lib/testing').MockCluster} cluster @param {TestContext} t */
async function workerData (cluster, t) {
  const topic = topicName(t)
  await cluster.createTopic({ topic })
  return { brokers: cluster.brokers, topic, groupId: topicName(t) }
}

test('a worker thread sends and consumes, and ends by itself after its clients have disconnected', async t => {
  const cluster = await mockCluster(t)
  const { message, endsByItself } = start(t, await workerData(cluster, t), ROUND_TRIP)
  assert.deepEqual(await message(), { baseOffset: '0', high: '2000', same: true })
  await endsByItself()
})

test('two worker threads and the main thread work at once without disturbing one another', async t => {
  const cluster = await mockCluster(t)
  const data = [await workerData(cluster, t), await workerData(cluster, t)]
  const workers = data.map(one => start(t, one, ROUND_TRIP))
  const here = worksHere(t, cluster.bootstrapServers)
  const answers = await Promise.all(workers.map(({ message }) => message()))
  assert.deepEqual(answers, Array(2).fill({ baseOffset: '0', high: '2000', same: true }))
  await here
  for (const { endsByItself } of workers) await endsByItself()
})

test('one worker thread is not disturbed by the end of another', async t => {
  const cluster = await mockCluster(t)
  const victim = start(t, await workerData(cluster, t), BUSY)
  const other = start(t, await workerData(cluster, t), BUSY)
  await Promise.all([victim.message(), other.message()])
  await victim.worker.terminate()
  const { consumed } = await other.message()
  await waitFor(async () => (await other.message()).consumed > consumed, { message: 'the other worker to consume on' })
})

test('worker.terminate() in the middle of producing and consuming leaves the process well, twenty times', async t => {
  const cluster = await mockCluster(t)
  for (let round = 0; round < TERMINATIONS; round++) {
    const { worker, message } = start(t, await workerData(cluster, t), BUSY)
    const { consumed, pending } = await message()
    assert.ok(consumed > 0 && pending > 0)
    assert.equal(await within(worker.terminate(), 'the worker to be terminated'), 1)
  }
  await worksHere(t, cluster.bootstrapServers)
})

for (const [what, body] of [
  ['connect', `
    parentPort.postMessage('now')
    await Promise.all([kafka.producer(), kafka.consumer({ groupId }), kafka.admin()].map(client => client.connect()))`],
  ['join their group', `
    const consumer = kafka.consumer({ groupId })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    parentPort.postMessage('now')
    await consumer.run({ eachMessage: async () => {} })`],
  ['disconnect', `
    const clients = [kafka.producer(), kafka.consumer({ groupId }), kafka.admin()]
    await Promise.all(clients.map(client => client.connect()))
    clients[0].send({ topic, messages: [{ value: 'v' }] })
    parentPort.postMessage('now')
    await Promise.all(clients.map(client => client.disconnect()))`]
]) {
  test(`worker.terminate() while clients ${what} leaves the process well, time after time`, async t => {
    const cluster = await mockCluster(t)
    for (let round = 0; round < TERMINATIONS; round++) {
      const { worker, message } = start(t, await workerData(cluster, t), body)
      await message()
      // Another moment each time, in turns of this thread's event loop.
      for (let turn = 0; turn < round; turn++) await new Promise(setImmediate)
      await within(worker.terminate(), 'the worker to be terminated')
    }
    await worksHere(t, cluster.bootstrapServers)
  })
}

test('a worker thread that calls process.exit() in the middle of work ends, and the process lives on', async t => {
  const cluster = await mockCluster(t)
  for (let round = 0; round < 5; round++) {
    const body = BUSY.replace('consumed++', 'if (++consumed === 150) process.exit(3)')
    const { worker } = start(t, await workerData(cluster, t), body)
    assert.deepEqual(await once(worker, 'exit'), [3])
  }
  await worksHere(t, cluster.bootstrapServers)
})

test('frames on their way to a worker thread that is terminated go with it', async t => {
  const cluster = await mockCluster(t)
  const data = await workerData(cluster, t)
  const producer = await connectProducer(t, kafkaOf(cluster.bootstrapServers))
  await producer.send({ topic: data.topic, messages: numbered(5000, { partition: 0 }) })
  // What this thread consumed before may still be held by garbage, and go in the middle of the count.
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc')
  await waitFor(() => {
    collectGarbage()
    return liveFrames() === 0
  }, { message: () => `no frame at first; there are ${liveFrames()}` })
  for (let round = 0; round < 3; round++) {
    // It joins, and then its event loop takes nothing any more, from a turn on that is not a native event's: what is left
    // of that is called once more, and only the rest is what the environment's end finds.
    const { worker, message } = start(t, { ...data, groupId: `${data.groupId}-${round}` }, `
      const consumer = kafka.consumer({ groupId })
      await consumer.connect()
      await consumer.subscribe({ topic, fromBeginning: true })
      await consumer.run({ eachMessage: async () => {} })
      parentPort.postMessage('joined')
      setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))`)
    assert.equal(await message(), 'joined')
    await waitFor(() => liveFrames() >= 2, { message: () => `two frames to wait; there are ${liveFrames()}` })
    await within(worker.terminate(), 'the worker to be terminated')
    await waitFor(() => liveFrames() === 0, { message: () => `no frame to be left; there are ${liveFrames()}` })
  }
})

// Only Linux tells the threads of a process.
if (fs.existsSync('/proc/self/task')) {
  test('terminated worker threads leave no native thread behind', async t => {
    const cluster = await mockCluster(t)
    const threads = () => fs.readdirSync('/proc/self/task').length
    const terminateOne = async () => {
      const { worker, message } = start(t, await workerData(cluster, t), BUSY)
      await message()
      await worker.terminate()
    }
    // The runtime's own threads, which stay, come with the first clients.
    await terminateOne()
    await worksHere(t, cluster.bootstrapServers)
    const before = threads()
    for (let round = 0; round < 5; round++) await terminateOne()
    await waitFor(() => threads() <= before, { message: () => `${before} threads; there are ${threads()}` })
  })
}
