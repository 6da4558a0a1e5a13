'use strict'

// The transactions' face on a native module that fails as the test says.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Kafka } = require('../../lib/kafkajs/kafka')
const { GroupOffsets, MEMBER } = require('../../lib/kafkajs/group-offsets')
const { fakeNative, errorData } = require('../helpers/fake-native')

/** What each transactional call has answered, by name: a list of errors, one for each call. @typedef {Record<string, any[]>} Script */

/** @param {Script} [failures] @param {any} [options] @param {any} [script] */
async function connected(failures = {}, options = {}, script = {}) {
  const native = fakeNative({
    transactional: (/** @type {any} */ _client, /** @type {string} */ name) => {
      const failure = (failures[name] || []).shift()
      if (failure) throw failure
    },
    ...script,
  })
  const kafka = new Kafka({ brokers: ['a:1'], logLevel: 0 }, { native })
  const producer = kafka.producer({ transactionalId: 'id', transactionTimeout: 5000, ...options })
  await producer.connect()
  return { native, producer, names: () => native.clients.map(({ calls }) => calls.map((/** @type {any[]} */ [name]) => name).join(' ')) }
}

const record = { topic: 't', messages: [{ value: 'v' }] }
const fatal = { ...errorData(-144, 'fenced'), fatal: true }
const abortable = { ...errorData(3, 'a topic went'), abortable: true }
const retriable = { ...errorData(-185, 'not in time'), retriable: true }

test('the transactional client has the id, its timeout, and what a transaction needs; plain sends have another', async () => {
  const { native, producer } = await connected({}, { idempotent: false, rdkafka: { 'acks': 1, 'linger.ms': 3 } })
  const { config } = native.clients[0]
  assert.deepEqual(
    ['transactional.id', 'transaction.timeout.ms', 'message.timeout.ms', 'socket.timeout.ms', 'acks', 'enable.idempotence', 'linger.ms'].map(
      (name) => config[name],
    ),
    ['id', '5000', '5000', '5000', '-1', 'true', '3'],
  )
  await producer.send(record)
  assert.equal(native.clients.length, 2)
  const plain = native.clients[1].config
  assert.deepEqual([plain['transactional.id'], plain.acks, plain['enable.idempotence']], [undefined, '1', 'false'])
  await producer.send(record)
  await producer.send({ ...record, compression: 1 })
  assert.equal(native.clients.length, 3)
})

test('the producer id is got by the first transaction, and not again', async () => {
  const { producer, names } = await connected()
  assert.deepEqual(names(), [''])
  for (let i = 0; i < 2; i++) {
    const transaction = await producer.transaction()
    await transaction.send(record)
    await transaction.commit()
  }
  const one = 'beginTransaction flush commitTransaction'
  assert.deepEqual(names(), [`initTransactions ${one} ${one}`])
})

test('a producer id that cannot be had in time is asked for again by the next call, on the same client', async () => {
  const { producer, names } = await connected({ initTransactions: [retriable] })
  await assert.rejects(producer.transaction(), (/** @type {any} */ error) => {
    assert.deepEqual([error.name, error.cause.name], ['KafkaJSNumberOfRetriesExceeded', 'KafkaJSRequestTimeoutError'])
    return true
  })
  await (await producer.transaction()).abort()
  assert.deepEqual(names(), ['initTransactions initTransactions beginTransaction abortTransaction'])
})

