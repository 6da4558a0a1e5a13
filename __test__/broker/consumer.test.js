'use strict'

// The promise face of the consumer on a real broker: handlers, offsets, positions and pausing. Groups: consumer-group.test.js.

const assert = require('node:assert/strict')
const { once: onceEvent } = require('node:events')
const { fork } = require('node:child_process')
const path = require('node:path')
const { test } = require('node:test')
const kafkajs = require('kafkajs')
const { bootstrap } = require('../helpers/broker')
const {
  collect,
  committedOffsets,
  connectConsumer,
  connectProducer,
  createTopic,
  deferred,
  gate,
  grown,
  kafkaOf,
  numbered,
  plain,
  range,
} = require('../helpers/clients')
const { topicName } = require('../helpers/topic')
const { once, waitFor, within } = require('../helpers/wait')

/** @typedef {import('node:test').TestContext} TestContext */

/**
 * A topic that holds numbered messages, the same number in each partition.
 * @param {TestContext} t
 * @param {number} count  in each partition
 * @param {number} [partitions]
 */
async function filled(t, count, partitions = 1) {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka, partitions)
  const producer = await connectProducer(t, kafka)
  const messages = range(partitions).flatMap((partition) => numbered(count, { partition }))
  if (messages.length > 0) await producer.send({ topic, messages })
  return { kafka, topic, producer, groupId: topicName(t) }
}

/** @param {any[]} received @param {number} [partition] */
const values = (received, partition = 0) =>
  received.filter((one) => one.partition === partition).map(({ value }) => Number(value))

/** Waits until the group has committed these offsets. @param {string} groupId @param {string} topic @param {Record<number, number>} expected */
async function committed(groupId, topic, expected) {
  /** @type {Record<number, number>} */
  let seen = {}
  await waitFor(
    async () => {
      seen = await committedOffsets(bootstrap(), groupId, topic)
      return Object.entries(expected).every(([partition, offset]) => seen[Number(partition)] === offset)
    },
    { interval: 100, message: () => `${JSON.stringify(expected)}; committed is ${JSON.stringify(seen)}` },
  )
}

test("eachMessage gets topic, partition, the message with kafkajs's fields, heartbeat and pause", async (t) => {
  const { kafka, topic } = await filled(t, 1)
  const consumer = await connectConsumer(t, kafka, { topic })
  const seen = deferred()
  await consumer.run({
    eachMessage: async (/** @type {any} */ payload) => {
      seen.resolve(payload)
    },
  })
  const payload = await within(seen.promise, 'a message')
  assert.deepEqual(Object.keys(payload).sort(), ['heartbeat', 'message', 'partition', 'pause', 'topic'])
  assert.deepEqual([payload.topic, payload.partition], [topic, 0])
  const { message } = payload
  assert.deepEqual(Object.keys(message), [
    'magicByte',
    'attributes',
    'timestamp',
    'offset',
    'key',
    'value',
    'headers',
    'isControlRecord',
    'batchContext',
  ])
  assert.equal(message.offset, '0')
  assert.match(message.timestamp, /^\d{13}$/)
  assert.equal(await payload.heartbeat(), undefined)
})

test('fromBeginning is for each topic by itself', async (t) => {
  const first = await filled(t, 3)
  const { kafka, topic: second, producer } = await filled(t, 3)
  const consumer = await connectConsumer(t, kafka, { topic: first.topic })
  await consumer.subscribe({ topic: second, fromBeginning: false })
  const received = await collect(consumer)
  await grown(received, 3)
  // `latest` is resolved when fetching begins: what is sent until then is missed, so it is sent again until one arrives.
  await waitFor(
    async () => {
      await producer.send({ topic: second, messages: [{ value: '100' }] })
      return received.some((one) => one.topic === second)
    },
    { interval: 200 },
  )
  assert.deepEqual(
    received.filter((one) => one.topic === first.topic).map(({ value }) => value),
    ['0', '1', '2'],
  )
  assert.ok(received.filter((one) => one.topic === second).every(({ value }) => value === '100'))
})

