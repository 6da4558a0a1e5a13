'use strict'

// The run loop over a source made of JavaScript: demand, order, failures, seeks and revocations.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { InstrumentationEmitter } = require('../../lib/kafkajs/events')
const { events } = require('../../lib/kafkajs/consumer')
const { Runner } = require('../../lib/kafkajs/runner')
const { readRun } = require('../../lib/kafkajs/consumer-input')
const { KafkaJSError, KafkaJSProtocolError } = require('../../lib/errors')
const { consumeFrame } = require('../helpers/consume-frame')
const { deferred, gate, grown, range } = require('../helpers/clients')
const { waitFor, within } = require('../helpers/wait')

/** @typedef {import('node:test').TestContext} TestContext */

const TOPIC = 't'
const QUIET = { info() {}, error() {}, warn() {}, debug() {}, namespace: () => QUIET, setLogLevel() {} }

/** A frame of one partition. @param {number} partition @param {number} from @param {number} count @param {object} [more] */
function frameOf(partition, from, count, { epoch = 0, generation = 1, bytes = 1 } = {}) {
  const messages = range(count).map((i) => ({ offset: from + i, value: Buffer.alloc(bytes) }))
  return consumeFrame([{ topic: 0, partition, epoch, messages }], { generation })
}

/**
 * A runner that is started, with partitions assigned, and what it asked for.
 * @param {TestContext} t
 * @param {object} run
 * @param {{ partitions?: number, retry?: object, commit?: (offsets: any[]) => Promise<void>, batchBytes?: number,
 *   handedBytes?: number, committed?: string }} [options]
 */
function start(
  t,
  run,
  {
    partitions = 1,
    retry = { initialRetryTime: 5, retries: 2, factor: 0 },
    commit = async () => {},
    batchBytes = 1024 * 1024,
    handedBytes = 16 * 1024 * 1024,
    committed = '-1001',
  } = {},
) {
  const state = {
    requested: 0,
    delivered: 0,
    native: /** @type {string[]} */ ([]),
    commits: /** @type {any[]} */ ([]),
    crash: /** @type {any} */ (undefined),
    asked: /** @type {any[]} */ ([]),
  }
  const emitter = new InstrumentationEmitter({ names: events, label: 'consumer' })
  /** @type {any} */
  const runner = new Runner({
    run: readRun(run),
    batchBytes,
    handedBytes,
    retry,
    source: {
      committed: async (asked) => {
        state.asked.push(...asked)
        return asked.map((one) => ({ ...one, offset: committed }))
      },
      request: (frames) => {
        state.requested += frames
      },
      progress: () => {},
      pause: (topic, partition) => {
        state.native.push(`pause ${partition}`)
      },
      resume: (topic, partition) => {
        state.native.push(`resume ${partition}`)
      },
      topicName: () => TOPIC,
    },
    commit: async (offsets) => {
      await commit(offsets)
      state.commits.push(...offsets.map(({ partition, offset }) => `${partition}:${offset}`))
    },
    pausePartition: () => () => {},
    events: emitter,
    names: events,
    logger: QUIET,
    onCrash: (error) => {
      state.crash = error
    },
  })
  t.after(() => runner.stop())
  runner.assign(
    range(partitions).map((partition) => ({ topic: TOPIC, partition })),
    () => false,
  )
  runner.start()
  const give = (/** @type {Uint8Array} */ frame) => {
    state.delivered++
    assert.ok(
      state.delivered <= state.requested,
      `a frame more than asked for: ${state.delivered} of ${state.requested}`,
    )
    runner.frame(frame)
  }
  return { runner, state, give, emitter, queue: (partition = 0) => runner.queue(TOPIC, partition) }
}

/** @param {number} partition @param {number[]} offsets */
const only = (partition, offsets) => offsets.map((offset) => `${partition}:${offset}`)

