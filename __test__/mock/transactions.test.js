'use strict'

// Transactions when coordinators and leaders refuse, are slow or gone: what each call says, and that the producer always goes on,
// except when another one has taken its place.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { MEMBER } = require('../../lib/kafkajs/group-offsets')
const { connectConsumer, connectProducer, kafkaOf, mockCluster } = require('../helpers/clients')
const { waitFor, within } = require('../helpers/wait')

/** @typedef {import('node:test').TestContext} TestContext */

const OFFSETS = { consumerGroupId: 'g', topics: [{ topic: 't', partitions: [{ partition: 0, offset: '1' }] }] }
const RECORD = { topic: 't', messages: [{ value: 'v' }] }

/** @param {TestContext} t @param {object} [options] of the producer */
async function start(t, options = {}) {
  const cluster = await mockCluster(t)
  await cluster.createTopic({ topic: 't', partitions: 1 })
  const kafka = kafkaOf(cluster.brokers, { retry: { retries: 1, initialRetryTime: 20 } })
  const producer = await connectProducer(t, kafka, { transactionalId: 'id', transactionTimeout: 30000, ...options })
  return { cluster, kafka, producer }
}

/**
 * A transaction from its beginning to its end, and another one. Says how each step went: '', or type of the error and what it
 * says of itself.
 * @param {any} producer
 */
async function course(producer) {
  /** @type {Record<string, string>} */
  const steps = {}
  const step = async (/** @type {string} */ name, /** @type {() => Promise<any>} */ call) => {
    try {
      const value = await within(call(), name)
      steps[name] = ''
      return value
    } catch (/** @type {any} */ error) {
      const is = ['fatal', 'abortable', 'retriable'].filter((word) => error[word] === true)
      steps[name] = [error.type || error.message, ...is].join(' ')
    }
  }
  const transaction = await step('begin', () => producer.transaction())
  if (transaction) {
    await step('send', () => transaction.send(RECORD))
    await step('sendOffsets', () => transaction.sendOffsets(OFFSETS))
    await step('commit', () => transaction.commit())
    if (transaction.isActive()) await step('abort', () => transaction.abort())
  }
  const next = await step('next', () => producer.transaction())
  if (next) {
    await next.send(RECORD)
    await next.commit()
  }
  return steps
}

/** @param {TestContext} t @param {string} api @param {string[]} errors @param {number} [count] @param {object} [options] */
async function courseWith(t, api, errors, count = 1, options = {}) {
  const { cluster, producer } = await start(t, options)
  for (const error of errors) await cluster.pushRequestErrors(api, Array(count).fill(error))
  return course(producer)
}

const PASSING = {
  InitProducerId: ['CONCURRENT_TRANSACTIONS', 'COORDINATOR_LOAD_IN_PROGRESS', 'COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR', 'ERR__TRANSPORT'],
  AddPartitionsToTxn: ['CONCURRENT_TRANSACTIONS', 'COORDINATOR_LOAD_IN_PROGRESS', 'NOT_COORDINATOR', 'UNKNOWN_TOPIC_OR_PARTITION', 'ERR__TRANSPORT'],
  AddOffsetsToTxn: ['CONCURRENT_TRANSACTIONS', 'COORDINATOR_LOAD_IN_PROGRESS', 'NOT_COORDINATOR', 'ERR__TRANSPORT'],
  TxnOffsetCommit: ['COORDINATOR_LOAD_IN_PROGRESS', 'COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR', 'ERR__TRANSPORT'],
  EndTxn: ['CONCURRENT_TRANSACTIONS', 'COORDINATOR_LOAD_IN_PROGRESS', 'COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR', 'ERR__TRANSPORT'],
  Produce: ['NOT_LEADER_FOR_PARTITION', 'REQUEST_TIMED_OUT', 'ERR__TRANSPORT'],
}
for (const [api, errors] of Object.entries(PASSING)) {
  test(`what passes is waited for: ${api} fails with ${errors.join(', ')}`, async (t) => {
    assert.deepEqual(await courseWith(t, api, errors), { begin: '', send: '', sendOffsets: '', commit: '', next: '' })
  })
}