test('a RegExp subscribes to every topic that matches', async (t) => {
  const a = await filled(t, 2)
  const b = await filled(t, 2)
  const consumer = await connectConsumer(t, a.kafka, {})
  await consumer.subscribe({ topic: new RegExp(`^(${a.topic}|${b.topic})$`, 'i'), fromBeginning: true })
  const received = await collect(consumer)
  await grown(received, 4)
  assert.deepEqual([...new Set(received.map(({ topic }) => topic))].sort(), [a.topic, b.topic].sort())
})

test('what was handled is committed, and the next run starts behind it', async (t) => {
  const { kafka, topic, producer, groupId } = await filled(t, 10, 2)
  const first = await connectConsumer(t, kafka, { topic, groupId })
  await grown(await collect(first), 20)
  await first.disconnect()
  await committed(groupId, topic, { 0: 10, 1: 10 })
  await producer.send({ topic, messages: [{ value: '77', partition: 1 }] })
  const received = await collect(await connectConsumer(t, kafka, { topic, groupId }))
  await grown(received, 1)
  assert.deepEqual(received, [{ topic, partition: 1, offset: 10, key: null, value: '77' }])
})

test('auto-commit happens while the consumer runs', async (t) => {
  const { kafka, topic, groupId } = await filled(t, 10)
  const consumer = await connectConsumer(t, kafka, { topic, groupId })
  const commits = once(consumer, consumer.events.COMMIT_OFFSETS, {
    where: ({ payload }) => payload.topics[0].partitions[0].offset === '10',
  })
  await consumer.run({ eachMessage: async () => {} })
  const [{ payload }] = await commits
  assert.deepEqual(payload.topics, [{ topic, partitions: [{ partition: '0', offset: '10' }] }])
  await committed(groupId, topic, { 0: 10 })
})

test('a message that is being handled is not committed', async (t) => {
  const { kafka, topic, groupId } = await filled(t, 5)
  const hold = gate(t)
  const consumer = await connectConsumer(t, kafka, { topic, groupId, rdkafka: { 'fetch.wait.max.ms': 50 } })
  const reached = deferred()
  const run = { autoCommitThreshold: 1 }
  await consumer.run({
    ...run,
    eachMessage: async (/** @type {any} */ { message }) => {
      if (message.offset !== '3') return
      reached.resolve()
      await hold.promise
    },
  })
  await within(reached.promise, 'the fourth message')
  await committed(groupId, topic, { 0: 3 })
  hold.resolve()
  await committed(groupId, topic, { 0: 5 })
})

test('without autoCommit nothing is committed but what commitOffsets() says, and the next run starts there', async (t) => {
  const { kafka, topic, groupId } = await filled(t, 10)
  const first = await connectConsumer(t, kafka, { topic, groupId })
  await grown(await collect(first, { autoCommit: false }), 10)
  await first.commitOffsets([{ topic, partition: 0, offset: '4', metadata: 'because' }])
  await first.disconnect()
  assert.deepEqual(await committedOffsets(bootstrap(), groupId, topic), { 0: 4 })
  const received = await collect(await connectConsumer(t, kafka, { topic, groupId }))
  await grown(received, 6)
  assert.deepEqual(
    received.map(({ offset }) => offset),
    [4, 5, 6, 7, 8, 9],
  )
})

test('a consumer that is killed in the middle comes back at the first message not handled, or before it', async (t) => {
  const { topic, kafka, groupId } = await filled(t, 2000)
  const child = fork(path.join(__dirname, '..', 'helpers', 'consume-until-killed.js'), [bootstrap(), topic, groupId])
  t.after(() => child.kill('SIGKILL'))
  let handled = 0
  child.on('message', (/** @type {any} */ offset) => {
    handled = Math.max(handled, offset)
  })
  await waitFor(() => handled >= 500, { message: () => `500 handled; ${handled}` })
  const ended = onceEvent(child, 'exit')
  child.kill('SIGKILL')
  await ended
  const received = await collect(
    await connectConsumer(t, kafka, { topic, groupId, sessionTimeout: 6000, heartbeatInterval: 1000 }),
  )
  await waitFor(() => received.some(({ offset }) => offset === 1999), {
    message: () => `the rest; there are ${received.length}`,
  })
  assert.ok(received[0].offset <= handled + 1, `started at ${received[0].offset}, handled up to ${handled}`)
  assert.ok(received[0].offset > 0, 'nothing had been committed')
  assert.deepEqual(
    received.map(({ offset }) => offset),
    range(2000).slice(received[0].offset),
  )
})

