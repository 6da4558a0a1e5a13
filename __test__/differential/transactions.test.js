'use strict'

// Transactions: what commit, abort and sendOffsets do, which order of calls is refused and how.

const { differential } = require('../helpers/differential')

const A = [{ value: 'a' }]

/** A transactional producer. @param {any} context @param {object} [options] */
const transactional = (context, options = {}) =>
  context.producer({ transactionalId: context.name('transaction'), maxInFlightRequests: 1, idempotent: true, ...options })

/** Sends what a consumer reads last, so that it is known when everything before it was passed. @param {any} context @param {string} topic */
async function committedOf(context, topic) {
  await context.fill(topic, [{ value: 'end' }])
  const consumer = await context.consumer({ topic })
  const received = await context.collecting(consumer)
  await context.until(() => received.some(({ value }) => value === 'end'))
  return received.map(({ value }) => value)
}

/**
 * The offsets that a commit() made the group's: the broker answers before it has written the end of the transaction everywhere.
 * @param {any} context @param {string} groupId @param {string} topic
 */
async function offsetsAfterCommit(context, groupId, topic) {
  /** @type {any[]} */
  let offsets = []
  await context.until(async () => {
    offsets = await context.committed(groupId, topic)
    return offsets.every(({ offset }) => offset !== '-1')
  }, 'offsets')
  return offsets
}

/**
 * A case of one transaction and a call on it after its end.
 * @param {string} end @param {string} name @param {(transaction: any, topic: string) => any} call
 */
const afterEnd = (end, name, call) => ({
  name: `${name} after ${end}()`,
  run: async (lib, context) => {
    const topic = await context.topic()
    const producer = await transactional(context)
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: A })
    await transaction[end]()
    return { outcome: await context.caught(() => call(transaction, topic)), active: transaction.isActive() }
  },
})

