'use strict'

// How a program with clients ends: by itself when all are disconnected, not before, and cleanly at any moment when it
// says so; and that nothing is ever printed. Each program is a process of its own under --unhandled-rejections=strict;
// the cluster is the test's, so that the brokers outlive the program. What programs have to tell they tell through
// `tell`, over IPC, which does not keep them alive.

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { EventEmitter } = require('node:events')
const path = require('node:path')
const { test } = require('node:test')
const tls = require('node:tls')
const { certificate } = require('../helpers/certificates')
const { mockCluster } = require('../helpers/clients')
const { once, within } = require('../helpers/wait')

/** @typedef {import('node:test').TestContext} TestContext */

const ROOT = path.join(__dirname, '..', '..')

/** Nobody listens here. */
const NOBODY = '127.0.0.1:1'

/** How often a moment that is hard to hit is tried. */
const ROUNDS = 5

const PROLOGUE = `
'use strict'
const { Kafka, logLevel } = require(${JSON.stringify(ROOT)})
const kafka = new Kafka({
  brokers: process.argv[1].split(','), logLevel: logLevel.NOTHING, retry: { retries: 1, initialRetryTime: 20 }
})
// Reaches the parent even when the process ends next.
const tell = message => new Promise((resolve, reject) => {
  process.send(message, error => error ? reject(error) : resolve())
})
const messages = (count, size = 100) => Array.from({ length: count }, (_, i) => ({ value: 'v'.repeat(size) }))
const connected = async client => {
  await client.connect()
  return client
}
const consuming = async (eachMessage, options) => {
  const consumer = await connected(kafka.consumer({ groupId: 'group', ...options }))
  await consumer.subscribe({ topic: 'topic', fromBeginning: true })
  await consumer.run({ eachMessage })
  return consumer
}
`

/**
 * A program, started.
 * @param {TestContext} t
 * @param {string} brokers
 * @param {string} body of an async function
 */
function start (t, brokers, body) {
  const source = `${PROLOGUE}\n;(async () => {\n${body}\n})()`
  const env = { ...process.env }
  delete env.KAFKAJS_LOG_LEVEL // it would win over logLevel.NOTHING
  const child = spawn(process.execPath, ['--unhandled-rejections=strict', '-e', source, brokers], {
    cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe', 'ipc']
  })
  t.after(() => { child.kill('SIGKILL') })
  /** @type {any[]} */
  const told = []
  const heard = new EventEmitter()
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', text => { output.stdout += text })
  child.stderr.setEncoding('utf8').on('data', text => { output.stderr += text })
  child.on('message', message => {
    told.push(message)
    heard.emit('told', message)
  })
  /** @type {Promise<[number | null, string | null]>} */
  const closed = new Promise(resolve => child.on('close', (code, signal) => resolve([code, signal])))
  closed.then(() => heard.emit('told', undefined))
  return {
    told,
    /** @param {string} message */
    send: message => { child.send(message) },
    /**
     * Resolves when the program has told this.
     * @param {string} message
     */
    async hears (message) {
      if (told.includes(message)) return
      const [last] = await once(heard, 'told', { where: said => said === message || said === undefined })
      const state = JSON.stringify({ told, ...output })
      assert.equal(last, message, `the program ended without telling ${message}: ${state}`)
    },
    /** Asserts that the program ends with code 0 and has not printed a byte. */
    async endsCleanly () {
      const [code, signal] = await within(closed, `the end of the program, which told ${JSON.stringify(told)}`)
      assert.deepEqual({ code, signal, ...output }, { code: 0, signal: null, stdout: '', stderr: '' })
    }
  }
}

test('a program ends by itself after its producer, consumer and admin client have disconnected', async t => {
  const { bootstrapServers } = await mockCluster(t)
  const program = start(t, bootstrapServers, `
    const producer = await connected(kafka.producer())
    await producer.send({ topic: 'topic', messages: messages(10) })
    const admin = await connected(kafka.admin())
    await tell(await admin.listTopics())
    let count = 0
    let consumer
    await new Promise((resolve, reject) => {
      consumer = consuming(async () => { if (++count === 10) resolve() })
      consumer.catch(reject)
    })
    await Promise.all([producer.disconnect(), (await consumer).disconnect(), admin.disconnect()])
    await tell(count)
  `)
  await program.endsCleanly()
  assert.deepEqual(program.told, [['topic'], 10])
})

test('a program that does not await disconnect() ends by itself, and what it sent has arrived', async t => {
  const { bootstrapServers } = await mockCluster(t)
  const sender = start(t, bootstrapServers, `
    const producer = await connected(kafka.producer())
    producer.send({ topic: 'topic', messages: messages(1000) })
    producer.disconnect()
  `)
  await sender.endsCleanly()
  const reader = start(t, bootstrapServers, `
    const admin = await connected(kafka.admin())
    const partitions = await admin.fetchTopicOffsets('topic')
    await tell(partitions.reduce((sum, { high }) => sum + Number(high), 0))
    admin.disconnect()
  `)
  await reader.endsCleanly()
  assert.deepEqual(reader.told, [1000])
})

