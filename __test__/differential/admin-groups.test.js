'use strict'

// Groups and what they have committed, as the admin client tells and changes them.

const oxide = require('../..')
const { differential } = require('../helpers/differential')
const { waitFor } = require('../helpers/wait')

/** @param {string} name @param {(admin: any) => any} call */
const refuses = (name, call) => ({
  name,
  messages: /** @type {const} */ ('longer'),
  run: async (/** @type {any} */ lib, /** @type {any} */ context) => {
    const admin = await context.admin()
    return context.caught(() => call(admin))
  },
})

/**
 * A case with a topic of two partitions, a group that has committed 2 and 1 of 3 and 2 messages, and an admin client.
 * @param {string} name @param {(given: { admin: any, topic: string, groupId: string, context: any, lib: any }) => any} run
 * @param {object} [more]
 */
const withGroup = (name, run, more = {}) => ({
  name,
  ...more,
  run: async (/** @type {any} */ lib, /** @type {any} */ context) => {
    const topic = await context.topic({ partitions: 2 })
    // One after the other: kafkajs sends a request again for all its partitions, when one of them is too new.
    for (const [partition, count] of [[0, 3], [1, 2]]) await context.fill(topic, Array(count).fill({ partition, value: 'x' }))
    const groupId = context.groupId()
    const admin = await context.admin()
    // kafkajs's deleteTopicRecords() only knows topics that this admin client has loaded.
    await admin.fetchTopicOffsets(topic)
    // By ours in both halves: kafkajs's takes five seconds.
    const quick = await context.admin({}, new oxide.Kafka({ brokers: [context.bootstrap], logLevel: 0 }))
    await quick.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '2' }, { partition: 1, offset: '1' }] })
    return run({ admin, topic, groupId, context, lib })
  },
})

/** A case with a consumer that has joined. @param {string} name @param {(given: any) => any} run @param {object} [more] */
const withMember = (name, run, more = {}) => ({
  name,
  ...more,
  run: async (/** @type {any} */ lib, /** @type {any} */ context) => {
    const topic = await context.topic({ partitions: 2 })
    const groupId = context.groupId()
    const consumer = await context.consumer({ groupId })
    // kafkajs rejects while the broker has not heard of the topic.
    await waitFor(async () => { await consumer.subscribe({ topic }); return true }, { message: 'the subscription' })
    const joined = context.event(consumer, 'GROUP_JOIN')
    await consumer.run({ eachMessage: async () => {} })
    await joined
    return run({ admin: await context.admin(), topic, groupId, consumer, context, lib })
  },
})

/** What both libraries tell alike: the group protocol's name and the metadata of a member are the client's own. @param {any} lib */
const described = (lib) => (/** @type {any} */ { members, protocol, ...group }) => ({
  ...group,
  members: members.map((/** @type {any} */ { memberMetadata, memberAssignment, ...member }) => ({
    ...member,
    clientId: typeof member.clientId,
    topics: lib.AssignerProtocol.MemberMetadata.decode(memberMetadata).topics,
    assignment: Object.entries(lib.AssignerProtocol.MemberAssignment.decode(memberAssignment).assignment)
      .map(([topic, partitions]) => [topic, [...partitions].sort()]),
  })),
})

const sorted = (/** @type {any} */ topics) =>
  topics.map((/** @type {any} */ { topic, partitions }) => ({
    topic,
    partitions: [...partitions].sort((a, b) => a.partition - b.partition),
  }))

