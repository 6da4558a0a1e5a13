'use strict'

// The admin client: groups and their offsets, configs, ACLs, records, reassignments, the cluster itself.

const { differential } = require('../helpers/differential')

/** A case of one call on a connected admin client that is refused. @param {string} name @param {(admin: any, lib: any, context: any) => any} call */
const refused = (name, call, more = {}) => ({
  name,
  // Ours say what to write.
  messages: /** @type {const} */ ('any'),
  ...more,
  run: async (lib, context) => context.caught(async () => call(await context.admin(), lib, context)),
})

/** A group that has committed and is empty. @param {any} context @param {string} topic @param {number} count */
async function groupOf(context, topic, count) {
  const groupId = context.groupId()
  const consumer = await context.consumer({ groupId, topic })
  await context.collect(consumer, count)
  await consumer.disconnect()
  return groupId
}

/** @param {any} context @param {number} count @param {number} [partitions] */
async function filled(context, count, partitions = 1) {
  const topic = await context.topic({ partitions })
  await context.fill(topic, Array.from({ length: count }, (_, i) => ({ value: `${i}`, partition: i % partitions, timestamp: String(1500000000000 + i * 1000) })))
  return topic
}

/** @param {any[]} list @param {string} field */
const by = (list, field) => [...list].sort((a, b) => (a[field] < b[field] ? -1 : Number(a[field] > b[field])))

/** @param {any[]} topics of fetchOffsets */
const offsetsOf = (topics) => by(topics, 'topic').map(({ topic, partitions }) => ({ topic, partitions: by(partitions, 'partition') }))

