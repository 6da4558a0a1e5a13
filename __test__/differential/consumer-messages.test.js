'use strict'

// What eachMessage and eachBatch are given.

const { differential } = require('../helpers/differential')

const numbered = (/** @type {number} */ count, more = {}) => Array.from({ length: count }, (_, i) => ({ value: `${i}`, ...more }))

/** The own fields of an object, by name. @param {any} object */
const keys = (object) => Object.keys(object).sort()

differential('consumer messages', [
  {
    name: 'eachMessage: every message once, in order of each partition',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic({ partitions: 2 })
      await context.fill(topic, numbered(20).map((message, i) => ({ ...message, key: `k${i}`, partition: i % 2 })))
      return context.collect(await context.consumer({ topic }), 20)
    },
  },
  {
    name: 'eachMessage: the payload and the message with their fields',
    run: async (lib, context) => {
      const topic = await context.topic()
      await context.fill(topic, [{ key: 'k', value: 'v', headers: { h: 'x' }, timestamp: '1500000000000' }])
      const consumer = await context.consumer({ topic })
      const seen = []
      await consumer.run({
        eachMessage: async (payload) => {
          const { message } = payload
          seen.push({
            payload: keys(payload),
            heartbeat: typeof payload.heartbeat,
            pause: typeof payload.pause,
            partition: payload.partition,
            topic: payload.topic,
            magicByte: message.magicByte,
            attributes: message.attributes,
            time: context.exactly(message.timestamp),
            offset: message.offset,
            key: message.key,
            value: message.value,
            headers: message.headers,
            isControlRecord: message.isControlRecord,
            batchContext: typeof message.batchContext,
            types: ['timestamp', 'offset'].map((field) => typeof message[field]),
            buffers: [Buffer.isBuffer(message.key), Buffer.isBuffer(message.value), Buffer.isBuffer(message.headers.h)],
          })
        },
      })
      await context.until(() => seen.length === 1)
      return seen
    },
  },
  {
    name: 'a message without key, value and headers',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic()
      await context.fill(topic, [{ value: null }, { key: '', value: '' }, { key: null, value: Buffer.alloc(0), headers: {} }])
      return context.collect(await context.consumer({ topic }), 3)
    },
  },
  {
    name: 'headers: text, bytes, several of one name',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic()
      await context.fill(topic, [{
        value: 'v', headers: { text: 'a', bytes: Buffer.from([0, 255]), many: ['b', 'c', Buffer.from('d')], empty: '' },
      }])
      return context.collect(await context.consumer({ topic }), 1)
    },
  },
  {
    name: 'a message is an object that may be written to',
    run: async (lib, context) => {
      const topic = await context.topic()
      await context.fill(topic, [{ key: 'k', value: '{"a":1}', headers: { h: 'x' } }])
      const consumer = await context.consumer({ topic })
      const seen = []
      await consumer.run({
        eachMessage: async ({ message }) => {
          message.value = JSON.parse(message.value.toString())
          message.key = message.key.toString()
          message.extra = true
          message.headers.h = message.headers.h.toString()
          seen.push({ value: message.value, key: message.key, extra: message.extra, headers: message.headers })
        },
      })
      await context.until(() => seen.length === 1)
      return seen
    },
  },
  {
    name: 'eachBatch: the payload with its functions, the batch with its methods',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic()
      await context.fill(topic, numbered(5))
      const consumer = await context.consumer({ topic })
      const seen = []
      await consumer.run({
        eachBatch: async (payload) => {
          const { batch } = payload
          seen.push({
            payload: keys(payload),
            topic: batch.topic,
            partition: batch.partition,
            highWatermark: batch.highWatermark,
            values: batch.messages.map(({ value }) => value.toString()),
            offsets: batch.messages.map(({ offset }) => offset),
            isEmpty: batch.isEmpty(),
            first: batch.firstOffset(),
            last: batch.lastOffset(),
            lag: batch.offsetLag(),
            lagLow: batch.offsetLagLow(),
            isRunning: payload.isRunning(),
            isStale: payload.isStale(),
            uncommitted: payload.uncommittedOffsets(),
            filtered: batch.isEmptyDueToFiltering(),
            including: batch.isEmptyIncludingFiltered(),
            control: batch.isEmptyControlRecord(),
            compacted: batch.isEmptyDueToLogCompactedMessages(),
          })
        },
      })
      await context.until(() => seen.length === 1)
      return seen
    },
  },
  {
    name: 'fromBeginning: false starts at the end, at what comes after the join',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic()
      await context.fill(topic, numbered(3))
      const consumer = await context.consumer({ topic, fromBeginning: false })
      const received = await context.collecting(consumer)
      // Where the end was when the position was resolved is not known: so one comes sooner or later, and none of the old.
      await context.until(async () => {
        await context.fill(topic, [{ value: 'new' }])
        return received.length > 0
      })
      return { value: received[0].value, isOld: Number(received[0].offset) < 3 }
    },
  },
])