differential('admin: groups', [
  withMember('describeGroups() of a group with a member', async ({ admin, groupId, lib }) => {
    const { groups } = await admin.describeGroups([groupId])
    return groups.map(described(lib))
  }, { everywhere: true }),
  withMember('describeGroup() of a consumer', async ({ consumer, lib }) => described(lib)(await consumer.describeGroup())),
  {
    name: 'describeGroups() of groups that nobody knows',
    everywhere: true,
    run: async (lib, context) => {
      const admin = await context.admin()
      const { groups } = await admin.describeGroups([context.groupId()])
      return groups
    },
  },
  {
    name: 'describeGroups() of no groups',
    run: async (lib, context) => (await context.admin()).describeGroups([]),
  },
  withGroup('describeGroups() of a group that nobody is in', async ({ admin, groupId }) => {
    const { groups } = await admin.describeGroups([groupId])
    return groups.map((/** @type {any} */ { errorCode, state, members, groupId: id }) => ({ errorCode, state, members, id }))
  }),
  withMember('listGroups() lists a group with a member', async ({ admin, groupId }) => {
    const { groups } = await admin.listGroups()
    return groups.filter((/** @type {any} */ group) => group.groupId === groupId)
  }, { everywhere: true }),

  withGroup('deleteGroups() of a group that nobody is in', async ({ admin, groupId }) => ({
    deleted: await admin.deleteGroups([groupId]),
    after: (await admin.describeGroups([groupId])).groups[0].state,
  }), { everywhere: true }),
  withMember('deleteGroups() of a group with a member and of one that nobody knows', async ({ admin, groupId, context }) => {
    const outcome = await context.caught(() => admin.deleteGroups([groupId]))
    return [outcome, await context.caught(() => admin.deleteGroups([context.groupId()]))]
  }, { messages: 'any' }),
  { name: 'deleteGroups() of no groups', run: async (lib, context) => (await context.admin()).deleteGroups([]) },
  refuses('deleteGroups() without groups', (admin) => admin.deleteGroups()),
  refuses('deleteGroups() of a text', (admin) => admin.deleteGroups('group')),

  withGroup('fetchOffsets() of a topic', async ({ admin, groupId, topic }) =>
    sorted(await admin.fetchOffsets({ groupId, topics: [topic] })), { everywhere: true }),
  withGroup('fetchOffsets() of all topics', async ({ admin, groupId }) => sorted(await admin.fetchOffsets({ groupId }))),
  withGroup('fetchOffsets() of a topic without commits', async ({ admin, groupId, context }) => {
    const topic = await context.topic({ partitions: 2 })
    // As long as kafkajs does not know the topic, it asks for none of its partitions.
    return waitFor(async () => {
      const told = sorted(await admin.fetchOffsets({ groupId, topics: [topic] }))
      return told[0].partitions.length === 2 && told
    }, { message: 'both partitions' })
  }),
  {
    name: 'fetchOffsets() of a group that nobody knows',
    run: async (lib, context) => {
      const [groupId, topic, admin] = [context.groupId(), await context.topic(), await context.admin()]
      await waitFor(() => admin.fetchTopicOffsets(topic), { message: 'the topic' })
      return [await admin.fetchOffsets({ groupId }), await admin.fetchOffsets({ groupId, topics: [topic] })]
    },
  },
  {
    name: 'fetchOffsets() of a topic that does not exist',
    messages: 'any',
    run: async (lib, context) => {
      const admin = await context.admin()
      return context.refusal(() => admin.fetchOffsets({ groupId: context.groupId(), topics: [context.topicName()] }))
    },
  },
  withGroup('fetchOffsets() tells the metadata that a consumer committed', async ({ admin, groupId, topic, context }) => {
    const consumer = await context.consumer({ groupId, topic })
    const joined = context.event(consumer, 'GROUP_JOIN')
    await consumer.run({ autoCommit: false, eachMessage: async () => {} })
    await joined
    await consumer.commitOffsets([{ topic, partition: 0, offset: '1', metadata: 'so far' }])
    return sorted(await admin.fetchOffsets({ groupId, topics: [topic] }))
  }),
  refuses('fetchOffsets() without a group', (admin) => admin.fetchOffsets({ topics: ['a'] })),
  refuses('fetchOffsets() with topics of text', (admin) => admin.fetchOffsets({ groupId: 'a', topics: 'b' })),
  ...[true, false].map((earliest) => withGroup(`what kafkajs reset to the ${earliest ? 'beginning' : 'end'} is resolved and committed`,
    async ({ admin, groupId, topic, context }) => {
      const theirs = await context.neutralAdmin()
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '1' }] })
      await theirs.resetOffsets({ groupId, topic, earliest })
      return {
        before: sorted(await admin.fetchOffsets({ groupId, topics: [topic] })),
        resolved: sorted(await admin.fetchOffsets({ groupId, topics: [topic], resolveOffsets: true })),
        after: sorted(await admin.fetchOffsets({ groupId, topics: [topic] })),
      }
    })),

  withGroup('setOffsets() commits what a consumer then begins with', async ({ groupId, topic, context, admin }) => {
    const set = await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '2' }, { partition: 1, offset: '0' }] })
    const consumer = await context.consumer({ groupId, topic })
    return { set, received: await context.collect(consumer, 3) }
  }, { everywhere: true }),
  withGroup('setOffsets() of one partition leaves the other', async ({ groupId, topic, admin }) => {
    await admin.setOffsets({ groupId, topic, partitions: [{ partition: 1, offset: '2' }] })
    return sorted(await admin.fetchOffsets({ groupId, topics: [topic] }))
  }),
  withGroup('setOffsets() of a partition that does not exist passes it over', async ({ groupId, topic, admin, context }) => {
    const outcome = await context.caught(() => admin.setOffsets({
      groupId, topic, partitions: [{ partition: 9, offset: '1' }, { partition: 0, offset: '1' }],
    }))
    return { outcome, offsets: sorted(await admin.fetchOffsets({ groupId, topics: [topic] })) }
  }),
  withMember('setOffsets() and resetOffsets() of a group with a member', async ({ admin, groupId, topic, context }) => [
    await context.caught(() => admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '0' }] })),
    await context.caught(() => admin.resetOffsets({ groupId, topic, earliest: true })),
    await context.caught(() => admin.fetchOffsets({ groupId, topics: [topic], resolveOffsets: true })),
  ]),
  {
    name: 'setOffsets() and resetOffsets() of a topic that does not exist',
    run: async (lib, context) => {
      const [admin, groupId, topic] = [await context.admin(), context.groupId(), context.topicName()]
      return [
        await context.refusal(() => admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '0' }] })),
        await context.refusal(() => admin.resetOffsets({ groupId, topic })),
      ]
    },
  },
  refuses('setOffsets() without a group', (admin) => admin.setOffsets({ topic: 'a', partitions: [{ partition: 0, offset: '1' }] })),
  refuses('setOffsets() without a topic', (admin) => admin.setOffsets({ groupId: 'a', partitions: [{ partition: 0, offset: '1' }] })),
  refuses('setOffsets() without partitions', (admin) => admin.setOffsets({ groupId: 'a', topic: 'a' })),
  refuses('setOffsets() of no partitions', (admin) => admin.setOffsets({ groupId: 'a', topic: 'a', partitions: [] })),
  refuses('resetOffsets() without a group', (admin) => admin.resetOffsets({ topic: 'a' })),
  refuses('resetOffsets() without a topic', (admin) => admin.resetOffsets({ groupId: 'a' })),
  ...[true, false].map((earliest) => withGroup(`a consumer after resetOffsets() to the ${earliest ? 'beginning' : 'end'}`,
    async ({ admin, groupId, topic, context }) => {
      await admin.resetOffsets({ groupId, topic, earliest })
      const consumer = await context.consumer({ groupId, topic, fromBeginning: earliest })
      const received = await context.collecting(consumer)
      await context.until(async () => (await admin.describeGroups([groupId])).groups[0].state === 'Stable', 'the group to be stable')
      await context.fill(topic, [{ partition: 0, value: 'new' }])
      await context.until(() => received.some((/** @type {any} */ { value }) => value === 'new'), 'the new message')
      return received.filter((/** @type {any} */ { partition }) => partition === 0)
    })),
  ...[true, false].map((earliest) => withGroup(`resetOffsets() to the ${earliest ? 'beginning' : 'end'} and what is committed then`,
    async ({ admin, groupId, topic }) => {
      await admin.resetOffsets({ groupId, topic, earliest })
      return sorted(await admin.fetchOffsets({ groupId, topics: [topic] }))
    }, {
      differs: {
        guide: 'resetOffsets() commits real offsets',
        kafkajs: offsets(earliest ? ['-2', '-2'] : ['-1', '-1']),
        oxide: offsets(earliest ? ['0', '0'] : ['3', '2']),
      },
    })),
])

/** @param {string[]} list by partition */
function offsets(list) {
  return [{ topic: '<topic1>', partitions: list.map((offset, partition) => ({ partition, offset, metadata: null })) }]
}
