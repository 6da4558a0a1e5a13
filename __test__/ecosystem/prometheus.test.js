'use strict'

// @christiangalsterer/kafkajs-prometheus-exporter makes metrics of the clients' instrumentation events.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { bootstrap } = require('../helpers/broker')
const { createTopic, grown } = require('../helpers/clients')
const { topicName } = require('../helpers/topic')
const { waitFor } = require('../helpers/wait')
const { installation } = require('./installation')

const installed = installation()
const { Kafka, logLevel } = installed.require('kafkajs')
const { Registry } = installed.require('prom-client')
const { monitorKafkaJSAdmin, monitorKafkaJSConsumer, monitorKafkaJSProducer } = installed.require(
  '@christiangalsterer/kafkajs-prometheus-exporter',
)

const kafka = new Kafka({ brokers: [bootstrap()], logLevel: logLevel.NOTHING })

/**
 * A metric's value, by its whole line but the number; 0 when it is not there.
 * @param {any} register
 * @param {string} line
 */
async function metric(register, line) {
  const found = (await register.metrics()).split('\n').find((/** @type {string} */ text) => text.startsWith(`${line} `))
  return found === undefined ? 0 : Number(found.slice(line.length + 1))
}

/** @param {any} register @param {string} line @param {(value: number) => boolean} holds */
async function reaches(register, line, holds) {
  let value = NaN
  await waitFor(async () => holds((value = await metric(register, line))), { message: () => `${line}: it is ${value}` })
}

/**
 * The sum of a metric's series, whatever their labels.
 * @param {any} register @param {string} name
 */
async function total(register, name) {
  const lines = (await register.metrics()).split('\n').filter((/** @type {string} */ text) => text.startsWith(`${name}{`))
  return lines.reduce((/** @type {number} */ sum, /** @type {string} */ text) => sum + Number(text.slice(text.lastIndexOf(' '))), 0)
}

/** @param {any} register @param {string[]} names that have to become positive */
async function positive(register, names) {
  /** @type {[string, number][]} */
  let seen = []
  await waitFor(
    async () => {
      seen = await Promise.all(names.map(async (name) => /** @type {[string, number]} */ ([name, await total(register, name)])))
      return seen.every(([, value]) => value > 0)
    },
    { message: () => JSON.stringify(seen) },
  )
}

test('requests of every client are counted, with their sizes and durations, by broker; fetches and heartbeats of the consumer', async (t) => {
  const registers = { producer: new Registry(), consumer: new Registry(), admin: new Registry() }
  const topic = await createTopic(t, kafka)
  const clients = { producer: kafka.producer(), consumer: kafka.consumer({ groupId: topicName(t), heartbeatInterval: 200 }), admin: kafka.admin() }
  t.after(() => Promise.all(Object.values(clients).map((client) => client.disconnect())))
  monitorKafkaJSProducer(clients.producer, registers.producer)
  monitorKafkaJSConsumer(clients.consumer, registers.consumer)
  monitorKafkaJSAdmin(clients.admin, registers.admin)
  await Promise.all(Object.values(clients).map((client) => client.connect()))
  await clients.admin.fetchTopicOffsets(topic)
  await clients.producer.send({ topic, messages: [{ value: 'v' }] })
  await clients.consumer.subscribe({ topic, fromBeginning: true })
  await clients.consumer.run({ eachMessage: async () => {} })
  for (const [client, register] of Object.entries(registers)) {
    const name = `kafka_${client}_request`
    await positive(register, [`${name}_total`, `${name}_size_total`, `${name}_duration_seconds_count`])
    assert.match(await register.metrics(), new RegExp(`${name}_total\\{.*broker="127.0.0.1:\\d+"`))
  }
  await waitFor(async () => (await metric(registers.consumer, 'kafka_consumer_heartbeat_total')) > 0
    || (await total(registers.consumer, 'kafka_consumer_heartbeat_total')) > 0, { message: 'a heartbeat' })
  await waitFor(async () => (await metric(registers.consumer, 'kafka_consumer_fetch_total')) > 0
    || (await total(registers.consumer, 'kafka_consumer_fetch_total')) > 0, { message: 'a fetch' })
})

test('producer: connections are counted', async () => {
  const register = new Registry()
  const producer = kafka.producer()
  monitorKafkaJSProducer(producer, register, { defaultLabels: { client_id: 'c' } })
  await producer.connect()
  assert.equal(await metric(register, 'kafka_producer_connection_count{client_id="c"}'), 1)
  await producer.disconnect()
  assert.equal(await metric(register, 'kafka_producer_connection_count{client_id="c"}'), 0)
  assert.equal(await metric(register, 'kafka_producer_connection_creation_total{client_id="c"}'), 1)
  assert.equal(await metric(register, 'kafka_producer_connection_close_total{client_id="c"}'), 1)
})

test('admin: connections are counted', async () => {
  const register = new Registry()
  const admin = kafka.admin()
  monitorKafkaJSAdmin(admin, register)
  await admin.connect()
  assert.equal(await metric(register, 'kafka_admin_connection_count'), 1)
  await admin.listTopics()
  await admin.disconnect()
  assert.equal(await metric(register, 'kafka_admin_connection_count'), 0)
})

test('consumer: batches are counted as messages flow, with how long they took', async (t) => {
  const register = new Registry()
  const topic = await createTopic(t, kafka, 2)
  const producer = kafka.producer()
  t.after(() => producer.disconnect())
  await producer.connect()
  const consumer = kafka.consumer({ groupId: topicName(t) })
  t.after(() => consumer.disconnect())
  monitorKafkaJSConsumer(consumer, register)
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  /** @type {any[]} */
  const received = []
  await consumer.run({ eachMessage: async ({ message }) => { received.push(message.offset) } })
  const line = (/** @type {string} */ name, partition = 0) => `${name}{topic="${topic}",partition="${partition}"}`
  for (const [round, expected] of [1, 3].entries()) {
    const messages = Array.from({ length: round + 1 }, () => ({ value: 'v', partition: 0 }))
    await producer.send({ topic, messages })
    await grown(received, expected)
    await reaches(register, line('kafka_consumer_batch_size_total'), (value) => value === expected)
  }
  assert.equal(await metric(register, line('kafka_consumer_batch_size_total', 1)), 0)
  assert.ok((await metric(register, line('kafka_consumer_batch_duration_seconds_count'))) >= 2)
  assert.ok((await metric(register, line('kafka_consumer_batch_duration_seconds_sum'))) >= 0)
  // CONNECT comes at connect() and at run(), in kafkajs too.
  assert.equal(await metric(register, 'kafka_consumer_connection_creation_total'), 2)
})

test('consumer: a crash is counted by its error', async (t) => {
  const register = new Registry()
  const topic = await createTopic(t, kafka)
  const groupId = topicName(t)
  const consumer = kafka.consumer({ groupId, retry: { retries: 0, restartOnFailure: async () => false } })
  t.after(() => consumer.disconnect())
  monitorKafkaJSConsumer(consumer, register)
  const producer = kafka.producer()
  t.after(() => producer.disconnect())
  await producer.connect()
  await producer.send({ topic, messages: [{ value: 'v' }] })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({ eachMessage: async () => { throw new TypeError('no') } })
  const labels = `{group_id="${groupId}",error="KafkaJSNonRetriableError",restart="false"}`
  await reaches(register, `kafka_consumer_connection_crashed_total${labels}`, (value) => value === 1)
})
