'use strict'

// NestJS's Kafka transport: a microservice that is called by messages, answers them, and hears events.

const assert = require('node:assert/strict')
const path = require('node:path')
const { test } = require('node:test')
const { bootstrap } = require('../helpers/broker')
const { connectConsumer, connectProducer, createTopic, grown } = require('../helpers/clients')
const { topicName } = require('../helpers/topic')
const { installation } = require('./installation')

const installed = installation()
const { Kafka, logLevel } = installed.require('kafkajs')
const client = { brokers: [bootstrap()], logLevel: logLevel.NOTHING }
const kafka = new Kafka({ ...client, clientId: 'caller' })

test('server: requests are answered, also by an error; events are heard, and again after a retriable one', async (t) => {
  const topics = { price: await createTopic(t, kafka, 2), placed: await createTopic(t, kafka) }
  const replies = await createTopic(t, kafka)
  process.env.NEST_TOPICS = JSON.stringify(topics)
  const orders = installed.load(path.join(__dirname, 'nest-orders.ts'))
  const app = await orders.start({
    client,
    consumer: { groupId: topicName(t), retry: { initialRetryTime: 50 } },
    subscribe: { fromBeginning: true },
  })
  t.after(() => app.close())

  const consumer = await connectConsumer(t, kafka, { topic: replies })
  /** @type {any[]} */
  const answers = []
  await consumer.run({ eachMessage: async ({ message }) => { answers.push(message) } })
  const producer = await connectProducer(t, kafka)
  const request = (/** @type {number} */ count) => ({
    key: 'k',
    value: JSON.stringify({ count }),
    partition: 1,
    headers: { kafka_correlationId: `id ${count}`, kafka_replyTopic: replies, kafka_replyPartition: '0' },
  })
  await producer.send({ topic: topics.price, messages: [request(14), request(-1)] })
  await producer.send({
    topic: topics.placed,
    messages: [1, 2, 3].map((id) => ({ value: JSON.stringify({ id }) })),
  })

  await grown(answers, 2)
  const told = answers.map(({ value, headers }) => ({
    id: headers.kafka_correlationId.toString(),
    value: value && JSON.parse(value.toString()),
    error: headers['kafka_nest-err']?.toString(),
  }))
  assert.deepEqual(Object.fromEntries(told.map(({ id, ...answer }) => [id, answer])), {
    'id 14': { value: { total: 42 }, error: undefined },
    'id -1': { value: null, error: '{"status":"error","message":"there is no negative order"}' },
  })

  const of = (/** @type {string} */ pattern) => orders.seen.filter((/** @type {any} */ call) => call.pattern === pattern)
  assert.deepEqual(of('price'), [{ pattern: 'price', data: { count: 14 }, partition: 1, key: 'k' }])
  await grown(orders.seen, 5)
  assert.deepEqual(of('placed').map((/** @type {any} */ { data, offset }) => [data.id, offset]), [
    [1, '0'], [2, '1'], [2, '1'], [3, '2'],
  ])
})

test('client: its own partition assigner is refused with what to do instead', async (t) => {
  const { ClientKafka } = installed.require('@nestjs/microservices')
  const proxy = new ClientKafka({ client, consumer: { groupId: topicName(t) } })
  t.after(() => proxy.close())
  await assert.rejects(proxy.connect(), { name: 'KafkaJSNotImplemented', message: /partitionAssigners/ })
})

test('client: events are emitted, without a consumer of its own', async (t) => {
  const { ClientKafka } = installed.require('@nestjs/microservices')
  const topic = await createTopic(t, kafka)
  const proxy = new ClientKafka({ client, producerOnlyMode: true })
  t.after(() => proxy.close())
  await proxy.connect()
  await new Promise((resolve, reject) => {
    proxy.emit(topic, { key: 'k', value: { id: 1 } }).subscribe({ complete: () => resolve(undefined), error: reject })
  })
  const consumer = await connectConsumer(t, kafka, { topic })
  /** @type {any[]} */
  const received = []
  await consumer.run({ eachMessage: async ({ message }) => { received.push(message) } })
  await grown(received, 1)
  assert.deepEqual([received[0].key.toString(), received[0].value.toString()], ['k', '{"id":1}'])
})
