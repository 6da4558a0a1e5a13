'use strict'

// What send(), sendBatch() and connect() reject with, and in which order things are checked.

const { differential } = require('../helpers/differential')

/**
 * A case that makes one call on a connected producer.
 * @param {string} name @param {(producer: any, topic: string, lib: any) => any} call @param {object} [more] of the case
 * @param {object} [options] of the producer
 */
const rejects = (name, call, more = {}, options = undefined) => ({
  name,
  ...more,
  run: async (lib, context) => {
    const topic = await context.topic()
    const producer = await context.producer(options)
    return context.caught(() => call(producer, topic, lib))
  },
})

const A = [{ value: 'a' }]

differential('producer errors', [
  rejects('send() without a topic', (producer) => producer.send({ messages: A })),
  rejects('send() with a topic of null', (producer) => producer.send({ topic: null, messages: A })),
  rejects('send() with a topic of no characters', (producer) => producer.send({ topic: '', messages: A })),
  rejects('send() without messages', (producer, topic) => producer.send({ topic })),
  rejects('send() with messages of null', (producer, topic) => producer.send({ topic, messages: null })),
  rejects('send() with a message without value', (producer, topic) => producer.send({ topic, messages: [{ key: 'k' }] })),
  rejects('send() with messages, one of them without value', (producer, topic) => producer.send({ topic, messages: [...A, {}] })),
  rejects('sendBatch() with an entry without topic', (producer) => producer.sendBatch({ topicMessages: [{ messages: A }] })),
  rejects('sendBatch() with an entry without messages', (producer, topic) => producer.sendBatch({ topicMessages: [{ topic }] })),
  rejects('sendBatch() with one bad message among good topics', (producer, topic) => producer.sendBatch({
    topicMessages: [{ topic, messages: A }, { topic, messages: [{ key: 'b' }] }],
  })),
  rejects('the topic is checked before the messages', (producer) => producer.send({ topic: '', messages: null })),
  rejects('an idempotent producer and acks: 1', (producer, topic) => producer.send({ topic, acks: 1, messages: A }), {}, { idempotent: true }),
  rejects('an idempotent producer and acks: 0', (producer, topic) => producer.sendBatch({ acks: 0, topicMessages: [{ topic, messages: A }] }),
    {}, { idempotent: true }),
  rejects('an idempotent producer checks acks before messages', (producer, topic) => producer.send({ topic, acks: 0 }), {}, { idempotent: true }),
  rejects('acks that Kafka does not know', (producer, topic) => producer.send({ topic, acks: 5, messages: A }), { messages: 'any' }),
  rejects('transaction() without a transactionalId', (producer) => producer.transaction()),
  rejects('a listener for an event that does not exist', (producer) => producer.on('producer.nothing', () => {})),
  {
    name: 'a message over the limit of the topic, and the next one',
    messages: 'any',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic({ config: { 'max.message.bytes': '1000' } })
      const producer = await context.producer()
      const outcome = await context.caught(() => producer.send({ topic, messages: [{ value: 'x'.repeat(5000) }] }))
      return { outcome, next: await producer.send({ topic, messages: A }) }
    },
  },
  rejects('a name that is none for a topic', (producer) => producer.send({ topic: 'not a name!', messages: A }), { messages: 'any' }),
  {
    name: 'a topic that does not exist, without allowAutoTopicCreation',
    messages: 'longer',
    run: async (lib, context) => {
      const producer = await context.producer({ allowAutoTopicCreation: false, retry: { retries: 1, initialRetryTime: 10 } })
      const outcome = await context.caught(() => producer.send({ topic: context.topicName(), messages: A }))
      return { type: outcome.rejected.type || outcome.rejected.cause.type, retriable: outcome.rejected.retriable }
    },
  },
  {
    name: 'send() before connect() and after disconnect()',
    run: async (lib, context) => {
      const producer = context.closing(context.kafka().producer())
      const outcomes = [await context.caught(() => producer.send({ topic: 'topic', messages: A }))]
      await producer.connect()
      await producer.disconnect()
      outcomes.push(await context.caught(() => producer.send({ topic: 'topic', messages: A })))
      return outcomes
    },
  },
  {
    name: 'send() while disconnect() is under way',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await context.producer()
      const disconnected = producer.disconnect()
      const outcome = await context.caught(() => producer.send({ topic, messages: A }))
      await disconnected
      return outcome
    },
  },
  {
    name: 'arguments are checked before the connection',
    run: async (lib, context) => {
      const producer = context.kafka().producer()
      return Promise.all([{ messages: A }, { topic: 't' }, { topic: 't', messages: [{}] }].map(
        (record) => context.caught(() => producer.send(record)),
      ))
    },
  },
  {
    name: 'an idempotent producer that may not retry is refused when it is made',
    run: async (lib, context) => [
      await context.caught(() => { context.kafka().producer({ idempotent: true, retry: { retries: 0 } }) }),
      await context.caught(() => { context.kafka({ retry: { retries: 0 } }).producer({ idempotent: true }) }),
    ],
  },
  {
    name: 'disconnect() of a producer that never connected, and twice',
    run: async (lib, context) => {
      const producer = context.kafka().producer()
      const outcomes = [await context.caught(() => producer.disconnect())]
      await producer.connect()
      outcomes.push(await context.caught(() => producer.disconnect()), await context.caught(() => producer.disconnect()))
      return outcomes
    },
  },
  {
    name: 'connect() twice',
    run: async (lib, context) => {
      const producer = await context.producer()
      return [await context.caught(() => producer.connect()), await producer.send({ topic: await context.topic(), messages: A })]
    },
  },
  ...['producer', 'consumer', 'admin'].map((client) => ({
    name: `connect() of a ${client} where nothing listens`,
    messages: /** @type {const} */ ('any'),
    run: async (lib, context) => {
      const kafka = context.kafka({ brokers: ['127.0.0.1:1'], retry: { retries: 1, initialRetryTime: 10, maxRetryTime: 50 } })
      const made = context.closing(client === 'consumer' ? kafka.consumer({ groupId: 'group' }) : kafka[client]())
      return context.caught(() => made.connect())
    },
  })),
  ...[
    { name: 'no brokers', brokers: [] },
    { name: 'brokers of null', brokers: null },
    { name: 'brokers that are undefined', brokers: undefined },
    { name: 'a broker that is no text', brokers: [7] },
    { name: 'a broker of null', brokers: [null] },
    { name: 'a broker of no characters', brokers: [''] },
    { name: 'a brokers function that throws', brokers: () => { throw new Error('no registry') } },
    { name: 'a brokers function that rejects', brokers: async () => { throw new Error('no registry') } },
    { name: 'a brokers function that gives no brokers', brokers: async () => [] },
    { name: 'a brokers function that gives null', brokers: () => null },
  ].map(({ name, brokers }) => ({
    name: `connect() with ${name}`,
    messages: name === 'a broker of no characters' ? /** @type {const} */ ('any') : /** @type {const} */ ('same'),
    run: async (lib, context) => {
      const kafka = context.kafka({ brokers, retry: { retries: 1, initialRetryTime: 10 } })
      const outcome = await context.caught(() => context.closing(kafka.producer()).connect())
      // What the function threw is the cause of ours; kafkajs keeps only its text.
      if (outcome.rejected && outcome.rejected.name === 'KafkaJSConnectionError') delete outcome.rejected.cause
      return outcome
    },
  })),
  {
    name: 'a brokers function that gives brokers, also later',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic()
      const kafka = context.kafka({ brokers: async () => [context.bootstrap] })
      const producer = await context.producer({}, kafka)
      return producer.send({ topic, messages: A })
    },
  },
  {
    name: 'the first broker is dead, the second one answers',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await context.producer({}, context.kafka({ brokers: ['127.0.0.1:1', context.bootstrap] }))
      return producer.send({ topic, messages: A })
    },
  },
])
