'use strict'

// Processes and threads around the client: how they begin, end and die. Each case is a process of its own, run with
// --unhandled-rejections=strict.

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const path = require('node:path')
const { test } = require('node:test')
const { mockCluster } = require('../helpers/clients')
const { FLAGS } = require('../helpers/steady-workers')

/** @typedef {import('node:test').TestContext} TestContext */

const ROOT = path.join(__dirname, '..', '..')
const DEADLINE = 60_000

/** What every script begins with. */
const PROLOGUE = `
'use strict'
const brokers = process.argv[1].split(',')
const { Kafka, logLevel } = require(${JSON.stringify(ROOT)})
const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { initialRetryTime: 50, retries: 3 } })
const messages = count => Array.from({ length: count }, (_, i) => ({ key: 'k' + i, value: 'v' + i }))
`

/**
 * Runs a script in a process of its own until it ends.
 * @param {TestContext} t
 * @param {string} brokers
 * @param {string} script  body of an async function
 * @returns {Promise<{ code: number | null, signal: string | null, stdout: string, stderr: string }>}
 */
function run(t, brokers, script) {
  return new Promise((resolve, reject) => {
    const source = `${PROLOGUE}\n;(async () => {${script}\n})()`
    const child = spawn(process.execPath, [...FLAGS, '--unhandled-rejections=strict', '-e', source, brokers], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    t.after(() => child.kill('SIGKILL'))
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (data) => {
      stdout += data
    })
    child.stderr.on('data', (data) => {
      stderr += data
    })
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`the process did not end; stdout: ${stdout}; stderr: ${stderr}`))
    }, DEADLINE)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ code, signal, stdout, stderr })
    })
  })
}

/** Ended by itself, code 0, and wrote only this. @param {any} result @param {string} [stdout] */
function clean(result, stdout = '') {
  assert.deepEqual(result, { code: 0, signal: null, stdout, stderr: '' })
}

test('a process ends by itself after disconnect()', async (t) => {
  const { bootstrapServers } = await mockCluster(t)
  clean(
    await run(
      t,
      bootstrapServers,
      `
    const producer = kafka.producer()
    await producer.connect()
    await producer.send({ topic: 't', messages: messages(10) })
    const consumer = kafka.consumer({ groupId: 'g' })
    await consumer.connect()
    await consumer.subscribe({ topic: 't', fromBeginning: true })
    let count = 0
    const all = new Promise(resolve => consumer.run({ eachMessage: async () => { if (++count === 10) resolve() } }))
    const admin = kafka.admin()
    await admin.connect()
    await all
    await Promise.all([producer.disconnect(), consumer.disconnect(), admin.disconnect()])
    console.log(count)
  `,
    ),
    '10\n',
  )
})

test('a connected client keeps the process alive', async (t) => {
  const { bootstrapServers } = await mockCluster(t)
  clean(
    await run(
      t,
      bootstrapServers,
      `
    const producer = kafka.producer()
    await producer.connect()
    // Nothing but the client keeps the process: an unreferenced timer would never fire in a process that ends.
    setTimeout(async () => { console.log('still here'); await producer.disconnect() }, 300).unref()
  `,
    ),
    'still here\n',
  )
})

test('a client that never connected, or failed to, does not keep the process alive', async (t) => {
  clean(
    await run(
      t,
      '127.0.0.1:1',
      `
    kafka.producer(); kafka.consumer({ groupId: 'g' }); kafka.admin()
    const errors = await Promise.all([kafka.producer(), kafka.consumer({ groupId: 'g' }), kafka.admin()].map(client => client.connect().catch(error => error)))
    console.log(errors.map(error => error.name).join())
  `,
    ),
    'KafkaJSNumberOfRetriesExceeded,KafkaJSNumberOfRetriesExceeded,KafkaJSNumberOfRetriesExceeded\n',
  )
})

test('process.exit() in the middle of producing and consuming ends cleanly', async (t) => {
  const { bootstrapServers } = await mockCluster(t)
  for (const i of [1, 2, 3, 4, 5]) {
    // A group of its own: a member that only vanishes holds its group up for its session.
    clean(
      await run(
        t,
        bootstrapServers,
        `
      const producer = kafka.producer()
      await producer.connect()
      const consumer = kafka.consumer({ groupId: 'g${i}' })
      await consumer.connect()
      await consumer.subscribe({ topic: 't', fromBeginning: true })
      let count = 0
      await consumer.run({ eachMessage: async () => { if (++count > 500) process.exit(0) } })
      for (;;) {
        producer.send({ topic: 't', messages: messages(1000) }).catch(() => {})
        await new Promise(resolve => setImmediate(resolve))
      }
    `,
      ),
    )
  }
})

