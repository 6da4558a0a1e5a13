'use strict'

// A consumer in trouble: handlers that fail, disconnect at the wrong moment, brokers that fail.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Kafka, logLevel } = require('../..')
const {
  collect,
  connectConsumer,
  connectProducer,
  deferred,
  gate,
  grown,
  kafkaOf,
  mockCluster,
  numbered,
  range,
} = require('../helpers/clients')
const { once, waitFor, within } = require('../helpers/wait')

/** @typedef {import('node:test').TestContext} TestContext */

const QUICK = Object.freeze({ retry: { initialRetryTime: 10, maxRetryTime: 50, retries: 2, factor: 0 } })

/** The mock cluster's group takes a member in again only a session after the last one has left. */
const SESSION = Object.freeze({ sessionTimeout: 1500, heartbeatInterval: 300 })

/**
 * A cluster with one topic that holds numbered messages, and a consumer of it.
 * @param {TestContext} t
 * @param {object} [options]  of the consumer
 * @param {{ count?: number, partitions?: number, brokers?: number }} [size]
 */
async function start(t, options = {}, { count = 10, partitions = 1, brokers = 1 } = {}) {
  const cluster = await mockCluster(t, { brokers })
  await cluster.createTopic({ topic: 't', partitions, replicationFactor: brokers })
  const kafka = kafkaOf(cluster.brokers)
  const producer = await connectProducer(t, kafka)
  await producer.send({
    topic: 't',
    messages: range(count * partitions).map((i) => ({
      value: `${Math.floor(i / partitions)}`,
      partition: i % partitions,
    })),
  })
  const consumer = await connectConsumer(t, kafka, { topic: 't', groupId: 'g', ...SESSION, ...options })
  /** @type {string[]} */
  const told = []
  for (const name of ['STOP', 'DISCONNECT', 'CRASH']) consumer.on(consumer.events[name], () => told.push(name))
  return { cluster, kafka, producer, consumer, told }
}

test('a handler that throws gets the same message again, and the consumer goes on', async (t) => {
  const { consumer, told } = await start(t, QUICK)
  /** @type {string[]} */
  const offsets = []
  let failures = 2
  await consumer.run({
    eachMessage: async (/** @type {any} */ { message }) => {
      offsets.push(message.offset)
      if (message.offset === '3' && failures-- > 0) throw new Error('not yet')
    },
  })
  await waitFor(() => offsets.at(-1) === '9')
  assert.deepEqual(offsets, ['0', '1', '2', '3', '3', '3', '4', '5', '6', '7', '8', '9'])
  assert.deepEqual(told, [])
})

test('a handler that keeps throwing crashes the consumer, which restarts at that message', async (t) => {
  const { consumer, told } = await start(t, QUICK)
  /** @type {string[]} */
  const offsets = []
  const crashed = once(consumer, consumer.events.CRASH)
  await consumer.run({
    eachMessage: async (/** @type {any} */ { message }) => {
      offsets.push(message.offset)
      if (message.offset === '1' && offsets.length <= 4) throw new Error('broken')
    },
  })
  const [{ payload }] = await crashed
  assert.deepEqual(
    [payload.error.name, payload.error.message, payload.restart, payload.groupId],
    ['KafkaJSNumberOfRetriesExceeded', 'broken', true, 'g'],
  )
  assert.deepEqual(told, ['STOP', 'DISCONNECT', 'CRASH'])
  await waitFor(() => offsets.at(-1) === '9', { message: () => `the rest after the restart; ${offsets}` })
  assert.deepEqual(offsets, ['0', '1', '1', '1', ...range(9).map((i) => `${i + 1}`)])
})

test('restartOnFailure() may refuse the restart', async (t) => {
  /** @type {Error[]} */
  const asked = []
  const { consumer } = await start(t, {
    retry: {
      ...QUICK.retry,
      retries: 0,
      restartOnFailure: async (/** @type {Error} */ error) => {
        asked.push(error)
        return false
      },
    },
  })
  const crashed = once(consumer, consumer.events.CRASH)
  await consumer.run({
    eachMessage: async () => {
      throw new Error('broken')
    },
  })
  assert.equal((await crashed)[0].payload.restart, false)
  assert.deepEqual(
    asked.map(({ message }) => message),
    ['broken'],
  )
})

