'use strict'

// Handlers that throw: what comes again, when the consumer crashes, when it restarts.

const { differential } = require('../helpers/differential')

const QUICK = { initialRetryTime: 20, maxRetryTime: 200 }
/** Of consumers that restart. kafkajs gets into its own way when it restarts while it still disconnects, which crashes it again. */
const RESTARTS = { initialRetryTime: 500, retries: 0 }

/** @param {any} context @param {number} count */
async function filled(context, count) {
  const topic = await context.topic()
  await context.fill(topic, Array.from({ length: count }, (_, i) => ({ value: `${i}` })))
  return topic
}

/**
 * A case whose handler fails until the consumer crashes for good.
 * @param {string} name @param {(lib: any) => any} makeError @param {object} [options] of the consumer's retry
 * @param {object} [more] of the case
 */
const crashes = (name, makeError, options = {}, more = {}) => ({
  name,
  ...more,
  run: async (lib, context) => {
    const topic = await filled(context, 3)
    const groupId = context.groupId()
    const restarts = []
    const consumer = await context.consumer({
      groupId,
      topic,
      retry: { ...QUICK, retries: 1, restartOnFailure: async (error) => { restarts.push(error.name); return false }, ...options },
    })
    const events = context.events(consumer, ['STOP', 'DISCONNECT', 'CRASH'])
    const handled = []
    await consumer.run({
      eachMessage: async ({ message }) => {
        handled.push(message.offset)
        if (message.offset === '1') throw makeError(lib)
      },
    })
    await context.until(() => events.some(({ key }) => key === 'CRASH'), 'the crash')
    return { handled, events, restarts, committed: await context.committed(groupId, topic) }
  },
})

