'use strict'

// What kafka.consumer(), subscribe(), run(), commitOffsets(), seek(), pause() and resume() refuse, and how.

const { differential } = require('../helpers/differential')

/** A case that makes a consumer. @param {string} name @param {any} options @param {object} [more] */
const makes = (name, options, more = {}) => ({
  name: `kafka.consumer() with ${name}`,
  ...more,
  run: async (lib, context) => {
    const outcome = await context.caught(() => { context.kafka().consumer(options) })
    return outcome
  },
})

/** A case of subscribe(). @param {string} name @param {any} options @param {object} [more] */
const subscribes = (name, options, more = {}) => ({
  name: `subscribe() with ${name}`,
  ...more,
  run: async (lib, context) => context.caught((await context.consumer()).subscribe(options)),
})

/**
 * Cases of a call on a consumer that runs: all in one, because each would need a group.
 * @param {string} name @param {(consumer: any, topic: string) => (() => any)[]} calls @param {object} [more]
 */
const runs = (name, calls, more = {}) => ({
  name,
  ...more,
  run: async (lib, context) => {
    const topic = await context.topic()
    await context.fill(topic, [{ value: 'a' }])
    const consumer = await context.consumer({ topic })
    await context.collect(consumer, 1)
    const outcomes = []
    for (const call of calls(consumer, topic)) outcomes.push(await context.caught(call))
    return outcomes
  },
})