test("an uncaught exception in a handler's timer ends the process with Node's own message and code", async (t) => {
  const { bootstrapServers } = await mockCluster(t)
  const { code, signal, stdout, stderr } = await run(
    t,
    bootstrapServers,
    `
    const producer = kafka.producer()
    await producer.connect()
    await producer.send({ topic: 't', messages: messages(10) })
    const consumer = kafka.consumer({ groupId: 'g' })
    await consumer.connect()
    await consumer.subscribe({ topic: 't', fromBeginning: true })
    await consumer.run({ eachMessage: async () => { setTimeout(() => { throw new Error('of the program') }) } })
  `,
  )
  assert.deepEqual([code, signal, stdout], [1, null, ''])
  assert.match(stderr, /Error: of the program/)
})

test('with logLevel.NOTHING a dead broker makes no byte of output', async (t) => {
  const cluster = await mockCluster(t, { brokers: 1 })
  const child = run(
    t,
    cluster.bootstrapServers,
    `
    const producer = kafka.producer({ rdkafka: { 'message.timeout.ms': 2000 } })
    await producer.connect()
    await producer.send({ topic: 't', messages: messages(10) })
    const consumer = kafka.consumer({ groupId: 'g', rdkafka: { debug: 'all' } })
    await consumer.connect()
    await consumer.subscribe({ topic: 't', fromBeginning: true })
    let count = 0
    await new Promise(resolve => consumer.run({ eachMessage: async () => { if (++count === 10) resolve() } }))
    console.log('ready')
    const error = await (async () => { for (;;) await producer.send({ topic: 't', messages: messages(1) }) })().catch(error => error)
    console.log(error.name)
    await Promise.all([producer.disconnect(), consumer.disconnect()])
  `,
  )
  const timer = setTimeout(() => cluster.setBrokerDown(1), 3000)
  t.after(() => clearTimeout(timer))
  clean(await child, 'ready\nKafkaJSNumberOfRetriesExceeded\n')
})

/** The worker's side of the tests below: produces and consumes without an end, and says when it does both. */
const WORKER = `
const { parentPort, workerData } = require('node:worker_threads')
const { Kafka, logLevel } = require(${JSON.stringify(ROOT)})
const kafka = new Kafka({ brokers: workerData.brokers, logLevel: logLevel.NOTHING })
async function main () {
  const producer = kafka.producer()
  await producer.connect()
  const consumer = kafka.consumer({ groupId: 'g' + workerData.number })
  await consumer.connect()
  await consumer.subscribe({ topic: 't', fromBeginning: true })
  let told = false
  await consumer.run({ eachMessage: async () => {
    if (!told) parentPort.postMessage('both')
    told = true
  } })
  // A flood only once something was read: the mock brokers keep 5 MiB of a partition, which a flood overruns before a
  // consumer on a busy machine has fetched any of it.
  while (!workerData.end || !told) {
    const sent = producer.send({ topic: 't', messages: Array.from({ length: 200 }, (_, i) => ({ value: 'v' + i })) })
    sent.catch(() => {})
    await (workerData.end || !told ? sent : new Promise(resolve => setImmediate(resolve)))
  }
  await Promise.all([producer.disconnect(), consumer.disconnect()])
}
main().catch(error => { throw error })
`

test('a worker thread loads the client, works, and ends by itself after disconnect()', async (t) => {
  const { bootstrapServers } = await mockCluster(t)
  clean(
    await run(
      t,
      bootstrapServers,
      `
    const { Worker } = require('node:worker_threads')
    const work = number => new Promise((resolve, reject) => {
      const worker = new Worker(${JSON.stringify(WORKER)}, { eval: true, workerData: { brokers, number, end: true } })
      worker.on('error', reject)
      worker.on('exit', resolve)
    })
    console.log(await Promise.all([work(1), work(2)]))
    console.log(await work(3))
  `,
    ),
    '[ 0, 0 ]\n0\n',
  )
})

test('worker.terminate() in the middle of producing and consuming, twenty times, leaves the process alive and well', async (t) => {
  const { bootstrapServers } = await mockCluster(t)
  clean(
    await run(
      t,
      bootstrapServers,
      `
    const { Worker } = require('node:worker_threads')
    for (let number = 0; number < 20; number++) {
      const worker = new Worker(${JSON.stringify(WORKER)}, { eval: true, workerData: { brokers, number } })
      worker.on('error', error => { console.log(error); process.exit(1) })
      await new Promise(resolve => worker.once('message', resolve))
      await worker.terminate()
    }
    // At odd moments too: while it loads, connects or joins.
    for (let number = 0; number < 20; number++) {
      const worker = new Worker(${JSON.stringify(WORKER)}, { eval: true, workerData: { brokers, number } })
      await new Promise(resolve => setTimeout(resolve, number * 7))
      await worker.terminate()
    }
    const producer = kafka.producer()
    await producer.connect()
    console.log((await producer.send({ topic: 'after', messages: messages(1) })).length)
    await producer.disconnect()
  `,
    ),
    '1\n',
  )
})