for (const [what, make] of [
  ['producer', 'connected(kafka.producer())'],
  ['admin client', 'connected(kafka.admin())'],
  ['consumer', "connected(kafka.consumer({ groupId: 'group' }))"],
  ['consumer with nothing to consume', 'consuming(async () => {})']
]) {
  test(`a connected ${what} keeps an idle program alive until it is told to disconnect`, async t => {
    const cluster = await mockCluster(t)
    await cluster.createTopic({ topic: 'topic' })
    const program = start(t, cluster.bootstrapServers, `
      const client = await ${make}
      // Node tells when nothing keeps the process any more; the channel to the parent does not.
      process.on('beforeExit', () => { process.send('nothing to do') })
      process.on('message', async message => {
        if (message === 'ping') return process.send('pong')
        await client.disconnect()
        await tell('disconnected')
      })
      process.channel.unref()
      await tell('connected')
    `)
    await program.hears('connected')
    for (let turn = 1; turn <= 20; turn++) {
      program.told.length = 0
      program.send('ping')
      await program.hears('pong')
      assert.deepEqual(program.told, ['pong'])
    }
    program.told.length = 0
    program.send('disconnect')
    await program.endsCleanly()
    assert.deepEqual(program.told.slice(0, 2), ['disconnected', 'nothing to do'])
  })
}

test('clients that were never connected do not keep a program alive', async t => {
  const program = start(t, NOBODY, `
    const clients = [kafka.producer(), kafka.consumer({ groupId: 'group' }), kafka.admin()]
    await clients[1].subscribe({ topic: 'topic' })
    await tell(clients.length)
  `)
  await program.endsCleanly()
  assert.deepEqual(program.told, [3])
})

test('process.exit() in the middle of producing ends the program with its code', async t => {
  const { bootstrapServers } = await mockCluster(t)
  // From within a native callback, which is where sends resolve, and in a turn of its own.
  for (const exit of ['end()', 'setImmediate(end)']) {
    for (let round = 0; round < ROUNDS; round++) {
      const program = start(t, bootstrapServers, `
        const producer = await connected(kafka.producer())
        let [pending, delivered] = [0, 0]
        const end = () => process.exit(pending > 0 ? 0 : 9)
        const send = () => {
          pending++
          producer.send({ topic: 'topic', messages: messages(200) }).then(() => {
            pending--
            send()
            if (++delivered === 20) ${exit}
          })
        }
        for (let i = 0; i < 10; i++) send()
      `)
      await program.endsCleanly()
    }
  }
})

test('process.exit() in the middle of consuming ends the program with its code', async t => {
  const { bootstrapServers } = await mockCluster(t)
  const filler = start(t, bootstrapServers, `
    const producer = await connected(kafka.producer())
    await producer.send({ topic: 'topic', messages: messages(5000, 1000) })
    await producer.disconnect()
  `)
  await filler.endsCleanly()
  // From within a handler, and in a turn of its own.
  for (const exit of ['end()', 'setImmediate(end)']) {
    for (let round = 0; round < ROUNDS; round++) {
      const groupId = `group-${exit.length}-${round}`
      const program = start(t, bootstrapServers, `
        const kept = []
        const end = () => process.exit(kept.length < 5000 ? 0 : 9)
        await consuming(async ({ message }) => {
          kept.push(message.value)
          if (kept.length === 300) ${exit}
          await new Promise(setImmediate)
        }, { groupId: ${JSON.stringify(groupId)} })
      `)
      await program.endsCleanly()
    }
  }
})

test('process.exit() while clients connect, join, ask or disconnect ends the program with its code', async t => {
  for (const moment of [
    'kafka.producer().connect()',
    "kafka.consumer({ groupId: 'group' }).connect()",
    'kafka.admin().connect()',
    'consuming(async () => {})',
    'admin.listTopics()',
    'producer.flush()',
    'producer.disconnect()',
    'admin.disconnect()',
    'consumer.disconnect()'
  ]) {
    for (const exit of ['process.exit(0)', 'setImmediate(() => process.exit(0))']) {
      // A cluster each: those who join a group wait for a member that died before.
      const { bootstrapServers } = await mockCluster(t)
      const program = start(t, bootstrapServers, `
        const producer = await connected(kafka.producer())
        const admin = await connected(kafka.admin())
        const consumer = await consuming(async () => {})
        producer.send({ topic: 'topic', messages: messages(10) }).catch(() => {})
        ${moment}.catch(() => {})
        ${exit}
      `)
      await program.endsCleanly()
    }
  }
})

