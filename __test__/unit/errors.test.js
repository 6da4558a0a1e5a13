'use strict'
const assert = require('node:assert/strict')
const { test } = require('node:test')
const vm = require('node:vm')
const errors = require('../../lib/errors')

const { fromNative } = errors
const data = (/** @type {number} */ code, extra = {}) => ({
  code,
  name: `ERR_${code}`,
  message: `text of ${code}`,
  fatal: false,
  retriable: true,
  ...extra,
})

test('every class carries its own name, code, retriable and fatal', () => {
  const plain = new Set(['KafkaJSAggregateError', 'KafkaJSFetcherRebalanceError'])
  const classes = Object.entries(errors).filter(([name]) => name.startsWith('KafkaJS'))
  assert.equal(classes.length, 31)
  for (const [name, Class] of classes) {
    const first = name === 'KafkaJSDeleteTopicRecordsError' ? { partitions: [] } : 'because'
    const error = new /** @type {any} */ (Class)(first, { topic: 't', partition: 1 })
    // As in kafkajs, where three classes have another name than their own.
    const expected = /Invalid(VarInt|Long)Error/.test(name)
      ? 'KafkaJSNonRetriableError'
      : name === 'KafkaJSFetcherRebalanceError' ? 'Error' : name
    assert.equal(error.name, expected)
    assert.equal(error instanceof Error, true)
    assert.equal(error instanceof errors.KafkaJSError, !plain.has(name), name)
    if (plain.has(name)) continue
    assert.equal(typeof error.retriable, 'boolean', name)
    assert.equal(error.fatal, false, name)
    if (!(error instanceof errors.KafkaJSProtocolError)) assert.match(error.code, /^[A-Z_]+$/, name)
  }
})

test("a broker's code becomes a protocol error under kafkajs's name", () => {
  const error = /** @type {any} */ (fromNative(data(6)))
  assert.equal(error.constructor, errors.KafkaJSProtocolError)
  assert.deepEqual(
    [error.type, error.code, error.retriable, error.message],
    ['NOT_LEADER_FOR_PARTITION', 6, true, 'text of 6'],
  )
  assert.deepEqual(error.librdkafka, { code: 6, name: 'ERR_6' })
  assert.equal(/** @type {any} */ (fromNative(data(29))).retriable, false)
})

test('a code newer than the table keeps its number where librdkafka knows the name', () => {
  const known = /** @type {any} */ (fromNative(data(999, { name: 'ERR_BRAND_NEW' })))
  assert.deepEqual([known.type, known.code, known.retriable], ['BRAND_NEW', 999, false])
  const unknown = /** @type {any} */ (fromNative(data(999)))
  assert.deepEqual([unknown.type, unknown.code], ['KAFKAJS_UNKNOWN_ERROR_CODE', -99])
})

test('local codes become the classes that kafkajs has for them', () => {
  const table = /** @type {[number, any][]} */ ([
    [-195, errors.KafkaJSConnectionError],
    [-193, errors.KafkaJSConnectionError],
    [-187, errors.KafkaJSConnectionError],
    [-169, errors.KafkaJSSASLAuthenticationError],
    [-185, errors.KafkaJSRequestTimeoutError],
    [-192, errors.KafkaJSRequestTimeoutError],
    [-188, errors.KafkaJSProtocolError],
    [-190, errors.KafkaJSProtocolError],
    [-144, errors.KafkaJSProtocolError],
    [-165, errors.KafkaJSNotImplemented],
    [-184, errors.KafkaJSError],
  ])
  for (const [code, Class] of table) assert.equal(fromNative(data(code)).constructor, Class, String(code))
  assert.equal(fromNative(data(-172, { retriable: false })).constructor, errors.KafkaJSNonRetriableError)
  assert.equal(/** @type {any} */ (fromNative(data(-190))).type, 'UNKNOWN_TOPIC_OR_PARTITION')
  assert.equal(/** @type {any} */ (fromNative(data(-144))).code, 47)
})

test('a refused connection says which broker and why, as the system names it', () => {
  const message =
    '127.0.0.1:9/bootstrap: Connect to ipv4#127.0.0.1:9 failed: Connection refused (after 0ms in state CONNECT)'
  const error = /** @type {any} */ (fromNative(data(-195, { message })))
  assert.deepEqual([error.broker, error.code, error.retriable], ['127.0.0.1:9', 'ECONNREFUSED', true])
  assert.equal(error.message, 'Connection error: connect ECONNREFUSED 127.0.0.1:9')
  const six = 'h:9/1: Connect to ipv6#[::1]:9 failed: Connection refused (after 0ms in state CONNECT)'
  assert.equal(fromNative(data(-195, { message: six })).message, 'Connection error: connect ECONNREFUSED ::1:9')
  const odd = 'h:9/1: Connect to ipv4#127.0.0.1:9 failed: Something odd (after 0ms in state CONNECT)'
  assert.equal(fromNative(data(-195, { message: odd })).message, `Connection error: ${odd}`)
  const unresolved = "h:9/1: Failed to resolve 'h:9': Name or service not known (after 0ms in state CONNECT)"
  assert.equal(fromNative(data(-193, { message: unresolved })).message, 'Connection error: getaddrinfo ENOTFOUND h')
})

test('a wrong password names the mechanism', () => {
  assert.match(fromNative(data(-169), { mechanism: 'PLAIN' }).message, /^SASL PLAIN authentication failed: text/)
})

test('a fatal failure is never retriable', () => {
  for (const code of [-150, 47, -195]) {
    const error = /** @type {any} */ (fromNative(data(code, { fatal: true })))
    assert.deepEqual([error.fatal, error.retriable], [true, false], String(code))
  }
})

test('an offset out of range knows its partition', () => {
  const error = fromNative(data(1), { topic: 't', partition: 3 })
  assert.ok(error instanceof errors.KafkaJSOffsetOutOfRange)
  assert.deepEqual([error.topic, error.partition, error.type], ['t', 3, 'OFFSET_OUT_OF_RANGE'])
})

test('errors pass through, also those of another realm', () => {
  const own = new Error('own')
  assert.equal(fromNative(own), own)
  const foreign = vm.runInNewContext('new TypeError("foreign")')
  assert.equal(foreign instanceof Error, false)
  assert.equal(fromNative(foreign), foreign)
})

test('the stack leads to the code that awaits', async () => {
  const call = async () => {
    try {
      await new Promise((_, reject) => {
        setImmediate(() => reject(data(-185)))
      })
    } catch (error) {
      throw fromNative(/** @type {any} */ (error))
    }
  }
  async function programOfTheUser() {
    await call()
  }
  await assert.rejects(programOfTheUser(), (/** @type {Error} */ error) => /programOfTheUser/.test(String(error.stack)))
})

test('retries exceeded tells the last failure', () => {
  const cause = new errors.KafkaJSConnectionError('Connection error: no', { broker: 'a:1', code: 'ECONNREFUSED' })
  const error = new errors.KafkaJSNumberOfRetriesExceeded(cause, { retryCount: 2, retryTime: 600 })
  assert.deepEqual(
    [error.message, error.cause, error.retriable, error.retryCount, error.code],
    ['Connection error: no', cause, false, 2, 'ECONNREFUSED'],
  )
  assert.match(String(error.stack), /Caused by: KafkaJSConnectionError/)
})
