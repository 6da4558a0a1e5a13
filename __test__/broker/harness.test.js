'use strict'

// Proves the broker that the other broker tests stand on, with a client that is not ours.

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const readline = require('node:readline')
const { test } = require('node:test')
const { Kafka, logLevel } = require('kafkajs')
const { KafkaBroker } = require('../../scripts/kafka/broker')
const { bootstrap } = require('../helpers/broker')
const { topicName } = require('../helpers/topic')
const { once, waitFor, within } = require('../helpers/wait')

/** @typedef {import('node:test').TestContext} TestContext */

/** @param {string} brokers */
function client (brokers) {
  const retry = { initialRetryTime: 100, retries: 12 }
  return new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING, retry })
}

/**
 * @param {Kafka} kafka
 * @param {string} topic
 * @param {string[]} values
 */
async function produce (kafka, topic, values) {
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic, messages: values.map(value => ({ value })) })
  await producer.disconnect()
}

/**
 * Reads from the beginning until there are so many values.
 * @param {Kafka} kafka
 * @param {string} topic
 * @param {number} count
 * @returns {Promise<string[]>}
 */
async function consume (kafka, topic, count) {
  const consumer = kafka.consumer({ groupId: topicName(`${topic}-group`) })
  const values = []
  try {
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({ eachMessage: async ({ message }) => { values.push(String(message.value)) } })
    await waitFor(() => values.length >= count, { message: () => `${count} values, there are ${values.length}` })
  } finally {
    await within(consumer.disconnect(), 'kafkajs to disconnect')
  }
  return values
}

/**
 * @param {TestContext} t
 * @param {import('../../scripts/kafka/broker').Options} [options]
 */
async function startBroker (t, options) {
  const broker = await KafkaBroker.start(options)
  t.after(() => broker.stop())
  return broker
}

/** @param {number} pid */
function isAlive (pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('the broker of the runner takes records and gives them back', async t => {
  const kafka = client(bootstrap())
  const topic = topicName(t)
  await produce(kafka, topic, ['a', 'b', 'c'])
  assert.deepEqual(await consume(kafka, topic, 3), ['a', 'b', 'c'])
})

test('records survive SIGKILL and restart of their broker, on the same address', async t => {
  const broker = await startBroker(t)
  const address = broker.bootstrapServers
  const kafka = client(address)
  const topic = topicName(t)
  await produce(kafka, topic, ['before'])
  await broker.kill(1)
  assert.deepEqual(broker.pids, [])
  await broker.restart(1)
  assert.equal(broker.bootstrapServers, address)
  await produce(kafka, topic, ['after'])
  assert.deepEqual(await consume(kafka, topic, 2), ['before', 'after'])
})

test('of two brokers either can be killed, and the other goes on', async t => {
  const broker = await startBroker(t, { brokers: 2 })
  const kafka = client(broker.bootstrapServers)
  const admin = kafka.admin()
  await admin.connect()
  const { brokers } = await admin.describeCluster()
  assert.deepEqual(brokers.map(({ nodeId }) => nodeId).sort(), [1, 2])
  const topic = topicName(t)
  await admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor: 2 }] })
  await produce(kafka, topic, ['two'])
  await broker.kill(1)
  await produce(kafka, topic, ['one'])
  await broker.restart(1)
  // Only a replica that has caught up can take over.
  await waitFor(async () => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    return topics[0].partitions[0].isr.length === 2
  }, { message: 'broker 1 to be in sync again' })
  await admin.disconnect()
  await broker.kill(2, 'SIGTERM')
  assert.deepEqual(await consume(kafka, topic, 2), ['two', 'one'])
})

test('Kafka 3.9.1 starts, with the consumer group protocol of KIP-848 switched on', async t => {
  const broker = await startBroker(t, { version: '3.9.1' })
  const kafka = client(broker.bootstrapServers)
  const topic = topicName(t)
  await produce(kafka, topic, ['old'])
  assert.deepEqual(await consume(kafka, topic, 1), ['old'])
})

test('stop ends the processes and removes the folder, and may be called twice', async t => {
  const broker = await startBroker(t)
  const [pid] = broker.pids
  assert.ok(isAlive(pid) && fs.existsSync(broker.folder))
  await broker.stop()
  await broker.stop()
  assert.ok(!isAlive(pid) && !fs.existsSync(broker.folder))
})

test('a broker ends, and its folder goes, when the process that started it is killed with SIGKILL', async t => {
  const child = spawn(process.execPath, ['-e', `
    require(${JSON.stringify(path.resolve(__dirname, '../../scripts/kafka/broker'))}).KafkaBroker.start()
      .then(({ pids, folder }) => console.log(JSON.stringify({ pids, folder })))
    setInterval(() => {}, 1000)`], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const [line] = await once(readline.createInterface({ input: child.stdout }), 'line')
  const { pids: [pid], folder } = JSON.parse(line)
  assert.ok(isAlive(pid) && fs.existsSync(folder))
  child.kill('SIGKILL')
  await waitFor(() => !isAlive(pid) && !fs.existsSync(folder), { message: `process ${pid} and ${folder} to go` })
})

test('a property that Kafka refuses fails the start with the reason', async () => {
  await assert.rejects(within(KafkaBroker.start({ properties: { 'num.io.threads': 'many' } }), 'the refusal'),
    /Invalid value many for configuration num\.io\.threads/)
})
