'use strict'

// Sequences of instrumentation events, and what a log creator of the program is told.

const { differential } = require('../helpers/differential')

const A = [{ value: 'a' }]

/** @param {any[]} events */
const keysOf = (events) => events.map(({ key }) => key)

/** @param {any} context @param {string} client @param {any} [kafka] */
const make = (context, client, kafka = context.kafka()) =>
  context.closing(client === 'consumer' ? kafka.consumer({ groupId: context.groupId(), maxWaitTimeInMs: 100 }) : kafka[client]())

const CLIENTS = ['producer', 'consumer', 'admin']

differential('events and logger', [
  ...CLIENTS.map((client) => ({
    name: `${client}: CONNECT and DISCONNECT, every time`,
    run: async (lib, context) => {
      const made = make(context, client)
      const events = context.events(made)
      await made.disconnect()
      await made.connect()
      await made.connect()
      await made.disconnect()
      await made.disconnect()
      return events
    },
  })),
  ...CLIENTS.map((client) => ({
    name: `${client}: an event has id, type, timestamp and payload`,
    run: async (lib, context) => {
      const made = make(context, client)
      const seen = []
      made.on(made.events.CONNECT, (event) => { seen.push({ keys: Object.keys(event), types: Object.values(event).map((one) => typeof one) }) })
      await made.connect()
      return seen
    },
  })),
  ...CLIENTS.map((client) => ({
    name: `${client}: the names of its events`,
    run: async (lib, context) => ({ ...make(context, client).events }),
  })),
  ...CLIENTS.map((client) => ({
    name: `${client}: on() gives what removes the listener`,
    run: async (lib, context) => {
      const made = make(context, client)
      const seen = []
      const remove = made.on(made.events.CONNECT, () => { seen.push('removed') })
      made.on(made.events.CONNECT, () => { seen.push('stays') })
      await made.connect()
      remove()
      await made.connect()
      return seen
    },
  })),
  ...CLIENTS.map((client) => ({
    name: `${client}: on() refuses an event that does not exist`,
    run: async (lib, context) => context.caught(() => make(context, client).on('nothing', () => {})),
  })),
  {
    name: 'a listener is called before what it listens to has resolved',
    run: async (lib, context) => {
      const producer = make(context, 'producer')
      const order = []
      producer.on(producer.events.CONNECT, () => { order.push('event') })
      await producer.connect().then(() => { order.push('resolved') })
      return order
    },
  },
  {
    name: 'a listener that rejects harms nothing',
    run: async (lib, context) => {
      const producer = make(context, 'producer')
      producer.on(producer.events.CONNECT, async () => { throw new Error('of the listener') })
      return context.caught(() => producer.connect())
    },
  },
  {
    name: 'ids of events count up',
    run: async (lib, context) => {
      const producer = make(context, 'producer')
      const ids = []
      for (const key of ['CONNECT', 'DISCONNECT']) producer.on(producer.events[key], ({ id }) => { ids.push(id) })
      await producer.connect()
      await producer.disconnect()
      return ids[1] > ids[0]
    },
  },
  {
    name: 'consumer: join, batches, commits and stop, in this order',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic()
      await context.fill(topic, [{ value: 'a' }, { value: 'b' }, { value: 'c' }])
      const consumer = make(context, 'consumer')
      const events = context.events(consumer, ['CONNECT', 'GROUP_JOIN', 'START_BATCH_PROCESS', 'END_BATCH_PROCESS', 'COMMIT_OFFSETS', 'STOP', 'DISCONNECT'])
      await consumer.connect()
      await consumer.subscribe({ topic, fromBeginning: true })
      await consumer.run({ eachMessage: async () => {} })
      await context.until(() => keysOf(events).includes('COMMIT_OFFSETS'))
      await consumer.disconnect()
      return keysOf(events)
    },
  },
  {
    name: 'consumer: payloads of START_BATCH_PROCESS and END_BATCH_PROCESS',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic()
      await context.fill(topic, [{ value: 'a' }, { value: 'b' }, { value: 'c' }])
      const consumer = make(context, 'consumer')
      const events = context.events(consumer, ['START_BATCH_PROCESS', 'END_BATCH_PROCESS'])
      await consumer.connect()
      await consumer.subscribe({ topic, fromBeginning: true })
      await consumer.run({ eachBatch: async () => {} })
      await context.until(() => events.length >= 2)
      return events.slice(0, 2)
    },
  },
  {
    name: 'consumer: payload of an automatic COMMIT_OFFSETS',
    run: async (lib, context) => {
      const topic = await context.topic({ partitions: 2 })
      await context.fill(topic, [{ value: 'a', partition: 1 }, { value: 'b', partition: 1 }])
      const consumer = make(context, 'consumer')
      const events = context.events(consumer, ['COMMIT_OFFSETS'])
      await consumer.connect()
      await consumer.subscribe({ topic, fromBeginning: true })
      await consumer.run({ eachMessage: async () => {} })
      await context.until(() => events.length >= 1)
      const { groupId, topics } = events[0].payload
      return { groupId, topics }
    },
  },
  {
    name: 'consumer: payload of COMMIT_OFFSETS by commitOffsets()',
    run: async (lib, context) => {
      const topic = await context.topic()
      await context.fill(topic, [{ value: 'a' }])
      const consumer = make(context, 'consumer')
      const events = context.events(consumer, ['COMMIT_OFFSETS'])
      await consumer.connect()
      await consumer.subscribe({ topic, fromBeginning: true })
      const received = await context.collecting(consumer, { autoCommit: false })
      await context.until(() => received.length === 1)
      await consumer.commitOffsets([{ topic, partition: 0, offset: '1' }])
      // kafkajs gives the offset as an object of its own, which is text when it is written.
      const [{ payload: { groupId, topics: [{ topic: name, partitions }] } }] = events
      return { groupId, name, partitions: partitions.map(({ partition, offset }) => [partition, `${offset}`]) }
    },
  },
  {
    name: 'consumer: STOP comes only when it ran',
    run: async (lib, context) => {
      const topic = await context.topic()
      const consumer = make(context, 'consumer')
      const events = context.events(consumer, ['STOP', 'DISCONNECT'])
      await consumer.connect()
      await consumer.subscribe({ topic })
      await consumer.stop()
      await consumer.disconnect()
      return events
    },
  },
  {
    name: 'consumer: stop() while running, run() again',
    run: async (lib, context) => {
      const topic = await context.topic()
      await context.fill(topic, A)
      const consumer = make(context, 'consumer')
      const events = context.events(consumer, ['CONNECT', 'GROUP_JOIN', 'STOP', 'DISCONNECT', 'CRASH'])
      await consumer.connect()
      await consumer.subscribe({ topic, fromBeginning: true })
      await context.collect(consumer, 1)
      await consumer.stop()
      await context.fill(topic, [{ value: 'b' }])
      await context.collect(consumer, 1)
      await consumer.disconnect()
      return keysOf(events)
    },
  },
  {
    name: 'kafka.logger(): its functions',
    run: async (lib, context) => {
      const { entries, options } = context.logs()
      const logger = context.kafka(options).logger()
      return { keys: Object.keys(logger).sort(), named: Object.keys(logger.namespace('X')).sort(), entries }
    },
  },
  ...CLIENTS.map((client) => ({
    name: `${client}.logger(): writes into its namespace`,
    run: async (lib, context) => {
      const { entries, options } = context.logs()
      const made = make(context, client, context.kafka(options))
      const logger = made.logger()
      entries.length = 0
      logger.info('told', { more: 1 })
      return { keys: Object.keys(logger).sort(), entries: entries.filter(({ log }) => log.message === 'told') }
    },
  })),
  {
    name: 'an entry has namespace, level, label and log',
    run: async (lib, context) => {
      const { entries, options } = context.logs()
      const logger = context.kafka(options).logger()
      for (const level of ['error', 'warn', 'info', 'debug']) logger[level](`by ${level}`, { extra: level })
      logger.namespace('Mine').info('named')
      logger.namespace('Mine').namespace('Inner').info('named twice')
      logger.info('without extra')
      return entries.map((entry) => ({ ...entry, keys: Object.keys(entry), inside: Object.keys(entry.log) }))
    },
  },
  ...['NOTHING', 'ERROR', 'WARN', 'INFO', 'DEBUG'].map((level) => ({
    name: `logLevel.${level}: what is written and what not`,
    run: async (lib, context) => {
      const { entries, options } = context.logs(lib.logLevel[level])
      const logger = context.kafka(options).logger()
      for (const method of ['error', 'warn', 'info', 'debug']) logger[method](method)
      return entries.map(({ level, label, log }) => [level, label, log.message])
    },
  })),
  {
    name: 'setLogLevel() changes the level of all loggers of a Kafka',
    run: async (lib, context) => {
      const { entries, options } = context.logs(lib.logLevel.ERROR)
      const kafka = context.kafka(options)
      const [one, two] = [kafka.logger(), kafka.logger().namespace('Two')]
      two.setLogLevel(lib.logLevel.DEBUG)
      one.debug('one')
      two.debug('two')
      kafka.producer().logger().debug('three')
      one.setLogLevel(lib.logLevel.NOTHING)
      for (const logger of [one, two]) logger.error('silent')
      return entries.map(({ namespace, log }) => [namespace, log.message])
    },
  },
  {
    name: 'a namespace with a level of its own',
    run: async (lib, context) => {
      const { entries, options } = context.logs(lib.logLevel.ERROR)
      const logger = context.kafka(options).logger()
      logger.namespace('Loud', lib.logLevel.DEBUG).debug('loud')
      logger.namespace('Quiet').debug('quiet')
      return entries.map(({ namespace, log }) => [namespace, log.message])
    },
  },
  {
    name: 'logCreator is called once, with the level',
    run: async (lib, context) => {
      const calls = []
      const kafka = context.kafka({ logLevel: lib.logLevel.WARN, logCreator: (...args) => { calls.push(args); return () => {} } })
      kafka.producer()
      kafka.consumer({ groupId: 'group' })
      kafka.admin()
      kafka.logger().namespace('X').warn('y')
      return calls
    },
  },
  {
    name: 'a consumer tells that it starts and has joined, in namespaces Consumer and ConsumerGroup',
    run: async (lib, context) => {
      const topic = await context.topic()
      await context.fill(topic, A)
      const { entries, options } = context.logs(lib.logLevel.INFO)
      const consumer = make(context, 'consumer', context.kafka(options))
      await consumer.connect()
      await consumer.subscribe({ topic, fromBeginning: true })
      await context.collect(consumer, 1)
      await consumer.disconnect()
      return entries.filter(({ namespace }) => ['Consumer', 'ConsumerGroup'].includes(namespace))
        .map(({ namespace, label, log }) => [namespace, label, log.message, Object.keys(log).sort()])
    },
  },
])
