'use strict'
const assert = require('node:assert/strict')
const { test } = require('node:test')
const { createLogger, methodOfSyslog, syslogOfLevel } = require('../../lib/kafkajs/logger')
const { InstrumentationEmitter } = require('../../lib/kafkajs/events')
const { NetworkEvents, apiName } = require('../../lib/kafkajs/network-events')
const { logLevel } = require('../../lib/kafkajs/enums')

/** @param {any} [options] */
function recording(options) {
  const entries = /** @type {any[]} */ ([])
  const made = /** @type {number[]} */ ([])
  const logger = createLogger({
    ...options,
    logCreator: (level) => {
      made.push(level)
      return (entry) => {
        entries.push(entry)
      }
    },
  })
  return { entries, made, logger }
}

test('a logger has the keys that programs know, and writes entries of that shape', () => {
  const { entries, made, logger } = recording()
  assert.deepEqual(Object.keys(logger).sort(), ['debug', 'error', 'info', 'namespace', 'setLogLevel', 'warn'])
  logger.namespace('Producer').warn('careful', { topic: 't' })
  logger.debug('not at this level')
  assert.deepEqual(made, [logLevel.INFO])
  assert.equal(entries.length, 1)
  const { namespace, level, label, log } = entries[0]
  assert.deepEqual(
    [namespace, level, label, log.message, log.logger, log.topic],
    ['Producer', logLevel.WARN, 'WARN', 'careful', 'kafkajs', 't'],
  )
  assert.equal(new Date(log.timestamp).toISOString(), log.timestamp)
})

test('setLogLevel changes all loggers of a Kafka, but for those with a level of their own', () => {
  const { entries, logger } = recording({ level: logLevel.ERROR })
  const plain = logger.namespace('a')
  const own = logger.namespace('b', logLevel.DEBUG)
  plain.info('1')
  own.debug('2')
  own.setLogLevel(logLevel.INFO)
  plain.info('3')
  assert.deepEqual(
    entries.map(({ log }) => log.message),
    ['2', '3'],
  )
})

test('KAFKAJS_LOG_LEVEL wins', (t) => {
  const before = process.env.KAFKAJS_LOG_LEVEL
  t.after(() => {
    if (before === undefined) delete process.env.KAFKAJS_LOG_LEVEL
    else process.env.KAFKAJS_LOG_LEVEL = before
  })
  process.env.KAFKAJS_LOG_LEVEL = 'error'
  const { entries, made, logger } = recording({ level: logLevel.DEBUG })
  logger.namespace('a', logLevel.DEBUG).info('quiet')
  logger.error('loud')
  assert.deepEqual(made, [logLevel.ERROR])
  assert.deepEqual(
    entries.map(({ log }) => log.message),
    ['loud'],
  )
})

test("librdkafka's levels and ours are translated both ways", () => {
  assert.deepEqual([0, 3, 4, 5, 6, 7].map(methodOfSyslog), ['error', 'error', 'warn', 'info', 'info', 'debug'])
  assert.deepEqual([0, 1, 2, 4, 5].map(syslogOfLevel), [0, 3, 4, 6, 7])
})

const names = { CONNECT: 'x.connect', STOP: 'x.stop' }

test('a listener hears its event, synchronously, until it is removed', () => {
  const emitter = new InstrumentationEmitter({ names, label: 'x' })
  const heard = /** @type {any[]} */ ([])
  assert.equal(emitter.has(names.CONNECT), false)
  const listener = (/** @type {any} */ event) => {
    heard.push(event)
  }
  const remove = emitter.on(names.CONNECT, listener)
  emitter.on(names.CONNECT, listener)
  assert.equal(emitter.has(names.CONNECT), true)
  emitter.emit(names.CONNECT, { a: 1 })
  emitter.emit(names.STOP)
  assert.equal(heard.length, 2)
  assert.deepEqual([heard[0].type, heard[0].payload], [names.CONNECT, { a: 1 }])
  assert.equal(typeof heard[0].id, 'number')
  assert.equal(typeof heard[0].timestamp, 'number')
  remove()
  remove()
  emitter.emit(names.CONNECT)
  assert.equal(heard.length, 3)
})

test('an unknown event is refused with the list of those there are', () => {
  const emitter = new InstrumentationEmitter({ names, label: 'x' })
  assert.throws(() => emitter.on('nothing', () => {}), {
    name: 'KafkaJSNonRetriableError',
    message: 'Event name should be one of x.events.CONNECT, x.events.STOP',
  })
  assert.throws(() => emitter.on(names.STOP, /** @type {any} */ ('no function')), { name: 'KafkaJSNonRetriableError' })
})