differential('admin cluster', [
  {
    name: 'describeCluster(): brokers, controller, id',
    everywhere: true,
    run: async (lib, context) => (await context.admin()).describeCluster(),
  },
  {
    name: 'createPartitions(): more of them',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic()
      const admin = await context.admin()
      const result = await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] })
      await context.until(async () => (await (await context.neutralAdmin()).fetchTopicMetadata({ topics: [topic] })).topics[0].partitions.length === 3)
      return result
    },
  },
  {
    name: 'createPartitions() with validateOnly',
    run: async (lib, context) => {
      const topic = await context.topic()
      const admin = await context.admin()
      const result = await admin.createPartitions({ validateOnly: true, topicPartitions: [{ topic, count: 3 }] })
      return [result, (await (await context.neutralAdmin()).fetchTopicMetadata({ topics: [topic] })).topics[0].partitions.length]
    },
  },
  refused('createPartitions() to fewer', async (admin, lib, context) => admin.createPartitions({
    topicPartitions: [{ topic: await context.topic({ partitions: 3 }), count: 2 }],
  })),
  refused('createPartitions() without topics', (admin) => admin.createPartitions({})),
  refused('createPartitions() with a topic that is no text', (admin) => admin.createPartitions({ topicPartitions: [{ topic: 7, count: 2 }] })),
  refused('createPartitions() with a topic twice', (admin) => admin.createPartitions({
    topicPartitions: [{ topic: 'twice', count: 2 }, { topic: 'twice', count: 3 }],
  })),
  {
    name: 'fetchTopicOffsetsByTimestamp()',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await filled(context, 10, 2)
      const admin = await context.admin()
      const results = []
      for (const time of [0, 1500000000000, 1500000004000, 1500000004500, 1600000000000]) {
        results.push(by(await admin.fetchTopicOffsetsByTimestamp(topic, time), 'partition'))
      }
      results.push(by(await admin.fetchTopicOffsetsByTimestamp(topic), 'partition'))
      return results
    },
  },
  refused('fetchTopicOffsetsByTimestamp() without a topic', (admin) => admin.fetchTopicOffsetsByTimestamp()),
  {
    name: 'fetchOffsets() of a group: committed or -1',
    everywhere: true,
    run: async (lib, context) => {
      const [topic, other] = [await filled(context, 3), await context.topic({ partitions: 2 })]
      const groupId = await groupOf(context, topic, 3)
      const admin = await context.admin()
      return {
        both: offsetsOf(await admin.fetchOffsets({ groupId, topics: [topic, other] })),
        all: offsetsOf(await admin.fetchOffsets({ groupId })),
        none: await admin.fetchOffsets({ groupId: context.groupId() }),
      }
    },
  },
  {
    name: 'fetchOffsets() with metadata',
    run: async (lib, context) => {
      const topic = await filled(context, 3)
      const groupId = context.groupId()
      const consumer = await context.consumer({ groupId, topic })
      await context.collect(consumer, 3, { autoCommit: false })
      await consumer.commitOffsets([{ topic, partition: 0, offset: '2', metadata: 'of mine' }])
      return offsetsOf(await (await context.admin()).fetchOffsets({ groupId, topics: [topic] }))
    },
  },
  refused('fetchOffsets() without groupId', (admin) => admin.fetchOffsets({ topics: ['t'] })),
  refused('fetchOffsets() with topics that are text', (admin) => admin.fetchOffsets({ groupId: 'g', topics: 't' })),
  {
    name: 'setOffsets(): the next consumer starts there',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await filled(context, 5)
      const groupId = await groupOf(context, topic, 5)
      const admin = await context.admin()
      const result = await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '3' }] })
      return {
        result,
        fetched: offsetsOf(await admin.fetchOffsets({ groupId, topics: [topic] })),
        received: await context.collect(await context.consumer({ groupId, topic }), 2),
      }
    },
  },
  {
    name: 'setOffsets() of a group that runs',
    run: async (lib, context) => {
      const topic = await filled(context, 1)
      const groupId = context.groupId()
      await context.collect(await context.consumer({ groupId, topic }), 1)
      return context.caught(async () => (await context.admin()).setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '0' }] }))
    },
  },
  refused('setOffsets() without groupId', (admin) => admin.setOffsets({ topic: 't', partitions: [{ partition: 0, offset: '0' }] })),
  refused('setOffsets() without topic', (admin) => admin.setOffsets({ groupId: 'g', partitions: [{ partition: 0, offset: '0' }] })),
  refused('setOffsets() without partitions', (admin) => admin.setOffsets({ groupId: 'g', topic: 't', partitions: [] })),
  ...[true, false].map((earliest) => ({
    name: `resetOffsets() with earliest: ${earliest}: where the next consumer starts`,
    run: async (lib, context) => {
      const topic = await filled(context, 3)
      const groupId = await groupOf(context, topic, 3)
      const admin = await context.admin()
      const result = await admin.resetOffsets({ groupId, topic, earliest })
      if (!earliest) return { result }
      return { result, received: await context.collect(await context.consumer({ groupId, topic, fromBeginning: true }), 3) }
    },
  })),
  refused('resetOffsets() without groupId', (admin) => admin.resetOffsets({ topic: 't' })),
  refused('resetOffsets() without topic', (admin) => admin.resetOffsets({ groupId: 'g' })),
  {
    name: 'listGroups(): group and protocol type',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await filled(context, 1)
      const groupId = context.groupId()
      await context.collect(await context.consumer({ groupId, topic }), 1)
      const { groups, ...more } = await (await context.admin()).listGroups()
      return { more, groups: groups.filter((group) => group.groupId === groupId) }
    },
  },
  {
    name: 'describeGroups(): one that runs',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await filled(context, 1)
      const groupId = context.groupId()
      await context.collect(await context.consumer({ groupId, topic }), 1)
      const { groups: [{ protocol, members, ...rest }] } = await (await context.admin()).describeGroups([groupId])
      return {
        rest,
        members: members.map(({ clientId, ...more }) => ({
          clientId, keys: Object.keys(more).sort(), metadata: Buffer.isBuffer(more.memberMetadata),
          assignment: lib.AssignerProtocol.MemberAssignment.decode(more.memberAssignment).assignment,
        })),
      }
    },
  },
  {
    name: 'describeGroups(): one that nobody knows, one that is empty',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await filled(context, 1)
      const groupId = await groupOf(context, topic, 1)
      const { groups } = await (await context.admin()).describeGroups([context.groupId(), groupId])
      return groups.map(({ state, members, protocolType }) => ({ state, members, protocolType })).sort((a, b) => (a.state < b.state ? -1 : 1))
    },
  },
  {
    name: 'describeGroup() of a consumer',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await filled(context, 1, 1)
      const consumer = await context.consumer({ topic })
      await context.collect(consumer, 1)
      const { members, protocol, ...rest } = await consumer.describeGroup()
      return {
        rest,
        members: members.map(({ clientId, ...more }) => ({
          clientId, keys: Object.keys(more).sort(), assignment: lib.AssignerProtocol.MemberAssignment.decode(more.memberAssignment).assignment,
        })),
      }
    },
  },
  {
    name: 'deleteGroups(): of empty groups, and of none',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await filled(context, 1)
      const groupId = await groupOf(context, topic, 1)
      const admin = await context.admin()
      return [await admin.deleteGroups([groupId]), await admin.deleteGroups([]), offsetsOf(await admin.fetchOffsets({ groupId, topics: [topic] }))]
    },
  },
  {
    name: 'deleteGroups(): one that runs and one that is unknown',
    messages: 'any',
    run: async (lib, context) => {
      const topic = await filled(context, 1)
      const groupId = context.groupId()
      await context.collect(await context.consumer({ groupId, topic }), 1)
      const admin = await context.admin({ retry: { retries: 1, initialRetryTime: 10 } })
      return [await context.caught(() => admin.deleteGroups([groupId])), await context.caught(() => admin.deleteGroups([context.groupId()]))]
    },
  },
  {
    name: 'describeConfigs() of a topic: named entries',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic({ config: { 'max.message.bytes': '2000' } })
      const admin = await context.admin()
      const { resources, ...more } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: lib.ConfigResourceTypes.TOPIC, name: topic, configNames: ['max.message.bytes', 'cleanup.policy'] }],
      })
      return { keys: Object.keys(more), resources: resources.map((one) => ({ ...one, configEntries: by(one.configEntries, 'configName') })) }
    },
  },
  {
    name: 'describeConfigs() of a topic: all entries have these fields',
    run: async (lib, context) => {
      const topic = await context.topic()
      const { resources: [{ configEntries }] } = await (await context.admin()).describeConfigs({
        includeSynonyms: true, resources: [{ type: lib.ConfigResourceTypes.TOPIC, name: topic }],
      })
      return by(configEntries, 'configName').map((entry) => ({ ...entry, configSynonyms: entry.configSynonyms.length > 0 }))
    },
  },
  {
    name: 'describeConfigs() of a broker',
    run: async (lib, context) => {
      const { resources } = await (await context.admin()).describeConfigs({
        includeSynonyms: false, resources: [{ type: lib.ConfigResourceTypes.BROKER, name: '1', configNames: ['num.partitions', 'log.retention.ms'] }],
      })
      return resources.map((one) => ({ ...one, configEntries: by(one.configEntries, 'configName') }))
    },
  },
  refused('describeConfigs() without resources', (admin) => admin.describeConfigs({})),
  refused('describeConfigs() with an empty list', (admin) => admin.describeConfigs({ resources: [] })),
  refused('describeConfigs() of a type that does not exist', (admin) => admin.describeConfigs({ resources: [{ type: 99, name: 'x' }] })),
  refused('describeConfigs() with configNames that are text', (admin, lib) => admin.describeConfigs({
    resources: [{ type: lib.ConfigResourceTypes.TOPIC, name: 't', configNames: 'x' }],
  })),
  {
    name: 'alterConfigs(): replaces what was set',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic({ config: { 'max.message.bytes': '2000' } })
      const admin = await context.admin()
      const result = await admin.alterConfigs({
        resources: [{ type: lib.ConfigResourceTypes.TOPIC, name: topic, configEntries: [{ name: 'cleanup.policy', value: 'compact' }] }],
      })
      const read = async () => {
        const { resources: [{ configEntries }] } = await (await context.neutralAdmin()).describeConfigs({
          includeSynonyms: false, resources: [{ type: 2, name: topic, configNames: ['max.message.bytes', 'cleanup.policy'] }],
        })
        return by(configEntries, 'configName').map(({ configValue }) => configValue)
      }
      await context.until(async () => (await read())[0] === 'compact', 'the config')
      return { result, read: await read() }
    },
  },
  {
    name: 'alterConfigs() with validateOnly, and with a bad value',
    messages: 'any',
    run: async (lib, context) => {
      const topic = await context.topic()
      const admin = await context.admin()
      const alter = (value, validateOnly) => admin.alterConfigs({
        validateOnly, resources: [{ type: lib.ConfigResourceTypes.TOPIC, name: topic, configEntries: [{ name: 'cleanup.policy', value }] }],
      })
      return [await context.caught(() => alter('compact', true)), await context.caught(() => alter('nothing', false))]
    },
  },
  refused('alterConfigs() without resources', (admin) => admin.alterConfigs({})),
  refused('alterConfigs() without entries', (admin, lib) => admin.alterConfigs({ resources: [{ type: lib.ConfigResourceTypes.TOPIC, name: 't' }] })),
  refused('alterConfigs() with an entry without value', (admin, lib) => admin.alterConfigs({
    resources: [{ type: lib.ConfigResourceTypes.TOPIC, name: 't', configEntries: [{ name: 'a' }] }],
  })),
  {
    name: 'deleteTopicRecords(): the beginning moves',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await filled(context, 10, 2)
      const admin = await context.admin()
      await admin.fetchTopicMetadata({ topics: [topic] })
      const result = await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '2' }, { partition: 1, offset: '-1' }] })
      return { result, offsets: by(await (await context.neutralAdmin()).fetchTopicOffsets(topic), 'partition') }
    },
  },
  {
    name: 'deleteTopicRecords() beyond the end',
    messages: 'any',
    run: async (lib, context) => {
      const topic = await filled(context, 2)
      const admin = await context.admin()
      await admin.fetchTopicMetadata({ topics: [topic] })
      return context.caught(() => admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '10' }] }))
    },
  },
  refused('deleteTopicRecords() without topic', (admin) => admin.deleteTopicRecords({ partitions: [{ partition: 0, offset: '1' }] })),
  refused('deleteTopicRecords() without partitions', (admin) => admin.deleteTopicRecords({ topic: 't', partitions: [] })),
  {
    name: 'describeAcls() where there is no authorizer',
    run: async (lib, context) => context.refusal(async () => (await context.admin()).describeAcls({
      resourceType: lib.AclResourceTypes.TOPIC, resourceName: 't', resourcePatternType: lib.ResourcePatternTypes.LITERAL,
      principal: 'User:a', host: '*', operation: lib.AclOperationTypes.ALL, permissionType: lib.AclPermissionTypes.ALLOW,
    })),
    differs: { guide: '`describeAcls()` that the broker refuses', kafkajs: 'KafkaJSProtocolError', oxide: 'not refused' },
  },
  refused('createAcls() without acl', (admin) => admin.createAcls({})),
  refused('createAcls() with an empty list', (admin) => admin.createAcls({ acl: [] })),
  refused('createAcls() with a principal that is no text', (admin, lib) => admin.createAcls({
    acl: [{
      resourceType: lib.AclResourceTypes.TOPIC, resourceName: 't', resourcePatternType: lib.ResourcePatternTypes.LITERAL,
      principal: 7, host: '*', operation: lib.AclOperationTypes.ALL, permissionType: lib.AclPermissionTypes.ALLOW,
    }],
  })),
  refused('createAcls() with an operation that does not exist', (admin, lib) => admin.createAcls({
    acl: [{
      resourceType: lib.AclResourceTypes.TOPIC, resourceName: 't', resourcePatternType: lib.ResourcePatternTypes.LITERAL,
      principal: 'User:a', host: '*', operation: 99, permissionType: lib.AclPermissionTypes.ALLOW,
    }],
  })),
  refused('describeAcls() with a resource type that does not exist', (admin) => admin.describeAcls({ resourceType: 99 })),
  refused('deleteAcls() without filters', (admin) => admin.deleteAcls({})),
  ...['alterPartitionReassignments', 'listPartitionReassignments'].map((method) => ({
    name: `${method}()`,
    run: async (lib, context) => {
      const topic = await context.topic()
      return context.refusal(async () => (await context.admin())[method]({
        topics: [{ topic, partitions: [0], partitionAssignment: [{ partition: 0, replicas: [1] }] }],
      }))
    },
    differs: { guide: '`alterPartitionReassignments()`, `listPartitionReassignments()`', kafkajs: 'not refused', oxide: 'KafkaJSNotImplemented' },
  })),
])