// -- eachBatch

test('eachBatch gets the messages of one partition, and what it returns from is committed', async (t) => {
  const { kafka, topic, groupId } = await filled(t, 50, 2)
  const consumer = await connectConsumer(t, kafka, { topic, groupId })
  /** @type {any[]} */
  const received = []
  await consumer.run({
    eachBatch: async (/** @type {any} */ { batch, isRunning, isStale }) => {
      assert.equal(batch.topic, topic)
      assert.equal(batch.firstOffset(), batch.messages[0].offset)
      assert.equal(batch.lastOffset(), batch.messages[batch.messages.length - 1].offset)
      assert.equal(batch.highWatermark, '50')
      assert.equal(batch.isEmpty(), false)
      assert.deepEqual([isRunning(), isStale()], [true, false])
      for (const message of batch.messages)
        received.push(plain({ ...batch, topic, partition: batch.partition, message }))
    },
  })
  await grown(received, 100)
  for (const partition of [0, 1]) assert.deepEqual(values(received, partition), range(50))
  await committed(groupId, topic, { 0: 50, 1: 50 })
})

test('with eachBatchAutoResolve: false only what resolveOffset() names is done, and the rest comes again', async (t) => {
  const { kafka, topic, groupId } = await filled(t, 10)
  const consumer = await connectConsumer(t, kafka, { topic, groupId })
  /** @type {number[][]} */
  const batches = []
  await consumer.run({
    eachBatchAutoResolve: false,
    eachBatch: async (/** @type {any} */ { batch, resolveOffset }) => {
      const offsets = batch.messages.map((/** @type {any} */ message) => Number(message.offset))
      batches.push(offsets)
      resolveOffset(String(Math.min(offsets[0] + 2, 9)))
    },
  })
  await waitFor(() => batches.some(([first]) => first === 9), { message: () => JSON.stringify(batches) })
  assert.deepEqual(
    batches.map(([first]) => first),
    [0, 3, 6, 9],
  )
  await committed(groupId, topic, { 0: 10 })
})

test('uncommittedOffsets() names what is resolved, and commitOffsetsIfNecessary(it) commits it', async (t) => {
  const { kafka, topic, groupId } = await filled(t, 10)
  const consumer = await connectConsumer(t, kafka, { topic, groupId })
  const seen = deferred()
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    eachBatch: async (/** @type {any} */ { batch, resolveOffset, uncommittedOffsets, commitOffsetsIfNecessary }) => {
      if (batch.firstOffset() !== '0') return
      const before = uncommittedOffsets()
      resolveOffset('4')
      const between = uncommittedOffsets()
      await commitOffsetsIfNecessary(between)
      seen.resolve([before, between, uncommittedOffsets()])
    },
  })
  const [before, between, after] = await within(seen.promise, 'a batch')
  assert.deepEqual(before, { topics: [] })
  assert.deepEqual(between, { topics: [{ topic, partitions: [{ partition: '0', offset: '5' }] }] })
  assert.deepEqual(after, { topics: [] })
  await committed(groupId, topic, { 0: 5 })
})

test('autoCommitThreshold commits in the middle of a batch', async (t) => {
  const { kafka, topic, groupId } = await filled(t, 10)
  const hold = gate(t)
  const consumer = await connectConsumer(t, kafka, { topic, groupId })
  let called = false
  await consumer.run({
    autoCommitThreshold: 3,
    eachBatchAutoResolve: false,
    eachBatch: async (/** @type {any} */ { batch, resolveOffset, commitOffsetsIfNecessary }) => {
      if (called) return
      called = true
      for (const message of batch.messages.slice(0, 3)) {
        resolveOffset(message.offset)
        await commitOffsetsIfNecessary()
      }
      await hold.promise
    },
  })
  await committed(groupId, topic, { 0: 3 })
})

test('a seek makes the batch in work stale, and what it resolves afterwards does not count', async (t) => {
  const { kafka, topic } = await filled(t, 10)
  const consumer = await connectConsumer(t, kafka, { topic })
  /** @type {any[]} */
  const firsts = []
  const stale = deferred()
  await consumer.run({
    eachBatch: async (/** @type {any} */ { batch, isStale, resolveOffset }) => {
      firsts.push(Number(batch.firstOffset()))
      if (firsts.length > 1) return
      consumer.seek({ topic, partition: 0, offset: '3' })
      stale.resolve(isStale())
      resolveOffset('9')
    },
  })
  assert.equal(await within(stale.promise, 'the batch'), true)
  await grown(firsts, 2)
  assert.deepEqual(firsts, [0, 3])
})

