'use strict'

// seek(), pause(), resume(): which messages come, and which come again.

const { differential } = require('../helpers/differential')

const numbered = (/** @type {number} */ count, more = {}) => Array.from({ length: count }, (_, i) => ({ value: `${i}`, ...more }))

/** @param {any} context @param {number} count @param {number} [partitions] */
async function filled(context, count, partitions = 1) {
  const topic = await context.topic({ partitions })
  await context.fill(topic, numbered(count).map((message, i) => ({ ...message, partition: i % partitions })))
  return topic
}

/** @param {any[]} received */
const offsets = (received) => received.map(({ offset }) => offset)

differential('consumer control', [
  {
    name: 'seek() after run(): what is sought comes next, until the end',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await filled(context, 6)
      const consumer = await context.consumer({ topic })
      const received = await context.collecting(consumer)
      await context.until(() => received.length === 6)
      consumer.seek({ topic, partition: 0, offset: '4' })
      await context.until(() => received.length === 8)
      return offsets(received)
    },
  },
  {
    name: 'seek() right after a run() that is not awaited',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await filled(context, 6)
      const consumer = await context.consumer({ topic })
      const received = []
      consumer.run({ eachMessage: async ({ message }) => { received.push(message.offset) } })
      consumer.seek({ topic, partition: 0, offset: '3' })
      await context.until(() => received.length === 3)
      return received
    },
  },
  {
    name: 'the last of several seeks wins',
    run: async (lib, context) => {
      const topic = await filled(context, 6)
      const consumer = await context.consumer({ topic })
      const received = []
      consumer.run({ eachMessage: async ({ message }) => { received.push(message.offset) } })
      for (const offset of ['1', '5', '4']) consumer.seek({ topic, partition: 0, offset })
      await context.until(() => received.length === 2)
      return received
    },
  },
  {
    name: 'seek() is for one partition',
    run: async (lib, context) => {
      const topic = await filled(context, 8, 2)
      const consumer = await context.consumer({ topic })
      const received = []
      consumer.run({ eachMessage: async ({ partition, message }) => { received.push({ topic, partition, offset: message.offset }) } })
      consumer.seek({ topic, partition: 1, offset: '2' })
      await context.until(() => received.length === 6)
      return received.sort((a, b) => a.partition - b.partition)
    },
  },
  {
    name: 'seek() to -2: from the beginning, in a group that was further',
    run: async (lib, context) => {
      const topic = await filled(context, 3)
      const groupId = context.groupId()
      const first = await context.consumer({ groupId, topic })
      await context.collect(first, 3)
      await first.disconnect()
      const consumer = await context.consumer({ groupId, topic, fromBeginning: true })
      const received = []
      consumer.run({ eachMessage: async ({ message }) => { received.push(message.offset) } })
      consumer.seek({ topic, partition: 0, offset: '-2' })
      await context.until(() => received.length === 3)
      return received
    },
  },
  {
    name: 'seek() inside eachMessage: the rest of the batch is left, what is sought comes',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await filled(context, 6)
      const consumer = await context.consumer({ topic })
      const received = []
      await consumer.run({
        eachMessage: async ({ message }) => {
          received.push(message.offset)
          if (received.length === 2) consumer.seek({ topic, partition: 0, offset: '4' })
        },
      })
      await context.until(() => received.length === 4)
      return received
    },
  },
  {
    name: 'seek() back inside eachMessage: messages come again',
    run: async (lib, context) => {
      const topic = await filled(context, 3)
      const consumer = await context.consumer({ topic })
      const received = []
      await consumer.run({
        eachMessage: async ({ message }) => {
          received.push(message.offset)
          if (received.length === 2) consumer.seek({ topic, partition: 0, offset: '0' })
        },
      })
      await context.until(() => received.length === 5)
      return received
    },
  },
  {
    name: 'seek() inside eachBatch: isStale(), and the batch at the offset comes next',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await filled(context, 6)
      const consumer = await context.consumer({ topic })
      const seen = []
      await consumer.run({
        eachBatch: async ({ batch, isStale }) => {
          const before = isStale()
          if (seen.length === 0) consumer.seek({ topic, partition: 0, offset: '4' })
          seen.push({ first: batch.firstOffset(), last: batch.lastOffset(), before, after: isStale() })
        },
      })
      await context.until(() => seen.length === 2)
      return seen
    },
  },
  {
    name: 'seek() with autoCommit commits the offset',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await filled(context, 6)
      const groupId = context.groupId()
      const consumer = await context.consumer({ groupId, topic })
      await context.collect(consumer, 6)
      consumer.pause([{ topic }])
      consumer.seek({ topic, partition: 0, offset: '2' })
      await context.until(async () => (await context.committed(groupId, topic))[0].offset === '2', 'the commit')
      return true
    },
  },
  {
    name: 'seek() without autoCommit moves and commits nothing',
    run: async (lib, context) => {
      const topic = await filled(context, 6)
      const groupId = context.groupId()
      const consumer = await context.consumer({ groupId, topic })
      const received = await context.collecting(consumer, { autoCommit: false })
      await context.until(() => received.length === 6)
      consumer.seek({ topic, partition: 0, offset: '4' })
      await context.until(() => received.length === 8)
      await consumer.disconnect()
      return { received: offsets(received), committed: await context.committed(groupId, topic) }
    },
  },
  {
    name: 'seek() beyond the end goes to the beginning',
    run: async (lib, context) => {
      const topic = await filled(context, 3)
      const consumer = await context.consumer({ topic })
      const received = await context.collecting(consumer)
      await context.until(() => received.length === 3)
      consumer.seek({ topic, partition: 0, offset: '1000' })
      await context.until(() => received.length === 6)
      return offsets(received)
    },
  },
  {
    name: 'seek() to a partition that is not this member\'s does nothing',
    run: async (lib, context) => {
      const topic = await filled(context, 3)
      const consumer = await context.consumer({ topic })
      const received = await context.collecting(consumer)
      await context.until(() => received.length === 3)
      const outcome = await context.caught(() => consumer.seek({ topic, partition: 9, offset: '0' }))
      await context.fill(topic, [{ value: 'next' }])
      await context.until(() => received.length === 4)
      return { outcome, received: offsets(received) }
    },
  },
  {
    name: 'pause() of a topic and paused(), resume()',
    everywhere: true,
    run: async (lib, context) => {
      const [one, two] = [await filled(context, 2), await filled(context, 2)]
      const consumer = await context.consumer({ topics: [one, two] })
      const received = await context.collecting(consumer)
      await context.until(() => received.length === 4)
      consumer.pause([{ topic: one }])
      const paused = consumer.paused()
      await context.fill(one, [{ value: 'while paused' }])
      await context.fill(two, [{ value: 'goes on' }])
      await context.until(() => received.length >= 5)
      const during = received.slice(4).map(({ topic, value }) => [topic, value])
      consumer.resume([{ topic: one }])
      await context.until(() => received.length === 6)
      return { paused, during, after: received.slice(5).map(({ topic, value }) => [topic, value]), rest: consumer.paused() }
    },
  },
  {
    name: 'paused() after pauses and resumes of partitions',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic({ partitions: 3 })
      const consumer = await context.consumer({ topic })
      const joined = context.event(consumer, 'GROUP_JOIN')
      await consumer.run({ eachMessage: async () => {} })
      await joined
      const states = []
      const note = () => { states.push(consumer.paused().map(({ partitions }) => [...partitions].sort())) }
      note()
      consumer.pause([{ topic, partitions: [1] }]); note()
      consumer.pause([{ topic, partitions: [2] }]); note()
      consumer.resume([{ topic, partitions: [1] }]); note()
      consumer.pause([{ topic }]); note()
      consumer.resume([{ topic, partitions: [0] }]); note()
      consumer.pause([{ topic, partitions: [0] }]); note()
      consumer.resume([{ topic }]); note()
      consumer.pause([{ topic }]); note()
      consumer.pause([{ topic, partitions: [1] }]); note()
      consumer.resume([{ topic, partitions: [1] }]); note()
      consumer.pause([{ topic: 'other' }]); note()
      return states
    },
  },
  {
    name: 'a partition that is paused gets nothing while the other one does',
    run: async (lib, context) => {
      const topic = await context.topic({ partitions: 2 })
      const consumer = await context.consumer({ topic })
      const received = await context.collecting(consumer)
      consumer.pause([{ topic, partitions: [0] }])
      await context.fill(topic, [{ value: 'a', partition: 0 }, { value: 'b', partition: 1 }, { value: 'c', partition: 1 }])
      await context.until(() => received.length >= 2)
      const during = received.map(({ value }) => value)
      consumer.resume([{ topic, partitions: [0] }])
      await context.until(() => received.length === 3)
      return { during, all: received.map(({ value }) => value) }
    },
  },
  {
    name: 'pause() inside eachMessage: the payload\'s function, and resume by what it gives',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await filled(context, 4)
      const consumer = await context.consumer({ topic })
      const received = []
      let resume
      await consumer.run({
        eachMessage: async ({ message, pause }) => {
          received.push(message.offset)
          if (message.offset === '1' && !resume) resume = pause()
        },
      })
      await context.until(() => resume)
      const paused = consumer.paused()
      const during = [...received]
      const result = resume()
      await context.until(() => received.length >= 4)
      return { paused, during, result, received }
    },
  },
  {
    name: 'consumer.pause() inside eachMessage leaves the rest of the batch until resume()',
    run: async (lib, context) => {
      const topic = await filled(context, 4)
      const consumer = await context.consumer({ topic })
      const received = []
      const end = context.event(consumer, 'END_BATCH_PROCESS')
      let once = false
      await consumer.run({
        eachMessage: async ({ message }) => {
          received.push(message.offset)
          if (message.offset === '1' && !once) { once = true; consumer.pause([{ topic }]) }
        },
      })
      await end
      const during = [...received]
      consumer.resume([{ topic }])
      await context.until(() => received.length >= 4)
      return { during, received }
    },
  },
  {
    name: 'pause() and a throw in eachMessage: the message comes again after resume()',
    run: async (lib, context) => {
      const topic = await filled(context, 3)
      const consumer = await context.consumer({ topic })
      const received = []
      let failed = false
      const threw = context.gate()
      await consumer.run({
        eachMessage: async ({ message, pause }) => {
          received.push(message.offset)
          if (message.offset === '1' && !failed) {
            failed = true
            const resume = pause()
            threw.open(resume)
            throw new Error('not now')
          }
        },
      })
      const resume = await threw.promise
      resume()
      await context.until(() => received.length >= 4)
      return received
    },
  },
  {
    name: 'pause() inside eachBatch',
    run: async (lib, context) => {
      const topic = await filled(context, 3)
      const consumer = await context.consumer({ topic })
      const seen = []
      let resume
      await consumer.run({
        eachBatch: async ({ batch, pause }) => {
          seen.push(batch.messages.length)
          if (!resume) resume = pause()
        },
      })
      await context.until(() => resume)
      const paused = consumer.paused()
      await context.fill(topic, [{ value: 'next' }])
      resume()
      await context.until(() => seen.length >= 2)
      return { paused, seen, rest: consumer.paused() }
    },
  },
  {
    name: 'seek() of a paused partition holds after resume()',
    run: async (lib, context) => {
      const topic = await filled(context, 5)
      const consumer = await context.consumer({ topic })
      const received = await context.collecting(consumer)
      await context.until(() => received.length === 5)
      consumer.pause([{ topic }])
      consumer.seek({ topic, partition: 0, offset: '3' })
      consumer.resume([{ topic }])
      await context.until(() => received.length >= 7)
      return offsets(received)
    },
  },
  {
    name: 'stop() and run() end pauses',
    run: async (lib, context) => {
      const topic = await filled(context, 1)
      const consumer = await context.consumer({ topic })
      await context.collect(consumer, 1)
      consumer.pause([{ topic }])
      await consumer.stop()
      await context.fill(topic, [{ value: 'next' }])
      const received = await context.collect(consumer, 1)
      return { received, paused: consumer.paused() }
    },
  },
  {
    name: 'many messages, pauses and resumes all along: each comes once, in order',
    run: async (lib, context) => {
      const topic = await filled(context, 200)
      const consumer = await context.consumer({ topic })
      const received = []
      await consumer.run({
        eachMessage: async ({ message, pause }) => {
          received.push(message.offset)
          if (received.length % 40 === 0) { const resume = pause(); setImmediate(resume) }
        },
      })
      await context.until(() => received.length >= 200, () => `${received.length}`)
      return received
    },
  },
])