test('process.exit() in the middle of TLS handshakes ends the program with its code', async t => {
  const authority = certificate('authority')
  const { pem, cert } = certificate('broker', { issuer: authority, hosts: ['127.0.0.1'] })
  /** Brokers that hang up at once, so that there are always handshakes. */
  const ports = await Promise.all(Array.from({ length: 10 }, async () => {
    const server = tls.createServer({ key: pem, cert }, socket => socket.destroy())
    server.on('tlsClientError', () => {})
    t.after(() => { server.close() })
    await new Promise(resolve => { server.listen(0, '127.0.0.1', () => resolve(undefined)) })
    return /** @type {import('node:net').AddressInfo} */ (server.address()).port
  }))
  const body = `
    const secure = new Kafka({
      brokers: process.argv[1].split(','), ssl: { ca: ${JSON.stringify(authority.cert)} }, logLevel: logLevel.NOTHING
    })
    const rdkafka = { 'reconnect.backoff.ms': 1, 'reconnect.backoff.max.ms': 5 }
    for (let i = 0; i < 4; i++) secure.producer({ rdkafka }).connect().catch(() => {})
    setTimeout(() => process.exit(0), 300)
  `
  const brokers = ports.map(port => `127.0.0.1:${port}`).join()
  // Three at a time; of five one crashed.
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all([1, 2, 3].map(() => start(t, brokers, body).endsCleanly()))
  }
})

test('a program whose clients cannot connect is told so, prints nothing and ends by itself', async t => {
  const program = start(t, NOBODY, `
    const clients = [{}, { debug: 'all' }].flatMap(rdkafka => [
      kafka.producer({ rdkafka }), kafka.consumer({ groupId: 'group', rdkafka }), kafka.admin({ rdkafka })
    ])
    for (const { status, reason } of await Promise.allSettled(clients.map(client => client.connect()))) {
      await tell(reason ? reason.name + ' ' + reason.cause.code : status)
    }
  `)
  await program.endsCleanly()
  assert.deepEqual(program.told, Array(6).fill('KafkaJSNumberOfRetriesExceeded ECONNREFUSED'))
})

test('a program that disconnects in the turn in which it connects is told so and ends by itself', async t => {
  const program = start(t, NOBODY, `
    const clients = [kafka.producer(), kafka.consumer({ groupId: 'group' }), kafka.admin()]
    const attempts = Promise.allSettled(clients.map(client => client.connect()))
    await Promise.all(clients.map(client => client.disconnect()))
    for (const { reason } of await attempts) await tell(reason && reason.name)
  `)
  await program.endsCleanly()
  assert.deepEqual(program.told, Array(3).fill('KafkaJSNonRetriableError'))
})

test('a program prints nothing while its brokers go down and come back, and works on', async t => {
  const cluster = await mockCluster(t, { brokers: 2 })
  await cluster.createTopic({ topic: 'topic', partitions: 2, replicationFactor: 2 })
  const program = start(t, cluster.bootstrapServers, `
    const rdkafka = { debug: 'all' }
    // Without retries of its own, so that a send during the outage fails.
    const producer = await connected(kafka.producer({ rdkafka: { ...rdkafka, 'message.timeout.ms': 1000 } }))
    const admin = await connected(kafka.admin({ rdkafka }))
    const values = new Set()
    const consumer = await consuming(async ({ message }) => { values.add(String(message.value)) }, { rdkafka })
    const send = value => producer.send({ topic: 'topic', messages: [{ value }] })
    const received = async value => { while (!values.has(value)) await new Promise(setImmediate) }
    await send('before')
    await received('before')
    process.on('message', async () => {
      process.channel.unref()
      while (await send('back').then(() => false, () => true));
      await received('back')
      await tell('works again')
      await Promise.all([producer.disconnect(), consumer.disconnect(), admin.disconnect()])
    })
    await tell('works')
    while (await send('lost?').then(() => true, error => tell(error.name).then(() => false)));
  `)
  await program.hears('works')
  await cluster.setBrokerDown(-1)
  await program.hears('KafkaJSNumberOfRetriesExceeded')
  await cluster.setBrokerUp(-1)
  program.send('up again')
  await program.hears('works again')
  await program.endsCleanly()
  assert.deepEqual(program.told, ['works', 'KafkaJSNumberOfRetriesExceeded', 'works again'])
})

test('a program that disconnects while its brokers are down prints nothing and ends by itself', async t => {
  const cluster = await mockCluster(t)
  const program = start(t, cluster.bootstrapServers, `
    const rdkafka = { debug: 'all' }
    const producer = await connected(kafka.producer({ rdkafka }))
    const admin = await connected(kafka.admin())
    await producer.send({ topic: 'topic', messages: messages(100) })
    let ready
    const first = new Promise(resolve => { ready = resolve })
    const consumer = await consuming(async () => ready(), { rdkafka })
    await first
    process.once('message', async () => {
      process.channel.unref()
      const late = producer.send({ topic: 'topic', messages: messages(1) }).catch(error => error)
      await Promise.all([producer.disconnect(), consumer.disconnect(), admin.disconnect()])
      await tell((await late).name)
    })
    await tell('works')
  `)
  await program.hears('works')
  await cluster.setBrokerDown(-1)
  program.send('down')
  await program.endsCleanly()
  assert.equal(program.told.length, 2)
  assert.match(program.told[1], /^KafkaJS/)
})