// -- positions

test('seek() in the middle: the next message is the one sought, none of before is delivered', async (t) => {
  const { kafka, topic, groupId } = await filled(t, 3000)
  const consumer = await connectConsumer(t, kafka, { topic, groupId })
  /** @type {number[]} */
  const offsets = []
  /** @type {Error[]} */
  const crashes = []
  consumer.on(consumer.events.CRASH, (/** @type {any} */ { payload }) => crashes.push(payload.error))
  const jumps = new Map([
    [10, 2500],
    [2600, 100],
    [200, 2990],
  ])
  await consumer.run({
    eachMessage: async (/** @type {any} */ { message }) => {
      const offset = Number(message.offset)
      offsets.push(offset)
      const target = jumps.get(offset)
      if (target === undefined) return
      jumps.delete(offset)
      consumer.seek({ topic, partition: 0, offset: String(target) })
    },
  })
  await waitFor(() => offsets.at(-1) === 2999, {
    message: () => `the end; ${offsets.length} messages, the last is ${offsets.at(-1)}; crashed by ${crashes}`,
  })
  const all = range(3000)
  assert.deepEqual(offsets, [...all.slice(0, 11), ...all.slice(2500, 2601), ...all.slice(100, 201), ...all.slice(2990)])
  await committed(groupId, topic, { 0: 3000 })
})

test('the last of several seeks wins', async (t) => {
  const { kafka, topic } = await filled(t, 100)
  const consumer = await connectConsumer(t, kafka, { topic })
  /** @type {number[]} */
  const offsets = []
  await consumer.run({
    eachMessage: async (/** @type {any} */ { message }) => {
      offsets.push(Number(message.offset))
      if (offsets.length === 1)
        for (const offset of ['50', '20', '-2', '97']) consumer.seek({ topic, partition: 0, offset })
    },
  })
  await grown(offsets, 4)
  assert.deepEqual(offsets, [0, 97, 98, 99])
})

test('seek() right after a run() that is not awaited says where to start', async (t) => {
  const { kafka, topic } = await filled(t, 10, 2)
  const consumer = await connectConsumer(t, kafka, { topic })
  /** @type {any[]} */
  const received = []
  consumer.run({
    eachMessage: async (/** @type {any} */ payload) => {
      received.push(plain(payload))
    },
  })
  consumer.seek({ topic, partition: 0, offset: '8' })
  await grown(received, 12)
  assert.deepEqual(values(received, 0), [8, 9])
  assert.deepEqual(values(received, 1), range(10))
})

test('seek() after run() has resolved, before anything was fetched, says where to start', async (t) => {
  const { kafka, topic, producer } = await filled(t, 10)
  const consumer = await connectConsumer(t, kafka, { topic })
  /** @type {number[]} */
  const offsets = []
  await consumer.run({
    eachMessage: async (/** @type {any} */ { message }) => {
      offsets.push(Number(message.offset))
    },
  })
  consumer.seek({ topic, partition: 0, offset: '7' })
  await waitFor(() => offsets.at(-1) === 9)
  assert.deepEqual(offsets.slice(-3), [7, 8, 9])
  await producer.send({ topic, messages: [{ value: '10' }] })
  await waitFor(() => offsets.at(-1) === 10)
})

test('seek() to -2 is the beginning, to -1 the end', async (t) => {
  const { kafka, topic, producer } = await filled(t, 5)
  const consumer = await connectConsumer(t, kafka, { topic })
  const received = await collect(consumer)
  await grown(received, 5)
  consumer.seek({ topic, partition: 0, offset: '-2' })
  await grown(received, 10)
  consumer.seek({ topic, partition: 0, offset: '0' })
  consumer.seek({ topic, partition: 0, offset: '-1' })
  await waitFor(
    async () => {
      await producer.send({ topic, messages: [{ value: '100' }] })
      return received.length > 10
    },
    { interval: 200 },
  )
  assert.deepEqual(values(received).slice(0, 10), [...range(5), ...range(5)])
  assert.ok(
    values(received)
      .slice(10)
      .every((value) => value === 100),
    `${values(received)}`,
  )
})

