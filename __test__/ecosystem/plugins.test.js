'use strict'

// Plugins of web frameworks that make their clients of a Kafka, or of its options: GraphQL subscriptions, fastify.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { bootstrap } = require('../helpers/broker')
const { createTopic, grown } = require('../helpers/clients')
const { topicName } = require('../helpers/topic')
const { within } = require('../helpers/wait')
const { installation } = require('./installation')

const installed = installation()
const { Kafka, logLevel } = installed.require('kafkajs')

const options = { brokers: [bootstrap()], logLevel: logLevel.NOTHING }
const kafka = new Kafka(options)

test('graphql-kafkajs-subscriptions: what is published arrives in a GraphQL subscription', async (t) => {
  const { buildSchema, parse, subscribe } = installed.require('graphql')
  const { KafkaPubSub } = installed.require('graphql-kafkajs-subscriptions')
  const pubsub = await KafkaPubSub.create({
    topic: await createTopic(t, kafka),
    kafka,
    groupIdPrefix: topicName(t),
    consumerConfig: { sessionTimeout: 20_000 },
  })
  t.after(() => Promise.all([pubsub.producer.disconnect(), pubsub.consumer.disconnect()]))

  const schema = buildSchema('type Query { none: Int } type Subscription { ordered(shop: String): Order } '
    + 'type Order { id: Int, offset: String, from: String }')
  const field = /** @type {any} */ (schema.getSubscriptionType()).getFields().ordered
  field.subscribe = (/** @type {any} */ _, /** @type {any} */ { shop }) => pubsub.asyncIterator(shop)
  field.resolve = (/** @type {any} */ message) => ({
    ...JSON.parse(message.value), offset: message.offset, from: message.headers.source.toString(),
  })
  const orders = await subscribe({ schema, document: parse('subscription { ordered(shop: "b") { id offset from } }') })
  const next = orders.next()
  // create() has run the consumer: what is published from here on is read, though nothing is read from the beginning.
  await pubsub.publish('a', JSON.stringify({ id: 1 }), { source: 'test' })
  await pubsub.publish('b', JSON.stringify({ id: 2 }), { source: 'test' })
  const { value } = await within(next, 'the order')
  assert.deepEqual(JSON.parse(JSON.stringify(value)), { data: { ordered: { id: 2, offset: '1', from: 'test' } } })
  await orders.return()
})

test('fastify-kafkajs: a route sends, a consumer of the plugin receives, and closing the server ends both', async (t) => {
  const topic = await createTopic(t, kafka)
  /** @type {any[]} */
  const received = []
  const app = installed.require('fastify')()
  t.after(() => app.close())
  app.register(installed.require('fastify-kafkajs'), {
    clientConfig: options,
    producerConfig: { allowAutoTopicCreation: false },
    consumers: [{
      consumerConfig: { groupId: topicName(t) },
      subscription: { topics: [topic], fromBeginning: true },
      runConfig: { eachMessage: async ({ message }) => { received.push(message.value.toString()) } },
    }],
  })
  app.post('/orders', async (/** @type {any} */ request) =>
    app.kafka.producer.send({ topic, messages: [{ value: JSON.stringify(request.body) }] }))
  const response = await app.inject({ method: 'POST', url: '/orders', payload: { id: 7 } })
  assert.equal(response.statusCode, 200, response.body)
  assert.equal(response.json()[0].baseOffset, '0')
  await grown(received, 1)
  assert.deepEqual(received, ['{"id":7}'])
  assert.ok(app.kafka.client instanceof Kafka)

  const [consumer] = app.kafka.consumers
  let disconnected = false
  consumer.on(consumer.events.DISCONNECT, () => { disconnected = true })
  await app.close()
  assert.ok(disconnected)
  await assert.rejects(app.kafka.producer.send({ topic, messages: [{ value: 'late' }] }), /disconnected/)
})