differential('transactions', [
  {
    name: 'commit(): the messages are read',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await transactional(context)
      const transaction = await producer.transaction()
      const result = await transaction.send({ topic, messages: [{ value: 'a' }, { key: 'k', value: 'b', headers: { h: 'x' } }] })
      const ended = await transaction.commit()
      return { result, ended, read: await committedOf(context, topic) }
    },
  },
  {
    name: 'abort(): the messages are not read',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await transactional(context)
      const transaction = await producer.transaction()
      const result = await transaction.send({ topic, messages: A })
      const ended = await transaction.abort()
      return { result, ended, read: await committedOf(context, topic) }
    },
  },
  {
    name: 'one transaction after the other, committed and aborted',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic({ partitions: 2 })
      const producer = await transactional(context)
      for (const [i, end] of ['commit', 'abort', 'commit', 'abort', 'commit'].entries()) {
        const transaction = await producer.transaction()
        await transaction.send({ topic, messages: [{ partition: 0, value: `${i} of 0` }, { partition: 1, value: `${i} of 1` }] })
        await transaction[end]()
      }
      const consumer = await context.consumer({ topic })
      return context.collect(consumer, 6)
    },
  },
  {
    name: 'sendBatch() to several topics in one transaction',
    run: async (lib, context) => {
      const topics = [await context.topic(), await context.topic()]
      const producer = await transactional(context)
      const transaction = await producer.transaction()
      await transaction.sendBatch({ topicMessages: topics.map((topic, i) => ({ topic, messages: [{ value: `${i}` }] })) })
      await transaction.commit()
      return context.collect(await context.consumer({ topics }), 2)
    },
  },
  {
    name: 'several sends in one transaction',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await transactional(context)
      const transaction = await producer.transaction()
      const results = []
      for (const value of ['a', 'b', 'c']) results.push(await transaction.send({ topic, messages: [{ value }] }))
      await transaction.commit()
      return { results, read: await committedOf(context, topic) }
    },
  },
  {
    name: 'a transaction without messages: commit() and abort()',
    everywhere: true,
    run: async (lib, context) => {
      const producer = await transactional(context)
      const outcomes = []
      for (const end of ['commit', 'abort', 'commit']) {
        const transaction = await producer.transaction()
        outcomes.push(await context.caught(() => transaction[end]()), transaction.isActive())
      }
      return outcomes
    },
  },
  {
    name: 'what is not committed is not read meanwhile',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await transactional(context)
      const transaction = await producer.transaction()
      await transaction.send({ topic, messages: A })
      const uncommitted = await context.collect(await context.consumer({ topic, readUncommitted: true }), 1)
      const received = await context.collecting(await context.consumer({ topic }))
      const before = received.length
      await transaction.commit()
      await context.until(() => received.length === 1)
      return { uncommitted, before, received }
    },
  },
  {
    name: 'isActive() from beginning to end',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await transactional(context)
      const one = await producer.transaction()
      const states = [one.isActive()]
      await one.send({ topic, messages: A })
      states.push(one.isActive())
      await one.commit()
      states.push(one.isActive())
      const two = await producer.transaction()
      states.push(one.isActive(), two.isActive())
      await two.abort()
      states.push(two.isActive())
      return states
    },
  },
  {
    name: 'a transaction has these functions',
    run: async (lib, context) => {
      const transaction = await (await transactional(context)).transaction()
      const names = ['send', 'sendBatch', 'sendOffsets', 'commit', 'abort', 'isActive']
      const outcome = names.map((name) => [name, typeof transaction[name]])
      await transaction.abort()
      return outcome
    },
  },
  {
    name: 'transaction() while another one is open',
    everywhere: true,
    run: async (lib, context) => {
      const producer = await transactional(context)
      const one = await producer.transaction()
      const outcome = await context.caught(() => producer.transaction())
      await one.abort()
      const two = await producer.transaction()
      await two.abort()
      return outcome
    },
  },
  ...['commit', 'abort'].flatMap((end) => [
    afterEnd(end, 'send()', (transaction, topic) => transaction.send({ topic, messages: A })),
    afterEnd(end, 'sendBatch()', (transaction, topic) => transaction.sendBatch({ topicMessages: [{ topic, messages: A }] })),
    afterEnd(end, 'commit()', (transaction) => transaction.commit()),
    afterEnd(end, 'abort()', (transaction) => transaction.abort()),
    afterEnd(end, 'sendOffsets()', (transaction, topic) => transaction.sendOffsets({
      consumerGroupId: 'group', topics: [{ topic, partitions: [{ partition: 0, offset: '1' }] }],
    })),
  ]),
  {
    name: 'transaction() of a producer that is not transactional',
    run: async (lib, context) => context.caught((await context.producer()).transaction()),
  },
  {
    name: 'bad messages in a transaction reject, and it goes on',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await transactional(context)
      const transaction = await producer.transaction()
      const outcomes = [
        await context.caught(() => transaction.send({ topic, messages: [{ key: 'k' }] })),
        await context.caught(() => transaction.send({ messages: A })),
        await context.caught(() => transaction.send({ topic })),
        await context.caught(() => transaction.send({ topic, acks: 1, messages: A })),
      ]
      await transaction.send({ topic, messages: [{ value: 'good' }] })
      await transaction.commit()
      return { outcomes, read: await committedOf(context, topic) }
    },
  },
  {
    name: 'plain sends of a transactional producer, before and during a transaction that is aborted',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await transactional(context)
      const results = [await producer.send({ topic, messages: [{ value: 'before' }] })]
      const transaction = await producer.transaction()
      await transaction.send({ topic, messages: [{ value: 'inside' }] })
      results.push(await producer.send({ topic, messages: [{ value: 'beside' }] }))
      await transaction.abort()
      return { results: results.map(([{ errorCode }]) => errorCode), read: await committedOf(context, topic) }
    },
  },
  {
    name: 'a transactional producer is idempotent, whatever it says',
    run: async (lib, context) => {
      const made = [{}, { idempotent: true }, { idempotent: false }].map((options) =>
        context.kafka().producer({ transactionalId: 'id', maxInFlightRequests: 1, ...options }))
      return made.map((producer) => producer.isIdempotent())
    },
  },
  {
    name: 'sendOffsets() and commit(): the group\'s offsets',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic({ partitions: 2 })
      const groupId = context.groupId()
      const producer = await transactional(context)
      const transaction = await producer.transaction()
      const result = await transaction.sendOffsets({
        consumerGroupId: groupId,
        topics: [{ topic, partitions: [{ partition: 0, offset: '5' }, { partition: 1, offset: '7' }] }],
      })
      await transaction.commit()
      return { result, committed: await offsetsAfterCommit(context, groupId, topic) }
    },
  },
  {
    name: 'sendOffsets() and abort(): nothing is committed',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic()
      const groupId = context.groupId()
      const producer = await transactional(context)
      const transaction = await producer.transaction()
      await transaction.sendOffsets({ consumerGroupId: groupId, topics: [{ topic, partitions: [{ partition: 0, offset: '5' }] }] })
      await transaction.abort()
      return context.committed(groupId, topic)
    },
  },
  {
    name: 'sendOffsets() takes partitions as text, as uncommittedOffsets() gives them',
    run: async (lib, context) => {
      const topic = await context.topic()
      const groupId = context.groupId()
      const producer = await transactional(context)
      const transaction = await producer.transaction()
      await transaction.sendOffsets({ consumerGroupId: groupId, topics: [{ topic, partitions: [{ partition: '0', offset: '5' }] }] })
      await transaction.commit()
      return offsetsAfterCommit(context, groupId, topic)
    },
  },
  {
    name: 'read, work, write: each batch and its offsets in one transaction',
    everywhere: true,
    run: async (lib, context) => {
      const [from, to] = [await context.topic(), await context.topic()]
      await context.fill(from, Array.from({ length: 10 }, (_, i) => ({ value: `${i}` })))
      const groupId = context.groupId()
      const kafka = context.kafka()
      const producer = await transactional(context)
      const consumer = await context.consumer({ groupId, topic: from }, kafka)
      let done = 0
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        eachBatch: async ({ batch, resolveOffset, uncommittedOffsets }) => {
          const transaction = await producer.transaction()
          for (const message of batch.messages) {
            await transaction.send({ topic: to, messages: [{ value: `worked ${message.value}` }] })
            resolveOffset(message.offset)
          }
          await transaction.sendOffsets({ consumerGroupId: groupId, ...uncommittedOffsets() })
          await transaction.commit()
          done += batch.messages.length
        },
      })
      await context.until(() => done === 10)
      await consumer.disconnect()
      return { committed: await offsetsAfterCommit(context, groupId, from), read: await committedOf(context, to) }
    },
  },
  {
    name: 'uncommittedOffsets() no longer names what sendOffsets() sent',
    run: async (lib, context) => {
      const topic = await context.topic()
      await context.fill(topic, [{ value: 'a' }, { value: 'b' }])
      const groupId = context.groupId()
      const producer = await transactional(context)
      const consumer = await context.consumer({ groupId, topic })
      const seen = []
      await consumer.run({
        autoCommit: false,
        eachBatch: async ({ batch, resolveOffset, uncommittedOffsets }) => {
          if (seen.length > 0) return
          resolveOffset(batch.lastOffset())
          seen.push(uncommittedOffsets())
          const transaction = await producer.transaction()
          await transaction.sendOffsets({ consumerGroupId: groupId, ...uncommittedOffsets() })
          await transaction.commit()
          seen.push(uncommittedOffsets())
        },
      })
      await context.until(() => seen.length === 2)
      return seen
    },
  },
  {
    name: 'sendOffsets() with bad arguments',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await transactional(context)
      const transaction = await producer.transaction()
      const topics = [{ topic, partitions: [{ partition: 0, offset: '5' }] }]
      const refusals = [
        await context.refusal(() => transaction.sendOffsets({ topics })),
        await context.refusal(() => transaction.sendOffsets({ consumerGroupId: '', topics })),
        await context.refusal(() => transaction.sendOffsets({ consumerGroupId: 'group' })),
      ]
      await transaction.abort()
      return refusals
    },
    differs: {
      guide: 'Missing arguments of `sendOffsets()`',
      kafkajs: Array(3).fill('AssertionError'),
      oxide: Array(3).fill('KafkaJSNonRetriableError'),
    },
  },
  {
    name: 'a second producer of the same id fences the first one',
    messages: 'any',
    run: async (lib, context) => {
      const topic = await context.topic()
      const transactionalId = context.name('transaction')
      const [one, two] = [await transactional(context, { transactionalId }), await transactional(context, { transactionalId })]
      const first = await one.transaction()
      await first.send({ topic, messages: [{ value: 'of the first' }] })
      const second = await two.transaction()
      await second.send({ topic, messages: [{ value: 'of the second' }] })
      await second.commit()
      const outcome = await context.caught(() => first.commit())
      const error = outcome.rejected
      return { failed: error instanceof lib.KafkaJSError, retriable: error && error.retriable, read: await committedOf(context, topic) }
    },
  },
  {
    name: 'a message over the limit of the topic rejects, abort() works, the next transaction too',
    messages: 'any',
    run: async (lib, context) => {
      const topic = await context.topic({ config: { 'max.message.bytes': '1000' } })
      const producer = await transactional(context)
      const one = await producer.transaction()
      const outcome = await context.caught(() => one.send({ topic, messages: [{ value: 'x'.repeat(5000) }] }))
      await one.abort()
      const two = await producer.transaction()
      await two.send({ topic, messages: [{ value: 'good' }] })
      await two.commit()
      return { outcome, read: await committedOf(context, topic) }
    },
  },
  {
    name: 'transactions with GZIP',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await transactional(context)
      const transaction = await producer.transaction()
      await transaction.send({ topic, compression: lib.CompressionTypes.GZIP, messages: [{ value: 'x'.repeat(1000) }] })
      await transaction.commit()
      return committedOf(context, topic)
    },
  },
  {
    name: 'isActive() while commit() is under way',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await transactional(context)
      const transaction = await producer.transaction()
      await transaction.send({ topic, messages: A })
      const committing = transaction.commit()
      const active = transaction.isActive()
      await committing
      return active
    },
  },
  {
    name: 'a producer connects again and begins another transaction',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await transactional(context)
      for (const value of ['one', 'two']) {
        const transaction = await producer.transaction()
        await transaction.send({ topic, messages: [{ value }] })
        await transaction.commit()
        await producer.disconnect()
        await producer.connect()
      }
      return committedOf(context, topic)
    },
  },
])