test('seek() commits the new position with auto-commit, and only moves it without', async (t) => {
  const { kafka, topic } = await filled(t, 10)
  for (const autoCommit of [true, false]) {
    const groupId = `${topic}-${autoCommit}`
    const consumer = await connectConsumer(t, kafka, { topic, groupId })
    const received = await collect(consumer, { autoCommit })
    await grown(received, 10)
    consumer.pause([{ topic }])
    consumer.seek({ topic, partition: 0, offset: '6' })
    if (autoCommit) await committed(groupId, topic, { 0: 6 })
    consumer.resume([{ topic }])
    await grown(received, 14)
    await consumer.disconnect()
    if (!autoCommit) assert.deepEqual(await committedOffsets(bootstrap(), groupId, topic), { 0: -1 })
  }
})

test('a committed offset that the log no longer holds starts by fromBeginning', async (t) => {
  const { kafka, topic, groupId } = await filled(t, 10)
  const first = await connectConsumer(t, kafka, { topic, groupId })
  await first.run({ autoCommit: false, eachMessage: async () => {} })
  await first.commitOffsets([{ topic, partition: 0, offset: '500' }])
  await first.disconnect()
  const received = await collect(await connectConsumer(t, kafka, { topic, groupId }))
  await grown(received, 10)
  assert.deepEqual(values(received), range(10))
})

// -- pausing

test('a partition that is paused inside the handler goes on after resume, without loss or reordering', async (t) => {
  const { kafka, topic } = await filled(t, 400, 2)
  const consumer = await connectConsumer(t, kafka, { topic })
  /** @type {any[]} */
  const received = []
  let pauses = 0
  await consumer.run({
    partitionsConsumedConcurrently: 2,
    eachMessage: async (/** @type {any} */ payload) => {
      received.push(plain(payload))
      if (payload.partition === 0 && Number(payload.message.offset) % 50 === 7) {
        pauses++
        const resume = payload.pause()
        assert.deepEqual(consumer.paused(), [{ topic, partitions: [0] }])
        setTimeout(resume, 20)
      }
    },
  })
  await grown(received, 800)
  for (const partition of [0, 1]) assert.deepEqual(values(received, partition), range(400))
  assert.equal(pauses, 8)
})

test('a paused partition is not delivered while others are, also what was fetched before', async (t) => {
  const { kafka, topic, producer } = await filled(t, 100, 2)
  const consumer = await connectConsumer(t, kafka, { topic })
  /** @type {any[]} */
  const received = []
  await consumer.run({
    eachMessage: async (/** @type {any} */ payload) => {
      received.push(plain(payload))
      if (payload.partition === 0 && payload.message.offset === '4') consumer.pause([{ topic, partitions: [0] }])
    },
  })
  await waitFor(() => values(received, 1).length === 100)
  await waitFor(() => values(received, 0).length === 5)
  await producer.send({ topic, messages: [...numbered(1, { partition: 1 }), ...numbered(1, { partition: 0 })] })
  await waitFor(() => values(received, 1).length === 101)
  assert.deepEqual(values(received, 0), range(5))
  consumer.resume([{ topic, partitions: [0] }])
  await waitFor(() => values(received, 0).length === 101)
  assert.deepEqual(values(received, 0), [...range(100), 0])
})

test('a message whose handler paused and threw comes again after resume', async (t) => {
  const { kafka, topic } = await filled(t, 3)
  const consumer = await connectConsumer(t, kafka, { topic })
  /** @type {string[]} */
  const offsets = []
  await consumer.run({
    eachMessage: async (/** @type {any} */ { message, pause }) => {
      offsets.push(message.offset)
      if (offsets.length !== 2) return
      const resume = pause()
      setTimeout(resume, 50)
      throw new Error('not now')
    },
  })
  await grown(offsets, 4)
  assert.deepEqual(offsets, ['0', '1', '1', '2'])
})

