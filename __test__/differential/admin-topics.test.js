'use strict'

// The admin client: topics, their metadata and their offsets.

const { differential } = require('../helpers/differential')

/** A case of one call on a connected admin client. @param {string} name @param {(admin: any, context: any) => any} call @param {object} [more] */
const calls = (name, call, more = {}) => ({
  name,
  // Ours say what to write.
  messages: /** @type {const} */ ('any'),
  ...more,
  run: async (lib, context) => {
    const admin = await context.admin()
    return context.caught(() => call(admin, context))
  },
})

/** @param {any} admin @param {string} topic */
async function metadataOf(admin, topic) {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
  return topics.map(({ name, partitions }) => ({ name, partitions: [...partitions].sort((a, b) => a.partitionId - b.partitionId) }))
}

differential('admin topics', [
  {
    name: 'createTopics(): true, and false when it exists',
    everywhere: true,
    run: async (lib, context) => {
      // Without the wait for leaders, here and below: on KRaft kafkajs gives that up when it asks a little too soon.
      const admin = await context.admin()
      const request = { waitForLeaders: false, topics: [{ topic: context.topicName() }] }
      return [await admin.createTopics(request), await admin.createTopics(request)]
    },
  },
  {
    name: 'createTopics(): some exist, some do not',
    run: async (lib, context) => {
      const admin = await context.admin()
      const [old, fresh] = [await context.topic(), context.topicName()]
      const outcome = await context.caught(() => admin.createTopics({ waitForLeaders: false, topics: [{ topic: old }, { topic: fresh }] }))
      await context.until(async () => (await admin.listTopics()).includes(fresh), 'the new topic')
      return outcome
    },
  },
  {
    name: 'createTopics(): partitions and replicas as asked for, and by default',
    everywhere: true,
    run: async (lib, context) => {
      const admin = await context.admin()
      const [one, two, three] = [context.topicName(), context.topicName(), context.topicName()]
      await admin.createTopics({
        waitForLeaders: false,
        topics: [{ topic: one, numPartitions: 3, replicationFactor: 1 }, { topic: two }, {
          topic: three, replicaAssignment: [{ partition: 0, replicas: [1] }, { partition: 1, replicas: [1] }],
        }],
      })
      for (const [topic, count] of /** @type {[string, number][]} */ ([[one, 3], [two, 1], [three, 2]])) await context.topicKnown(topic, count)
      return [await metadataOf(admin, one), await metadataOf(admin, two), await metadataOf(admin, three)]
    },
  },
  {
    name: 'createTopics(): config entries hold',
    run: async (lib, context) => {
      const admin = await context.admin()
      const topic = context.topicName()
      await admin.createTopics({ waitForLeaders: false, topics: [{ topic, configEntries: [{ name: 'max.message.bytes', value: '2000' }] }] })
      await context.topicKnown(topic)
      const producer = await context.producer()
      const outcome = await context.caught(() => producer.send({ topic, messages: [{ value: 'x'.repeat(5000) }] }))
      return outcome.rejected.type
    },
  },
  {
    name: 'createTopics() with validateOnly makes nothing',
    run: async (lib, context) => {
      const admin = await context.admin()
      const topic = context.topicName()
      const result = await admin.createTopics({ validateOnly: true, waitForLeaders: false, topics: [{ topic }] })
      return [result, (await admin.listTopics()).includes(topic)]
    },
  },
  {
    name: 'createTopics() without waiting for leaders',
    run: async (lib, context) => {
      const admin = await context.admin()
      const topic = context.topicName()
      const result = await admin.createTopics({ waitForLeaders: false, timeout: 20_000, topics: [{ topic, numPartitions: 2 }] })
      await context.until(async () => (await admin.listTopics()).includes(topic), 'the new topic')
      return result
    },
  },
  {
    name: 'createTopics() that the broker refuses: an error of errors',
    messages: 'any',
    everywhere: true,
    run: async (lib, context) => {
      const admin = await context.admin()
      return [
        await context.caught(() => admin.createTopics({ topics: [{ topic: context.topicName(), replicationFactor: 9, numPartitions: 1 }] })),
        await context.caught(() => admin.createTopics({ topics: [{ topic: 'not a name!' }] })),
        await context.caught(() => admin.createTopics({
          topics: [{ topic: context.topicName(), configEntries: [{ name: 'cleanup.policy', value: 'nothing' }] }],
        })),
      ]
    },
  },
  calls('createTopics() without topics', (admin) => admin.createTopics({})),
  calls('createTopics() with topics that are no list', (admin) => admin.createTopics({ topics: 'topic' })),
  calls('createTopics() with a topic that is no text', (admin) => admin.createTopics({ topics: [{ topic: 7 }] })),
  calls('createTopics() with a topic twice', (admin) => admin.createTopics({ topics: [{ topic: 'twice' }, { topic: 'twice' }] })),
  calls('createTopics() with config entries that are no list', (admin) => admin.createTopics({ topics: [{ topic: 't', configEntries: {} }] })),
  calls('createTopics() with a config entry without value', (admin) => admin.createTopics({ topics: [{ topic: 't', configEntries: [{ name: 'a' }] }] })),
  calls('createTopics() with a config entry of a number', (admin) => admin.createTopics({
    topics: [{ topic: 't', configEntries: [{ name: 'a', value: 7 }] }],
  })),
  {
    name: 'deleteTopics(): gone',
    everywhere: true,
    run: async (lib, context) => {
      const admin = await context.admin()
      const topics = [await context.topic(), await context.topic()]
      const result = await admin.deleteTopics({ topics })
      await context.until(async () => !(await admin.listTopics()).some((name) => topics.includes(name)), 'the topics to go')
      return result
    },
  },
  {
    name: 'deleteTopics() of one that does not exist',
    messages: 'any',
    run: async (lib, context) => {
      const admin = await context.admin({ retry: { retries: 1, initialRetryTime: 10 } })
      const outcome = await context.caught(() => admin.deleteTopics({ topics: [context.topicName()] }))
      if (outcome.rejected) outcome.rejected.retryCount = undefined
      return outcome
    },
  },
  calls('deleteTopics() without topics', (admin) => admin.deleteTopics({})),
  calls('deleteTopics() with a text', (admin) => admin.deleteTopics({ topics: 'topic' })),
  calls('deleteTopics() with a number in it', (admin) => admin.deleteTopics({ topics: [7] })),
  {
    name: 'listTopics(): names, also of inner topics',
    everywhere: true,
    run: async (lib, context) => {
      const topics = [await context.topic(), await context.topic()]
      const groupId = context.groupId()
      await context.fill(topics[0], [{ value: 'a' }])
      await context.collect(await context.consumer({ groupId, topic: topics[0] }), 1)
      const list = await (await context.admin()).listTopics()
      return [topics.every((topic) => list.includes(topic)), list.includes('__consumer_offsets'), list.every((name) => typeof name === 'string')]
    },
  },
  {
    name: 'fetchTopicMetadata() of a topic',
    everywhere: true,
    run: async (lib, context) => metadataOf(await context.admin(), await context.topic({ partitions: 3 })),
  },
  {
    name: 'fetchTopicMetadata() of several topics',
    run: async (lib, context) => {
      const topics = [await context.topic(), await context.topic({ partitions: 2 })]
      const { topics: found, ...more } = await (await context.admin()).fetchTopicMetadata({ topics })
      return { more, found: found.map(({ name, partitions }) => [name, partitions.length]).sort() }
    },
  },
  {
    name: 'fetchTopicMetadata() of all topics',
    run: async (lib, context) => {
      const topic = await context.topic()
      const admin = await context.admin()
      const found = [await admin.fetchTopicMetadata(), await admin.fetchTopicMetadata({ topics: [] }), await admin.fetchTopicMetadata({})]
      return found.map(({ topics }) => topics.some(({ name }) => name === topic))
    },
  },
  {
    name: 'fetchTopicMetadata() of a topic that does not exist',
    messages: 'any',
    run: async (lib, context) => {
      const admin = await context.admin({ retry: { retries: 1, initialRetryTime: 10 } })
      return context.caught(() => admin.fetchTopicMetadata({ topics: [context.topicName()] }))
    },
  },
  calls('fetchTopicMetadata() with a number in it', (admin) => admin.fetchTopicMetadata({ topics: [7] })),
  {
    name: 'fetchTopicOffsets(): where each partition begins and ends',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic({ partitions: 3 })
      await context.fill(topic, [{ partition: 1, value: 'a' }, { partition: 1, value: 'b' }, { partition: 2, value: 'c' }])
      const offsets = await (await context.admin()).fetchTopicOffsets(topic)
      return offsets.sort((a, b) => a.partition - b.partition)
    },
  },
  {
    name: 'fetchTopicOffsets() of a topic that lost its beginning',
    run: async (lib, context) => {
      const topic = await context.topic()
      await context.fill(topic, Array.from({ length: 5 }, () => ({ value: 'a' })))
      const neutral = await context.neutralAdmin()
      await neutral.fetchTopicMetadata({ topics: [topic] })
      await neutral.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '3' }] })
      return (await context.admin()).fetchTopicOffsets(topic)
    },
  },
  calls('fetchTopicOffsets() without a topic', (admin) => admin.fetchTopicOffsets()),
  calls('fetchTopicOffsets() of a number', (admin) => admin.fetchTopicOffsets(7)),
  {
    name: 'fetchTopicOffsets() of a topic that does not exist',
    messages: 'any',
    run: async (lib, context) => {
      const admin = await context.admin({ retry: { retries: 1, initialRetryTime: 10 } })
      const outcome = await context.caught(() => admin.fetchTopicOffsets(context.topicName()))
      return { name: outcome.rejected.name, type: outcome.rejected.type, cause: outcome.rejected.cause && outcome.rejected.cause.type }
    },
  },
  {
    name: 'a call of an admin client that is not connected',
    run: async (lib, context) => {
      const admin = context.closing(context.kafka().admin())
      const outcome = await context.caught(() => admin.listTopics())
      return { name: outcome.rejected && outcome.rejected.name }
    },
  },
  {
    name: 'methods of an admin client work without their object',
    run: async (lib, context) => {
      const topic = context.topicName()
      const { connect, createTopics, listTopics, disconnect } = context.closing(context.kafka().admin())
      await connect()
      const made = await createTopics({ waitForLeaders: false, topics: [{ topic }] })
      await context.topicKnown(topic)
      const listed = (await listTopics()).includes(topic)
      await disconnect()
      return [made, listed]
    },
  },
])
