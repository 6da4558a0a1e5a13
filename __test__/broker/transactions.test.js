'use strict'

// Transactions on a real broker: all or nothing, for messages and for offsets.

const assert = require('node:assert/strict')
const { fork } = require('node:child_process')
const path = require('node:path')
const { test } = require('node:test')
const kafkajs = require('kafkajs')
const { CompressionTypes, KafkaJSProtocolError, logLevel } = require('../..')
const { MEMBER } = require('../../lib/kafkajs/group-offsets')
const { bootstrap } = require('../helpers/broker')
const {
  collect,
  committedOffsets,
  connectConsumer,
  connectProducer,
  createTopic,
  grown,
  kafkaOf,
  numbered,
  range,
} = require('../helpers/clients')
const { topicName } = require('../helpers/topic')
const { transform } = require('../helpers/transform')
const { once, waitFor, within } = require('../helpers/wait')

/** @typedef {import('node:test').TestContext} TestContext */

/** @param {TestContext} t @param {any} [kafka] @param {object} [options] */
const transactional = (t, kafka = kafkaOf(), options = {}) =>
  connectProducer(t, kafka, { transactionalId: `id-${topicName(t)}`, transactionTimeout: 20000, ...options })

/**
 * What consumers see until a message with the value 'end', which is sent here, plainly.
 * @param {TestContext} t @param {any} kafka @param {string[]} topics @param {object} [options] of the consumer
 * @returns {Promise<string[]>} `topic index:value`, in order for each topic
 */
async function seen(t, kafka, topics, options = {}) {
  const producer = await connectProducer(t, kafka)
  const consumer = await connectConsumer(t, kafka, { topics, groupId: topicName(t), ...options })
  const received = await collect(consumer)
  for (const topic of topics) await producer.send({ topic, messages: [{ value: 'end' }] })
  await waitFor(() => topics.every((topic) => received.some((one) => one.topic === topic && one.value === 'end')), {
    message: () => `the end of ${topics}; there is ${JSON.stringify(received)}`,
  })
  const rows = received.filter(({ value }) => value !== 'end').map(({ topic, value }) => `${topics.indexOf(topic)}:${value}`)
  return rows.sort((a, b) => Number(a.split(':')[0]) - Number(b.split(':')[0]))
}

test('a commit makes the messages of all topics visible together; before, only those who read uncommitted see them', async (t) => {
  const kafka = kafkaOf()
  const topics = [await createTopic(t, kafka), await createTopic(t, kafka)]
  const producer = await transactional(t, kafka)
  const committed = await collect(await connectConsumer(t, kafka, { topics, groupId: topicName(t) }))
  const uncommitted = await collect(await connectConsumer(t, kafka, { topics, groupId: topicName(t), readUncommitted: true }))
  const transaction = await producer.transaction()
  assert.equal(transaction.isActive(), true)
  const metadata = await transaction.send({ topic: topics[0], messages: numbered(3) })
  assert.deepEqual(metadata, [
    { topicName: topics[0], partition: 0, errorCode: 0, baseOffset: '0', logAppendTime: '-1', logStartOffset: '0' },
  ])
  await transaction.sendBatch({
    topicMessages: [
      { topic: topics[1], messages: numbered(2, {}, 'a') },
      { topic: topics[0], messages: numbered(1, {}, 'b') },
      { topic: topics[1], messages: numbered(1, {}, 'c') },
    ],
  })
  await grown(uncommitted, 7)
  assert.equal(committed.length, 0)
  await transaction.commit()
  assert.equal(transaction.isActive(), false)
  await grown(committed, 7)
  assert.deepEqual(committed.filter(({ topic }) => topic === topics[0]).map(({ value }) => value), ['0', '1', '2', 'b0'])
  assert.deepEqual(committed.filter(({ topic }) => topic === topics[1]).map(({ value }) => value), ['a0', 'a1', 'c0'])
})

test('an aborted transaction leaves nothing to those who read committed, and kafkajs agrees', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka)
  const producer = await transactional(t, kafka)
  for (const [value, end] of /** @type {const} */ ([['a', 'abort'], ['b', 'commit'], ['c', 'abort'], ['d', 'commit']])) {
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ value }] })
    await transaction[end]()
  }
  assert.deepEqual(await seen(t, kafka, [topic]), ['0:b', '0:d'])
  assert.deepEqual(await seen(t, kafka, [topic], { readUncommitted: true }), ['0:a', '0:b', '0:c', '0:d'])
  const theirs = new kafkajs.Kafka({ brokers: [bootstrap()], logLevel: kafkajs.logLevel.NOTHING })
  const values = await collect(await connectConsumer(t, theirs, { topic, groupId: topicName(t) }))
  await grown(values, 4)
  assert.deepEqual(values.map(({ value }) => value), ['b', 'd', 'end', 'end'])
})