test('a TypeError in a handler crashes the consumer for good', async (t) => {
  const { consumer } = await start(t, QUICK)
  let calls = 0
  const crashed = once(consumer, consumer.events.CRASH)
  await consumer.run({
    eachMessage: async () => {
      calls++
      ;/** @type {any} */ (undefined).nothing()
    },
  })
  const [{ payload }] = await crashed
  assert.deepEqual(
    [payload.restart, payload.error.name, payload.error.cause.name, calls],
    [false, 'KafkaJSNonRetriableError', 'TypeError', 1],
  )
  // It is stopped, not broken: it can run again.
  await consumer.connect()
  const received = await collect(consumer)
  await grown(received, 10)
})

/** How a handler may call disconnect() or stop(). @type {Record<string, (end: () => Promise<void>) => Promise<any>>} */
const CALLS = {
  'awaited at once': async (end) => {
    await end()
  },
  'not awaited': async (end) => {
    end()
  },
  'awaited after another await': async (end) => {
    await new Promise((resolve) => setTimeout(resolve, 5))
    await end()
  },
  'awaited in a function of its own': async (end) => {
    const inner = async () => {
      await end()
    }
    await inner()
  },
}

for (const [how, call] of Object.entries(CALLS)) {
  for (const method of ['disconnect', 'stop']) {
    test(`${method}() inside a handler, ${how}, ends the consumer after that message`, async (t) => {
      const { consumer, told } = await start(t)
      /** @type {string[]} */
      const offsets = []
      const stopped = once(consumer, method === 'stop' ? consumer.events.STOP : consumer.events.DISCONNECT)
      await consumer.run({
        eachMessage: async (/** @type {any} */ { message }) => {
          offsets.push(message.offset)
          if (message.offset === '2') await call(() => consumer[method]())
        },
      })
      await stopped
      assert.deepEqual(offsets, ['0', '1', '2'])
      assert.deepEqual(told, method === 'stop' ? ['STOP'] : ['STOP', 'DISCONNECT'])
      // What the handler finished was committed.
      await consumer.connect()
      const received = await collect(consumer)
      await grown(received, 7)
      assert.equal(received[0].offset, 3)
    })
  }
}

test('disconnect() inside eachBatch ends the consumer after that batch', async (t) => {
  const { consumer } = await start(t)
  let batches = 0
  const stopped = once(consumer, consumer.events.DISCONNECT)
  await consumer.run({
    eachBatch: async () => {
      batches++
      await new Promise((resolve) => setImmediate(resolve))
      await consumer.disconnect()
    },
  })
  await stopped
  assert.equal(batches, 1)
})

test('disconnect() twice, at once, and after stop() is one clean end', async (t) => {
  const { consumer, told } = await start(t)
  await grown(await collect(consumer), 10)
  await Promise.all([consumer.stop(), consumer.disconnect(), consumer.disconnect()])
  await consumer.disconnect()
  assert.equal(told.filter((name) => name === 'STOP').length, 1)
})

test('disconnect() right after run(), not awaited, ends both', async (t) => {
  const { consumer } = await start(t)
  const running = consumer.run({ eachMessage: async () => {} })
  await within(consumer.disconnect(), 'disconnect()')
  await within(running, 'run()')
})

test('methods that need a running consumer say so before run() and after disconnect()', async (t) => {
  const { consumer } = await start(t)
  const said = {
    name: 'KafkaJSNonRetriableError',
    message: 'Consumer group was not initialized, consumer#run must be called first',
  }
  const all = async () => {
    assert.throws(() => consumer.seek({ topic: 't', partition: 0, offset: '0' }), said)
    assert.throws(() => consumer.pause([{ topic: 't' }]), said)
    assert.throws(() => consumer.resume([{ topic: 't' }]), said)
    await assert.rejects(consumer.commitOffsets([{ topic: 't', partition: 0, offset: '1' }]), said)
    assert.deepEqual(consumer.paused(), [])
  }
  await all()
  await consumer.run({ eachMessage: async () => {} })
  await consumer.disconnect()
  await all()
})

