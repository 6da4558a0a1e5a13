'use strict'

// Partitions, offsets by time and deleted records; and what the methods about topics refuse, in kafkajs's words.

const { differential } = require('../helpers/differential')

/**
 * A case that makes one call on a connected admin client.
 * @param {string} name @param {(admin: any, topic: string, lib: any) => any} call @param {object} [more] of the case
 */
const calls = (name, call, more = {}) => ({
  name,
  ...more,
  run: async (/** @type {any} */ lib, /** @type {any} */ context) => {
    const admin = await context.admin()
    return context.caught(() => call(admin, context.topicName(), lib))
  },
})

/** A wrong input, of which kafka-oxide says more. @param {string} name @param {(admin: any, topic: string) => any} call */
const refuses = (name, call) => calls(name, call, { messages: 'longer' })

/** What the broker refuses, in words of its own. @param {string} name @param {(admin: any, topic: string) => any} call */
const broker = (name, call) => calls(name, call, { messages: 'any' })

/** On a topic of two partitions. @param {string} name @param {(admin: any, topic: string) => any} call @param {object} [more] */
const onTopic = (name, call, more = {}) => ({
  name,
  messages: 'any',
  ...more,
  run: async (/** @type {any} */ lib, /** @type {any} */ context) => {
    const topic = await context.topic({ partitions: 2 })
    // One after the other: kafkajs sends a request again for all its partitions, when one of them is too new.
    for (const [partition, times] of [[0, [1000, 1001, 1002]], [1, [1003, 1004]]]) {
      await context.fill(topic, times.map((/** @type {number} */ time) => ({ partition, value: 'x', timestamp: `${time}` })))
    }
    const admin = await context.admin()
    await admin.fetchTopicMetadata({ topics: [topic] })
    // kafkajs's deleteTopicRecords() only knows topics that this admin client has loaded.
    await admin.fetchTopicOffsets(topic)
    return call(admin, topic, context)
  },
})

const byPartition = (/** @type {any} */ a, /** @type {any} */ b) => a.partition - b.partition