differential('consumer input', [
  makes('no groupId', {}),
  makes('a groupId of no characters', { groupId: '' }, { messages: 'longer' }),
  makes('a groupId of null', { groupId: null }, { messages: 'longer' }),
  makes('a heartbeatInterval like sessionTimeout', { groupId: 'group', sessionTimeout: 6000, heartbeatInterval: 6000 }),
  makes('a heartbeatInterval above sessionTimeout', { groupId: 'group', heartbeatInterval: 31000 }),
  subscribes('nothing', {}),
  subscribes('topic of null', { topic: null }),
  subscribes('topics that are text', { topics: 'topic' }),
  subscribes('topics with a number', { topics: [1] }),
  subscribes('topics with null', { topics: [null] }),
  subscribes('a number as topic', { topic: 1 }),
  subscribes('no topics', { topics: [] }),
  {
    name: 'subscribe() while running',
    run: async (lib, context) => {
      const topic = await context.topic()
      const consumer = await context.consumer({ topic })
      await consumer.run({ eachMessage: async () => {} })
      return context.caught(() => consumer.subscribe({ topic }))
    },
  },
  {
    name: 'subscribe() to a topic that does not exist makes it',
    run: async (lib, context) => {
      const topic = context.topicName()
      const consumer = await context.consumer()
      await context.caught(() => consumer.subscribe({ topic }))
      await context.until(async () => (await (await context.neutralAdmin()).listTopics()).includes(topic), 'the topic')
      await consumer.subscribe({ topic, fromBeginning: true })
      await context.fill(topic, [{ value: 'a' }])
      return context.collect(consumer, 1)
    },
  },
  {
    name: 'calls that need a run, before it',
    run: async (lib, context) => {
      const topic = await context.topic()
      const consumer = await context.consumer({ topic })
      const outcomes = []
      for (const call of [
        () => consumer.commitOffsets([{ topic, partition: 0, offset: '1' }]),
        () => consumer.seek({ topic, partition: 0, offset: '1' }),
        () => consumer.pause([{ topic }]),
        () => consumer.resume([{ topic }]),
        () => consumer.paused(),
        () => consumer.stop(),
      ]) outcomes.push(await context.caught(call))
      return outcomes
    },
  },
  {
    name: 'arguments are checked before whether it runs',
    run: async (lib, context) => {
      const consumer = await context.consumer()
      const outcomes = []
      for (const call of [
        () => consumer.commitOffsets([{ topic: null, partition: 0, offset: '1' }]),
        () => consumer.seek({ topic: null, partition: 0, offset: '1' }),
        () => consumer.pause([{ topic: null }]),
        () => consumer.resume([{ topic: null }]),
      ]) outcomes.push(await context.caught(call))
      return outcomes
    },
  },
  runs('commitOffsets() with bad arguments', (consumer, topic) => [
    () => consumer.commitOffsets([{ topic: null, partition: 0, offset: '1' }]),
    () => consumer.commitOffsets([{ topic: '', partition: 0, offset: '1' }]),
    () => consumer.commitOffsets([{ topic, partition: 'ABC', offset: '1' }]),
    () => consumer.commitOffsets([{ topic, offset: '1' }]),
    () => consumer.commitOffsets([{ topic, partition: 0, offset: 'ABC' }]),
    () => consumer.commitOffsets([{ topic, partition: 0, offset: null }]),
    () => consumer.commitOffsets([{ topic, partition: 0, offset: '-1' }]),
    () => consumer.commitOffsets([{ topic, partition: 0, offset: '1', metadata: 7 }]),
  ]),
  runs('seek() with bad arguments', (consumer, topic) => [
    () => consumer.seek({ topic: null, partition: 0, offset: '1' }),
    () => consumer.seek({ topic: '', partition: 0, offset: '1' }),
    () => consumer.seek({ topic, partition: 'ABC', offset: '1' }),
    () => consumer.seek({ topic, partition: 0, offset: 'ABC' }),
    () => consumer.seek({ topic, partition: 0, offset: null }),
    () => consumer.seek({ topic, partition: 0, offset: '-3' }),
  ]),
  runs('pause() and resume() with bad arguments', (consumer, topic) => ['pause', 'resume'].flatMap((method) => [
    () => consumer[method]([{ topic: null }]),
    () => consumer[method]([{ topic: '' }]),
    () => consumer[method]([{}]),
    () => consumer[method]([null]),
    () => consumer[method]([{ topic, partitions: 'ABC' }]),
    () => consumer[method]([{ topic, partitions: ['ABC'] }]),
  ]), { messages: 'any' }),
  runs('what pause(), resume(), seek() and commitOffsets() resolve with', (consumer, topic) => [
    () => consumer.pause([{ topic, partitions: [0] }]),
    () => consumer.paused(),
    () => consumer.resume([{ topic }]),
    () => consumer.paused(),
    () => consumer.seek({ topic, partition: 0, offset: '1' }),
    () => consumer.commitOffsets([{ topic, partition: 0, offset: '1' }]),
    () => consumer.commitOffsets([]),
    () => consumer.commitOffsets(),
    () => consumer.pause(),
    () => consumer.resume([]),
    () => consumer.stop(),
    () => consumer.stop(),
    () => consumer.disconnect(),
    () => consumer.disconnect(),
  ]),
  {
    name: 'run() while it runs changes nothing',
    run: async (lib, context) => {
      const topic = await context.topic()
      await context.fill(topic, [{ value: 'a' }])
      const consumer = await context.consumer({ topic })
      const seen = []
      await consumer.run({ eachMessage: async () => { seen.push('first') } })
      const outcome = await context.caught(() => consumer.run({ eachMessage: async () => { seen.push('second') } }))
      await context.until(() => seen.length > 0)
      return { outcome, seen }
    },
  },
  {
    name: 'run() and subscribe() resolve with nothing',
    run: async (lib, context) => {
      const topic = await context.topic()
      const consumer = await context.consumer()
      return [await context.caught(() => consumer.connect()), await context.caught(() => consumer.subscribe({ topic })),
        await context.caught(() => consumer.run({ eachMessage: async () => {} }))]
    },
  },
  {
    name: 'subscribe() works before connect(), and more than once',
    everywhere: true,
    run: async (lib, context) => {
      const [one, two] = [await context.topic(), await context.topic()]
      for (const topic of [one, two]) await context.fill(topic, [{ value: 'a' }])
      const consumer = context.closing(context.kafka().consumer({ groupId: context.groupId(), maxWaitTimeInMs: 100 }))
      await consumer.subscribe({ topic: one, fromBeginning: true })
      await consumer.connect()
      await consumer.subscribe({ topics: [two], fromBeginning: true })
      return context.collect(consumer, 2)
    },
  },
  {
    name: 'run() without connect() before it connects',
    run: async (lib, context) => {
      const topic = await context.topic()
      await context.fill(topic, [{ value: 'a' }])
      const consumer = context.closing(context.kafka().consumer({ groupId: context.groupId(), maxWaitTimeInMs: 100 }))
      await consumer.subscribe({ topic, fromBeginning: true })
      return context.collect(consumer, 1)
    },
  },
  {
    name: 'methods of a consumer work without their object',
    run: async (lib, context) => {
      const topic = await context.topic()
      const { connect, subscribe, run, pause, paused, resume, stop, disconnect } =
        context.closing(context.kafka().consumer({ groupId: context.groupId(), maxWaitTimeInMs: 100 }))
      await connect()
      await subscribe({ topic })
      await run({ eachMessage: async () => {} })
      pause([{ topic }])
      const one = paused()
      resume([{ topic }])
      const two = paused()
      await stop()
      await disconnect()
      return [one, two]
    },
  },
])