differential('consumer failure', [
  crashes('an Error crashes when retries are used up', () => new Error('boom'), {}, { everywhere: true }),
  crashes('an Error and retries: 0', () => new Error('boom'), { retries: 0 }),
  crashes('an Error and retries: 3', () => new Error('boom'), { retries: 3 }),
  crashes('a TypeError is not tried again', () => new TypeError('of the program'), {}, { everywhere: true }),
  crashes('a RangeError is not tried again', () => new RangeError('of the program')),
  crashes('a ReferenceError is not tried again', () => new ReferenceError('of the program')),
  crashes('a SyntaxError is not tried again', () => new SyntaxError('of the program')),
  crashes('a KafkaJSNonRetriableError is not tried again', (lib) => new lib.KafkaJSNonRetriableError('never')),
  crashes('a KafkaJSError is tried again', (lib) => new lib.KafkaJSError('later')),
  crashes('a KafkaJSError that is not retriable', (lib) => new lib.KafkaJSError('never', { retriable: false })),
  crashes('an Error of a class of the program', () => Object.assign(new (class Mine extends Error {})('mine'), { name: 'Mine', extra: 1 })),
  crashes('an Error with a cause', () => new Error('outer', { cause: new Error('inner') })),
  crashes('a TypeError with a cause', () => new TypeError('outer', { cause: new Error('inner') })),
  {
    name: 'a message whose handler fails once comes again, the others do not',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await filled(context, 4)
      const groupId = context.groupId()
      const consumer = await context.consumer({ groupId, topic, retry: QUICK })
      const handled = []
      await consumer.run({
        eachMessage: async ({ message }) => {
          handled.push(message.offset)
          if (handled.length === 2) throw new Error('once')
        },
      })
      await context.until(() => handled.length === 5)
      await consumer.disconnect()
      return { handled, committed: await context.committed(groupId, topic) }
    },
  },
  {
    name: 'eachBatch that fails once: the whole batch comes again',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await filled(context, 4)
      const consumer = await context.consumer({ topic, retry: QUICK })
      const batches = []
      await consumer.run({
        eachBatch: async ({ batch }) => {
          batches.push(batch.messages.map(({ offset }) => offset))
          if (batches.length === 1) throw new Error('once')
        },
      })
      await context.until(() => batches.length === 2)
      return batches
    },
  },
  {
    name: 'eachBatch that fails after resolveOffset(): the rest comes again',
    run: async (lib, context) => {
      const topic = await filled(context, 4)
      const groupId = context.groupId()
      const consumer = await context.consumer({ groupId, topic, retry: QUICK })
      const batches = []
      await consumer.run({
        eachBatch: async ({ batch, resolveOffset }) => {
          batches.push(batch.messages.map(({ offset }) => offset))
          if (batches.length === 1) {
            resolveOffset('1')
            throw new Error('once')
          }
        },
      })
      await context.until(() => batches.length === 2)
      await consumer.disconnect()
      return { batches, committed: await context.committed(groupId, topic) }
    },
  },
  {
    name: 'a crash that may be retried restarts the consumer, which goes on at the message',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await filled(context, 3)
      const consumer = await context.consumer({ topic, retry: RESTARTS })
      const events = context.events(consumer, ['CONNECT', 'GROUP_JOIN', 'STOP', 'DISCONNECT', 'CRASH'])
      const handled = []
      await consumer.run({
        eachMessage: async ({ message }) => {
          handled.push(message.offset)
          if (handled.length === 2) throw new Error('once')
        },
      })
      await context.until(() => handled.length >= 4, () => `${handled}`)
      const until = events.findIndex(({ key }) => key === 'CRASH')
      return { handled, events: events.slice(0, until + 1).map(({ key }) => key), restart: events[until].payload.restart }
    },
  },
  {
    name: 'restartOnFailure that says yes restarts, and is given the error',
    run: async (lib, context) => {
      const topic = await filled(context, 2)
      const given = []
      const consumer = await context.consumer({
        topic, retry: { ...RESTARTS, restartOnFailure: async (error) => { given.push(error); return true } },
      })
      const handled = []
      await consumer.run({
        eachMessage: async ({ message }) => {
          handled.push(message.offset)
          if (handled.length === 1) throw new Error('once')
        },
      })
      await context.until(() => handled.length >= 3)
      return { handled, given: given[0] }
    },
  },
  {
    name: 'restartOnFailure that throws counts as yes',
    run: async (lib, context) => {
      const topic = await filled(context, 2)
      const consumer = await context.consumer({
        topic, retry: { ...RESTARTS, restartOnFailure: async () => { throw new Error('of the callback') } },
      })
      const handled = []
      await consumer.run({
        eachMessage: async ({ message }) => {
          handled.push(message.offset)
          if (handled.length === 1) throw new Error('once')
        },
      })
      await context.until(() => handled.length >= 3)
      return handled
    },
  },
  {
    name: 'run() again after a crash for good',
    run: async (lib, context) => {
      const topic = await filled(context, 2)
      const consumer = await context.consumer({ topic, retry: QUICK })
      const crashed = context.event(consumer, 'CRASH')
      await consumer.run({ eachMessage: async () => { throw new TypeError('of the program') } })
      const { payload: { restart } } = await crashed
      return { restart, received: await context.collect(consumer, 2) }
    },
  },
  {
    name: 'with autoCommit: false a failing handler commits nothing',
    run: async (lib, context) => {
      const topic = await filled(context, 3)
      const groupId = context.groupId()
      const consumer = await context.consumer({ groupId, topic, retry: { ...QUICK, retries: 0 } })
      const crashed = context.event(consumer, 'CRASH')
      await consumer.run({ autoCommit: false, eachMessage: async ({ message }) => { if (message.offset === '1') throw new TypeError('x') } })
      await crashed
      return context.committed(groupId, topic)
    },
  },
  {
    name: 'disconnect() after a crash that would restart: it does not',
    run: async (lib, context) => {
      const topic = await filled(context, 1)
      const consumer = await context.consumer({ topic, retry: { ...QUICK, retries: 0, initialRetryTime: 500 } })
      const crashed = context.event(consumer, 'CRASH')
      let count = 0
      await consumer.run({ eachMessage: async () => { count++; throw new Error('always') } })
      const { payload: { restart } } = await crashed
      return { restart, outcome: await context.caught(() => consumer.disconnect()), count }
    },
  },
])