differential('admin: partitions and records', [
  calls('createTopics() of no topics', (admin) => admin.createTopics({ topics: [] })),
  broker('createTopics() with a value that its config cannot have', (admin, topic) => admin.createTopics({
    topics: [{ topic, configEntries: [{ name: 'retention.ms', value: 'soon' }] }],
  })),
  broker('createTopics() with an illegal name and with too many replicas', (admin, topic) => admin.createTopics({
    topics: [{ topic: `${topic} with spaces` }, { topic, replicationFactor: 9 }],
  })),
  broker('createTopics() on a broker that does not exist', (admin, topic) => admin.createTopics({
    topics: [{ topic, replicaAssignment: [{ partition: 0, replicas: [77] }] }],
  })),
  refuses('createTopics() without topics', (admin) => admin.createTopics({})),
  refuses('createTopics() with topics of text', (admin) => admin.createTopics({ topics: 'name' })),
  refuses('createTopics() with a name that is a number', (admin) => admin.createTopics({ topics: [{ topic: 5 }] })),
  refuses('createTopics() with a topic twice', (admin) => admin.createTopics({ topics: [{ topic: 'a' }, { topic: 'a' }] })),
  refuses('createTopics() with configEntries that are no array', (admin) => admin.createTopics({ topics: [{ topic: 'a', configEntries: {} }] })),
  refuses('createTopics() with a config entry of null', (admin) => admin.createTopics({ topics: [{ topic: 'a', configEntries: [null] }] })),
  refuses('createTopics() with a config value that is a number', (admin) => admin.createTopics({
    topics: [{ topic: 'a', configEntries: [{ name: 'retention.ms', value: 1 }] }],
  })),
  refuses('createTopics() with a config entry without name', (admin) => admin.createTopics({
    topics: [{ topic: 'a', configEntries: [{ value: '1' }] }],
  })),

  calls('deleteTopics() of no topics', (admin) => admin.deleteTopics({ topics: [] })),
  refuses('deleteTopics() without topics', (admin) => admin.deleteTopics({})),
  refuses('deleteTopics() with a name of null', (admin) => admin.deleteTopics({ topics: [null] })),

  onTopic('createPartitions() adds partitions', async (admin, topic, context) => {
    const made = await admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] })
    // A broker hears of them a little later than the controller.
    await context.until(async () => {
      const { topics: [{ partitions }] } = await admin.fetchTopicMetadata({ topics: [topic] })
      return partitions.length === 4
    }, 'four partitions')
    return made
  }, { everywhere: true }),
  onTopic('createPartitions() with assignments', async (admin, topic, context) =>
    context.caught(() => admin.createPartitions({ topicPartitions: [{ topic, count: 4, assignments: [[1], [1]] }] }))),
  onTopic('createPartitions() with validateOnly adds none', async (admin, topic) => {
    const made = await admin.createPartitions({ validateOnly: true, topicPartitions: [{ topic, count: 4 }] })
    const { topics: [{ partitions }] } = await admin.fetchTopicMetadata({ topics: [topic] })
    return { made, partitions: partitions.length }
  }),
  onTopic('createPartitions() cannot take partitions away', (admin, topic, context) =>
    context.caught(() => admin.createPartitions({ topicPartitions: [{ topic, count: 1 }] }))),
  onTopic('createPartitions() on a broker that does not exist', (admin, topic, context) =>
    context.caught(() => admin.createPartitions({ topicPartitions: [{ topic, count: 3, assignments: [[77]] }] }))),
  broker('createPartitions() of a topic that does not exist', (admin, topic) =>
    admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] })),
  refuses('createPartitions() without topicPartitions', (admin) => admin.createPartitions({})),
  refuses('createPartitions() of no topics', (admin) => admin.createPartitions({ topicPartitions: [] })),
  refuses('createPartitions() with a name that is a number', (admin) => admin.createPartitions({ topicPartitions: [{ topic: 5, count: 2 }] })),
  refuses('createPartitions() with a topic twice', (admin) => admin.createPartitions({
    topicPartitions: [{ topic: 'a', count: 2 }, { topic: 'a', count: 3 }],
  })),

  onTopic('fetchTopicMetadata() of all topics', async (admin, topic) => {
    const named = async (/** @type {any} */ ...given) =>
      (await admin.fetchTopicMetadata(...given)).topics.filter((/** @type {any} */ { name }) => name === topic).length
    return [await named(), await named({}), await named({ topics: [] })]
  }),
  refuses('fetchTopicMetadata() of a topic of no characters', (admin) => admin.fetchTopicMetadata({ topics: [''] })),
  refuses('fetchTopicMetadata() of a topic that is a number', (admin) => admin.fetchTopicMetadata({ topics: [7] })),

  {
    name: 'asking for a topic makes none',
    run: async (lib, context) => {
      const [admin, topic] = [await context.admin({ retry: { retries: 0 } }), context.topicName()]
      await context.refusal(() => admin.fetchTopicMetadata({ topics: [topic] }))
      await context.refusal(() => admin.fetchTopicOffsets(topic))
      return (await admin.listTopics()).includes(topic)
    },
  },
  refuses('fetchTopicOffsets() without a topic', (admin) => admin.fetchTopicOffsets()),
  refuses('fetchTopicOffsets() of a number', (admin) => admin.fetchTopicOffsets(5)),
  ...[undefined, 0, 1001, 1003, 1004, 9999, Date.now() + 1e6].map((timestamp) => onTopic(
    `fetchTopicOffsetsByTimestamp() at ${timestamp === undefined || timestamp < 1e6 ? timestamp : 'a time to come'}`,
    async (admin, topic) => (await admin.fetchTopicOffsetsByTimestamp(topic, timestamp)).sort(byPartition),
    { everywhere: timestamp === 1001 },
  )),
  refuses('fetchTopicOffsetsByTimestamp() without a topic', (admin) => admin.fetchTopicOffsetsByTimestamp('', 5)),

  onTopic('deleteTopicRecords() deletes what is before an offset, and all by -1', async (admin, topic) => {
    const deleted = await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '2' }, { partition: 1, offset: '-1' }] })
    return { deleted, offsets: (await admin.fetchTopicOffsets(topic)).sort(byPartition) }
  }, { everywhere: true }),
  onTopic('deleteTopicRecords() after the end, of one partition of two', async (admin, topic, context) => {
    const outcome = await context.caught(() => admin.deleteTopicRecords({
      topic, partitions: [{ partition: 0, offset: '2' }, { partition: 1, offset: '99' }],
    }))
    return { outcome, offsets: (await admin.fetchTopicOffsets(topic)).sort(byPartition) }
  }),
  onTopic('deleteTopicRecords() of a partition that does not exist deletes nothing', async (admin, topic, context) => {
    const outcome = await context.caught(() => admin.deleteTopicRecords({
      topic, partitions: [{ partition: 0, offset: '2' }, { partition: 7, offset: '1' }],
    }))
    return { outcome, offsets: (await admin.fetchTopicOffsets(topic)).sort(byPartition) }
  }),
  {
    name: 'deleteTopicRecords() before the beginning warns',
    run: async (lib, context) => {
      const topic = await context.topic()
      await context.fill(topic, [{ value: '0' }, { value: '1' }, { value: '2' }])
      const { entries, options } = context.logs(lib.logLevel.WARN)
      const admin = await context.admin({}, context.kafka(options))
      await admin.fetchTopicOffsets(topic)
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '2' }] })
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '1' }] })
      return entries
        .filter(({ label, log }) => label === 'WARN' && log.topic === topic)
        .map(({ namespace, log: { partition, offset } }) => ({ namespace, partition, offset }))
    },
  },
  refuses('deleteTopicRecords() without a topic', (admin) => admin.deleteTopicRecords({ partitions: [{ partition: 0, offset: '1' }] })),
  refuses('deleteTopicRecords() without partitions', (admin) => admin.deleteTopicRecords({ topic: 'a' })),
  refuses('deleteTopicRecords() of no partitions', (admin) => admin.deleteTopicRecords({ topic: 'a', partitions: [] })),
  {
    name: 'deleteTopicRecords() on an admin client that did nothing before',
    differs: {
      guide: 'deleteTopicRecords() works at once',
      kafkajs: 'KafkaJSTopicMetadataNotLoaded',
      oxide: 'not refused',
    },
    run: async (lib, context) => {
      const topic = await context.topic()
      await context.fill(topic, [{ value: '0' }])
      const admin = await context.admin()
      return context.refusal(() => admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '1' }] }))
    },
  },
])
