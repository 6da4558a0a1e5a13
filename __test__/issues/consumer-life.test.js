'use strict'

// How runs of a consumer begin and end, when calls overlap and when they fail. Found by review: a flag told whether a
// run was going on, so that an older run took a newer one for itself.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { collect, connectProducer, deferred, grown, kafkaOf, mockCluster, numbered, range } = require('../helpers/clients')
const { once, waitFor, within } = require('../helpers/wait')

/** @typedef {import('node:test').TestContext} TestContext */

/** The mock brokers let a group wait for the session of a member that is no more. */
const SESSION = Object.freeze({ sessionTimeout: 2000, heartbeatInterval: 500 })
/** The first failure of a handler is a crash, after which the consumer is started again. */
const CRASHING = Object.freeze({ retry: { retries: 0, initialRetryTime: 300 } })
const COUNT = 6

/**
 * A topic with numbered messages, evenly on two partitions, and consumers of it.
 * @param {TestContext} t
 */
async function start (t) {
  const cluster = await mockCluster(t)
  await cluster.createTopic({ topic: 'topic', partitions: 2 })
  const kafka = kafkaOf(cluster.brokers)
  const producer = await connectProducer(t, kafka)
  const send = (/** @type {string} */ prefix) => producer.send({
    topic: 'topic', messages: numbered(COUNT, {}, prefix).map((message, i) => ({ ...message, partition: i % 2 }))
  })
  await send('first ')
  /** Subscribed, not connected. @param {object} [options] */
  const member = async options => {
    const consumer = kafka.consumer({ groupId: 'group', ...SESSION, ...options })
    t.after(() => within(consumer.disconnect(), 'the consumer to disconnect'))
    await consumer.subscribe({ topic: 'topic', fromBeginning: true })
    return consumer
  }
  return { cluster, kafka, send, member }
}

/** @param {string} prefix */
const values = prefix => range(COUNT).map(i => `${prefix}${i}`)

/** @param {{ value: string | null }[]} received */
const sorted = received => received.map(({ value }) => value).sort()

// The client stayed a member: librdkafka joined again by itself and was given partitions that nobody handled.
test('a run() that was refused by the group leaves it, and another member handles all partitions', async t => {
  const { cluster, send, member } = await start(t)
  const refused = await member()
  await cluster.pushRequestErrors('JoinGroup', ['GROUP_AUTHORIZATION_FAILED'])
  await assert.rejects(within(collect(refused), 'run() to reject'), { type: 'GROUP_AUTHORIZATION_FAILED' })

  const other = await member()
  const received = await within(collect(other), 'the other member to join')
  await grown(received, COUNT)
  // librdkafka would join again within a second or two, and the group would rebalance.
  await cluster.startRequestTracking()
  await waitFor(async () => (await cluster.requests()).filter(({ apiName }) => apiName === 'Heartbeat').length >= 8,
    { message: 'eight heartbeats' })
  await send('second ')
  await grown(received, 2 * COUNT)
  assert.deepEqual(sorted(received), [...values('first '), ...values('second ')])
})

// librdkafka tells once that the group refuses a member, and looks for the coordinator from connect() on: run() waited for ever.
test('a run() whose group refused the member already before it rejects', async t => {
  const { cluster, kafka } = await start(t)
  const warned = deferred()
  const consumer = kafka.consumer({ groupId: 'refused', ...SESSION })
  t.after(() => within(consumer.disconnect(), 'the consumer to disconnect'))
  consumer.logger().warn = (/** @type {string} */ message) => {
    if (/authorization/i.test(message)) warned.resolve()
  }
  await cluster.pushRequestErrors('FindCoordinator', range(200).map(() => 'GROUP_AUTHORIZATION_FAILED'))
  await consumer.subscribe({ topic: 'topic' })
  await consumer.connect()
  await within(warned.promise, 'the refusal')
  const told = /** @type {any[]} */ ([])
  for (const name of ['STOP', 'DISCONNECT', 'CRASH']) consumer.on(consumer.events[name], event => told.push([name, event.payload?.restart]))
  await assert.rejects(within(collect(consumer), 'run() to reject'), { type: 'GROUP_AUTHORIZATION_FAILED' })
  assert.deepEqual(told, [['STOP', undefined], ['DISCONNECT', undefined], ['CRASH', false]])
  await cluster.clearRequestErrors('FindCoordinator')
  const received = await within(collect(consumer), 'a run() that is not refused')
  assert.deepEqual(received, [])
})