test('sends that nobody awaited are in the transaction that is committed', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka)
  for (const createPartitioner of [undefined, () => () => 0]) {
    const producer = await transactional(t, kafka, { createPartitioner })
    const transaction = await producer.transaction()
    const sends = range(50).map((i) => transaction.send({ topic, messages: [{ value: `${i}` }] }))
    await transaction.commit()
    assert.equal((await Promise.all(sends)).length, 50)
  }
  assert.deepEqual(await seen(t, kafka, [topic]), [...range(50), ...range(50)].map((i) => `0:${i}`))
})

test('plain sends of a transactional producer are in no transaction, and legal while one is open', async (t) => {
  const kafka = kafkaOf()
  const topics = [await createTopic(t, kafka), await createTopic(t, kafka)]
  const producer = await transactional(t, kafka)
  await producer.send({ topic: topics[0], messages: [{ value: 'before any' }] })
  const transaction = await producer.transaction()
  await transaction.send({ topic: topics[1], messages: [{ value: 'in it' }] })
  assert.equal((await producer.send({ topic: topics[0], messages: [{ value: 'beside' }] })).length, 1)
  assert.deepEqual(await producer.send({ topic: topics[0], messages: [{ value: 'acks' }], acks: 0 }), [])
  await transaction.abort()
  await producer.send({ topic: topics[1], messages: [{ value: 'after' }] })
  await producer.flush()
  assert.deepEqual(await seen(t, kafka, topics), ['0:before any', '0:beside', '0:acks', '1:after'])
})

test('one transaction at a time, and none goes on once ended', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka)
  const ended = { name: 'KafkaJSNonRetriableError', message: 'Cannot continue to use transaction once ended' }
  const ongoing = {
    name: 'KafkaJSNonRetriableError',
    message:
      'There is already an ongoing transaction for this producer. Please end the transaction before beginning another.',
  }
  const producer = await transactional(t, kafka)
  const beginning = producer.transaction()
  await assert.rejects(producer.transaction(), ongoing)
  const first = await beginning
  await assert.rejects(producer.transaction(), ongoing)
  assert.deepEqual(Object.keys(first), ['sendBatch', 'send', 'abort', 'commit', 'sendOffsets', 'isActive'])
  const committing = first.commit()
  await assert.rejects(first.commit(), ended)
  await assert.rejects(first.send({ topic, messages: [{ value: 'x' }] }), ended)
  await committing
  for (const call of [
    () => first.commit(),
    () => first.abort(),
    () => first.send({ topic, messages: [{ value: 'x' }] }),
    () => first.sendBatch({ topicMessages: [] }),
    () => first.sendOffsets({ consumerGroupId: 'g', topics: [] }),
  ]) {
    await assert.rejects(call(), ended)
  }
  const second = await producer.transaction()
  assert.deepEqual([first.isActive(), second.isActive()], [false, true])
  await second.abort()
  await assert.rejects((await connectProducer(t, kafka)).transaction(), {
    name: 'KafkaJSNonRetriableError',
    message: 'Must provide transactional id for transactional producer',
  })
})