test('four frames are asked for, and more when two of them were handled', async (t) => {
  const handled = /** @type {number[]} */ ([])
  const { state, give } = start(t, {
    eachMessage: async (/** @type {any} */ { message }) => {
      handled.push(Number(message.offset))
    },
  })
  assert.equal(state.requested, 4)
  for (const from of range(50)) {
    await waitFor(() => state.requested > state.delivered, { message: 'more demand' })
    give(frameOf(0, from * 10, 10))
    assert.ok(state.requested - state.delivered <= 4)
  }
  await grown(handled, 500)
  assert.deepEqual(handled, range(500))
  await waitFor(() => state.requested >= 53, { message: () => `demand at the end, at most one frame short; ${state.requested}` })
})

test('of the larger frames for eachBatch two are asked for, and one more for each that was handled', async (t) => {
  const { state, give } = start(t, { eachBatch: async () => {} })
  assert.equal(state.requested, 2)
  give(frameOf(0, 0, 10))
  await waitFor(() => state.requested === 3)
})

test('while handlers are busy no more frames are asked for', async (t) => {
  const hold = gate(t)
  const { state, give } = start(t, { eachMessage: () => hold.promise })
  for (const from of range(4)) give(frameOf(0, from * 10, 10))
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
  assert.equal(state.requested, 4)
})

test('a partition that is held up does not stop others: it is paused once it holds too much, and resumed when it is done', async (t) => {
  const hold = gate(t)
  const handled = /** @type {string[]} */ ([])
  const { state, give } = start(
    t,
    {
      partitionsConsumedConcurrently: 2,
      eachMessage: async (/** @type {any} */ { partition, message }) => {
        if (partition === 0) await hold.promise
        handled.push(`${partition}:${message.offset}`)
      },
    },
    { partitions: 2 },
  )
  const MB = 1024 * 1024
  let at = 0
  while (!state.native.includes('pause 0')) {
    await waitFor(() => state.requested > state.delivered, { message: 'demand, although partition 0 is held up' })
    give(frameOf(0, at++, 1, { bytes: 4 * MB }))
    assert.ok(at < 20, 'the partition is never paused')
  }
  for (const offset of range(20)) {
    await waitFor(() => state.requested > state.delivered)
    give(frameOf(1, offset, 1))
  }
  await waitFor(() => handled.length === 20)
  assert.deepEqual(handled, only(1, range(20)))
  hold.resolve()
  await waitFor(() => state.native.includes('resume 0'))
  await waitFor(() => handled.length === 20 + at)
})

test('a message of a partition that is held up counts with all of its frame, which it keeps', async (t) => {
  const hold = gate(t)
  const { state, give } = start(
    t,
    {
      partitionsConsumedConcurrently: 2,
      eachMessage: async (/** @type {any} */ { partition }) => {
        if (partition === 0) await hold.promise
      },
    },
    { partitions: 2, handedBytes: 100_000 },
  )
  let frames = 0
  while (!state.native.includes('pause 0')) {
    await waitFor(() => state.requested > state.delivered, { message: 'demand, although partition 0 is held up' })
    const offset = frames++
    give(consumeFrame([
      { topic: 0, partition: 0, messages: [{ offset, value: 'small' }] },
      { topic: 0, partition: 1, messages: [{ offset, value: Buffer.alloc(10_000) }] },
    ]))
    assert.ok(frames < 20, 'the partition is never paused')
  }
  assert.ok(frames >= 10, `paused after ${frames} frames of 10 KB`)
})

test('sections of an older epoch are dropped: the position was moved meanwhile', async (t) => {
  const handled = /** @type {number[]} */ ([])
  const { runner, state, give, queue } = start(t, {
    eachMessage: (/** @type {any} */ { message }) => {
      handled.push(Number(message.offset))
    },
  })
  runner.seek(queue(), 1)
  give(frameOf(0, 0, 5, { epoch: 0 }))
  give(frameOf(0, 100, 2, { epoch: 1 }))
  await grown(handled, 2)
  assert.deepEqual(handled, [100, 101])
  await waitFor(() => state.requested === 6)
})

