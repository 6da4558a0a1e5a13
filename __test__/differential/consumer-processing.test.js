'use strict'

// What is handled, resolved and committed, by eachMessage and eachBatch, and what comes again.

const { differential } = require('../helpers/differential')

const numbered = (/** @type {number} */ count, more = {}) => Array.from({ length: count }, (_, i) => ({ value: `${i}`, ...more }))

/** @param {any} context @param {number} count @param {number} [partitions] */
async function filled(context, count, partitions = 1) {
  const topic = await context.topic({ partitions })
  await context.fill(topic, numbered(count).map((message, i) => ({ ...message, partition: i % partitions })))
  return topic
}

const LISTED = ['batch', 'commitOffsetsIfNecessary', 'heartbeat', 'isRunning', 'isStale', 'pause', 'resolveOffset', 'uncommittedOffsets']

differential('consumer processing', [
  {
    name: 'eachMessage commits what was handled when the consumer ends',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await filled(context, 10, 2)
      const groupId = context.groupId()
      const consumer = await context.consumer({ groupId, topic })
      await context.collect(consumer, 10)
      await consumer.disconnect()
      return context.committed(groupId, topic)
    },
  },
  {
    name: 'autoCommit: false commits nothing',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await filled(context, 5)
      const groupId = context.groupId()
      const consumer = await context.consumer({ groupId, topic })
      await context.collect(consumer, 5, { autoCommit: false })
      await consumer.disconnect()
      return context.committed(groupId, topic)
    },
  },
  {
    name: 'commitOffsets() commits the offset as it is given, with metadata',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await filled(context, 5, 2)
      const groupId = context.groupId()
      const consumer = await context.consumer({ groupId, topic })
      await context.collect(consumer, 5, { autoCommit: false })
      await consumer.commitOffsets([{ topic, partition: 0, offset: '2', metadata: 'mine' }, { topic, partition: 1, offset: '1' }])
      const one = await context.committed(groupId, topic)
      await consumer.commitOffsets([{ topic, partition: 0, offset: '1' }])
      return [one, await context.committed(groupId, topic)]
    },
  },
  {
    name: 'the next run starts at what commitOffsets() said',
    run: async (lib, context) => {
      const topic = await filled(context, 5)
      const groupId = context.groupId()
      const first = await context.consumer({ groupId, topic })
      await context.collect(first, 5, { autoCommit: false })
      await first.commitOffsets([{ topic, partition: 0, offset: '3' }])
      await first.disconnect()
      return context.collect(await context.consumer({ groupId, topic }), 2)
    },
  },
  {
    name: 'commitOffsets() inside the handler, message for message',
    run: async (lib, context) => {
      const topic = await filled(context, 3)
      const groupId = context.groupId()
      const consumer = await context.consumer({ groupId, topic })
      const seen = []
      await consumer.run({
        autoCommit: false,
        eachMessage: async ({ topic, partition, message }) => {
          await consumer.commitOffsets([{ topic, partition, offset: String(Number(message.offset) + 1) }])
          seen.push((await context.committed(groupId, topic))[0].offset)
        },
      })
      await context.until(() => seen.length === 3)
      return seen
    },
  },
  {
    name: 'autoCommitThreshold commits in the middle of a batch',
    run: async (lib, context) => {
      const topic = await filled(context, 4)
      const groupId = context.groupId()
      const consumer = await context.consumer({ groupId, topic })
      const committed = context.event(consumer, 'COMMIT_OFFSETS')
      const go = context.gate()
      const seen = []
      await consumer.run({
        autoCommitThreshold: 2,
        eachMessage: async ({ message }) => {
          if (message.offset === '3') await go.promise
          seen.push(message.offset)
        },
      })
      await committed
      const before = seen.includes('3')
      go.open()
      await context.until(() => seen.length === 4)
      return { before, seen }
    },
  },
  {
    name: 'autoCommitThreshold: 1 commits each message before the next one',
    run: async (lib, context) => {
      const topic = await filled(context, 4)
      const groupId = context.groupId()
      const consumer = await context.consumer({ groupId, topic })
      const seen = []
      await consumer.run({
        autoCommitThreshold: 1,
        eachMessage: async ({ message }) => { seen.push([message.offset, (await context.committed(groupId, topic))[0].offset]) },
      })
      await context.until(() => seen.length === 4)
      return seen
    },
  },
  {
    name: 'eachBatch: what it returns from is resolved and committed',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await filled(context, 6)
      const groupId = context.groupId()
      const consumer = await context.consumer({ groupId, topic })
      let count = 0
      await consumer.run({ eachBatch: async ({ batch }) => { count += batch.messages.length } })
      await context.until(() => count === 6)
      await consumer.disconnect()
      return { count, committed: await context.committed(groupId, topic) }
    },
  },
  {
    name: 'eachBatch: names in its payload',
    run: async (lib, context) => {
      const topic = await filled(context, 1)
      const consumer = await context.consumer({ topic })
      const seen = []
      await consumer.run({ eachBatch: async (payload) => { seen.push(LISTED.map((name) => typeof payload[name])) } })
      await context.until(() => seen.length === 1)
      return seen
    },
  },
  {
    name: 'eachBatchAutoResolve: false and resolveOffset() of some: these are committed, the rest comes again',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await filled(context, 5)
      const groupId = context.groupId()
      const consumer = await context.consumer({ groupId, topic })
      const batches = []
      await consumer.run({
        eachBatchAutoResolve: false,
        eachBatch: async ({ batch, resolveOffset }) => {
          batches.push(batch.messages.map(({ offset }) => offset))
          resolveOffset(batches.length === 1 ? '1' : batch.lastOffset())
        },
      })
      await context.until(() => batches.length === 2)
      await consumer.disconnect()
      return { batches, committed: await context.committed(groupId, topic) }
    },
  },
  {
    name: 'eachBatch: uncommittedOffsets() after resolveOffset()',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await filled(context, 5)
      const consumer = await context.consumer({ topic })
      const seen = []
      await consumer.run({
        eachBatchAutoResolve: false,
        eachBatch: async ({ batch, resolveOffset, uncommittedOffsets, commitOffsetsIfNecessary }) => {
          if (seen.length > 0) return
          seen.push(uncommittedOffsets())
          resolveOffset('1')
          seen.push(uncommittedOffsets())
          resolveOffset(batch.lastOffset())
          seen.push(uncommittedOffsets())
          await commitOffsetsIfNecessary()
          seen.push(uncommittedOffsets())
          await commitOffsetsIfNecessary(uncommittedOffsets())
          seen.push(uncommittedOffsets())
        },
      })
      await context.until(() => seen.length === 5)
      return seen
    },
  },
  {
    name: 'eachBatch: commitOffsetsIfNecessary(offsets) commits these',
    run: async (lib, context) => {
      const topic = await filled(context, 5)
      const groupId = context.groupId()
      const consumer = await context.consumer({ groupId, topic })
      const seen = []
      await consumer.run({
        autoCommit: false,
        eachBatch: async ({ batch, resolveOffset, commitOffsetsIfNecessary, uncommittedOffsets }) => {
          if (seen.length > 0) return
          resolveOffset('2')
          const result = await commitOffsetsIfNecessary(uncommittedOffsets())
          seen.push(result, await context.committed(groupId, batch.topic))
        },
      })
      await context.until(() => seen.length === 2)
      return seen
    },
  },
  {
    name: 'eachBatch: heartbeat(), isRunning() and isStale() in a calm run',
    run: async (lib, context) => {
      const topic = await filled(context, 2)
      const consumer = await context.consumer({ topic })
      const seen = []
      await consumer.run({
        eachBatch: async ({ heartbeat, isRunning, isStale }) => { seen.push([await heartbeat(), isRunning(), isStale()]) },
      })
      await context.until(() => seen.length === 1)
      return seen
    },
  },
  {
    name: 'both eachMessage and eachBatch: eachMessage is called',
    run: async (lib, context) => {
      const topic = await filled(context, 2)
      const consumer = await context.consumer({ topic })
      const seen = []
      await consumer.run({ eachMessage: async () => { seen.push('message') }, eachBatch: async () => { seen.push('batch') } })
      await context.until(() => seen.length >= 2)
      return seen
    },
  },
  {
    name: 'a handler that is not async',
    run: async (lib, context) => {
      const topic = await filled(context, 3)
      const groupId = context.groupId()
      const consumer = await context.consumer({ groupId, topic })
      const seen = []
      await consumer.run({ eachMessage: ({ message }) => { seen.push(message.offset) } })
      await context.until(() => seen.length === 3)
      await consumer.disconnect()
      return { seen, committed: await context.committed(groupId, topic) }
    },
  },
  {
    name: 'partitionsConsumedConcurrently: several partitions at once, each in order',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await filled(context, 12, 3)
      const consumer = await context.consumer({ topic })
      let active = 0
      let most = 0
      const order = { 0: [], 1: [], 2: [] }
      const together = context.gate()
      await consumer.run({
        partitionsConsumedConcurrently: 3,
        eachMessage: async ({ partition, message }) => {
          most = Math.max(most, ++active)
          if (active === 3) together.open()
          await together.promise
          order[partition].push(message.value.toString())
          active--
        },
      })
      await context.until(() => Object.values(order).flat().length === 12)
      return { most, order }
    },
  },
  {
    name: 'partitionsConsumedConcurrently: 1 handles one message at a time',
    run: async (lib, context) => {
      const topic = await filled(context, 12, 3)
      const consumer = await context.consumer({ topic })
      let active = 0
      let most = 0
      let count = 0
      await consumer.run({
        eachMessage: async () => {
          most = Math.max(most, ++active)
          await new Promise((resolve) => setImmediate(resolve))
          active--
          count++
        },
      })
      await context.until(() => count === 12)
      return most
    },
  },
  {
    name: 'stop() in the middle of a batch: the running message ends, no other begins, what was handled is committed',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await filled(context, 5)
      const groupId = context.groupId()
      const consumer = await context.consumer({ groupId, topic })
      const seen = []
      const [inside, go] = [context.gate(), context.gate()]
      await consumer.run({
        eachMessage: async ({ message }) => {
          seen.push(`begin ${message.offset}`)
          if (message.offset === '1') { inside.open(); await go.promise }
          seen.push(`end ${message.offset}`)
        },
      })
      await inside.promise
      const stopped = consumer.stop().then(() => { seen.push('stopped') })
      go.open()
      await stopped
      return { seen, committed: await context.committed(groupId, topic) }
    },
  },
  {
    name: 'isRunning() says so inside a batch when stop() was called',
    run: async (lib, context) => {
      const topic = await filled(context, 5)
      const consumer = await context.consumer({ topic })
      const seen = []
      const [inside, go] = [context.gate(), context.gate()]
      await consumer.run({
        eachBatch: async ({ isRunning }) => {
          seen.push(isRunning())
          inside.open()
          await go.promise
          seen.push(isRunning())
        },
      })
      await inside.promise
      const stopped = consumer.stop()
      go.open()
      await stopped
      return seen
    },
  },
  {
    name: 'run() after stop() goes on where it was',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await filled(context, 3)
      const consumer = await context.consumer({ topic })
      const one = await context.collect(consumer, 3)
      await consumer.stop()
      await context.fill(topic, [{ value: 'next' }])
      return [one, await context.collect(consumer, 1)]
    },
  },
  {
    name: 'run() again with another handler and other options',
    run: async (lib, context) => {
      const topic = await filled(context, 3)
      const groupId = context.groupId()
      const consumer = await context.consumer({ groupId, topic })
      await context.collect(consumer, 3)
      await consumer.stop()
      await context.fill(topic, numbered(2))
      const seen = []
      await consumer.run({ autoCommit: false, eachBatch: async ({ batch }) => { seen.push(...batch.messages.map(({ offset }) => offset)) } })
      await context.until(() => seen.length === 2)
      await consumer.stop()
      return { seen, committed: await context.committed(groupId, topic) }
    },
  },
  {
    name: 'disconnect(), connect() and run() again',
    run: async (lib, context) => {
      const topic = await filled(context, 2)
      const consumer = await context.consumer({ topic })
      await context.collect(consumer, 2)
      await consumer.disconnect()
      await context.fill(topic, [{ value: 'next' }])
      await consumer.connect()
      return context.collect(consumer, 1)
    },
  },
  {
    name: 'a topic of transactions: only what was committed, in eachMessage and its offsets',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic()
      const groupId = context.groupId()
      await transactions(context, topic)
      const consumer = await context.consumer({ groupId, topic })
      const received = await context.collect(consumer, 3)
      await consumer.disconnect()
      return { received, committed: await context.committed(groupId, topic) }
    },
  },
  {
    name: 'a topic of transactions with readUncommitted: everything',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic()
      await transactions(context, topic)
      return context.collect(await context.consumer({ topic, readUncommitted: true }), 5)
    },
  },
])

/** Two messages that are committed, two that are aborted, one outside, by kafkajs. @param {any} context @param {string} topic */
async function transactions(context, topic) {
  const kafkajs = require('kafkajs')
  const kafka = new kafkajs.Kafka({ brokers: [context.bootstrap], logLevel: kafkajs.logLevel.NOTHING })
  const producer = context.closing(kafka.producer({ transactionalId: context.name('transaction'), maxInFlightRequests: 1, idempotent: true }))
  await producer.connect()
  const one = await producer.transaction()
  await one.send({ topic, messages: [{ value: 'committed 1' }, { value: 'committed 2' }] })
  await one.commit()
  const two = await producer.transaction()
  await two.send({ topic, messages: [{ value: 'aborted 1' }, { value: 'aborted 2' }] })
  await two.abort()
  // Two messages and a control record each: the broker answers before it has written the last one.
  await context.topicEnds(topic, '6')
  await context.fill(topic, [{ value: 'outside' }])
}
