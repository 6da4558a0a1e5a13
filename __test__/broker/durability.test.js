'use strict'

// The broker is killed with SIGKILL in the middle of the demo's work and started again: nothing may be lost, nothing
// may be written twice, and only what was not committed may be read twice.

const assert = require('node:assert/strict')
const { Writable } = require('node:stream')
const { test } = require('node:test')
const kafkajs = require('kafkajs')
const { DemoCluster } = require('../../scripts/demo/cluster')
const { consume } = require('../../scripts/demo/consume')
const { loadDataset } = require('../../scripts/demo/dataset')
const { produce } = require('../../scripts/demo/produce')
const { runDemo } = require('../../scripts/demo/run')
const { verify } = require('../../scripts/demo/verify')
const { KafkaBroker } = require('../../scripts/kafka/broker')
const {
  collect, committedOffsets: offsetsOf, connectConsumer, connectProducer, createTopic, grown, kafkaOf, numbered, range
} = require('../helpers/clients')
const { transform } = require('../helpers/transform')
const { once, waitFor, within } = require('../helpers/wait')

/** For a phase of the demo with a crash in it, ms. */
const LIMIT = 85_000

const { records } = loadDataset()

/** @param {import('node:test').TestContext} t */
async function startBroker (t) {
  const broker = await KafkaBroker.start()
  t.after(() => broker.stop())
  return broker
}

/** @param {import('node:test').TestContext} t @param {KafkaBroker} broker */
async function openCluster (t, broker) {
  const cluster = await DemoCluster.open([broker.bootstrapServers], () => {})
  t.after(() => cluster.close())
  return cluster
}

/**
 * Kills the broker as soon as `ripe` says so, and starts it again when it is gone and `until` has resolved.
 * @param {KafkaBroker} broker
 * @param {(count: number) => boolean} ripe
 * @param {() => Promise<unknown>} [until]
 */
function crashOnce (broker, ripe, until = async () => {}) {
  const crash = {
    /** The count at which it was killed. */
    at: 0,
    /** The last count that was told before the broker's process was gone. */
    last: 0,
    /** @type {Promise<void> | undefined} resolves when the broker answers again */
    over: undefined,
    /** @param {number} count */
    look (count) {
      if (!crash.gone) crash.last = count
      if (crash.over || !ripe(count)) return
      crash.at = count
      crash.over = (async () => {
        await broker.kill(1)
        crash.gone = true
        await until()
        await broker.restart(1)
      })()
    },
    gone: false
  }
  return crash
}

/** @param {Map<number, number>} offsets by partition @returns {number} how many messages come before them */
const total = offsets => [...offsets.values()].reduce((sum, offset) => sum + offset, 0)

test('the demo succeeds although its broker is killed while it produces, and again while it consumes', async t => {
  const broker = await startBroker(t)
  const producing = crashOnce(broker, count => count >= 50_000)
  const consuming = crashOnce(broker, count => count >= 50_000)
  let printed = ''
  const out = new Writable({
    write (chunk, _, done) {
      printed += chunk
      done()
    }
  })
  const demo = runDemo({
    brokers: [broker.bootstrapServers], out, onProduced: producing.look, onConsumed: consuming.look
  })
  const verdict = await within(demo, 'the demo to end', LIMIT + 30_000)
  await Promise.all([producing.over, consuming.over])
  assert.ok(producing.gone && producing.last < records.length, 'the broker died in the middle of producing')
  assert.ok(consuming.gone && consuming.at < records.length, 'the broker was killed in the middle of consuming')
  assert.deepEqual(verdict.problems, [])
  assert.equal(verdict.records, records.length)
  assert.equal(verdict.received, verdict.sent)
  assert.match(printed, /^verified +171,075 of 171,075 records, none lost, none stored twice/m)
})

test('a broker killed in the middle of producing has every record exactly once afterwards, in order', async t => {
  const broker = await startBroker(t)
  const cluster = await openCluster(t, broker)
  const { kafka, topic } = cluster
  const crash = crashOnce(broker, count => count >= 50_000)
  await within(produce({ kafka, topic, records, onProgress: crash.look }), 'all records to be confirmed', LIMIT)
  await crash.over
  assert.ok(crash.gone && crash.last < records.length, 'the broker died in the middle')

  const ends = await cluster.ends()
  assert.equal(total(ends), records.length)
  const { messages } = await within(consume({ kafka, topic, groupId: `${topic}-group`, ends }), 'all of them', LIMIT)
  const verdict = verify(records, messages)
  assert.deepEqual(verdict.problems, [])
  assert.equal(messages.length, records.length)
  assert.equal(verdict.received, verdict.sent)
})