test('threads of librdkafka end with their clients, also those of terminated workers', async (t) => {
  const { bootstrapServers } = await mockCluster(t)
  const { code, stdout, stderr } = await run(
    t,
    bootstrapServers,
    `
    const { Worker } = require('node:worker_threads')
    const fs = require('node:fs')
    // Linux tells how many threads a process has; elsewhere there is nothing to compare.
    const threads = () => (fs.existsSync('/proc/self/task') ? fs.readdirSync('/proc/self/task').length : 0)
    const once = async number => {
      const worker = new Worker(${JSON.stringify(WORKER)}, { eval: true, workerData: { brokers, number } })
      await new Promise(resolve => worker.once('message', resolve))
      await worker.terminate()
    }
    await once(0)
    const deadline = Date.now() + 30000
    const before = threads()
    for (let number = 1; number <= 5; number++) await once(number)
    while (threads() > before && Date.now() < deadline) await new Promise(resolve => setTimeout(resolve, 100))
    console.log(threads() <= before ? 'flat' : before + ' -> ' + threads())
  `,
  )
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: 'flat\n', stderr: '' })
})

test('where external buffers are forbidden frames are copied, and consuming works the same', async (t) => {
  const { bootstrapServers } = await mockCluster(t)
  clean(
    await run(
      t,
      bootstrapServers,
      `
    const native = require(${JSON.stringify(path.join(ROOT, 'lib', 'native'))})
    native.forceCopy(true)
    const producer = kafka.producer()
    await producer.connect()
    await producer.send({ topic: 't', messages: messages(5000).map(message => ({ ...message, partition: 0, headers: { h: 'x' } })) })
    const consumer = kafka.consumer({ groupId: 'g' })
    await consumer.connect()
    await consumer.subscribe({ topic: 't', fromBeginning: true })
    let [count, wrong] = [0, 0]
    await new Promise(resolve => consumer.run({ eachMessage: async ({ message }) => {
      if (String(message.key) !== 'k' + count || String(message.value) !== 'v' + count || String(message.headers.h) !== 'x') wrong++
      if (++count === 5000) resolve()
    } }))
    await Promise.all([producer.disconnect(), consumer.disconnect()])
    console.log(count, wrong)
  `,
    ),
    '5000 0\n',
  )
})

test('inside a vm context everything works, and errors are the Errors of the realm that loaded the package', async (t) => {
  const { bootstrapServers } = await mockCluster(t)
  clean(
    await run(
      t,
      bootstrapServers,
      `
    const vm = require('node:vm')
    const { KafkaJSError } = require(${JSON.stringify(ROOT)})
    const context = vm.createContext({ kafka, Error, KafkaJSError, console, Buffer })
    await vm.runInContext(\`(async () => {
      const producer = kafka.producer()
      const error = await producer.send({ topic: 't', messages: [{ value: 'v' }] }).catch(error => error)
      await producer.connect()
      // An array of another realm, and bytes of another realm.
      const [metadata] = await producer.send({ topic: 't', messages: [{ value: new Uint8Array([1, 2]), partition: 0 }] })
      const refused = await producer.send({ topic: 't', messages: [{ value: 'v', partition: 99 }] }).catch(error => error)
      await producer.disconnect()
      console.log(error instanceof Error, error instanceof KafkaJSError, refused instanceof Error, refused instanceof KafkaJSError, metadata.baseOffset)
    })()\`, context)
  `,
    ),
    'true true true true 0\n',
  )
})

test('two copies of the package in one process do not disturb each other', async (t) => {
  const { bootstrapServers } = await mockCluster(t)
  clean(
    await run(
      t,
      bootstrapServers,
      `
    for (const file of Object.keys(require.cache)) delete require.cache[file]
    const again = require(${JSON.stringify(ROOT)})
    const other = new again.Kafka({ brokers, logLevel: again.logLevel.NOTHING })
    const producers = [kafka.producer(), other.producer()]
    for (const producer of producers) {
      await producer.connect()
      console.log((await producer.send({ topic: 't', messages: [{ value: 'v', partition: 0 }] }))[0].baseOffset)
    }
    for (const producer of producers) await producer.disconnect()
  `,
    ),
    '0\n1\n',
  )
})
