'use strict'

// What send() and sendBatch() resolve with, and what is in the topic afterwards.

const { differential } = require('../helpers/differential')

differential('producer results', [
  {
    name: 'send() resolves with one record metadata per partition, six keys each',
    everywhere: true,
    unordered: true,
    run: async (lib, context) => {
      const topic = await context.topic({ partitions: 3 })
      const producer = await context.producer()
      return producer.send({
        topic,
        messages: [0, 1, 2, 1, 2, 2].map((partition) => ({ partition, value: `to ${partition}` })),
      })
    },
  },
  {
    name: 'base offsets count on with each send',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await context.producer()
      const results = []
      for (const count of [1, 3, 2]) {
        results.push(await producer.send({ topic, messages: Array.from({ length: count }, (_, i) => ({ value: `${i}` })) }))
      }
      return { results, content: await context.read(topic, 6) }
    },
  },
  {
    name: 'no messages resolve with no record metadata',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await context.producer()
      return [await producer.send({ topic, messages: [] }), await producer.sendBatch({ topicMessages: [{ topic, messages: [] }] }),
        await producer.sendBatch({ topicMessages: [] }), await producer.sendBatch({})]
    },
  },
  {
    name: 'acks: 0 resolves with an empty list, and the messages arrive',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await context.producer()
      const result = await producer.send({ topic, acks: 0, messages: [{ value: 'a' }, { value: 'b' }] })
      return { result, content: await context.read(topic, 2) }
    },
  },
  {
    name: 'acks: 1 and acks: -1 resolve alike',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await context.producer()
      const results = [
        await producer.send({ topic, acks: 1, messages: [{ value: 'a' }] }),
        await producer.send({ topic, acks: -1, messages: [{ value: 'b' }] }),
      ]
      return { results, content: await context.read(topic, 2) }
    },
  },
  {
    name: 'a timeout of one send changes nothing of its result',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await context.producer()
      return producer.send({ topic, timeout: 5000, messages: [{ value: 'a' }] })
    },
  },
  {
    name: 'sendBatch() goes to several topics, and joins those that are named twice',
    everywhere: true,
    unordered: true,
    run: async (lib, context) => {
      const [one, two] = [await context.topic(), await context.topic({ partitions: 2 })]
      const producer = await context.producer()
      return producer.sendBatch({
        topicMessages: [
          { topic: one, messages: [{ key: 'a', value: '1' }] },
          { topic: two, messages: [{ partition: 1, value: '2' }, { partition: 0, value: '3' }] },
          { topic: one, messages: [{ key: 'b', value: '4' }, { key: 'c', value: '5' }] },
        ],
      })
    },
  },
  {
    name: 'what sendBatch() joins keeps its order in the topic',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await context.producer()
      await producer.sendBatch({
        topicMessages: ['a', 'b', 'c'].map((prefix) => ({
          topic, messages: [0, 1].map((i) => ({ key: prefix, value: `${prefix}${i}` })),
        })),
      })
      return context.read(topic, 6)
    },
  },
  {
    name: 'a topic with LogAppendTime tells the time of appending',
    run: async (lib, context) => {
      const topic = await context.topic({ config: { 'message.timestamp.type': 'LogAppendTime' } })
      const producer = await context.producer()
      const [{ logAppendTime, ...rest }] = await producer.send({ topic, messages: [{ value: 'a', timestamp: '1000' }] })
      const [message] = await context.read(topic, 1, { exactTimestamps: true })
      return { rest, isTime: /^\d{13}$/.test(logAppendTime), sameAsRead: message.exact.value === logAppendTime }
    },
  },
  {
    name: 'a partition that the topic lacks',
    run: async (lib, context) => {
      const topic = await context.topic({ partitions: 2 })
      const producer = await context.producer()
      const outcome = await context.caught(() => producer.send({ topic, messages: [{ partition: 7, value: 'a' }] }))
      return 'rejected' in outcome ? { rejected: outcome.rejected.type } : outcome
    },
    differs: {
      guide: 'A partition that does not exist',
      kafkajs: { resolved: [] },
      oxide: { rejected: 'UNKNOWN_TOPIC_OR_PARTITION' },
    },
  },
])