test('wrong arguments are refused with what to write', async (t) => {
  const { consumer } = await start(t)
  const refused = (/** @type {RegExp} */ message) => ({ name: 'KafkaJSNonRetriableError', message })
  await assert.rejects(consumer.subscribe({}), refused(/Missing required argument "topics"/))
  await assert.rejects(consumer.subscribe({ topics: 't' }), refused(/must be an array/))
  await assert.rejects(consumer.subscribe({ topic: 5 }), refused(/Invalid topic 5 \(number\)/))
  await assert.rejects(consumer.subscribe({ topic: 't', fromBeginning: 'yes' }), refused(/true or false/))
  await assert.rejects(consumer.run({ eachMessage: 'f' }), refused(/must be a function/))
  await assert.rejects(
    consumer.run({ eachMessage: async () => {}, partitionsConsumedConcurrently: 0 }),
    refused(/at least 1/),
  )
  await consumer.run({ eachMessage: async () => {} })
  await assert.rejects(consumer.subscribe({ topic: 'u' }), refused(/while consumer is running/))
  for (const topic of [undefined, '', 5]) {
    assert.throws(() => consumer.seek({ topic, partition: 0, offset: '0' }), refused(/Invalid topic/))
  }
  for (const partition of [undefined, '0', -1, 0.5, NaN, 2 ** 32]) {
    assert.throws(() => consumer.seek({ topic: 't', partition, offset: '0' }), refused(/Invalid partition/))
    await assert.rejects(consumer.commitOffsets([{ topic: 't', partition, offset: '0' }]), refused(/Invalid partition/))
  }
  for (const offset of [undefined, null, 'one', '', 1.5, {}, '-3', '99999999999999999999']) {
    assert.throws(() => consumer.seek({ topic: 't', partition: 0, offset }), refused(/[Oo]ffset/), `${offset}`)
    await assert.rejects(
      consumer.commitOffsets([{ topic: 't', partition: 0, offset }]),
      refused(/[Oo]ffset/),
      `${offset}`,
    )
  }
  await assert.rejects(consumer.commitOffsets({ topic: 't' }), refused(/write commitOffsets\(\[/))
  assert.throws(() => consumer.pause('t'), refused(/write an array/))
  assert.throws(() => consumer.pause([{ topic: 't', partitions: ['0'] }]), refused(/valid partitions/))
})

test('a topic that does not exist rejects where topics are not made, and is waited for where they are', async (t) => {
  const { kafka } = await start(t)
  const strict = kafka.consumer({ groupId: 'strict', allowAutoTopicCreation: false })
  t.after(() => strict.disconnect())
  await strict.connect()
  await assert.rejects(strict.subscribe({ topic: 'missing' }), {
    name: 'KafkaJSProtocolError',
    type: 'UNKNOWN_TOPIC_OR_PARTITION',
    message: /missing/,
  })
  const lenient = kafka.consumer({ groupId: 'lenient' })
  t.after(() => lenient.disconnect())
  await lenient.connect()
  await lenient.subscribe({ topic: 'made' })
  await lenient.run({ eachMessage: async () => {} })
})

test('groupId is required, and options that cannot be are refused', async (t) => {
  const kafka = kafkaOf('127.0.0.1:1')
  const refused = (/** @type {RegExp} */ message) => ({ name: 'KafkaJSNonRetriableError', message })
  assert.throws(() => kafka.consumer(), refused(/groupId/))
  assert.throws(() => kafka.consumer({ groupId: '' }), refused(/groupId/))
  assert.throws(() => kafka.consumer({ groupId: 'g', sessionTimeout: 'long' }), refused(/sessionTimeout.*"long"/))
  assert.throws(
    () => kafka.consumer({ groupId: 'g', rdkafka: { 'fetch.mim.bytes': 5 } }),
    refused(/did you mean "fetch\.min\.bytes"/),
  )
  assert.throws(() => kafka.consumer({ groupId: 'g', rdkafka: { 'enable.auto.commit': true } }), refused(/autoCommit/))
  const consumer = kafka.consumer({ groupId: 'g', rdkafka: { 'isolation.level': 'no_such_level' } })
  await assert.rejects(consumer.connect(), refused(/isolation\.level/))
})

// -- brokers in trouble

test('commits that fail for a while are made good', async (t) => {
  const { cluster, consumer } = await start(t, { sessionTimeout: 30000 })
  await cluster.pushRequestErrors('OffsetCommit', ['REQUEST_TIMED_OUT', 'NOT_COORDINATOR', 'GROUP_LOAD_IN_PROGRESS'])
  const committed = once(consumer, consumer.events.COMMIT_OFFSETS, {
    where: ({ payload }) => payload.topics[0].partitions[0].offset === '10',
  })
  await grown(await collect(consumer), 10)
  await committed
})

test('fetches that fail, slow brokers and leaders that move lose nothing and reorder nothing', async (t) => {
  const { cluster, consumer, producer } = await start(t, {}, { brokers: 3, partitions: 3 })
  const received = await collect(consumer)
  let sent = 10
  const trouble = [
    () => cluster.pushRequestErrors('Fetch', ['NOT_LEADER_FOR_PARTITION', 'UNKNOWN_SERVER_ERROR', 'ERR__TRANSPORT']),
    () => cluster.setLeader({ topic: 't', partition: 0, broker: 2 }),
    () => cluster.setLatency(3, 200),
    () => cluster.setLeader({ topic: 't', partition: 1, broker: 3 }),
    () => cluster.setLatency(3, 0),
    () => cluster.setCoordinator({ type: 'group', key: 'g', broker: 3 }),
    async () => {
      await cluster.setBrokerDown(2)
      await cluster.setBrokerUp(2)
    },
  ]
  for (const make of trouble) {
    await make()
    const sends = range(30).map((i) => ({ value: `${sent + Math.floor(i / 3)}`, partition: i % 3 }))
    await producer.send({ topic: 't', messages: sends })
    sent += 10
    await waitFor(() => new Set(received.map(({ partition, offset }) => `${partition}:${offset}`)).size === sent * 3, {
      message: () => `${sent * 3} after trouble ${trouble.indexOf(make)}; there are ${received.length}`,
    })
  }
  for (const partition of range(3)) {
    const offsets = received.filter((one) => one.partition === partition).map(({ offset }) => offset)
    // A rebalance may repeat what was not committed yet; each repetition begins again in order.
    offsets.forEach((offset, i) =>
      assert.ok(
        i === 0 || offset === offsets[i - 1] + 1 || offset <= offsets[i - 1],
        `${offset} after ${offsets[i - 1]}`,
      ),
    )
  }
})

test('a cluster that goes away and comes back is consumed on', async (t) => {
  const { cluster, consumer, kafka } = await start(t)
  const received = await collect(consumer)
  await grown(received, 10)
  await cluster.setBrokerDown(1)
  await assert.rejects(kafka.producer({ retry: { retries: 0 } }).connect())
  await cluster.setBrokerUp(1)
  const producer = await connectProducer(t, kafka)
  await producer.send({ topic: 't', messages: numbered(5, { partition: 0 }) })
  await waitFor(() => received.some(({ offset }) => offset === 14), {
    message: () => `offset 14; ${received.length} received`,
  })
})

test('disconnect() with offsets not committed ends in bounded time when the brokers are gone', async (t) => {
  const { cluster, consumer } = await start(t)
  const reached = deferred()
  const hold = gate(t)
  await consumer.run({
    eachMessage: async () => {
      reached.resolve()
      await hold.promise
    },
  })
  await within(reached.promise, 'a message')
  await cluster.setBrokerDown(1)
  hold.resolve()
  await within(consumer.disconnect(), 'disconnect()', 25_000)
})

test('a log creator that throws brings nothing down', async (t) => {
  const cluster = await mockCluster(t)
  await cluster.createTopic({ topic: 't', partitions: 1 })
  const kafka = new Kafka({
    brokers: cluster.brokers,
    logLevel: logLevel.DEBUG,
    logCreator: () => () => {
      throw new Error('the log is full')
    },
    retry: QUICK.retry,
  })
  const producer = await connectProducer(t, kafkaOf(cluster.brokers))
  await producer.send({ topic: 't', messages: numbered(3) })
  const consumer = await connectConsumer(t, kafka, { topic: 't', rdkafka: { debug: 'cgrp' } })
  /** @type {string[]} */
  const offsets = []
  await consumer.run({
    eachMessage: async (/** @type {any} */ { message }) => {
      offsets.push(message.offset)
      if (offsets.length === 1) throw new Error('logged')
    },
  })
  await waitFor(() => offsets.at(-1) === '2')
  assert.deepEqual(offsets, ['0', '0', '1', '2'])
})

test('a listener that throws or rejects brings nothing down', async (t) => {
  const { consumer } = await start(t)
  for (const name of Object.values(consumer.events)) {
    consumer.on(name, () => {
      throw new Error('of a listener')
    })
    consumer.on(name, async () => {
      throw new Error('of an async listener')
    })
  }
  await grown(await collect(consumer), 10)
  await consumer.disconnect()
})

test('a consumer joins and reads when the brokers do not tell where partitions end', async (t) => {
  const cluster = await mockCluster(t)
  const kafka = kafkaOf(cluster.bootstrapServers)
  await cluster.createTopic({ topic: 'ends' })
  await cluster.pushRequestErrors('ListOffsets', ['ERR_TOPIC_AUTHORIZATION_FAILED'])
  const consumer = await connectConsumer(t, kafka, { topic: 'ends', fromBeginning: false })
  const received = await collect(consumer)
  const producer = await connectProducer(t, kafka)
  await waitFor(async () => {
    await producer.send({ topic: 'ends', messages: [{ value: 'v' }] })
    return received.length > 0
  }, { message: 'a message', interval: 50 })
})