test('a listener whose promise rejects is logged, not lost', async () => {
  const logged = new Promise((resolve) => {
    const logger = /** @type {any} */ ({
      error: (/** @type {string} */ message, /** @type {any} */ extra) => resolve({ message, extra }),
    })
    const emitter = new InstrumentationEmitter({ names, label: 'x', logger })
    emitter.on(names.STOP, async () => {
      throw new Error('mine')
    })
    emitter.emit(names.STOP)
  })
  const { message, extra } = /** @type {any} */ (await logged)
  assert.match(message, /mine/)
  assert.equal(extra.eventName, names.STOP)
})

test('a listener that throws is logged, and the others and the emitter go on', () => {
  const logged = /** @type {string[]} */ ([])
  const logger = /** @type {any} */ ({ error: (/** @type {string} */ message) => logged.push(message) })
  const emitter = new InstrumentationEmitter({ names, label: 'x', logger })
  let heard = 0
  emitter.on(names.STOP, () => { throw new Error('mine') })
  emitter.on(names.STOP, () => { heard++ })
  emitter.emit(names.STOP)
  assert.deepEqual([heard, logged], [1, ['Failed to execute listener: mine']])
})

test('native clients are told what to observe when the first listener of a kind comes and when the last one goes', () => {
  const names = { CONNECT: 'y.connect', REQUEST: 'y.request', REQUEST_TIMEOUT: 'y.timeout', FETCH: 'y.fetch', FETCH_START: 'y.start' }
  const emitter = new InstrumentationEmitter({ names, label: 'y' })
  const network = new NetworkEvents({ emitter, names, clientId: 'c' })
  const observing = () => {
    const masks = /** @type {number[]} */ ([])
    return { masks, observe: (/** @type {number} */ mask) => { masks.push(mask) } }
  }
  const [first, second, third] = [observing(), observing(), observing()]
  network.attach(first)
  const removers = [names.CONNECT, names.REQUEST, names.REQUEST, names.FETCH, names.FETCH_START].map((name) => emitter.on(name, () => {}))
  network.attach(second)
  removers.forEach((remove) => remove())
  network.attach(third)
  assert.deepEqual([first.masks, second.masks, third.masks], [[1, 17, 16, 0], [17, 16, 0], []])
  network.detach(first)
  emitter.on(names.REQUEST_TIMEOUT, () => {})
  assert.deepEqual([first.masks.length, third.masks], [4, [2]])
})

test('requests become events with the names of kafkajs', () => {
  const names = { REQUEST: 'y.request', REQUEST_TIMEOUT: 'y.timeout', REQUEST_QUEUE_SIZE: 'y.size' }
  const emitter = new InstrumentationEmitter({ names, label: 'y' })
  const network = new NetworkEvents({ emitter, names, clientId: 'c' })
  const heard = /** @type {any[]} */ ([])
  for (const name of Object.values(names)) emitter.on(name, ({ type, payload }) => { heard.push([type, payload]) })
  const record = { apiKey: 10, apiVersion: 2, correlationId: 3, broker: 'b:1', nodeId: 1, sentAt: 5, duration: 7, size: 9 }
  network.receive([
    { ...record, fate: 'sent', inFlight: 1 },
    { ...record, fate: 'answered', inFlight: 0 },
    { ...record, fate: 'timeout', inFlight: 0, apiKey: 999 },
  ])
  const sent = { broker: 'b:1', clientId: 'c', correlationId: 3, createdAt: 5, sentAt: 5, pendingDuration: 0, apiVersion: 2 }
  const size = (/** @type {number} */ queueSize) => ['y.size', { broker: 'b:1', clientId: 'c', queueSize }]
  assert.deepEqual(heard, [
    size(1),
    size(0),
    ['y.request', { ...sent, apiKey: 10, apiName: 'GroupCoordinator', size: 9, duration: 7 }],
    size(0),
    ['y.timeout', { ...sent, apiKey: 999, apiName: 'ApiKey999' }],
  ])
  assert.deepEqual([0, 3, 18, 46, 60, 68, 75].map(apiName), [
    'Produce', 'Metadata', 'ApiVersions', 'ListPartitionReassignments', 'DescribeCluster', 'ConsumerGroupHeartbeat',
    'DescribeTopicPartitions',
  ])
})
