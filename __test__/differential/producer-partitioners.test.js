'use strict'

// Where messages go: the partitioners, and what a partitioner of the program is given.

const { differential } = require('../helpers/differential')

const KEYS = ['', 'a', 'b', 'key', 'another key', 'größe', '漢字', 'x'.repeat(500), '0', '42', '-1', ' ', 'user-1', 'user-2', 'user-3']

/** @param {number} count */
const partitionMetadata = (count) => Array.from({ length: count }, (_, partitionId) => ({
  partitionErrorCode: 0, partitionId, leader: 1, replicas: [1], isr: [1], offlineReplicas: [],
}))

/**
 * Which partition each key goes to.
 * @param {string} name of the partitioner @param {boolean} [everywhere]
 */
const places = (name, everywhere = false) => ({
  name: `${name} puts each key into the same partition`,
  everywhere,
  run: async (lib, context) => {
    const topic = await context.topic({ partitions: 7 })
    const producer = await context.producer({ createPartitioner: lib.Partitioners[name] })
    const messages = [...KEYS, ...Array.from({ length: 40 }, (_, i) => `k${i}`), Buffer.from([0, 128, 255])].map((key) => ({ key, value: 'v' }))
    await producer.send({ topic, messages })
    return context.read(topic, messages.length)
  },
})

/** The same of the function itself, with many more keys. @param {string} name */
const chooses = (name) => ({
  name: `${name} as a function`,
  run: async (lib) => {
    const partitioner = lib.Partitioners[name]()
    return [1, 2, 3, 10, 100].map((count) => Array.from({ length: 100 }, (_, i) => partitioner({
      topic: 'topic', partitionMetadata: partitionMetadata(count), message: { key: `${i * 7919}`, value: 'v' },
    })))
  },
})

const NAMES = ['DefaultPartitioner', 'LegacyPartitioner', 'JavaCompatiblePartitioner']

differential('producer partitioners', [
  places('DefaultPartitioner', true),
  places('LegacyPartitioner', true),
  places('JavaCompatiblePartitioner'),
  ...NAMES.map(chooses),
  {
    name: 'a partition that the message names goes before its key',
    run: async (lib) => NAMES.map((name) => lib.Partitioners[name]()({
      topic: 'topic', partitionMetadata: partitionMetadata(5), message: { key: 'k', value: 'v', partition: 3 },
    })),
  },
  {
    name: 'without a key the partitions take turns',
    run: async (lib) => NAMES.map((name) => {
      const partitioner = lib.Partitioners[name]()
      const chosen = Array.from({ length: 9 }, () => partitioner({
        topic: 'topic', partitionMetadata: partitionMetadata(3), message: { value: 'v' },
      }))
      return chosen.map((partition) => (partition - chosen[0] + 3) % 3)
    }),
  },
  {
    name: 'without a key partitions without a leader are left out',
    run: async (lib) => {
      const metadata = partitionMetadata(3).map((one) => (one.partitionId === 1 ? { ...one, leader: -1 } : one))
      const partitioner = lib.Partitioners.DefaultPartitioner()
      const chosen = Array.from({ length: 8 }, () => partitioner({ topic: 'topic', partitionMetadata: metadata, message: { value: 'v' } }))
      return [...new Set(chosen)].sort()
    },
  },
  {
    name: 'a key of null is no key',
    run: async (lib) => NAMES.map((name) => {
      const partitioner = lib.Partitioners[name]()
      const chosen = Array.from({ length: 6 }, () => partitioner({
        topic: 'topic', partitionMetadata: partitionMetadata(3), message: { key: null, value: 'v' },
      }))
      return [...new Set(chosen)].sort()
    }),
  },
  {
    name: 'JavaCompatiblePartitioner is DefaultPartitioner',
    run: async (lib) => lib.Partitioners.JavaCompatiblePartitioner === lib.Partitioners.DefaultPartitioner,
  },
  {
    name: 'a partitioner of the program is given topic, partitions and message, once for each',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic({ partitions: 2 })
      const calls = []
      const producer = await context.producer({
        createPartitioner: () => ({ topic, partitionMetadata, message, ...more }) => {
          const metadata = [...partitionMetadata].sort((a, b) => a.partitionId - b.partitionId)
          calls.push({ topic, metadata, message, more })
          return message.key === 'b' ? 1 : 0
        },
      })
      await producer.send({
        topic, messages: [{ key: 'a', value: '1', headers: { h: 'x' } }, { key: 'b', value: '2' }, { key: 'c', value: '3', partition: 1 }],
      })
      return { calls, content: await context.read(topic, 3) }
    },
  },
  {
    name: 'createPartitioner is called once for a producer, when that is made',
    run: async (lib, context) => {
      const topic = await context.topic()
      let made = 0
      const kafka = context.kafka()
      const producer = context.closing(kafka.producer({ createPartitioner: () => { made++; return () => 0 } }))
      const counts = [made]
      await producer.connect()
      for (const value of ['a', 'b']) await producer.send({ topic, messages: [{ value }] })
      counts.push(made)
      await producer.disconnect()
      await producer.connect()
      await producer.send({ topic, messages: [{ value: 'c' }] })
      return [...counts, made]
    },
  },
  {
    name: 'what a partitioner throws rejects the send, and the next one goes',
    run: async (lib, context) => {
      const topic = await context.topic()
      const producer = await context.producer({
        createPartitioner: () => ({ message }) => { if (message.value === 'bad') throw new Error('no place for it'); return 0 },
      })
      const outcome = await context.caught(() => producer.send({ topic, messages: [{ value: 'good' }, { value: 'bad' }] }))
      await producer.send({ topic, messages: [{ value: 'next' }] })
      return { outcome: outcome.rejected && outcome.rejected.message, content: await context.read(topic, 1) }
    },
  },
  {
    name: 'a partitioner may wrap the default one',
    run: async (lib, context) => {
      const topic = await context.topic({ partitions: 3 })
      const producer = await context.producer({
        createPartitioner: () => {
          const inner = lib.Partitioners.DefaultPartitioner()
          return (args) => (args.message.headers && args.message.headers.to ? Number(args.message.headers.to) : inner(args))
        },
      })
      await producer.send({
        topic, messages: [{ key: 'a', value: '1' }, { key: 'a', value: '2', headers: { to: '2' } }, { key: 'b', value: '3' }],
      })
      return context.read(topic, 3)
    },
  },
])
