'use strict'

// Which topics and partitions a consumer gets, and from where it starts.

const { differential } = require('../helpers/differential')

const numbered = (/** @type {number} */ count, more = {}) => Array.from({ length: count }, (_, i) => ({ value: `${i}`, ...more }))

differential('consumer subscribe', [
  {
    name: 'several topics at once',
    everywhere: true,
    run: async (lib, context) => {
      const topics = [await context.topic(), await context.topic({ partitions: 2 }), await context.topic()]
      for (const topic of topics) await context.fill(topic, [{ key: 'a', value: 'a' }, { key: 'b', value: 'b' }])
      return context.collect(await context.consumer({ topics }), 6)
    },
  },
  {
    name: 'a RegExp takes the topics that match when it is given',
    everywhere: true,
    run: async (lib, context) => {
      const base = context.name('base')
      const topics = []
      for (const end of ['-one', '-two', '-other', '-x']) topics.push(await context.topic({ name: `${base}${end}` }))
      for (const topic of topics) await context.fill(topic, [{ value: 'a' }])
      return context.collect(await context.consumer({ topic: new RegExp(`^${base}-(one|two|three)$`) }), 2)
    },
  },
  {
    name: 'a RegExp and its flags',
    run: async (lib, context) => {
      const base = context.name('base')
      const topic = await context.topic({ name: `${base}-Upper` })
      await context.fill(topic, [{ value: 'a' }])
      return context.collect(await context.consumer({ topics: [new RegExp(`${base}-UPPER`, 'i')] }), 1)
    },
  },
  {
    name: 'a RegExp among names',
    run: async (lib, context) => {
      const base = context.name('base')
      const topics = [await context.topic(), await context.topic({ name: `${base}-a` })]
      for (const topic of topics) await context.fill(topic, [{ value: 'a' }])
      return context.collect(await context.consumer({ topics: [topics[0], new RegExp(`^${base}`)] }), 2)
    },
  },
  {
    name: 'fromBeginning is for each topic',
    everywhere: true,
    run: async (lib, context) => {
      const [old, fresh] = [await context.topic(), await context.topic()]
      for (const topic of [old, fresh]) await context.fill(topic, numbered(3))
      const consumer = await context.consumer()
      await consumer.subscribe({ topic: fresh, fromBeginning: false })
      await consumer.subscribe({ topic: old, fromBeginning: true })
      const received = await context.collecting(consumer)
      await context.until(async () => {
        await context.fill(fresh, [{ value: 'new' }])
        return received.some(({ value }) => value === 'new')
      })
      await context.until(() => received.filter(({ topic }) => topic === old).length === 3)
      return {
        old: received.filter(({ topic }) => topic === old),
        fresh: [...new Set(received.filter(({ topic }) => topic === fresh).map(({ value }) => value))],
      }
    },
  },
  {
    name: 'the last subscribe() to a topic says whether from its beginning',
    run: async (lib, context) => {
      const topic = await context.topic()
      await context.fill(topic, numbered(2))
      const consumer = await context.consumer()
      await consumer.subscribe({ topic, fromBeginning: false })
      await consumer.subscribe({ topic, fromBeginning: true })
      return context.collect(consumer, 2)
    },
  },
  {
    name: 'a group goes on where it was, whatever fromBeginning says',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic()
      const groupId = context.groupId()
      await context.fill(topic, numbered(5))
      const first = await context.consumer({ groupId, topic })
      const before = await context.collect(first, 5)
      await first.disconnect()
      const committed = await context.committed(groupId, topic)
      await context.fill(topic, [{ value: 'next' }])
      const second = await context.consumer({ groupId, topic, fromBeginning: true })
      return { before: before.length, committed, after: await context.collect(second, 1) }
    },
  },
  {
    name: 'two members share the partitions, in turns over all topics',
    run: async (lib, context) => {
      const topics = [await context.topic({ partitions: 3 }), await context.topic({ partitions: 2 })].sort()
      const groupId = context.groupId()
      const assignments = [{}, {}]
      const consumers = []
      for (const index of [0, 1]) {
        const consumer = await context.consumer({ groupId, topics, heartbeatInterval: 200, rebalanceTimeout: 5000 })
        consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => { assignments[index] = payload.memberAssignment })
        consumers.push(consumer)
        await consumer.run({ eachMessage: async () => {} })
      }
      const count = (/** @type {Record<string, number[]>} */ assignment) => Object.values(assignment).flat().length
      await context.until(() => assignments.every((one) => count(one) > 0) && count(assignments[0]) + count(assignments[1]) === 5,
        () => JSON.stringify(assignments))
      return assignments.map(count).sort()
    },
  },
  {
    name: 'two groups get everything each',
    run: async (lib, context) => {
      const topic = await context.topic()
      await context.fill(topic, numbered(4))
      const consumers = [await context.consumer({ topic }), await context.consumer({ topic })]
      return Promise.all(consumers.map((consumer) => context.collect(consumer, 4)))
    },
  },
  {
    name: 'GROUP_JOIN names group, member, leader and assignment',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic({ partitions: 3 })
      const consumer = await context.consumer({ topic })
      const events = context.events(consumer, ['GROUP_JOIN'])
      await consumer.run({ eachMessage: async () => {} })
      await context.until(() => events.length > 0)
      const { groupId, memberAssignment, duration } = events[0].payload
      return { groupId, assignment: Object.entries(memberAssignment).map(([name, list]) => [name, [...list].sort()]), duration }
    },
  },
  {
    name: 'an offset that the log no longer holds: from the beginning',
    run: async (lib, context) => {
      const topic = await context.topic()
      const groupId = context.groupId()
      await context.fill(topic, numbered(6))
      const admin = await context.neutralAdmin()
      await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '1' }] })
      await admin.fetchTopicMetadata({ topics: [topic] })
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '4' }] })
      return context.collect(await context.consumer({ groupId, topic }), 2)
    },
  },
  {
    name: 'an offset beyond the end: from the beginning',
    run: async (lib, context) => {
      const topic = await context.topic()
      const groupId = context.groupId()
      await context.fill(topic, numbered(3))
      await (await context.neutralAdmin()).setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '100' }] })
      return context.collect(await context.consumer({ groupId, topic }), 3)
    },
  },
  {
    name: 'a compacted topic without its old values',
    run: async (lib, context) => {
      const topic = await context.topic({ config: { 'cleanup.policy': 'compact' } })
      await context.fill(topic, [{ key: 'a', value: '1' }, { key: 'b', value: '2' }, { key: 'a', value: null }])
      return context.collect(await context.consumer({ topic }), 3)
    },
  },
  {
    name: 'values larger than maxBytesPerPartition arrive all the same',
    run: async (lib, context) => {
      const topic = await context.topic()
      await context.fill(topic, [{ value: 'x'.repeat(50_000) }, { value: 'y'.repeat(50_000) }])
      const consumer = await context.consumer({ topic, maxBytesPerPartition: 1000, maxBytes: 2000, minBytes: 1 })
      return (await context.collect(consumer, 2)).map(({ offset, value }) => [offset, value.length])
    },
  },
  ...[1, 2, 3, 4].map((code) => ({
    name: `messages compressed by codec ${['', 'GZIP', 'Snappy', 'LZ4', 'ZSTD'][code]} are read`,
    run: async (lib, context) => {
      const topic = await context.topic()
      // Written by ours: kafkajs has only GZIP.
      const { Kafka, logLevel } = require('../..')
      const producer = context.closing(new Kafka({ brokers: [context.bootstrap], logLevel: logLevel.NOTHING }).producer())
      await producer.connect()
      await producer.send({ topic, compression: code, messages: numbered(20, { key: 'again and again' }) })
      const consumer = await context.consumer({ topic, retry: { retries: 0 } })
      const crashed = new Promise((resolve) => { consumer.on(consumer.events.CRASH, ({ payload }) => resolve(payload.error.name)) })
      return Promise.race([crashed, context.collect(consumer, 20).then((received) => received.length)])
    },
    ...(code === 1 ? {} : { differs: { guide: 'Codecs in `CompressionCodecs`', kafkajs: 'KafkaJSNotImplemented', oxide: 20 } }),
  })),
])
