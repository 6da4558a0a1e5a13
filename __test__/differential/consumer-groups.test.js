'use strict'

// Members of a group: joins, rebalances, heartbeats, assigners.

const { differential } = require('../helpers/differential')

const QUICK = { heartbeatInterval: 200, rebalanceTimeout: 5000, sessionTimeout: 10_000 }

const numbered = (/** @type {number} */ count, more = {}) => Array.from({ length: count }, (_, i) => ({ value: `${i}`, ...more }))

/** @param {Record<string, number[]>} assignment */
const countOf = (assignment) => Object.values(assignment).flat().length

/** Keeps the last assignment of a consumer. @param {any} consumer */
function assignmentsOf(consumer) {
  const state = { last: /** @type {Record<string, number[]>} */ ({}), joins: 0 }
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => { state.last = payload.memberAssignment; state.joins++ })
  return state
}

differential('consumer groups', [
  {
    name: 'HEARTBEAT comes while the consumer is idle',
    run: async (lib, context) => {
      const topic = await context.topic()
      const consumer = await context.consumer({ topic, ...QUICK })
      const beat = context.event(consumer, 'HEARTBEAT')
      await consumer.run({ eachMessage: async () => {} })
      const { type, payload } = await beat
      return { type, groupId: payload.groupId }
    },
  },
  {
    name: 'GROUP_JOIN of a member alone',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic({ partitions: 2 })
      const consumer = await context.consumer({ topic, ...QUICK })
      const joined = context.event(consumer, 'GROUP_JOIN')
      await consumer.run({ eachMessage: async () => {} })
      const { payload: { memberAssignment, groupId, groupProtocol, ...payload } } = await joined
      const sorted = Object.fromEntries(Object.entries(memberAssignment).map(([name, list]) => [name, [...list].sort()]))
      return { sorted, groupId, named: typeof groupProtocol, keys: Object.keys(payload).sort(), isLeader: payload.isLeader,
        leads: payload.memberId === payload.leaderId }
    },
  },
  {
    name: 'run() resolves when the member has joined',
    run: async (lib, context) => {
      const topic = await context.topic()
      const consumer = await context.consumer({ topic, ...QUICK })
      const state = assignmentsOf(consumer)
      await consumer.run({ eachMessage: async () => {} })
      return state.joins
    },
  },
  {
    name: 'a second member comes and goes: the first one is told and gets everything back',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic({ partitions: 4 })
      const groupId = context.groupId()
      const one = await context.consumer({ groupId, topic, ...QUICK })
      const first = assignmentsOf(one)
      const events = context.events(one, ['REBALANCING'])
      await one.run({ eachMessage: async () => {} })
      await context.until(() => countOf(first.last) === 4, 'all partitions')
      const two = await context.consumer({ groupId, topic, ...QUICK })
      const second = assignmentsOf(two)
      await two.run({ eachMessage: async () => {} })
      await context.until(() => countOf(first.last) === 2 && countOf(second.last) === 2, 'two partitions each')
      await two.disconnect()
      await context.until(() => countOf(first.last) === 4, 'all partitions again')
      return { rebalanced: events.length >= 2, groupId: events[0].payload.groupId }
    },
  },
  {
    name: 'messages while members come: each is handled, all offsets are committed',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic({ partitions: 4 })
      const groupId = context.groupId()
      await context.fill(topic, numbered(100).map((message, i) => ({ ...message, partition: i % 4 })))
      const seen = new Set()
      const consumers = []
      for (let i = 0; i < 2; i++) {
        const consumer = await context.consumer({ groupId, topic, ...QUICK })
        consumers.push(consumer)
        await consumer.run({ eachMessage: async ({ message }) => { seen.add(message.value.toString()) } })
      }
      await context.fill(topic, numbered(100).map(({ value }, i) => ({ value: `more ${value}`, partition: i % 4 })))
      await context.until(() => seen.size === 200, () => `${seen.size} of 200`)
      for (const consumer of consumers) await consumer.disconnect()
      return context.committed(groupId, topic)
    },
  },
  {
    name: 'more members than partitions: one has none, run() resolves all the same',
    run: async (lib, context) => {
      const topic = await context.topic()
      const groupId = context.groupId()
      const states = []
      for (let i = 0; i < 2; i++) {
        const consumer = await context.consumer({ groupId, topic, ...QUICK })
        states.push(assignmentsOf(consumer))
        await consumer.run({ eachMessage: async () => {} })
      }
      await context.until(() => countOf(states[0].last) + countOf(states[1].last) === 1, 'one partition in all')
      return states.map(({ last }) => countOf(last)).sort()
    },
  },
  {
    name: 'heartbeat() in eachMessage and eachBatch resolves with nothing',
    run: async (lib, context) => {
      const topic = await context.topic()
      await context.fill(topic, numbered(2))
      const results = []
      for (const kind of ['eachMessage', 'eachBatch']) {
        const consumer = await context.consumer({ topic, ...QUICK })
        await consumer.run({ [kind]: async ({ heartbeat }) => { results.push([kind, await heartbeat()]) } })
        await context.until(() => results.some(([of]) => of === kind))
        await consumer.stop()
      }
      return [...new Map(results)]
    },
  },
  {
    name: 'a sessionTimeout that the broker does not allow',
    messages: 'any',
    run: async (lib, context) => {
      const topic = await context.topic()
      const consumer = await context.consumer({ topic, sessionTimeout: 1000, heartbeatInterval: 200, retry: { retries: 0 } })
      const crashes = context.events(consumer, ['CRASH'])
      const outcome = await context.caught(() => consumer.run({ eachMessage: async () => {} }))
      const told = () => (outcome.rejected || (crashes.length > 0 && crashes[0].payload.error))
      await context.until(told, 'the refusal')
      const error = told()
      return { type: error.type || (error.cause && error.cause.type) }
    },
  },
  {
    name: 'a topic that gets more partitions: they are consumed as well',
    run: async (lib, context) => {
      const topic = await context.topic()
      const consumer = await context.consumer({ topic, metadataMaxAge: 500, ...QUICK })
      const state = assignmentsOf(consumer)
      const received = await context.collecting(consumer)
      await context.until(() => countOf(state.last) === 1)
      await (await context.neutralAdmin()).createPartitions({ topicPartitions: [{ topic, count: 2 }] })
      await context.until(() => countOf(state.last) === 2, 'the second partition')
      await context.until(async () => {
        await context.fill(topic, [{ partition: 1, value: 'new' }]).catch(() => {})
        return received.some(({ partition }) => partition === 1)
      })
      return [...new Set(received.map(({ partition, value }) => `${partition}: ${value}`))]
    },
  },
  {
    name: 'consumers of one Kafka in two groups do not disturb each other',
    run: async (lib, context) => {
      const topic = await context.topic()
      await context.fill(topic, numbered(3))
      const kafka = context.kafka()
      const [one, two] = [await context.consumer({ topic }, kafka), await context.consumer({ topic }, kafka)]
      const both = await Promise.all([context.collect(one, 3), context.collect(two, 3)])
      await one.disconnect()
      await two.stop()
      await context.fill(topic, [{ value: 'next' }])
      return { both, later: await context.collect(two, 1) }
    },
  },
  {
    name: 'a producer in the handler of a consumer',
    run: async (lib, context) => {
      const [from, to] = [await context.topic(), await context.topic()]
      await context.fill(from, numbered(5))
      const producer = await context.producer()
      const consumer = await context.consumer({ topic: from })
      await consumer.run({
        eachMessage: async ({ message }) => { await producer.send({ topic: to, messages: [{ value: `from ${message.value}`, headers: { offset: message.offset } }] }) },
      })
      return context.read(to, 5)
    },
  },
  {
    name: 'what came in eachMessage can be sent on as it is',
    run: async (lib, context) => {
      const [from, to] = [await context.topic(), await context.topic()]
      await context.fill(from, [
        { key: 'k', value: 'v', headers: { a: 'b', many: ['1', '2'] } }, { key: null, value: null }, { value: Buffer.from([0, 255]) },
      ])
      const producer = await context.producer()
      const consumer = await context.consumer({ topic: from })
      await consumer.run({ eachMessage: async ({ message }) => { await producer.send({ topic: to, messages: [message] }) } })
      return context.read(to, 3)
    },
  },
  {
    name: 'a spread message, with another value',
    run: async (lib, context) => {
      const [from, to] = [await context.topic(), await context.topic()]
      await context.fill(from, [{ key: 'k', value: 'v', headers: { a: 'b' }, timestamp: '1500000000000' }])
      const producer = await context.producer()
      const consumer = await context.consumer({ topic: from })
      await consumer.run({
        eachMessage: async ({ message }) => { await producer.send({ topic: to, messages: [{ ...message, value: 'other' }] }) },
      })
      return context.read(to, 1, { exactTimestamps: true })
    },
  },
  {
    name: 'a message as JSON',
    run: async (lib, context) => {
      const topic = await context.topic()
      await context.fill(topic, [{ key: 'k', value: 'v', headers: { a: 'b' }, timestamp: '1500000000000' }])
      const consumer = await context.consumer({ topic })
      const seen = []
      await consumer.run({ eachMessage: async ({ message }) => { const { batchContext, ...rest } = message; seen.push(JSON.parse(JSON.stringify(rest))) } })
      await context.until(() => seen.length === 1)
      return seen
    },
  },
])
