'use strict'

// JavaScript realms: a vm context (and so every jest test file) has its own Error, Array and Uint8Array. Either the
// program lives in another realm than the package, or, as under jest, the package itself is loaded into the other realm
// while Node's modules and the addon stay in the first.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const { createRequire } = require('node:module')
const path = require('node:path')
const { test } = require('node:test')
const vm = require('node:vm')
const kafkaOxide = require('../..')
const { mockCluster } = require('../helpers/clients')
const { within } = require('../helpers/wait')

/** @typedef {import('node:test').TestContext} TestContext */

const ROOT = path.join(__dirname, '..', '..')

/** What Node gives to every module and a bare context has not. */
const NODE = {
  Buffer, process, console, performance, structuredClone, queueMicrotask, setTimeout, clearTimeout, setInterval,
  clearInterval, setImmediate, clearImmediate, AbortController, AbortSignal, URL, TextEncoder, TextDecoder
}

/**
 * Loads the package's JavaScript into a context, as jest does.
 * @param {vm.Context} context
 */
function loadInto (context) {
  /** @type {Map<string, { exports: any }>} */
  const loaded = new Map()
  /** @param {string} file */
  const load = file => {
    const before = loaded.get(file)
    if (before) return before.exports
    const module = { exports: {} }
    loaded.set(file, module)
    const source = fs.readFileSync(file, 'utf8')
    if (file.endsWith('.json')) {
      module.exports = vm.runInContext(`(${source})`, context)
      return module.exports
    }
    const resolver = createRequire(file)
    const require = (/** @type {string} */ id) => {
      const found = resolver.resolve(id)
      return /\.js(on)?$/.test(found) && found.startsWith(ROOT) ? load(found) : resolver(id)
    }
    const names = ['exports', 'require', 'module', '__filename', '__dirname']
    vm.compileFunction(source, names, { parsingContext: context, filename: file })
      .call(module.exports, module.exports, require, module, file, path.dirname(file))
    return module.exports
  }
  return load(path.join(ROOT, 'index.js'))
}

/**
 * A context, the package as a program in it requires it, and the Error of the realm that the package was loaded in.
 * @type {[string, () => { context: vm.Context, exports: any, Error: ErrorConstructor }][]}
 */
const REALMS = [
  ['used from another realm', () => {
    const context = vm.createContext({ ...NODE })
    return { context, exports: kafkaOxide, Error }
  }],
  ['loaded in another realm', () => {
    const context = vm.createContext({ ...NODE })
    return { context, exports: loadInto(context), Error: vm.runInContext('Error', context) }
  }],
  ['loaded in another realm that shares Uint8Array, as under jest', () => {
    const context = vm.createContext({ ...NODE, ArrayBuffer, Uint8Array })
    return { context, exports: loadInto(context), Error: vm.runInContext('Error', context) }
  }]
]

/**
 * Runs the body of an async function in the context, with `require('kafka-oxide')` and a `kafka` without output.
 * @param {ReturnType<REALMS[0][1]>} realm
 * @param {string[]} brokers
 * @param {string} body
 */
function run ({ context, exports }, brokers, body) {
  const program = vm.runInContext(`(async (require, brokerList) => {
    'use strict'
    const { Kafka, logLevel, Partitioners } = require('kafka-oxide')
    const brokers = Array.from(brokerList) // an array of this realm
    const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { retries: 1, initialRetryTime: 20 } })
    ${body}
  })`, context)
  const require = (/** @type {string} */ id) => {
    assert.equal(id, 'kafka-oxide')
    return exports
  }
  return within(program(require, brokers), 'the program in the other realm')
}