test('a transactional send is checked as that of an idempotent producer, and a wrong one leaves the transaction alone', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka)
  const producer = await transactional(t, kafka)
  assert.equal(producer.isIdempotent(), false)
  const transaction = await producer.transaction()
  for (const [record, message] of /** @type {[any, any][]} */ ([
    [{ messages: [] }, 'Invalid topic'],
    [{ topic, messages: [{ value: 'x' }], acks: 1 }, "Not requiring ack for all messages invalidates the idempotent producer's EoS guarantees"],
    [{ topic }, `Invalid messages array [undefined] for topic "${topic}"`],
    [{ topic, messages: [{ key: 'k' }] }, `Invalid message without value for topic "${topic}": {"key":"k"}`],
    [{ topic, messages: [{ value: 'x' }], compression: 9 }, /Invalid compression 9/],
    [{ topic, messages: [{ value: Buffer.alloc(100_000_001) }] }, /Message size too large/],
  ])) {
    await assert.rejects(transaction.send(record), { message })
  }
  for (const [offsets, message] of /** @type {[any, any][]} */ ([
    [undefined, /^Invalid argument undefined: write sendOffsets/],
    [{ topics: [] }, /^Missing consumerGroupId/],
    [{ consumerGroupId: 'g' }, /^Missing offset topics/],
    [{ consumer: {}, topics: [] }, /^Invalid consumer an object/],
    [{ consumerGroupId: 'g', topics: [{ topic, partitions: [{ partition: 'x', offset: '1' }] }] }, /^Invalid partition, expected/],
    [{ consumerGroupId: 'g', topics: [{ topic, partitions: [{ partition: 0, offset: '-1' }] }] }, /^Invalid offset, expected/],
  ])) {
    await assert.rejects(transaction.sendOffsets(offsets), { name: 'KafkaJSNonRetriableError', message })
  }
  assert.deepEqual(await transaction.send({ topic, messages: [] }), [])
  await transaction.send({ topic, messages: [{ value: 'good' }] })
  await transaction.commit()
  assert.deepEqual(await seen(t, kafka, [topic]), ['0:good'])
})

test('the compression of a topic is that of the first transactional send to it; another wish is logged once', async (t) => {
  /** @type {any[]} */
  const warnings = []
  const kafka = kafkaOf(bootstrap(), {
    logLevel: logLevel.WARN,
    logCreator: () => (/** @type {any} */ { namespace, log }) => namespace === 'Producer' && warnings.push(log),
  })
  const small = { configEntries: [{ name: 'max.message.bytes', value: '5000' }] }
  const topics = [await createTopic(t, kafka, 1, small), await createTopic(t, kafka, 1, small)]
  const producer = await transactional(t, kafka, { createPartitioner: () => () => 0 })
  // Plain sends have no say in it.
  await producer.send({ topic: topics[0], messages: [{ value: 'plain' }] })
  const value = 'the same again and again '.repeat(2000)
  for (const compression of [CompressionTypes.GZIP, CompressionTypes.ZSTD, CompressionTypes.None, undefined]) {
    const transaction = await producer.transaction()
    await transaction.send({ topic: topics[0], messages: [{ value }], compression })
    if (compression === CompressionTypes.ZSTD) await transaction.send({ topic: topics[1], messages: [{ value }], compression })
    await transaction.commit()
  }
  assert.equal((await seen(t, kafka, topics)).length, 6)
  assert.deepEqual(warnings.map(({ topic }) => topic), [topics[0]])
})

for (const form of ['group', 'member']) {
  test(`consume, transform, produce: offsets sent by the ${form} are committed with the messages`, async (t) => {
    const kafka = kafkaOf()
    const [from, to] = [await createTopic(t, kafka), await createTopic(t, kafka)]
    const groupId = topicName(t)
    const source = await connectProducer(t, kafka)
    await source.send({ topic: from, messages: numbered(20, {}, 'v') })
    let failures = 0
    const { consumer, producer } = await transform(kafka, {
      from,
      to,
      groupId,
      form,
      inTransaction: (value) => {
        if (value === 'v7' && failures++ < 2) throw new Error('on purpose')
      },
    })
    t.after(() => within(Promise.all([consumer.disconnect(), producer.disconnect()]), 'disconnect()'))
    await waitFor(async () => (await committedOffsets(bootstrap(), groupId, from))[0] === 20, { message: 'all offsets', interval: 100 })
    assert.equal(failures, 3)
    assert.deepEqual(await seen(t, kafka, [to]), range(20).map((i) => `0:V${i}`))
  })

  test(`a transformer that is killed in a transaction has done each message once, with offsets sent by the ${form}`, async (t) => {
    const kafka = kafkaOf()
    const [from, to] = [await createTopic(t, kafka), await createTopic(t, kafka)]
    const groupId = topicName(t)
    await (await connectProducer(t, kafka)).send({ topic: from, messages: numbered(30, {}, 'v') })
    const arguments_ = [bootstrap(), from, to, groupId, form]
    const child = fork(path.join(__dirname, '../helpers/transform-until-killed.js'), arguments_)
    t.after(() => child.kill('SIGKILL'))
    await once(child, 'message', { where: (value) => value === 'v11' })
    child.kill('SIGKILL')
    await once(child, 'exit')
    const { consumer, producer } = await transform(kafka, { from, to, groupId, form })
    t.after(() => within(Promise.all([consumer.disconnect(), producer.disconnect()]), 'disconnect()'))
    await waitFor(async () => (await committedOffsets(bootstrap(), groupId, from))[0] === 30, { message: 'all offsets', interval: 100 })
    assert.deepEqual(await seen(t, kafka, [to]), range(30).map((i) => `0:V${i}`))
  })
}

