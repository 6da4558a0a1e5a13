'use strict'

// What a producer's flush() and close wait for, what they give up on, and what is left afterwards. Found by review.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const v8 = require('node:v8')
const vm = require('node:vm')
const native = require('../../lib/native')
const layout = require('../../lib/frame/layout')
const { FrameWriter } = require('../../lib/frame/writer')
const { connectProducer, kafkaOf, mockCluster, numbered } = require('../helpers/clients')
const { waitFor, within } = require('../helpers/wait')

const DELIVERIES = 2
const MEGABYTE = 1_000_000

// A close gives up when nothing was delivered for a while. It counted sends that are complete, not records: one send of
// many records completes once, at its end, so a close in the middle of it purged the rest although reports kept coming.
test('a close waits for one large send for as long as its records are reported, beyond the patience', async t => {
  const cluster = await mockCluster(t)
  await cluster.createTopic({ topic: 'topic' })
  const records = 200
  const latency = 100
  const batch = 5
  const patience = 1500 // less than half of the records * latency / batch that the send takes at least
  /** @type {{ error: number, failed: number }[]} */
  const complete = []
  const producer = new native.NativeProducer({
    'bootstrap.servers': cluster.bootstrapServers,
    'linger.ms': '0',
    'batch.num.messages': String(batch),
    'max.in.flight': '1',
    'queue.buffering.max.messages': '10'
  }, (kind) => {
    if (kind !== DELIVERIES) return
    const frame = new Int32Array(100)
    producer.deliveries(frame)
    const { sends, left } = layout.DELIVERIES_HEADER
    assert.deepEqual([frame[sends], frame[left]], [1, 0])
    const at = layout.DELIVERIES_HEADER_WORDS
    complete.push({ error: frame[at + layout.DELIVERY.error], failed: frame[at + layout.DELIVERY.failed] })
  })
  await producer.connect(10_000)
  await cluster.setLatency(1, latency)
  const writer = new FrameWriter()
  writer.add(1, producer.topic('topic'), numbered(records), 'topic')
  const { buffer, length } = writer.take()
  producer.submit(buffer, length)
  await within(producer.close(patience), 'the close')
  assert.deepEqual(complete, [{ error: 0, failed: 0 }])
})

// flush() waited until no send at all was under way: while a program kept on sending that never came.
test('flush() waits for what was sent before it, and not for what is sent after it', async t => {
  const cluster = await mockCluster(t, { brokers: 2 })
  const [NEAR, SILENT] = [1, 2]
  await cluster.createTopic({ topic: 'before' })
  await cluster.createTopic({ topic: 'after' })
  await cluster.setLeader({ topic: 'before', partition: 0, broker: NEAR })
  await cluster.setLeader({ topic: 'after', partition: 0, broker: SILENT })
  const producer = await connectProducer(t, kafkaOf(cluster.brokers))
  const send = (/** @type {string} */ topic) => producer.send({ topic, messages: [{ value: 'x' }] })
  // So that what follows meets connections that are open.
  await Promise.all([send('before'), send('after')])
  await cluster.setLatency(NEAR, 300)
  await cluster.setLatency(SILENT, 3_600_000)
  /** @type {string[]} */
  const order = []
  const before = send('before').then(() => order.push('before'))
  const flushed = producer.flush({ timeout: 10_000 }).then(() => order.push('flushed'))
  const after = send('after').then(() => order.push('after'))
  await within(flushed, 'flush()')
  assert.deepEqual(order, ['before', 'flushed'])
  await cluster.setLatency(SILENT, 0)
  await within(Promise.all([before, after]), 'the sends')
})

// librdkafka says "queue full" of a message that is larger than its whole queue, also when that is empty; and a full
// queue is waited for. Such a message waited for ever, and all sends behind it.
test('a queue that cannot hold one message of the size asked for is refused, and both properties are named', async t => {
  const cluster = await mockCluster(t)
  const rdkafka = { 'queue.buffering.max.kbytes': '1000', 'message.max.bytes': '2000000' }
  const producer = kafkaOf(cluster.brokers).producer({ rdkafka })
  t.after(() => producer.disconnect())
  await assert.rejects(within(producer.connect(), 'connect()'), (/** @type {any} */ error) => {
    assert.match(error.name, /^KafkaJS/)
    assert.equal(error.retriable, false)
    assert.match(error.message, /queue\.buffering\.max\.kbytes/)
    assert.match(error.message, /message\.max\.bytes/)
    return true
  })
})

test('a small queue refuses messages that it could never hold, where the program says no other size', async t => {
  const cluster = await mockCluster(t)
  const producer = await connectProducer(t, kafkaOf(cluster.brokers), { rdkafka: { 'queue.buffering.max.kbytes': '100' } })
  const topic = 'topic'
  await assert.rejects(within(producer.send({ topic, messages: [{ value: 'x'.repeat(110_000) }] }), 'the send'), {
    type: 'MESSAGE_TOO_LARGE'
  })
  await producer.send({ topic, messages: [{ value: 'x'.repeat(50_000) }] })
})

// The cleanup hook that ends a client with its environment held the client's core, and was replaced at a close instead
// of taken back: every connect and close left one core in memory. What is seen of that from outside is what the core
// holds, names of topics.
test('a client that was closed is given back to the system', async t => {
  v8.setFlagsFromString('--expose-gc')
  const collect = vm.runInNewContext('gc')
  const cluster = await mockCluster(t)
  const held = 4 * MEGABYTE
  const cycles = 50
  let made = 0
  const cycle = async () => {
    const producer = new native.NativeProducer({ 'bootstrap.servers': cluster.bootstrapServers }, () => {})
    await producer.connect(10_000)
    for (let i = 0; i < held / MEGABYTE; i++) producer.topic('x'.repeat(MEGABYTE) + made++)
    await producer.close(0)
    collect()
  }
  for (let i = 0; i < 5; i++) await cycle()
  const before = process.memoryUsage().rss
  for (let i = 0; i < cycles; i++) await cycle()
  const grown = () => {
    collect()
    return process.memoryUsage().rss - before
  }
  // A core lives until its threads have ended.
  await waitFor(() => grown() < cycles * held / 2, {
    timeout: 10_000,
    interval: 100,
    message: () => `memory to shrink; it has grown by ${Math.round(grown() / MEGABYTE)} MB`
  })
})