for (const { title, config, outage } of [
  {
    title: 'a broker killed in the middle of consuming and soon back: all is read, twice only what was not committed',
    config: {},
    outage: undefined
  },
  {
    title: 'a broker away for longer than the session lasts: all is read, twice only what was not committed',
    config: { sessionTimeout: 6000, heartbeatInterval: 500 },
    outage: (/** @type {import('../..').Consumer} */ consumer) => once(consumer, consumer.events.REBALANCING)
  }
]) {
  test(title, async t => {
    const broker = await startBroker(t)
    const cluster = await openCluster(t, broker)
    const { kafka, topic } = cluster
    await produce({ kafka, topic, records })
    const ends = await cluster.ends()
    const groupId = `${topic}-group`

    /** @type {Map<number, number>} */
    const committed = new Map()
    /** @type {Map<number, number> | undefined} */
    let committedAtKill
    /** @type {import('../..').Consumer} */
    let consumer
    // Little fetched ahead: else all that is left may lie in this process when the broker dies.
    const little = { maxBytesPerPartition: 65536, rdkafka: { 'queued.max.messages.kbytes': 1024 } }
    const ripe = (/** @type {number} */ count) => {
      // So late after a commit that there is something to read twice.
      if (count < 50_000 || count - total(committed) < 1000) return false
      committedAtKill = new Map(committed)
      return true
    }
    const crash = crashOnce(broker, ripe, () => (outage ? outage(consumer) : Promise.resolve()))
    const reading = consume({
      kafka,
      topic,
      groupId,
      ends,
      config: { ...little, ...config },
      onConsumer: made => {
        consumer = made
        made.on(made.events.COMMIT_OFFSETS, ({ payload: { topics } }) => {
          for (const { partition, offset } of topics.flatMap(({ partitions }) => partitions)) {
            committed.set(Number(partition), Number(offset))
          }
        })
      },
      onProgress: crash.look
    })
    const { messages } = await within(reading, 'all to be read', LIMIT)
    await crash.over
    assert.ok(crash.gone && crash.last < records.length, 'the broker died in the middle')
    assert.ok(committedAtKill && total(committedAtKill) > 0, 'something had been committed')

    const verdict = verify(records, messages)
    assert.deepEqual(verdict.problems, [])
    assert.equal(verdict.records, records.length)
    assert.equal(verdict.redelivered, messages.length - records.length)

    /** @type {Map<number, number>} */
    const positions = new Map()
    const tooOften = messages.filter(({ partition, offset }) => {
      const again = Number(offset) < (positions.get(partition) ?? 0)
      if (!again) positions.set(partition, Number(offset) + 1)
      return again && Number(offset) < (committedAtKill?.get(partition) ?? 0)
    })
    assert.deepEqual(tooOften, [], 'messages that had been committed and came again')
    if (outage) assert.ok(verdict.redelivered > 0, 'the assignment was lost, so something came again')
    t.diagnostic(`killed at ${crash.at}, ${total(committedAtKill)} committed, ${verdict.redelivered} read twice`)
    assert.deepEqual(await committedOffsets(broker, groupId, topic), ends, 'in the end all is committed')
  })
}

/**
 * What the group has committed, as a client that is not ours sees it.
 * @param {KafkaBroker} broker
 * @param {string} groupId
 * @param {string} topic
 * @returns {Promise<Map<number, number>>}
 */
async function committedOffsets (broker, groupId, topic) {
  const admin = new kafkajs.Kafka({ brokers: [broker.bootstrapServers], logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    const [{ partitions }] = await admin.fetchOffsets({ groupId, topics: [topic] })
    return new Map(partitions.map(({ partition, offset }) => [partition, Math.max(Number(offset), 0)]))
  } finally {
    await admin.disconnect()
  }
}

test('a transformer whose broker is killed in the middle of a transaction has done each message once', async t => {
  const broker = await startBroker(t)
  const kafka = kafkaOf(broker.bootstrapServers)
  const [from, to] = [await createTopic(t, kafka), await createTopic(t, kafka)]
  await (await connectProducer(t, kafka)).send({ topic: from, messages: numbered(40, {}, 'v') })
  let killed = 0
  const { producer, consumer } = await transform(kafka, {
    from,
    to,
    groupId: 'transformer',
    form: 'member',
    transactionTimeout: 60_000,
    inTransaction: async value => {
      if (value !== 'v7' || killed > 0) return
      killed += 1
      await broker.kill(1)
      await broker.restart(1)
    }
  })
  t.after(() => within(Promise.all([consumer.disconnect(), producer.disconnect()]), 'disconnect()'))
  await waitFor(async () => (await offsetsOf(broker.bootstrapServers, 'transformer', from))[0] === 40, {
    timeout: LIMIT, interval: 200, message: 'all offsets'
  })
  assert.equal(killed, 1)
  const written = await collect(await connectConsumer(t, kafka, { topic: to, groupId: 'reader' }))
  await grown(written, 40)
  assert.deepEqual(written.map(({ value }) => value), range(40).map(i => `V${i}`))
})