test('offsets of an aborted transaction are not committed', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka, 2)
  const groupId = topicName(t)
  const producer = await transactional(t, kafka)
  for (const end of /** @type {const} */ (['commit', 'abort'])) {
    const transaction = await producer.transaction()
    const offset = end === 'commit' ? '3' : '9'
    await transaction.sendOffsets({
      consumerGroupId: groupId,
      topics: [{ topic, partitions: [{ partition: 0, offset }, { partition: '1', offset }] }],
    })
    await transaction[end]()
  }
  assert.deepEqual(await committedOffsets(bootstrap(), groupId, topic), { 0: 3, 1: 3 })
})

test('offsets that a transaction sent are committed ones to a consumer of the same Kafka and group', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka)
  const groupId = topicName(t)
  const producer = await transactional(t, kafka)
  await (await connectProducer(t, kafka)).send({ topic, messages: numbered(5) })
  const consumer = await connectConsumer(t, kafka, { topic, groupId })
  /** @type {any[]} */
  const commits = []
  /** @type {any[]} */
  const uncommitted = []
  consumer.on(consumer.events.COMMIT_OFFSETS, (/** @type {any} */ { payload }) => commits.push(payload.topics))
  let handled = 0
  await consumer.run({
    eachBatchAutoResolve: false,
    eachBatch: async (/** @type {any} */ { batch, resolveOffset, uncommittedOffsets }) => {
      for (const { offset } of batch.messages) resolveOffset(offset)
      const { topics } = uncommittedOffsets()
      uncommitted.push(topics.length)
      const transaction = await producer.transaction()
      await transaction.sendOffsets({ consumerGroupId: groupId, topics })
      uncommitted.push(uncommittedOffsets().topics.length)
      await transaction.commit()
      handled += batch.messages.length
    },
  })
  await waitFor(() => handled >= 5, { message: 'five messages' })
  await waitFor(async () => (await committedOffsets(bootstrap(), groupId, topic))[0] === 5, { message: 'the offset', interval: 100 })
  await within(consumer.disconnect(), 'disconnect()')
  assert.ok(uncommitted.length >= 2 && uncommitted.every((count, i) => count === (i % 2 === 0 ? 1 : 0)), `${uncommitted}`)
  assert.deepEqual(commits, [])
})

for (const groupProtocol of ['classic', 'consumer']) {
  test(`a ${groupProtocol} member whose generation is over cannot commit; the transaction can be aborted, and the next one works`, async (t) => {
    const kafka = kafkaOf()
    const topic = await createTopic(t, kafka)
    const groupId = topicName(t)
    const producer = await transactional(t, kafka)
    const consumer = await connectConsumer(t, kafka, { topic, groupId, groupProtocol })
    const topics = [{ topic, partitions: [{ partition: 0, offset: '1' }] }]
    const transaction = await producer.transaction()
    await assert.rejects(transaction.sendOffsets({ consumer, topics }), {
      message: 'Consumer group was not initialized, consumer#run must be called first',
    })
    await consumer.run({ eachMessage: async () => {} })
    const member = await consumer[MEMBER]()
    assert.equal(member.groupId, groupId)
    const zombie = { [MEMBER]: async () => ({ ...member, generationId: member.generationId - 1 }) }
    await assert.rejects(transaction.sendOffsets({ consumer: zombie, topics }), (/** @type {any} */ error) => {
      assert.ok(error instanceof KafkaJSProtocolError)
      assert.deepEqual([error.type, error.abortable, error.fatal], ['ILLEGAL_GENERATION', true, false])
      return true
    })
    await assert.rejects(transaction.commit(), { abortable: true })
    assert.equal(transaction.isActive(), true)
    await transaction.abort()
    const next = await producer.transaction()
    await next.sendOffsets({ consumer, topics })
    await next.commit()
    assert.deepEqual(await committedOffsets(bootstrap(), groupId, topic), { 0: 1 })
  })
}