test('frames of an older generation, and of partitions that are not assigned, are dropped', async (t) => {
  const handled = /** @type {string[]} */ ([])
  const { runner, state, give } = start(
    t,
    {
      eachMessage: (/** @type {any} */ { partition, message }) => {
        handled.push(`${partition}:${message.offset}`)
      },
    },
    { partitions: 2 },
  )
  await runner.revoke([{ topic: TOPIC, partition: 1 }], { lost: false, generation: 3 })
  give(frameOf(1, 0, 3, { generation: 3 }))
  give(frameOf(0, 0, 3, { generation: 2 }))
  await waitFor(() => state.requested === 6)
  give(frameOf(0, 7, 1, { generation: 3 }))
  await grown(handled, 1)
  assert.deepEqual(handled, ['0:7'])
})

test('a frame with several partitions counts as one, and is done with its last message', async (t) => {
  const handled = /** @type {string[]} */ ([])
  const { state, give } = start(
    t,
    {
      eachMessage: async (/** @type {any} */ { partition, message }) => {
        handled.push(`${partition}:${message.offset}`)
      },
    },
    { partitions: 3 },
  )
  const section = (/** @type {number} */ partition, offset = 0) => ({
    topic: 0,
    partition,
    messages: [{ offset }, { offset: offset + 1 }],
  })
  give(consumeFrame([section(0), section(1), section(9), section(2)]))
  await grown(handled, 6)
  assert.deepEqual(handled, ['0:0', '0:1', '1:0', '1:1', '2:0', '2:1'])
  assert.equal(state.requested, 4)
  give(consumeFrame([section(0, 2)]))
  await waitFor(() => state.requested === 6)
})

test('a handler that throws gets the same message again, with what was handled before it committed', async (t) => {
  const handled = /** @type {number[]} */ ([])
  let failures = 0
  const { state, give } = start(t, {
    eachMessage: async (/** @type {any} */ { message }) => {
      handled.push(Number(message.offset))
      if (message.offset === '2' && failures++ < 2) throw new Error('not yet')
    },
  })
  give(frameOf(0, 0, 4))
  await grown(handled, 6)
  assert.deepEqual(handled, [0, 1, 2, 2, 2, 3])
  await waitFor(() => state.commits.includes('0:4'))
  assert.ok(state.commits.includes('0:2'))
  assert.equal(state.crash, undefined)
})

test('new frames of a partition do not cut its backoff short', async (t) => {
  let attempts = 0
  const handled = /** @type {string[]} */ ([])
  const { state, give } = start(
    t,
    {
      partitionsConsumedConcurrently: 2,
      eachMessage: async (/** @type {any} */ { partition, message }) => {
        if (partition === 0) {
          attempts++
          throw new Error('not now')
        }
        handled.push(message.offset)
      },
    },
    { partitions: 2, retry: { initialRetryTime: 3_600_000, maxRetryTime: 3_600_000, retries: 5 } },
  )
  give(frameOf(0, 0, 1))
  await waitFor(() => attempts === 1)
  for (const offset of range(10)) {
    await waitFor(() => state.requested > state.delivered)
    give(consumeFrame([0, 1].map((partition) => ({ topic: 0, partition, messages: [{ offset: offset + 1 }] }))))
  }
  await grown(handled, 10)
  assert.equal(attempts, 1)
})

test('a seek ends the backoff of a partition', async (t) => {
  const handled = /** @type {number[]} */ ([])
  const { runner, give, queue } = start(
    t,
    {
      eachMessage: async (/** @type {any} */ { message }) => {
        handled.push(Number(message.offset))
        if (message.offset === '0') throw new Error('poison')
      },
    },
    { retry: { initialRetryTime: 3_600_000, maxRetryTime: 3_600_000 } },
  )
  give(frameOf(0, 0, 3))
  await grown(handled, 1)
  await new Promise((resolve) => setImmediate(resolve))
  runner.seek(queue(), 1)
  give(frameOf(0, 1, 2, { epoch: 1 }))
  await grown(handled, 3)
  assert.deepEqual(handled, [0, 1, 2])
})

test('after the last retry the runner crashes with the reason, and commits what was handled', async (t) => {
  const { runner, state, give } = start(t, {
    eachMessage: async (/** @type {any} */ { message }) => {
      if (message.offset === '1') throw new Error('broken')
    },
  })
  give(frameOf(0, 0, 3))
  await waitFor(() => state.crash)
  assert.equal(state.crash.name, 'KafkaJSNumberOfRetriesExceeded')
  assert.equal(state.crash.message, 'broken')
  assert.equal(state.crash.retryCount, 2)
  await runner.stop()
  assert.deepEqual(state.commits, ['0:1'])
})

