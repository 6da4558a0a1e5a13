'use strict'

// Events of requests and fetches: which come, and what is in them.

const { differential } = require('../helpers/differential')

const CLIENTS = ['producer', 'consumer', 'admin']

/** @param {any} context @param {string} client */
const make = (context, client) => {
  const kafka = context.kafka()
  return context.closing(client === 'consumer' ? kafka.consumer({ groupId: context.groupId(), maxWaitTimeInMs: 100 }) : kafka[client]())
}

/** The payload's fields with the types of their values. @param {any} payload */
const shape = (payload) => Object.fromEntries(Object.entries(payload).map(([name, value]) => [name, typeof value]))

/** A consumer that has handled what is in its topic. @param {any} context @param {string[]} keys of events */
async function consumed(context, keys) {
  const topic = await context.topic()
  await context.fill(topic, [{ value: 'a' }, { value: 'b' }])
  const consumer = make(context, 'consumer')
  const events = context.events(consumer, keys)
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await context.collect(consumer, 2)
  return { consumer, events, topic }
}

differential('network events', [
  ...CLIENTS.map((client) => ({
    name: `${client}: the first REQUEST is ApiVersions, with these fields`,
    run: async (lib, context) => {
      const made = make(context, client)
      const events = context.events(made, ['REQUEST'])
      await made.connect()
      await context.until(() => events.length > 0, 'a request')
      const [{ type, payload }] = events
      return { type, shape: shape(payload), apiKey: payload.apiKey, apiName: payload.apiName, clientId: payload.clientId, broker: payload.broker }
    },
  })),
  {
    name: 'producer: a send is a Produce',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = make(context, 'producer')
      const events = context.events(producer, ['REQUEST'])
      await producer.connect()
      await producer.send({ topic, messages: [{ value: 'a' }] })
      const produce = () => events.find(({ payload }) => payload.apiKey === 0)
      await context.until(produce, 'a Produce')
      const { payload } = produce()
      return { apiName: payload.apiName, size: payload.size > 0, ordered: payload.createdAt <= payload.sentAt, shape: shape(payload) }
    },
  },
  {
    name: 'consumer: names of the requests of a group',
    run: async (lib, context) => {
      const { events, consumer } = await consumed(context, ['REQUEST'])
      await consumer.stop()
      const wanted = ['ApiVersions', 'Metadata', 'GroupCoordinator', 'JoinGroup', 'SyncGroup', 'OffsetFetch', 'Fetch', 'OffsetCommit', 'LeaveGroup']
      const seen = () => new Set(events.map(({ payload }) => payload.apiName))
      await context.until(() => wanted.every((name) => seen().has(name)), () => [...seen()].join())
      return wanted.map((name) => events.find(({ payload }) => payload.apiName === name).payload.apiKey)
    },
  },
  {
    name: 'REQUEST_QUEUE_SIZE has these fields',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = context.closing(context.kafka().producer({ maxInFlightRequests: 1 }))
      const events = context.events(producer, ['REQUEST_QUEUE_SIZE'])
      await producer.connect()
      await Promise.all(Array.from({ length: 10 }, () => producer.send({ topic, messages: [{ value: 'a' }] })))
      await context.until(() => events.length > 0, 'a change of the queue')
      const { type, payload } = events[0]
      return { type, shape: shape(payload), clientId: payload.clientId }
    },
  },
  {
    name: 'consumer: FETCH_START and FETCH',
    everywhere: true,
    run: async (lib, context) => {
      const { events } = await consumed(context, ['FETCH_START', 'FETCH'])
      const has = (/** @type {string} */ key) => events.find((event) => event.key === key)
      await context.until(() => has('FETCH') && has('FETCH_START'), 'fetches')
      return [has('FETCH_START'), has('FETCH')].map(({ type, payload }) => ({ type, payload }))
    },
  },
  {
    name: 'consumer: FETCH goes on while everything is paused',
    run: async (lib, context) => {
      const { consumer, events, topic } = await consumed(context, ['FETCH'])
      consumer.pause([{ topic }])
      const before = events.length
      await context.until(() => events.length >= before + 3, 'fetches while paused')
      return events[events.length - 1]
    },
  },
  {
    name: 'consumer: HEARTBEAT has group, member and generation',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic()
      const consumer = await context.consumer({ topic, heartbeatInterval: 200 })
      const events = context.events(consumer, ['HEARTBEAT'])
      await consumer.run({ eachMessage: async () => {} })
      await context.until(() => events.length > 0, 'a heartbeat')
      return events[0]
    },
  },
  {
    name: 'consumer: COMMIT_OFFSETS has group, member and generation',
    run: async (lib, context) => {
      const { events, consumer } = await consumed(context, ['COMMIT_OFFSETS'])
      await consumer.stop()
      return events[0]
    },
  },
  {
    name: 'consumer: REBALANCING has group and member',
    run: async (lib, context) => {
      const topic = await context.topic({ partitions: 2 })
      const groupId = context.groupId()
      const consumer = await context.consumer({ groupId, topic, heartbeatInterval: 200 })
      const events = context.events(consumer, ['REBALANCING'])
      await consumer.run({ eachMessage: async () => {} })
      const other = await context.consumer({ groupId, topic, heartbeatInterval: 200 })
      await other.run({ eachMessage: async () => {} })
      await context.until(() => events.length > 0, 'a rebalance')
      return events[0]
    },
  },
  {
    name: 'nothing comes to a listener that was removed',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = make(context, 'producer')
      const seen = []
      const remove = producer.on(producer.events.REQUEST, ({ type }) => { seen.push(type) })
      remove()
      await producer.connect()
      await producer.send({ topic, messages: [{ value: 'a' }] })
      return seen
    },
  },
])