test('after a refusal of the producer id the next call has a new client', async () => {
  const { producer, names } = await connected({ initTransactions: [{ ...errorData(53, 'denied'), fatal: true }] })
  await assert.rejects(producer.transaction(), { name: 'KafkaJSProtocolError', type: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED' })
  await (await producer.transaction()).abort()
  assert.deepEqual(names(), ['initTransactions', 'initTransactions beginTransaction abortTransaction'])
})

test('a commit that fails abortably leaves a transaction that can only be aborted', async () => {
  const { producer, names } = await connected({ commitTransaction: [abortable] })
  const transaction = await producer.transaction()
  await assert.rejects(transaction.commit(), { name: 'KafkaJSProtocolError', abortable: true })
  assert.equal(transaction.isActive(), true)
  await assert.rejects(transaction.commit(), { abortable: true })
  await assert.rejects(transaction.send(record), { abortable: true })
  await assert.rejects(transaction.sendOffsets({ consumerGroupId: 'g', topics: [] }), { abortable: true })
  await transaction.abort()
  await (await producer.transaction()).commit()
  assert.deepEqual(names(), [
    'initTransactions beginTransaction flush commitTransaction abortTransaction beginTransaction flush commitTransaction',
  ])
})

test('a commit that is not answered in time can be resumed', async () => {
  const { producer, names } = await connected({ commitTransaction: [retriable] })
  const transaction = await producer.transaction()
  await assert.rejects(transaction.commit(), { name: 'KafkaJSRequestTimeoutError', retriable: true })
  assert.equal(transaction.isActive(), true)
  await transaction.commit()
  assert.deepEqual(names(), ['initTransactions beginTransaction flush commitTransaction flush commitTransaction'])
})

test('a commit that is not answered in time cannot be aborted, and the next transaction has a new client', async () => {
  for (const abort of [true, false]) {
    const { producer, names, native } = await connected({ commitTransaction: [retriable] })
    const transaction = await producer.transaction()
    await assert.rejects(transaction.commit(), { retriable: true })
    if (abort) await assert.rejects(transaction.abort(), { message: /may have been carried out/ })
    const next = await producer.transaction()
    assert.equal(transaction.isActive(), false)
    await next.commit()
    assert.equal(native.clients[0].closed, 0)
    assert.equal(names()[1], 'initTransactions beginTransaction flush commitTransaction')
  }
})

test('an abort that fails ends the transaction, and the next one has a new client', async () => {
  const { producer, names } = await connected({ abortTransaction: [retriable] })
  const transaction = await producer.transaction()
  await assert.rejects(transaction.abort(), { name: 'KafkaJSRequestTimeoutError' })
  assert.equal(transaction.isActive(), false)
  await (await producer.transaction()).commit()
  assert.equal(names()[1], 'initTransactions beginTransaction flush commitTransaction')
})

test('whoever is fenced stays so until it connects anew', async () => {
  const fenced = { name: 'KafkaJSProtocolError', type: 'INVALID_PRODUCER_EPOCH', fatal: true, message: /disconnect\(\) and connect\(\)/ }
  const { producer, native } = await connected({ commitTransaction: [fatal] })
  const transaction = await producer.transaction()
  await assert.rejects(transaction.commit(), fenced)
  assert.equal(transaction.isActive(), false)
  await assert.rejects(transaction.abort(), { message: 'Cannot continue to use transaction once ended' })
  await assert.rejects(producer.transaction(), fenced)
  await assert.rejects(producer.transaction(), fenced)
  assert.equal(native.clients.length, 1)
  await producer.disconnect()
  await producer.connect()
  await (await producer.transaction()).commit()
})

test('a fatal error between two transactions costs nobody anything', async () => {
  const { producer, native } = await connected({ beginTransaction: [{ ...errorData(-150, 'broken'), fatal: true }] })
  await (await producer.transaction()).commit()
  assert.equal(native.clients.length, 2)
})

test('a message that fails for good has the next transaction begin with a new client', async () => {
  const submit = (/** @type {any} */ fake, /** @type {any[]} */ sends) => fake.deliver(sends.map(({ id }) => ({ id, error: 10, failed: 1 })))
  const { producer, native } = await connected({}, {}, { submit })
  const transaction = await producer.transaction()
  await assert.rejects(transaction.send(record), { type: 'MESSAGE_TOO_LARGE' })
  await transaction.abort()
  await producer.transaction()
  assert.equal(native.clients.length, 2)
})

test('of a message that was given up the reason is told', async () => {
  const submit = (/** @type {any} */ fake, /** @type {any[]} */ sends) => fake.deliver(sends.map(({ id }) => ({ id, error: -152, failed: 1 })))
  const { producer } = await connected({ transactionFailure: [abortable] }, {}, { submit })
  const transaction = await producer.transaction()
  await assert.rejects(transaction.send(record), { type: 'UNKNOWN_TOPIC_OR_PARTITION', message: 'a topic went', abortable: true })
  await assert.rejects(transaction.send(record), { message: 'The transaction ended before the message was delivered' })
})

test('a topic gets the compression and timeout of its first transactional send', async () => {
  const { producer, native } = await connected()
  const transaction = await producer.transaction()
  await transaction.send({ ...record, compression: 1, timeout: 1000 })
  await transaction.send({ ...record, compression: 2 })
  await transaction.send({ ...record, topic: 'u', compression: 0 })
  assert.deepEqual(
    native.clients[0].calls.filter(([name]) => name === 'topic'),
    [
      ['topic', 't', { 'request.timeout.ms': '1000', 'compression.codec': 'gzip' }],
      ['topic', 'u', { 'compression.codec': 'none' }],
    ],
  )
})

test('offsets cross as text, partitions as numbers, and only the listeners of the group hear of them', async () => {
  const { producer, native } = await connected()
  const transaction = await producer.transaction()
  const partitions = [{ partition: '3', offset: '42' }, { partition: 0, offset: 7, metadata: 'm' }]
  await transaction.sendOffsets({ consumerGroupId: 'g', topics: [{ topic: 't', partitions }] })
  assert.deepEqual(native.clients[0].calls.at(-1), [
    'sendOffsets',
    [
      { topic: 't', partition: 3, offset: '42' },
      { topic: 't', partition: 0, offset: '7', metadata: 'm' },
    ],
    { groupId: 'g' },
    5000,
  ])
  const offsets = new GroupOffsets()
  /** @type {any[]} */
  const heard = []
  const end = offsets.listen('g', (...mark) => heard.push(mark))
  offsets.listen('h', () => assert.fail('another group'))
  offsets.mark('g', [{ topic: 't', partition: 1, offset: '5' }])
  end()
  offsets.mark('g', [{ topic: 't', partition: 1, offset: '6' }])
  assert.deepEqual(heard, [['t', 1, 5]])
})

test('disconnect() waits for a commit that is under way, but not for ever', async () => {
  let release = () => {}
  const held = new Promise((resolve) => { release = () => resolve(undefined) })
  const { producer, native } = await connected({}, {}, {
    transactional: (/** @type {any} */ _client, /** @type {string} */ name) => (name === 'commitTransaction' ? held : undefined),
  })
  const transaction = await producer.transaction()
  const commit = transaction.commit()
  const closed = producer.disconnect()
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(native.clients[0].closed, undefined)
  release()
  await commit
  await closed
  assert.equal(native.clients[0].closed, 5000)
})

// It asked the consumer first, and the transaction was not looked at again: the offsets got into the next one, which committed
// them though the work they stood for had been aborted.
test('offsets that a transaction was to send do not get into the next one', async () => {
  const { producer, native } = await connected()
  let answer = (/** @type {any} */ _member) => {}
  const consumer = { [MEMBER]: () => new Promise((resolve) => { answer = resolve }) }
  const topics = [{ topic: 't', partitions: [{ partition: 0, offset: '7' }] }]
  const first = await producer.transaction()
  const sent = first.sendOffsets({ consumer, topics })
  await first.abort()
  const second = await producer.transaction()
  answer({ groupId: 'g', memberId: 'm', generationId: 1 })
  await assert.rejects(sent, { message: 'Cannot continue to use transaction once ended' })
  await second.commit()
  assert.ok(!native.clients[0].calls.some((/** @type {any[]} */ [name]) => name === 'sendOffsets'))
})

// Native code has 32 bits for it: the offset was that of another partition.
test('a partition that cannot be is refused', async () => {
  const { producer } = await connected()
  const transaction = await producer.transaction()
  const topics = [{ topic: 't', partitions: [{ partition: 2 ** 32, offset: '7' }] }]
  await assert.rejects(transaction.sendOffsets({ consumerGroupId: 'g', topics }), /Invalid partition/)
})