for (const error of ['TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'INVALID_TRANSACTION_TIMEOUT', 'CLUSTER_AUTHORIZATION_FAILED']) {
  test(`a producer id that is refused (${error}) rejects transaction(), and the next call asks anew`, async (t) => {
    assert.deepEqual(await courseWith(t, 'InitProducerId', [error]), { begin: `${error} fatal`, next: '' })
  })
}

const ABORTABLE = {
  AddPartitionsToTxn: ['TOPIC_AUTHORIZATION_FAILED', 'INVALID_PRODUCER_ID_MAPPING', 'UNKNOWN_PRODUCER_ID'],
  AddOffsetsToTxn: ['GROUP_AUTHORIZATION_FAILED', 'INVALID_PRODUCER_ID_MAPPING'],
  TxnOffsetCommit: ['GROUP_AUTHORIZATION_FAILED', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'FENCED_INSTANCE_ID'],
  EndTxn: ['UNKNOWN_PRODUCER_ID', 'INVALID_PRODUCER_ID_MAPPING'],
  Produce: ['MESSAGE_TOO_LARGE', 'TOPIC_AUTHORIZATION_FAILED', 'UNKNOWN_PRODUCER_ID'],
}
const STEPS = /** @type {const} */ (['send', 'sendOffsets', 'commit'])
/** Which step each request belongs to. */
const STEP_OF = /** @type {Record<string, number>} */ ({ AddPartitionsToTxn: 0, Produce: 0, AddOffsetsToTxn: 1, TxnOffsetCommit: 1, EndTxn: 2 })

for (const [api, errors] of Object.entries(ABORTABLE)) {
  for (const error of errors) {
    test(`${api} fails with ${error}: from then on the transaction can only be aborted, and the next one works`, async (t) => {
      const steps = await courseWith(t, api, [error])
      // A broker's answer to one send says nothing of the transaction; what comes after does.
      if (api === 'Produce') assert.equal(steps.send.split(' ')[0], error)
      for (const [i, step] of STEPS.entries()) {
        if (api === 'Produce' && step === 'send') continue
        assert.equal(steps[step], i < STEP_OF[api] ? '' : `${error} abortable`, step)
      }
      assert.deepEqual([steps.begin, steps.abort, steps.next], ['', '', ''])
    })
  }
}

for (const [api, error] of [['AddPartitionsToTxn', 'INVALID_TXN_STATE'], ['EndTxn', 'INVALID_TXN_STATE'], ['EndTxn', 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED']]) {
  test(`${api} fails with ${error}: the transaction is over, and the next one works`, async (t) => {
    const steps = await courseWith(t, api, [error])
    for (const [i, step] of STEPS.entries()) assert.equal(steps[step], i < STEP_OF[api] ? '' : `${error} fatal`, step)
    assert.deepEqual([steps.begin, steps.abort, steps.next], ['', undefined, ''])
  })
}

for (const [api, error] of [['AddPartitionsToTxn', 'INVALID_PRODUCER_EPOCH'], ['AddOffsetsToTxn', 'INVALID_PRODUCER_EPOCH'], ['TxnOffsetCommit', 'INVALID_PRODUCER_EPOCH'], ['EndTxn', 'INVALID_PRODUCER_EPOCH'], ['EndTxn', 'PRODUCER_FENCED'], ['Produce', 'INVALID_PRODUCER_EPOCH']]) {
  test(`${api} fails with ${error}: the producer is fenced, and says so until it connects anew`, async (t) => {
    const { cluster, producer } = await start(t)
    await cluster.pushRequestErrors(api, [error])
    const steps = await course(producer)
    const fenced = 'INVALID_PRODUCER_EPOCH fatal'
    for (const [i, step] of STEPS.entries()) assert.equal(steps[step], i < STEP_OF[api] ? '' : fenced, step)
    assert.deepEqual([steps.begin, steps.next], ['', fenced])
    await assert.rejects(producer.transaction(), { type: 'INVALID_PRODUCER_EPOCH', fatal: true, message: /transactionTimeout/ })
    assert.equal((await producer.send(RECORD)).length, 1)
    await producer.disconnect()
    await producer.connect()
    assert.deepEqual(await course(producer), { begin: '', send: '', sendOffsets: '', commit: '', next: '' })
  })
}

test('InitProducerId comes with the first transaction, and an empty transaction asks the coordinator nothing more', async (t) => {
  const { cluster, producer } = await start(t)
  await cluster.startRequestTracking()
  const of = async () => (await cluster.requests()).map(({ apiName }) => apiName).filter((name) => /Txn|InitProducerId/.test(name))
  await producer.send(RECORD)
  // That one was for the plain sends, which are idempotent.
  assert.deepEqual(await of(), ['InitProducerId'])
  await (await producer.transaction()).commit()
  await (await producer.transaction()).abort()
  assert.deepEqual(await of(), ['InitProducerId', 'InitProducerId'])
  const transaction = await producer.transaction()
  await transaction.send(RECORD)
  await transaction.sendOffsets(OFFSETS)
  await transaction.commit()
  assert.deepEqual((await of()).slice(2), ['AddPartitionsToTxn', 'AddOffsetsToTxn', 'TxnOffsetCommit', 'EndTxn'])
})

test('a commit whose coordinator is gone rejects in time, and commit() goes on with it when the coordinator is back', async (t) => {
  const { cluster, producer } = await start(t, { transactionTimeout: 1000 })
  const transaction = await producer.transaction()
  await transaction.send(RECORD)
  await cluster.setBrokerDown(1)
  await assert.rejects(within(transaction.commit(), 'commit()'), { retriable: true })
  assert.equal(transaction.isActive(), true)
  await cluster.setBrokerUp(1)
  await waitFor(() => transaction.commit().then(() => true), { message: 'the commit' })
  assert.equal(transaction.isActive(), false)
})

test('a commit that may have been carried out cannot be aborted; the next transaction settles it', async (t) => {
  const { cluster, producer } = await start(t, { transactionTimeout: 1000 })
  const transaction = await producer.transaction()
  await transaction.send(RECORD)
  await cluster.setBrokerDown(1)
  await assert.rejects(within(transaction.commit(), 'commit()'), { retriable: true })
  await assert.rejects(transaction.abort(), { name: 'KafkaJSNonRetriableError', message: /may have been carried out/ })
  assert.equal(transaction.isActive(), false)
  await assert.rejects(within(producer.transaction(), 'transaction()'))
  await cluster.setBrokerUp(1)
  const next = await waitFor(() => producer.transaction(), { message: 'the next transaction' })
  await next.send(RECORD)
  await next.commit()
})

test('an abort whose coordinator is gone rejects in time, and the next transaction works', async (t) => {
  const { cluster, producer } = await start(t, { transactionTimeout: 1000 })
  const transaction = await producer.transaction()
  await transaction.send(RECORD)
  await cluster.setBrokerDown(1)
  await assert.rejects(within(transaction.abort(), 'abort()'))
  assert.equal(transaction.isActive(), false)
  await cluster.setBrokerUp(1)
  await (await waitFor(() => producer.transaction(), { message: 'the next transaction' })).commit()
})

test('disconnect() while a call waits for a silent broker settles both', async (t) => {
  const settleBoth = async (/** @type {string} */ call) => {
    const { cluster, producer } = await start(t, { transactionTimeout: 600000 })
    let transaction
    if (call !== 'transaction') {
      transaction = await producer.transaction()
      await transaction.send(RECORD)
    }
    await cluster.setLatency(1, 600000)
    const pending = call === 'transaction' ? producer.transaction() : transaction[call](call === 'send' ? RECORD : OFFSETS)
    const settled = within(Promise.allSettled([pending]), `${call}() to settle`)
    await within(producer.disconnect(), 'disconnect()')
    assert.equal((await settled)[0].status, 'rejected')
    assert.equal(transaction ? transaction.isActive() : false, false)
  }
  await Promise.all(['transaction', 'send', 'sendOffsets', 'commit', 'abort'].map(settleBoth))
})

test('a transactional send waits for room in the queue, and an abort gives up what waits', async (t) => {
  const { producer } = await start(t, { rdkafka: { 'queue.buffering.max.messages': 10 } })
  const transaction = await producer.transaction()
  const messages = Array.from({ length: 200 }, (_, i) => ({ value: `${i}` }))
  assert.equal((await transaction.send({ topic: 't', messages })).length, 1)
  await transaction.commit()
  const aborted = await producer.transaction()
  const sends = Array.from({ length: 20 }, () => aborted.send({ topic: 't', messages }))
  const settled = Promise.allSettled(sends)
  await within(aborted.abort(), 'abort()')
  assert.ok((await within(settled, 'the sends')).every(({ status }) => status === 'rejected'))
  const next = await producer.transaction()
  await next.send(RECORD)
  await next.commit()
})

test('offsets of a consumer that has lost its membership reject, retriably, until it is a member again', async (t) => {
  const { cluster, kafka, producer } = await start(t)
  const consumer = await connectConsumer(t, kafka, { topic: 't', sessionTimeout: 500, heartbeatInterval: 100 })
  await consumer.run({ eachMessage: async () => {} })
  const transaction = await producer.transaction()
  await cluster.setBrokerDown(1)
  const lost = await waitFor(() => consumer[MEMBER]().then(() => undefined, (/** @type {any} */ error) => error), { message: 'the loss' })
  assert.deepEqual([lost.name, lost.message, lost.retriable], ['KafkaJSError', 'The consumer has lost its membership in the group', true])
  await assert.rejects(transaction.sendOffsets({ consumer, topics: OFFSETS.topics }), { message: lost.message })
  await cluster.setBrokerUp(1)
  await waitFor(() => consumer[MEMBER](), { message: 'the membership' })
  await transaction.sendOffsets({ consumer, topics: OFFSETS.topics })
  await transaction.commit()
})