test('a producer with the same transactional id takes over: the first one is told, also later, and heals by connecting anew', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka)
  const transactionalId = topicName(t)
  const first = await transactional(t, kafka, { transactionalId })
  const second = await transactional(t, kafka, { transactionalId })
  const fenced = { name: 'KafkaJSProtocolError', type: 'INVALID_PRODUCER_EPOCH', code: 47, fatal: true, retriable: false }
  const old = await first.transaction()
  await old.send({ topic, messages: [{ value: 'old' }] })
  const young = await second.transaction()
  await young.send({ topic, messages: [{ value: 'young' }] })
  await assert.rejects(old.send({ topic, messages: [{ value: 'old too' }] }), fenced)
  await assert.rejects(old.commit(), fenced)
  assert.equal(old.isActive(), false)
  await assert.rejects(first.transaction(), fenced)
  await assert.rejects(first.transaction(), fenced)
  await young.commit()
  assert.equal((await first.send({ topic, messages: [{ value: 'plain' }] })).length, 1)
  await first.disconnect()
  await first.connect()
  const again = await first.transaction()
  await again.send({ topic, messages: [{ value: 'again' }] })
  await again.commit()
  await assert.rejects((async () => {
    const late = await second.transaction()
    await late.send({ topic, messages: [{ value: 'late' }] })
  })(), fenced)
  await assert.rejects(second.transaction(), fenced)
  assert.deepEqual(await seen(t, kafka, [topic]), ['0:young', '0:plain', '0:again'])
})

test('a message that the broker refuses spoils its transaction and not the producer', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka, 1, { configEntries: [{ name: 'max.message.bytes', value: '2000' }] })
  const producer = await transactional(t, kafka)
  const spoilt = await producer.transaction()
  await spoilt.send({ topic, messages: [{ value: 'before' }] })
  await assert.rejects(spoilt.send({ topic, messages: [{ value: Buffer.alloc(5000, 'x') }] }), { type: 'MESSAGE_TOO_LARGE', code: 10 })
  await assert.rejects(spoilt.commit(), (/** @type {any} */ error) => {
    assert.deepEqual([error.abortable, error.fatal, error.cause?.type], [true, false, 'MESSAGE_TOO_LARGE'])
    return true
  })
  assert.equal(spoilt.isActive(), true)
  await assert.rejects(spoilt.send({ topic, messages: [{ value: 'no more' }] }), { abortable: true })
  await spoilt.abort()
  const forgotten = await producer.transaction()
  await assert.rejects(forgotten.send({ topic, messages: [{ value: Buffer.alloc(5000, 'x') }] }), { code: 10 })
  await assert.rejects(forgotten.commit(), { abortable: true })
  // Nobody aborts it: the next transaction does.
  const good = await producer.transaction()
  assert.equal(forgotten.isActive(), false)
  await good.send({ topic, messages: [{ value: 'good' }] })
  await good.commit()
  assert.deepEqual(await seen(t, kafka, [topic]), ['0:good'])
})

test('disconnect() aborts the open transaction, so that nobody waits for its timeout, and settles what is under way', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka)
  const producer = await transactional(t, kafka, { transactionTimeout: 600000 })
  const open = await producer.transaction()
  await open.send({ topic, messages: [{ value: 'open' }] })
  const sends = numbered(100, {}, 'x').map((message) => open.send({ topic, messages: [message] }))
  const calls = [...sends, open.sendOffsets({ consumerGroupId: 'g', topics: [{ topic, partitions: [{ partition: 0, offset: '1' }] }] })]
  await within(producer.disconnect(), 'disconnect()')
  await within(Promise.allSettled(calls), 'all calls to settle')
  assert.equal(open.isActive(), false)
  await assert.rejects(open.commit(), { message: 'Cannot continue to use transaction once ended' })
  await assert.rejects(producer.transaction(), { name: 'KafkaJSError', message: 'The producer is disconnected' })
  assert.deepEqual(await seen(t, kafka, [topic]), [])

  await producer.connect()
  const committing = await producer.transaction()
  await committing.send({ topic, messages: [{ value: 'committed' }] })
  const [commit] = await Promise.allSettled([committing.commit(), producer.disconnect()])
  assert.equal(commit.status, 'fulfilled')
  await producer.connect()
  const beginning = producer.transaction()
  await producer.disconnect()
  await within(Promise.allSettled([beginning]), 'transaction() to settle')
  assert.deepEqual(await seen(t, kafka, [topic]), ['0:end', '0:committed'].slice(1))
})

test('a transaction timeout over what the broker allows is told as that', async (t) => {
  const producer = await transactional(t, kafkaOf(), { transactionTimeout: 10_000_000 })
  await assert.rejects(producer.transaction(), { name: 'KafkaJSProtocolError', type: 'INVALID_TRANSACTION_TIMEOUT' })
})