for (const [what, make] of REALMS) {
  test(`a package ${what} sends and consumes values of that realm, in every byte`, async t => {
    const realm = make()
    const cluster = await mockCluster(t)
    await cluster.createTopic({ topic: 'topic' })
    const got = await run(realm, cluster.brokers, `
      const producer = kafka.producer()
      await producer.connect()
      const bytes = Uint8Array.of(0, 1, 127, 128, 255)
      const [{ baseOffset }] = await producer.send({
        topic: 'topic',
        messages: [
          { key: bytes, value: bytes, headers: { bytes, list: ['1', bytes] }, timestamp: '1700000000000' },
          { key: null, value: null },
          { key: 'key', value: 'value' }
        ]
      })
      const consumer = kafka.consumer({ groupId: 'group' })
      await consumer.connect()
      await consumer.subscribe({ topics: [/^top/], fromBeginning: true })
      const received = []
      await new Promise((resolve, reject) => {
        consumer.run({
          eachMessage: async ({ message }) => {
            received.push(message)
            if (received.length === 3) resolve()
          }
        }).catch(reject)
      })
      await consumer.disconnect()
      await producer.disconnect()
      return { baseOffset, received }
    `)
    assert.equal(got.baseOffset, '0')
    const bytes = Buffer.from([0, 1, 127, 128, 255])
    const [first, second, third] = Array.from(got.received)
    for (const one of [first.key, first.value, first.headers.bytes, first.headers.list[1]]) {
      assert.ok(Buffer.isBuffer(one) && one.equals(bytes))
    }
    assert.equal(String(first.headers.list[0]), '1')
    assert.equal(first.timestamp, '1700000000000')
    assert.deepEqual([second.key, second.value], [null, null])
    assert.deepEqual([String(third.key), String(third.value)], ['key', 'value'])
  })

  test(`every error of a package ${what} is of its exported classes and an Error of its realm`, async t => {
    const realm = make()
    const { exports, Error: RealmError } = realm
    const cluster = await mockCluster(t)
    await cluster.createTopic({ topic: 'topic' })
    const errors = await run(realm, cluster.brokers, `
      const errors = {}
      const note = (name, call) => Promise.resolve().then(call).catch(error => { errors[name] = error })
      const producer = kafka.producer()
      const consumer = kafka.consumer({ groupId: 'group' })
      const admin = kafka.admin()
      const message = { value: 'v' }
      const send = (more, options) => producer.send({ topic: 'topic', messages: [{ ...message, ...more }], ...options })

      // What JavaScript finds.
      await note('options', () => new Kafka())
      await note('noGroup', () => kafka.consumer({}))
      await note('notConnected', () => send())
      // What librdkafka finds in properties.
      await note('property', () => kafka.producer({ rdkafka: { 'no.such.property': '1' } }).connect())
      await note('propertyValue', () => kafka.producer({ rdkafka: { 'linger.ms': 'soon' } }).connect())
      await note('propertyTogether', () => (
        kafka.consumer({ groupId: 'g', rdkafka: { 'session.timeout.ms': '9', 'max.poll.interval.ms': '5' } }).connect()
      ))
      await note('certificate', () => (
        new Kafka({ brokers, logLevel: logLevel.NOTHING, ssl: { ca: '-----BEGIN nonsense' } }).producer().connect()
      ))
      // What connections find.
      const nobody = new Kafka({
        brokers: ['127.0.0.1:1'], logLevel: logLevel.NOTHING, connectionTimeout: 100, retry: { retries: 0 }
      })
      await Promise.all([
        note('producerConnect', () => nobody.producer().connect()),
        note('consumerConnect', () => nobody.consumer({ groupId: 'group' }).connect()),
        note('adminConnect', () => nobody.admin().connect())
      ])
      const cancelled = nobody.producer()
      const connecting = note('cancelled', () => cancelled.connect())
      await Promise.resolve()
      await cancelled.disconnect()
      await connecting

      await Promise.all([producer.connect(), consumer.connect(), admin.connect()])
      // What is wrong with messages, and what brokers and librdkafka say of them.
      await note('value', () => send({ value: 1 }))
      await note('header', () => send({ headers: { h: {} } }))
      await note('partition', () => send({ partition: 99 }))
      const small = kafka.producer({ rdkafka: { 'message.max.bytes': 2000 } })
      await small.connect()
      await note('tooLarge', () => small.send({ topic: 'topic', messages: [{ value: 'v'.repeat(3000) }] }))
      await small.disconnect()
      await note('acks', () => send({}, { acks: 7 }))
      await note('codec', () => send({}, { compression: 99 }))
      // What is wrong with the rest.
      await note('topics', () => admin.createTopics({ topics: [{}] }))
      await note('unanswered', () => admin.createTopics({ topics: [{ topic: 'other' }], timeout: 50 }))
      await note('unknownTopic', () => admin.fetchTopicOffsets('absent'))
      await note('subscribe', () => consumer.subscribe({ topic: 7 }))
      await note('seek', () => consumer.seek({ topic: 'topic', partition: 0, offset: 'x' }))
      await note('commit', () => consumer.commitOffsets([{ topic: 'topic', partition: 0, offset: '1' }]))
      await consumer.subscribe({ topic: 'topic' })
      await consumer.run({ eachMessage: async () => {} })
      await note('commitForeign', () => consumer.commitOffsets([{ topic: 'topic', partition: 77, offset: 'x' }]))
      await Promise.all([producer.disconnect(), consumer.disconnect(), admin.disconnect()])
      await note('afterwards', () => admin.listTopics())
      return errors
    `)
    const expected = [
      'options', 'noGroup', 'notConnected', 'property', 'propertyValue', 'propertyTogether', 'certificate',
      'producerConnect', 'consumerConnect', 'adminConnect', 'cancelled', 'value', 'header', 'partition', 'tooLarge',
      'acks', 'codec', 'topics', 'unanswered', 'unknownTopic', 'subscribe', 'seek', 'commit', 'commitForeign',
      'afterwards'
    ]
    assert.deepEqual(Object.keys(errors).sort(), expected.sort(), 'not every call was refused')
    for (const [name, error] of Object.entries(errors)) {
      assert.ok(error instanceof exports.KafkaJSError, `${name}: ${error} is no KafkaJSError`)
      assert.ok(error instanceof RealmError, `${name}: ${error} is no Error of the realm`)
      assert.ok(error instanceof exports[error.name], `${name}: ${error} is not of the class that it names`)
      // The native side tells with plain data, never with an Error of its own.
      for (let { cause } = error; cause !== undefined; cause = cause.cause) {
        assert.ok(cause instanceof RealmError, `${name}: its cause ${cause} is no Error of the realm`)
      }
    }
  })

  test(`a package ${what} gives a crash the very error that the handler threw`, async t => {
    const realm = make()
    const cluster = await mockCluster(t)
    const { thrown, payload } = await run(realm, cluster.brokers, `
      const producer = kafka.producer()
      await producer.connect()
      await producer.send({ topic: 'topic', messages: [{ value: 'v' }] })
      const consumer = kafka.consumer({ groupId: 'group', retry: { retries: 0, restartOnFailure: async () => false } })
      await consumer.connect()
      await consumer.subscribe({ topic: 'topic', fromBeginning: true })
      const thrown = new Error('of the program')
      const crash = new Promise(resolve => consumer.on(consumer.events.CRASH, resolve))
      await consumer.run({ eachMessage: async () => { throw thrown } })
      const { payload } = await crash
      await Promise.all([producer.disconnect(), consumer.disconnect()])
      return { thrown, payload }
    `)
    assert.ok(payload.error instanceof realm.exports.KafkaJSNumberOfRetriesExceeded)
    assert.equal(payload.error.message, 'of the program')
    assert.equal(payload.error.cause, thrown)
  })

  test(`a package ${what} takes certificates as bytes`, async () => {
    // Options that cannot be are refused at once.
    const made = await run(make(), [], `
      const pem = Buffer.from('-----BEGIN CERTIFICATE-----')
      const bytes = Uint8Array.from(pem)
      const options = [{ ca: pem }, { ca: bytes }, { ca: [pem, bytes] }, { key: pem }, { key: bytes }]
      return options.map(ssl => new Kafka({ brokers: ['localhost:1'], logLevel: logLevel.NOTHING, ssl })).length
    `)
    assert.equal(made, 5)
  })

  test(`a package ${what} lets a handler disconnect its own consumer`, async t => {
    const realm = make()
    const cluster = await mockCluster(t)
    const order = await run(realm, cluster.brokers, `
      const producer = kafka.producer()
      await producer.connect()
      await producer.send({ topic: 'topic', messages: [{ value: 'v' }] })
      const consumer = kafka.consumer({ groupId: 'group' })
      await consumer.connect()
      await consumer.subscribe({ topic: 'topic', fromBeginning: true })
      const order = []
      const disconnected = new Promise(resolve => consumer.on(consumer.events.DISCONNECT, resolve))
      await consumer.run({
        eachMessage: async () => {
          await new Promise(resolve => setTimeout(resolve, 1))
          await consumer.disconnect()
          order.push('handler')
        }
      })
      await disconnected
      order.push('disconnected')
      await producer.disconnect()
      return order
    `)
    assert.deepEqual(Array.from(order), ['handler', 'disconnected'])
  })

  test(`a package ${what} chooses the same partition for a key in every form`, async t => {
    const realm = make()
    const cluster = await mockCluster(t)
    await cluster.createTopic({ topic: 'topic', partitions: 10 })
    const chosen = await run(realm, cluster.brokers, `
      const chosen = []
      const { DefaultPartitioner, LegacyPartitioner, JavaCompatiblePartitioner } = Partitioners
      for (const createPartitioner of [DefaultPartitioner, LegacyPartitioner, JavaCompatiblePartitioner]) {
        const producer = kafka.producer({ createPartitioner })
        await producer.connect()
        const send = async key => {
          const [{ partition }] = await producer.send({ topic: 'topic', messages: [{ key, value: 'v' }] })
          return partition
        }
        for (const text of ['one', 'two', 'three']) {
          const bytes = Uint8Array.from(text, character => character.charCodeAt(0))
          chosen.push([await send(text), await send(bytes), await send(Buffer.from(text))])
        }
        const noText = Uint8Array.of(255, 0, 128)
        chosen.push([await send(noText), await send(Buffer.from(noText))])
        await producer.disconnect()
      }
      return chosen
    `)
    assert.equal(chosen.length, 12)
    for (const partitions of Array.from(chosen)) assert.equal(new Set(partitions).size, 1, `chose ${partitions}`)
  })
}