// The first run() went on after the disconnect() because the flag was set again by the second: two run loops at once,
// or none.
test('of run(), disconnect(), run() in one turn all settle, and only the last run handles messages', async t => {
  const { send, member } = await start(t)
  const consumer = await member()
  /** @type {string[][]} */
  const handled = [[], []]
  const run = (/** @type {number} */ number) => consumer.run({
    eachMessage: async (/** @type {any} */ { message }) => { handled[number].push(String(message.value)) }
  })
  await within(Promise.all([run(0), consumer.disconnect(), run(1)]), 'the three calls to settle')
  await grown(handled[1], COUNT)
  await send('second ')
  await grown(handled[1], 2 * COUNT)
  assert.deepEqual(handled[0], [])
  assert.deepEqual(handled[1].sort(), [...values('first '), ...values('second ')])
})

// disconnect() awaited the end that stop() had begun, and not that of the run() in between.
test('of stop(), run(), disconnect() the last counts: nothing is handled after it, and the group is left', async t => {
  const { send, member } = await start(t)
  const consumer = await member()
  const before = await collect(consumer)
  await grown(before, COUNT)
  /** @type {string[]} */
  const after = []
  const stopped = consumer.stop()
  const run = consumer.run({
    eachMessage: async (/** @type {any} */ { message }) => { after.push(String(message.value)) }
  })
  await within(consumer.disconnect(), 'disconnect()')
  await within(Promise.all([stopped, run]), 'stop() and run() to settle')
  await send('second ')
  const received = await within(collect(await member()), 'another member to join')
  await grown(received, COUNT)
  assert.deepEqual(sorted(received), values('second '))
  assert.deepEqual(after, [])
})

/** @type {Record<string, (consumer: any, atCrash: (then: () => any) => void) => Promise<void>>} */
const ENDINGS = {
  'stop() in the time before the restart': async (consumer, atCrash) => {
    await new Promise(resolve => { atCrash(() => setImmediate(resolve)) })
    await consumer.stop()
  },
  'disconnect() in a listener of the crash': (consumer, atCrash) => new Promise(resolve => {
    atCrash(() => { resolve(consumer.disconnect()) })
  })
}

for (const [what, end] of Object.entries(ENDINGS)) {
  // stop() did not know of a restart that was planned, and a listener came before the restart was planned at all.
  test(`${what} keeps a consumer that crashed from being started again`, async t => {
    const { member } = await start(t)
    const [ended, clock] = [await member(CRASHING), await member({ ...CRASHING, groupId: 'another' })]
    const crash = { eachMessage: async () => { throw new Error('broken') } }
    const over = end(ended, then => ended.on(ended.events.CRASH, (/** @type {any} */ { payload }) => {
      assert.equal(payload.restart, true)
      then()
    }))
    await ended.run(crash)
    await within(over, 'the crash and its end')
    /** @type {string[]} */
    const told = []
    for (const name of ['CONNECT', 'GROUP_JOIN', 'CRASH']) ended.on(ended.events[name], () => told.push(name))

    // Another consumer with the same delay, which crashes later, has been started again and has crashed again
    // meanwhile.
    let crashes = 0
    const twice = once(clock, clock.events.CRASH, { where: () => ++crashes === 2 })
    await clock.run(crash)
    await twice
    await clock.disconnect()
    assert.deepEqual(told, [])
  })
}

// What was paused or sought was kept for the client's life, though it belongs to a membership.
test('a pause ends with the run: after stop() and run() all partitions are handled', async t => {
  const { send, member } = await start(t)
  const consumer = await member()
  await grown(await collect(consumer), COUNT)
  consumer.pause([{ topic: 'topic' }])
  assert.equal(consumer.paused().length, 1)
  await consumer.stop()
  await send('second ')
  const received = await within(collect(consumer), 'the second run()')
  assert.deepEqual(consumer.paused(), [])
  await grown(received, COUNT)
  assert.deepEqual(sorted(received), values('second '))
})

// Only connect() told of a connection, though run() makes one where there is none.
test('CONNECT is emitted by a run() that connects', async t => {
  const { member } = await start(t)
  const consumer = await member()
  /** @type {string[]} */
  const told = []
  for (const name of ['CONNECT', 'GROUP_JOIN']) consumer.on(consumer.events[name], () => told.push(name))
  await within(collect(consumer), 'run()')
  assert.deepEqual(told, ['CONNECT', 'GROUP_JOIN'])
})

// It was connected again after the disconnect(), by nobody's wish, and kept the process alive.
test('disconnect() while subscribe() connects anew leaves no connection behind', async t => {
  const { member } = await start(t)
  const consumer = await member()
  /** @type {string[]} */
  const requests = []
  consumer.on(consumer.events.REQUEST, (/** @type {any} */ { payload }) => requests.push(payload.apiName))
  await consumer.connect()
  const subscribed = consumer.subscribe({ topic: 'topic', fromBeginning: false })
  await within(consumer.disconnect(), 'disconnect()')
  requests.length = 0
  await within(subscribed, 'subscribe() to settle')
  assert.deepEqual(requests, [])
})
