'use strict'

// Transactions at their edges: beyond what transactions.test.js compares.

const { differential } = require('../helpers/differential')

/** A transactional producer, connected. @param {any} context @param {object} [options] @param {any} [kafka] */
const transactional = (context, options = {}, kafka = context.kafka()) =>
  context.producer({ transactionalId: context.name('id'), maxInFlightRequests: 1, ...options }, kafka)

/** @param {...string} values */
const messages = (...values) => values.map((value) => ({ value }))

/**
 * The values of a topic that a consumer of the library sees before 'end', which is put there at last.
 * @param {any} context @param {string} topic @param {object} [options]  of the consumer
 */
async function values(context, topic, options = {}) {
  await context.fill(topic, messages('end'))
  const received = await context.collecting(await context.consumer({ topic, ...options }))
  await context.until(() => received.some((/** @type {any} */ { value }) => value === 'end'), 'the end')
  return received.map((/** @type {any} */ { value }) => value)
}

differential('transactions at their edges', [
  {
    name: 'readUncommitted shows aborted messages as well',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await transactional(context)
      for (const end of ['abort', 'commit']) {
        const transaction = await producer.transaction()
        await transaction.send({ topic, messages: messages(end) })
        await transaction[end]()
      }
      return values(context, topic, { readUncommitted: true })
    },
  },
  {
    name: 'offsets: a commit takes one of each partition',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await transactional(context)
      const results = []
      for (const value of ['a', 'b', 'c']) {
        const transaction = await producer.transaction()
        results.push(await transaction.send({ topic, messages: messages(value) }))
        await transaction.commit()
      }
      return { results, content: await context.read(topic, 3) }
    },
  },
  {
    name: 'with an empty transactional id',
    run: async (lib, context) => context.caught((await context.producer({ transactionalId: '' })).transaction()),
  },
  {
    name: 'every call after the commit',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await transactional(context)
      const transaction = await producer.transaction()
      const before = transaction.isActive()
      const result = await transaction.commit()
      const calls = [
        () => transaction.send({ topic, messages: messages('x') }),
        () => transaction.send({}),
        () => transaction.sendBatch({ topicMessages: [] }),
        () => transaction.sendOffsets({ consumerGroupId: 'g', topics: [] }),
        () => transaction.commit(),
        () => transaction.abort(),
      ]
      const outcomes = []
      for (const call of calls) outcomes.push(await context.caught(call))
      return { before, after: transaction.isActive(), result, outcomes }
    },
  },
  {
    name: 'commit and abort while a commit is under way',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await transactional(context)
      const transaction = await producer.transaction()
      await transaction.send({ topic, messages: messages('x') })
      const committing = transaction.commit()
      const outcomes = [await context.caught(transaction.commit()), await context.caught(transaction.abort()), transaction.isActive()]
      await committing
      return outcomes
    },
  },
  {
    name: 'an old transaction does not act for the new one',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await transactional(context)
      const old = await producer.transaction()
      await old.commit()
      const young = await producer.transaction()
      const outcome = [old.isActive(), young.isActive(), await context.caught(old.abort()), young.isActive()]
      await young.send({ topic, messages: messages('young') })
      await young.commit()
      return { outcome, values: await values(context, topic) }
    },
  },
  {
    name: 'wrong sends in a transaction, in the order of the checks',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await transactional(context)
      const transaction = await producer.transaction()
      const outcomes = []
      for (const record of [
        { messages: messages('x') },
        { topic: '', messages: messages('x'), acks: 1 },
        { topic, messages: messages('x'), acks: 1 },
        { topic, messages: messages('x'), acks: 0 },
        { topic, acks: 1 },
        { topic },
        { topic, messages: null },
        { topic, messages: [{ key: 'k' }] },
        { topic, messages: [{ value: 'ok' }, { value: undefined }] },
      ]) outcomes.push(await context.caught(transaction.send(record)))
      outcomes.push(await context.caught(transaction.sendBatch({ topicMessages: [{ topic, messages: messages('x') }, { topic }] })))
      await transaction.send({ topic, messages: messages('good') })
      await transaction.commit()
      return { outcomes, values: await values(context, topic) }
    },
  },
  {
    name: 'nothing to send in a transaction',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await transactional(context)
      const transaction = await producer.transaction()
      const results = [
        await transaction.send({ topic, messages: [] }), await transaction.sendBatch({ topicMessages: [] }),
        await transaction.sendBatch({}),
      ]
      await transaction.commit()
      return results
    },
  },
  {
    name: 'a transactional producer is idempotent only when told so, and plain sends may have any acks',
    run: async (lib, context) => {
      const topic = await context.topic()
      const [plain, idempotent] = [await transactional(context), await transactional(context, { idempotent: true })]
      return [
        plain.isIdempotent(), idempotent.isIdempotent(),
        await context.caught(plain.send({ topic, messages: messages('x'), acks: 1 })),
        await context.caught(plain.send({ topic, messages: messages('x'), acks: 0 })),
        await context.caught(idempotent.send({ topic, messages: messages('x'), acks: 1 })),
      ]
    },
  },
  {
    name: 'offsets of two groups in one transaction, the last of each partition counts',
    run: async (lib, context) => {
      const topic = await context.topic()
      const groups = [context.groupId(), context.groupId()]
      const producer = await transactional(context)
      const transaction = await producer.transaction()
      for (const offset of ['3', '4']) {
        for (const consumerGroupId of groups) {
          await transaction.sendOffsets({ consumerGroupId, topics: [{ topic, partitions: [{ partition: 0, offset }] }] })
        }
      }
      await transaction.commit()
      return Promise.all(groups.map((groupId) => context.committed(groupId, topic)))
    },
  },
  {
    name: 'offsets that are sent in a handler are not uncommitted any more, and not committed again',
    run: async (lib, context) => {
      const topic = await context.topic()
      const groupId = context.groupId()
      await context.fill(topic, messages('a', 'b', 'c'))
      const producer = await transactional(context)
      const consumer = await context.consumer({ topic, groupId })
      const commits = context.events(consumer, ['COMMIT_OFFSETS'])
      /** @type {any[]} */
      const seen = []
      await consumer.run({
        eachBatchAutoResolve: false,
        eachBatch: async ({ batch, resolveOffset, uncommittedOffsets }) => {
          if (batch.isEmpty()) return
          for (const { offset } of batch.messages) resolveOffset(offset)
          const before = uncommittedOffsets()
          const transaction = await producer.transaction()
          await transaction.sendOffsets({ consumerGroupId: groupId, topics: before.topics })
          const between = uncommittedOffsets()
          await transaction.commit()
          seen.push({ before, between, after: uncommittedOffsets() })
        },
      })
      await context.until(() => seen.length > 0, 'a batch')
      await consumer.disconnect()
      return { last: seen.at(-1), commits: commits.length, committed: await context.committed(groupId, topic) }
    },
  },
  {
    name: 'offsets that an aborted transaction sent count as committed until the consumer reads them again',
    run: async (lib, context) => {
      const topic = await context.topic()
      const groupId = context.groupId()
      await context.fill(topic, messages('a'))
      const producer = await transactional(context)
      const consumer = await context.consumer({ topic, groupId })
      /** @type {any} */
      let seen
      await consumer.run({
        eachBatchAutoResolve: false,
        eachBatch: async ({ batch, resolveOffset, uncommittedOffsets }) => {
          if (batch.isEmpty()) return
          resolveOffset(batch.lastOffset())
          const transaction = await producer.transaction()
          await transaction.sendOffsets({ consumerGroupId: groupId, topics: uncommittedOffsets().topics })
          await transaction.abort()
          seen = uncommittedOffsets()
        },
      })
      await context.until(() => seen, 'a batch')
      await consumer.disconnect()
      return { seen, committed: await context.committed(groupId, topic) }
    },
  },
  {
    name: 'consume, transform, produce',
    everywhere: true,
    run: async (lib, context) => {
      const [from, to] = [await context.topic({ partitions: 2 }), await context.topic()]
      const groupId = context.groupId()
      await context.fill(from, Array.from({ length: 10 }, (_, i) => ({ value: `v${i}`, partition: i % 2 })))
      const producer = await transactional(context)
      const consumer = await context.consumer({ topic: from, groupId })
      let done = 0
      await consumer.run({
        autoCommit: false,
        eachMessage: async ({ topic, partition, message }) => {
          const transaction = await producer.transaction()
          await transaction.send({ topic: to, messages: [{ value: `${message.value}!` }] })
          const offset = String(Number(message.offset) + 1)
          await transaction.sendOffsets({ consumerGroupId: groupId, topics: [{ topic, partitions: [{ partition, offset }] }] })
          await transaction.commit()
          done += 1
        },
      })
      await context.until(() => done === 10, 'ten messages')
      await consumer.disconnect()
      return { values: (await values(context, to)).sort(), committed: await context.committed(groupId, from) }
    },
  },
  {
    name: 'a topic that does not exist is made within a transaction',
    run: async (lib, context) => {
      const topic = context.topicName()
      const producer = await transactional(context)
      const transaction = await producer.transaction()
      const result = await transaction.send({ topic, messages: messages('a') })
      await transaction.commit()
      return { result, values: await values(context, topic) }
    },
  },
  {
    name: 'a transaction timeout over what the broker allows',
    messages: 'any',
    run: async (lib, context) => context.caught((await transactional(context, { transactionTimeout: 10_000_000 })).transaction()),
  },
  {
    name: 'the time of a topic that keeps the time of the broker',
    run: async (lib, context) => {
      const topic = await context.topic({ config: { 'message.timestamp.type': 'LogAppendTime' } })
      const producer = await transactional(context)
      const transaction = await producer.transaction()
      const results = [...(await transaction.send({ topic, messages: messages('a') })), ...(await producer.send({ topic, messages: messages('b') }))]
      await transaction.commit()
      return results.map(({ logAppendTime, ...rest }) => ({ ...rest, time: /^1[78]\d{11}$/.test(logAppendTime) }))
    },
  },
])
