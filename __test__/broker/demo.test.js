'use strict'

// The demo on real clusters, as people start it.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Kafka, logLevel } = require('../..')
const { KafkaBroker } = require('../../scripts/kafka/broker')
const { bootstrap } = require('../helpers/broker')
const { runDemoProcess } = require('../helpers/demo-process')

/** @param {string} brokers */
async function assertDemoSucceeds (brokers) {
  const { code, stdout, stderr } = await runDemoProcess(['--brokers', brokers])
  assert.equal(stderr, '')
  assert.equal(code, 0)
  assert.match(stdout, /^produced +171,075 messages in /m)
  assert.match(stdout, /^consumed +171,075 messages in /m)
  assert.match(stdout, /^verified +171,075 of 171,075 records, none lost, none stored twice; in order for each of /m)
  assert.doesNotMatch(stdout, /^note/m)
  return stdout
}

test('the demo passes on Apache Kafka 4.1, and leaves no topic behind', async t => {
  const stdout = await assertDemoSucceeds(bootstrap())
  const [, topic] = /^topic +(\S+),/m.exec(stdout) ?? []
  const admin = new Kafka({ brokers: [bootstrap()], logLevel: logLevel.NOTHING }).admin()
  t.after(() => admin.disconnect())
  await admin.connect()
  assert.ok(topic)
  assert.ok(!(await admin.listTopics()).includes(topic))
})

test('the demo passes on Apache Kafka 3.9.1', async t => {
  const broker = await KafkaBroker.start({ version: '3.9.1' })
  t.after(() => broker.stop())
  await assertDemoSucceeds(broker.bootstrapServers)
})