test('a topic that is paused before its assignment is not delivered until resume', async (t) => {
  const { kafka, topic } = await filled(t, 5, 2)
  const other = await filled(t, 5)
  const consumer = await connectConsumer(t, kafka, { topics: [topic, other.topic] })
  /** @type {any[]} */
  const received = []
  consumer.run({
    eachMessage: async (/** @type {any} */ payload) => {
      received.push(plain(payload))
    },
  })
  consumer.pause([{ topic }])
  await waitFor(() => received.filter((one) => one.topic === other.topic).length === 5)
  assert.deepEqual(
    consumer.paused().map((/** @type {any} */ one) => ({ ...one, partitions: one.partitions.sort() })),
    [{ topic, partitions: [0, 1] }],
  )
  assert.equal(received.length, 5)
  consumer.resume([{ topic }])
  await grown(received, 15)
  assert.deepEqual(consumer.paused(), [])
})

// -- stop and run

test('stop() waits for the running handler, starts no other one, and commits what was handled', async (t) => {
  const { kafka, topic, groupId } = await filled(t, 10)
  const hold = gate(t)
  const consumer = await connectConsumer(t, kafka, { topic, groupId })
  const reached = deferred()
  let finished = 0
  await consumer.run({
    eachMessage: async () => {
      reached.resolve()
      await hold.promise
      finished++
    },
  })
  await within(reached.promise, 'the first message')
  let stopped = false
  const stop = consumer.stop().then(() => {
    stopped = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(stopped, false)
  hold.resolve()
  await stop
  assert.equal(finished, 1)
  assert.deepEqual(await committedOffsets(bootstrap(), groupId, topic), { 0: 1 })
})

test('run() after stop() goes on where it was', async (t) => {
  const { kafka, topic } = await filled(t, 30)
  const consumer = await connectConsumer(t, kafka, { topic })
  /** @type {number[]} */
  const offsets = []
  for (const until of [10, 20, 30]) {
    const enough = deferred()
    await consumer.run({
      eachMessage: async (/** @type {any} */ { message }) => {
        offsets.push(Number(message.offset))
        if (offsets.length === until) {
          consumer.stop()
          enough.resolve()
        }
      },
    })
    await within(enough.promise, `${until} messages`)
    await consumer.stop()
  }
  assert.deepEqual(offsets, range(30))
})

// -- concurrency

test('a partition never has two handlers at once, however many run concurrently', async (t) => {
  const { kafka, topic } = await filled(t, 100, 4)
  const consumer = await connectConsumer(t, kafka, { topic })
  const running = new Map()
  let [most, wrong, handled] = [0, 0, 0]
  await consumer.run({
    partitionsConsumedConcurrently: 3,
    eachMessage: async (/** @type {any} */ { partition }) => {
      if (running.get(partition)) wrong++
      running.set(partition, true)
      most = Math.max(most, [...running.values()].filter(Boolean).length)
      await new Promise((resolve) => setTimeout(resolve, 1))
      running.set(partition, false)
      handled++
    },
  })
  await waitFor(() => handled === 400, { message: () => `400; ${handled}` })
  assert.equal(wrong, 0)
  assert.equal(most, 3)
})

test('one slow partition does not stop another', async (t) => {
  const { kafka, topic } = await filled(t, 2000, 2)
  const hold = gate(t)
  const consumer = await connectConsumer(t, kafka, { topic })
  /** @type {any[]} */
  const received = []
  await consumer.run({
    partitionsConsumedConcurrently: 2,
    eachMessage: async (/** @type {any} */ payload) => {
      if (payload.partition === 0) await hold.promise
      received.push(plain(payload))
    },
  })
  await waitFor(() => values(received, 1).length === 2000, { message: () => `2000; ${values(received, 1).length}` })
  assert.equal(values(received, 0).length, 0)
  hold.resolve()
  await grown(received, 4000)
  for (const partition of [0, 1]) assert.deepEqual(values(received, partition), range(2000))
})

test('librdkafka properties get through to the consumer', async (t) => {
  const { kafka, topic } = await filled(t, 1)
  const consumer = await connectConsumer(t, kafka, {
    topic,
    groupId: topic,
    rdkafka: { 'group.instance.id': 'fixed', 'client.id': 'by-property' },
  })
  await grown(await collect(consumer), 1)
  const admin = new kafkajs.Kafka({ brokers: [bootstrap()], logLevel: kafkajs.logLevel.NOTHING }).admin()
  t.after(() => admin.disconnect())
  await admin.connect()
  const {
    groups: [{ members }],
  } = await admin.describeGroups([topic])
  assert.deepEqual(
    members.map(({ clientId }) => clientId),
    ['by-property'],
  )
})

/**
 * A topic as transactions leave it: 3 messages committed, 2 aborted, each followed by a control record.
 * @param {TestContext} t
 */
async function transactional(t) {
  const { kafka, topic, groupId } = await filled(t, 0)
  const other = new kafkajs.Kafka({ brokers: bootstrap().split(','), logLevel: kafkajs.logLevel.NOTHING })
  const producer = other.producer({ transactionalId: topicName(t), idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  t.after(() => producer.disconnect())
  for (const [count, commit] of /** @type {[number, boolean][]} */ ([[3, true], [2, false]])) {
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: numbered(count) })
    await (commit ? transaction.commit() : transaction.abort())
  }
  return { kafka, topic, groupId, producer, end: 3 + 1 + 2 + 1 }
}

test('a group has no lag on a transactional topic: control records and aborted messages are passed', async (t) => {
  const { kafka, topic, groupId, end, producer } = await transactional(t)
  const consumer = await connectConsumer(t, kafka, { topic, groupId })
  const received = await collect(consumer)
  await committed(groupId, topic, { 0: end })
  assert.deepEqual(values(received), [0, 1, 2])
  await consumer.disconnect()
  // Nothing but an aborted transaction, seen by a member that has handled nothing yet.
  const transaction = await producer.transaction()
  await transaction.send({ topic, messages: numbered(1) })
  await transaction.abort()
  const second = await connectConsumer(t, kafka, { topic, groupId })
  const others = await collect(second)
  await committed(groupId, topic, { 0: end + 2 })
  assert.deepEqual(others, [])
})

test('eachBatch without auto-resolve does not stick on a transactional topic', async (t) => {
  const { kafka, topic, groupId, end } = await transactional(t)
  const consumer = await connectConsumer(t, kafka, { topic, groupId })
  await consumer.run({
    eachBatchAutoResolve: false,
    eachBatch: async (/** @type {any} */ { batch, resolveOffset }) => {
      for (const { offset } of batch.messages) resolveOffset(offset)
    },
  })
  await committed(groupId, topic, { 0: end })
})

test('a batch is as large as what was fetched, within maxBytesPerPartition', async (t) => {
  const { kafka, topic, producer } = await filled(t, 0)
  const value = Buffer.alloc(100, 'x')
  await producer.send({ topic, messages: range(20_000).map(() => ({ value })) })
  const sizes = async (/** @type {object} */ options) => {
    const consumer = await connectConsumer(t, kafka, { topic, ...options })
    const seen = /** @type {number[]} */ ([])
    await consumer.run({
      eachBatch: async (/** @type {any} */ { batch }) => {
        seen.push(batch.messages.length)
      },
    })
    await waitFor(() => seen.reduce((sum, size) => sum + size, 0) === 20_000, { message: () => `all; ${seen}` })
    await consumer.disconnect()
    return seen
  }
  // 2.2 MB in the log: three fetches of 1 MiB each, which may be cut where librdkafka had only a part of one.
  const whole = await sizes({})
  assert.ok(Math.max(...whole) > 5000, `batches of ${whole}`)
  const small = await sizes({ maxBytesPerPartition: 20_000 })
  assert.ok(Math.max(...small) <= 20_000 / 100, `batches of ${small}`)
})

// librdkafka counts an end of partition as a message where messages are drained many at a time: the position was one too far.
test('pausing and resuming at the end of a partition, time and again, loses and doubles nothing', async (t) => {
  const { kafka, topic, producer } = await filled(t, 1)
  const consumer = await connectConsumer(t, kafka, { topic })
  const received = await collect(consumer)
  for (const round of range(4)) {
    await grown(received, 1 + round)
    // Beyond a look at the end: the fetch after the last message has come back empty.
    const fetched = once(consumer, consumer.events.FETCH)
    await fetched
    consumer.pause([{ topic }])
    await producer.send({ topic, messages: [{ value: `${round + 1}` }] })
    consumer.resume([{ topic }])
  }
  await grown(received, 5)
  assert.deepEqual(values(received), range(5))
})