test('a TypeError is not retried', async (t) => {
  let calls = 0
  const { state, give } = start(t, {
    eachMessage: async () => {
      calls++
      throw new TypeError('x is not a function')
    },
  })
  give(frameOf(0, 0, 3))
  await waitFor(() => state.crash)
  assert.equal(state.crash.name, 'KafkaJSNonRetriableError')
  assert.ok(state.crash.cause instanceof TypeError)
  assert.equal(calls, 1)
})

test('a handler that throws synchronously, or throws what is no Error, is retried like any other', async (t) => {
  const handled = /** @type {number[]} */ ([])
  const faults = [
    () => {
      throw new Error('sync')
    },
    () => {
      throw 'text'
    },
    () => Promise.reject(undefined),
  ]
  const { give, state } = start(
    t,
    {
      eachMessage: (/** @type {any} */ { message }) => {
        handled.push(Number(message.offset))
        const fault = faults.shift()
        return fault && fault()
      },
    },
    { retry: { initialRetryTime: 1, retries: 5, factor: 0 } },
  )
  give(frameOf(0, 0, 2))
  await grown(handled, 5)
  assert.deepEqual(handled, [0, 0, 0, 0, 1])
  assert.equal(state.crash, undefined)
})

test('a revocation waits for the running handler, handles nothing else and commits what was handled', async (t) => {
  const hold = gate(t)
  const reached = deferred()
  const handled = /** @type {number[]} */ ([])
  const { runner, state, give } = start(t, {
    eachMessage: async (/** @type {any} */ { message }) => {
      if (message.offset === '1') {
        reached.resolve()
        await hold.promise
      }
      handled.push(Number(message.offset))
    },
  })
  give(frameOf(0, 0, 10))
  await reached.promise
  let answered = false
  const revoked = runner.revoke([{ topic: TOPIC, partition: 0 }], { lost: false, generation: 2 }).then(() => {
    answered = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(answered, false)
  hold.resolve()
  await revoked
  assert.deepEqual(handled, [0, 1])
  assert.deepEqual(state.commits.at(-1), '0:2')
  assert.equal(runner.queue(TOPIC, 0), undefined)
})

test('when partitions are lost, nothing of them is committed any more', async (t) => {
  const hold = gate(t)
  const reached = deferred()
  const { runner, state, give } = start(t, {
    eachMessage: async (/** @type {any} */ { message }) => {
      if (message.offset === '0') return
      reached.resolve()
      await hold.promise
    },
  })
  give(frameOf(0, 0, 10))
  await reached.promise
  const revoked = runner.revoke([{ topic: TOPIC, partition: 0 }], { lost: true, generation: 2 })
  hold.resolve()
  await revoked
  await runner.stop()
  assert.deepEqual(state.commits, [])
})

test('a partition that is given up while it is paused natively is resumed first: librdkafka would remember the pause', async (t) => {
  const { runner, state, queue } = start(t, { eachMessage: async () => {} })
  runner.setPaused(queue(), true)
  await runner.revoke([{ topic: TOPIC, partition: 0 }], { lost: false, generation: 2 })
  assert.deepEqual(state.native, ['pause 0', 'resume 0'])
})

test('stop() commits what was handled also when the first attempt fails', async (t) => {
  let failures = 1
  let attempts = 0
  const { runner, state, give } = start(
    t,
    { eachMessage: async () => {} },
    {
      commit: async () => {
        attempts++
        if (stopping && failures-- > 0) throw new KafkaJSError('busy')
        if (!stopping) throw new KafkaJSError('not before stop')
      },
    },
  )
  let stopping = false
  give(frameOf(0, 0, 3))
  await waitFor(() => attempts > 0)
  stopping = true
  await runner.stop()
  assert.deepEqual(state.commits, ['0:3'])
})

test('a commit that is refused because of a rebalance is no crash', async (t) => {
  let attempts = 0
  const { state, give } = start(
    t,
    { eachMessage: async () => {} },
    {
      commit: async () => {
        attempts++
        throw new KafkaJSProtocolError({ type: 'ILLEGAL_GENERATION', code: 22, retriable: false, message: 'x' })
      },
    },
  )
  give(frameOf(0, 0, 3))
  await waitFor(() => attempts > 0)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(state.crash, undefined)
})

test('a commit that no retry can heal is a crash', async (t) => {
  const { state, give } = start(
    t,
    { eachMessage: async () => {} },
    {
      commit: async () => {
        throw new KafkaJSProtocolError({
          type: 'GROUP_AUTHORIZATION_FAILED',
          code: 30,
          retriable: false,
          message: 'no',
        })
      },
    },
  )
  give(frameOf(0, 0, 3))
  await waitFor(() => state.crash)
  assert.equal(state.crash.type, 'GROUP_AUTHORIZATION_FAILED')
})

test('without a handler messages are consumed and committed, as in kafkajs', async (t) => {
  const { state, give } = start(t, {})
  give(frameOf(0, 0, 5))
  await waitFor(() => state.commits.includes('0:5'))
  give(frameOf(0, 5, 5))
  await waitFor(() => state.requested === 6)
})

test('a pause keeps what was fetched, and resume hands it out in order', async (t) => {
  const handled = /** @type {number[]} */ ([])
  const { runner, give, queue, state } = start(t, {
    eachMessage: (/** @type {any} */ { message }) => {
      handled.push(Number(message.offset))
      if (message.offset === '1') runner.setPaused(queue(), true)
    },
  })
  give(frameOf(0, 0, 3))
  give(frameOf(0, 3, 2))
  await waitFor(() => state.native.length === 1)
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
  assert.deepEqual(handled, [0, 1])
  runner.setPaused(queue(), false)
  await grown(handled, 5)
  assert.deepEqual(handled, [0, 1, 2, 3, 4])
})

test('eachBatch gets everything that is at hand of a partition, and an unresolved rest again', async (t) => {
  const batches = /** @type {string[]} */ ([])
  const { give } = start(t, {
    eachBatchAutoResolve: false,
    eachBatch: async (/** @type {any} */ { batch, resolveOffset }) => {
      batches.push(`${batch.firstOffset()}-${batch.lastOffset()}`)
      resolveOffset(batch.messages[Math.min(2, batch.messages.length - 1)].offset)
    },
  })
  give(frameOf(0, 0, 4))
  give(frameOf(0, 4, 3))
  await grown(batches, 3)
  assert.deepEqual(batches, ['0-6', '3-6', '6-6'])
})

test('a batch whose handler throws is handed out again from what it resolved', async (t) => {
  const batches = /** @type {string[]} */ ([])
  const { give } = start(t, {
    eachBatch: async (/** @type {any} */ { batch, resolveOffset }) => {
      batches.push(`${batch.firstOffset()}-${batch.lastOffset()}`)
      if (batches.length > 1) return
      resolveOffset('1')
      throw new Error('half way')
    },
  })
  give(frameOf(0, 0, 4))
  await grown(batches, 2)
  assert.deepEqual(batches, ['0-3', '2-3'])
})

// -- the end of a partition

/** Messages of partition 0, and then its end. @param {number[]} offsets @param {number} next */
const endingAt = (offsets, next) =>
  consumeFrame([{ topic: 0, partition: 0, next, messages: offsets.map((offset) => ({ offset, value: 'v' })) }])

test('control records behind the last message are committed with it', async (t) => {
  const { state, give } = start(t, { eachMessage: async () => {} })
  give(endingAt([4, 5], 8))
  await waitFor(() => state.commits.includes('0:8'), { message: () => `a commit of 8; ${state.commits}` })
})

test('an end that comes later moves what was handled, and is told as an empty batch', async (t) => {
  const { runner, state, give, emitter } = start(t, { eachMessage: async () => {} })
  const told = /** @type {any[]} */ ([])
  emitter.on(events.START_BATCH_PROCESS, ({ payload }) => told.push(['start', payload.batchSize, payload.firstOffset]))
  emitter.on(events.END_BATCH_PROCESS, ({ payload }) => told.push(['end', payload.batchSize, payload.lastOffset]))
  give(frameOf(0, 4, 2))
  await waitFor(() => state.commits.includes('0:6'))
  give(endingAt([], 8))
  await waitFor(() => state.commits.includes('0:8'), { message: () => `a commit of 8; ${state.commits}` })
  assert.deepEqual(told, [['start', 2, '4'], ['end', 2, '5'], ['start', 0, null], ['end', 0, '7']])
  // The same end again, and one that is not new, tell nothing.
  await waitFor(() => state.requested > state.delivered)
  give(endingAt([], 8))
  assert.equal(told.length, 4)
  assert.deepEqual(runner.uncommittedOffsets(), { topics: [] })
})

test('an end behind messages that were not resolved waits for them', async (t) => {
  const seen = /** @type {any[]} */ ([])
  const { state, give } = start(t, {
    eachBatchAutoResolve: false,
    eachBatch: async (/** @type {any} */ { batch, resolveOffset }) => {
      seen.push(batch.messages.length)
      resolveOffset(batch.messages[0].offset)
    },
  })
  give(endingAt([4, 5, 6], 9))
  await waitFor(() => state.commits.includes('0:9'), { message: () => `a commit of 9; ${state.commits}` })
  assert.deepEqual(seen, [3, 2, 1])
})

test('resolving the last message of a batch resolves the control records behind it at once', async (t) => {
  let uncommitted
  const { give, state } = start(t, {
    eachBatch: async (/** @type {any} */ { batch, resolveOffset, uncommittedOffsets }) => {
      assert.deepEqual([batch.lastOffset(), batch.offsetLag()], ['8', '0'])
      resolveOffset('6')
      uncommitted = uncommittedOffsets()
    },
  })
  give(endingAt([4, 5, 6], 9))
  await waitFor(() => state.commits.includes('0:9'))
  assert.deepEqual(uncommitted, { topics: [{ topic: TOPIC, partitions: [{ partition: '0', offset: '9' }] }] })
})

test("the end of a partition that had nothing else counts from the group's committed offset", async (t) => {
  const { state, give } = start(t, { eachMessage: async () => {} }, { committed: '5' })
  give(endingAt([], 8))
  await waitFor(() => state.commits.includes('0:8'), { message: () => `a commit of 8; ${state.commits}` })
  assert.deepEqual(state.asked, [{ topic: TOPIC, partition: 0 }])
})

test('where a group has committed nothing, the end of a partition commits nothing', async (t) => {
  const { state, give, queue } = start(t, { eachMessage: async () => {} })
  give(endingAt([], 8))
  await waitFor(() => state.asked.length === 1)
  give(frameOf(0, 8, 1))
  await waitFor(() => state.commits.length > 0)
  assert.deepEqual([state.commits, queue().resolved], [['0:9'], 9])
})

// -- batches

test('a batch is all that is at hand, up to the size that a broker gives', async (t) => {
  const sizes = /** @type {number[]} */ ([])
  const hold = gate(t)
  let handled = 0
  const { give } = start(
    t,
    {
      eachBatch: async (/** @type {any} */ { batch }) => {
        sizes.push(batch.messages.length)
        handled += batch.messages.length
        assert.deepEqual(batch.messages.map((/** @type {any} */ { offset }) => Number(offset)),
          range(batch.messages.length).map((i) => handled - batch.messages.length + i))
        await hold.promise
      },
    },
    { batchBytes: 10 * (100 + 8) },
  )
  give(frameOf(0, 0, 4, { bytes: 100 }))
  await waitFor(() => sizes.length === 1)
  give(frameOf(0, 4, 26, { bytes: 100 }))
  hold.resolve()
  await waitFor(() => handled === 30)
  assert.deepEqual(sizes, [4, 10, 10, 6])
})

test('a message larger than a batch may be comes alone', async (t) => {
  const sizes = /** @type {number[]} */ ([])
  const { give } = start(
    t,
    {
      eachBatch: async (/** @type {any} */ { batch }) => {
        sizes.push(batch.messages.length)
      },
    },
    { batchBytes: 50 },
  )
  give(frameOf(0, 0, 2, { bytes: 100 }))
  await waitFor(() => sizes.length === 2)
  assert.deepEqual(sizes, [1, 1])
})

// -- autoCommitThreshold

test('with autoCommitThreshold no more messages than that are handled before a commit has succeeded', async (t) => {
  const hold = gate(t)
  const handled = /** @type {string[]} */ ([])
  const { state, give } = start(
    t,
    {
      autoCommitThreshold: 3,
      eachMessage: async (/** @type {any} */ { message }) => {
        handled.push(message.offset)
      },
    },
    { commit: () => hold.promise },
  )
  give(frameOf(0, 0, 10))
  await grown(handled, 3)
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
  assert.deepEqual(handled, ['0', '1', '2'])
  hold.resolve()
  await waitFor(() => state.commits.at(-1) === '0:10', { message: () => `all to be committed; ${state.commits}` })
  assert.deepEqual(state.commits.slice(0, 3), ['0:3', '0:6', '0:9'])
})

test('stop() does not wait for the commit that a threshold waits for, beyond its own patience', async (t) => {
  const handled = /** @type {string[]} */ ([])
  let commits = 0
  const { runner, give } = start(
    t,
    {
      autoCommitThreshold: 1,
      eachMessage: async (/** @type {any} */ { message }) => {
        handled.push(message.offset)
      },
    },
    { commit: () => (++commits === 1 ? new Promise(() => {}) : Promise.resolve()) },
  )
  give(frameOf(0, 0, 10))
  await grown(handled, 1)
  await runner.stop()
  assert.deepEqual(handled, ['0'])
})

// -- control records among messages that wait

/** @param {number} next @param {number} [epoch] a position behind control records, as it comes without messages */
const positionOf = (next, epoch = 0) => consumeFrame([{ topic: 0, partition: 0, epoch, next, messages: [] }])

// A worker counted the sections at hand: two positions in a row were one of them, so that it took one that was not there.
test('several positions between messages that wait are passed, and nothing is handled twice', async (t) => {
  const hold = gate(t)
  const handled = /** @type {string[]} */ ([])
  let attempts = 0
  const { state, give } = start(t, {
    eachMessage: async (/** @type {any} */ { message }) => {
      if (++attempts === 1) {
        await hold.promise
        throw new Error('once')
      }
      handled.push(message.offset)
    },
  })
  const steps = [frameOf(0, 0, 2), positionOf(3), positionOf(5), frameOf(0, 5, 1)]
  for (const [i, frame] of steps.entries()) {
    if (i > 0) await waitFor(() => attempts === 1 && state.requested > state.delivered)
    give(frame)
  }
  hold.resolve()
  await grown(handled, 3)
  await waitFor(() => state.commits.includes('0:6'), { message: () => `a commit of 6; ${state.commits}, ${state.crash}` })
  assert.deepEqual([handled, state.crash], [['0', '1', '5'], undefined])
})

// What stands behind a position in the middle stayed in the queue, and came again as a batch.
test('a batch with control records in its middle comes once', async (t) => {
  const batches = /** @type {number[][]} */ ([])
  const { runner, state, give, queue } = start(t, {
    eachBatch: async (/** @type {any} */ { batch }) => {
      batches.push(batch.messages.map((/** @type {any} */ { offset }) => Number(offset)))
    },
  })
  runner.setPaused(queue(), true)
  for (const frame of [frameOf(0, 1, 2), positionOf(4), frameOf(0, 4, 2), positionOf(7)]) {
    await waitFor(() => state.requested > state.delivered)
    give(frame)
  }
  runner.setPaused(queue(), false)
  await waitFor(() => state.commits.includes('0:7'), { message: () => `a commit of 7; ${state.commits}` })
  assert.deepEqual(batches, [[1, 2, 4, 5]])
  await waitFor(() => state.requested - state.delivered === 2, { message: 'two frames of demand at the end' })
})

for (const kind of ['eachMessage', 'eachBatch', 'nothing']) {
  // It was listed as a partition that has something to handle, and a batch of nothing is a TypeError.
  test(`a position that comes after a seek, while the handler before it runs, is no work: ${kind}`, async (t) => {
    const hold = gate(t)
    let calls = 0
    const handler = async () => {
      if (++calls === 1) await hold.promise
    }
    const { runner, state, give, emitter, queue } = start(t, kind === 'nothing' ? {} : { [kind]: handler })
    emitter.on(events.START_BATCH_PROCESS, () => {})
    give(frameOf(0, 0, 1))
    if (kind !== 'nothing') await waitFor(() => calls === 1)
    runner.seek(queue(), 1)
    give(positionOf(20, 1))
    hold.resolve()
    await waitFor(() => queue().isEmpty && !queue().busy)
    await waitFor(() => state.requested > state.delivered)
    give(consumeFrame([{ topic: 0, partition: 0, epoch: 1, messages: [{ offset: 20 }] }]))
    await waitFor(() => state.commits.includes('0:21'), { message: () => `a commit of 21; ${state.commits}, ${state.crash}` })
    assert.equal(state.crash, undefined)
  })
}

// Only those that waited when stop() was called were let go: a handler that ended later waited for the coordinator.
test('stop() does not wait for a commit that a threshold asks for after it', async (t) => {
  const hold = gate(t)
  let commits = 0
  let calls = 0
  const { runner, give } = start(
    t,
    {
      autoCommitThreshold: 1,
      eachMessage: async () => {
        calls++
        await hold.promise
      },
    },
    { commit: () => (++commits === 1 ? new Promise(() => {}) : Promise.resolve()) },
  )
  give(frameOf(0, 0, 10))
  await waitFor(() => calls === 1)
  const stopped = runner.stop()
  hold.resolve()
  await within(stopped, 'stop()')
  assert.equal(calls, 1)
})

// Making text of it threw outside of every catch: the process ended, and stop() waited for ever.
test('whatever a handler throws is a failure like any other', async (t) => {
  const { state, give } = start(
    t,
    {
      eachMessage: async () => {
        throw Object.create(null)
      },
    },
    { retry: { initialRetryTime: 1, retries: 1, factor: 0 } },
  )
  give(frameOf(0, 0, 1))
  await waitFor(() => state.crash !== undefined)
  assert.equal(state.crash.name, 'KafkaJSNumberOfRetriesExceeded')
})

// Called from the promise's own `then`, it went on twice: a message was passed without being handled, and nothing was committed.
test('a promise with a `then` of its own is waited for as `await` does', async (t) => {
  const seen = /** @type {number[]} */ ([])
  /** @type {((promise: any) => void)[]} */
  const changes = [
    (promise) => { promise.then = (/** @type {() => void} */ done) => { done(); done() } },
    (promise) => { promise.then = () => {} },
    (promise) => { promise.then = (/** @type {any} */ done, /** @type {any} */ fail) => { fail(new Error('not so')); done() } },
  ]
  const { give, state, queue } = start(t, {
    eachMessage: (/** @type {any} */ { message }) => {
      const promise = Promise.resolve()
      changes[seen.length % changes.length](promise)
      seen.push(Number(message.offset))
      return promise
    },
  })
  give(frameOf(0, 0, 9))
  await waitFor(() => state.commits.at(-1) === '0:9')
  assert.deepEqual([seen, queue().isEmpty, state.crash], [range(9), true, undefined])
})

test("messages are handled and committed while a program's tests replace the global timers", async (t) => {
  const handled = /** @type {number[]} */ ([])
  const { give, state } = start(t, {
    eachMessage: async (/** @type {any} */ { message }) => { handled.push(Number(message.offset)) },
  })
  const names = /** @type {const} */ (['setImmediate', 'setTimeout', 'clearTimeout'])
  const real = { setImmediate, setTimeout, clearTimeout }
  for (const name of names) /** @type {any} */ (globalThis)[name] = () => 0
  try {
    give(frameOf(0, 0, 500))
    for (let turns = 0; turns < 200_000 && state.commits.length === 0; turns++) await new Promise((resolve) => real.setImmediate(resolve))
  } finally {
    Object.assign(globalThis, real)
  }
  assert.deepEqual([handled.length, state.commits], [500, ['0:500']])
})
