'use strict'

// The admin client on a cluster of two brokers, and with groups of both protocols.

const assert = require('node:assert/strict')
const { after, before, describe, test } = require('node:test')
const kafkajs = require('kafkajs')
const { AssignerProtocol } = require('../..')
const { KafkaBroker } = require('../../scripts/kafka/broker')
const { connectAdmin, connectConsumer, connectProducer, createTopic, kafkaOf, numbered } = require('../helpers/clients')
const { topicName } = require('../helpers/topic')
const { once, waitFor } = require('../helpers/wait')

describe('the admin client on two brokers', { concurrency: 4 }, () => {
  /** @type {KafkaBroker} */
  let cluster
  /** @type {any} */
  let kafka

  before(async () => {
    cluster = await KafkaBroker.start({ brokers: 2, properties: { 'num.partitions': '2' } })
    kafka = kafkaOf(cluster.bootstrapServers)
  })
  after(() => cluster.stop())

  test('describeCluster() tells both brokers', async (t) => {
    const { brokers, controller, clusterId } = await (await connectAdmin(t, kafka)).describeCluster()
    assert.deepEqual(brokers.map((/** @type {any} */ one) => one.nodeId).sort(), [1, 2])
    assert.deepEqual(
      brokers.map((/** @type {any} */ { host, port }) => `${host}:${port}`).sort(),
      cluster.bootstrapServers.split(',').sort(),
    )
    assert.ok(controller === 1 || controller === 2)
    assert.match(clusterId, /^.{22}$/)
  })

  test('describeConfigs() asks each broker for its own configuration, alterConfigs() alters it there', async (t) => {
    const admin = await connectAdmin(t, kafka)
    const describe = async () => (await admin.describeConfigs({
      resources: ['2', '1'].map((name) => ({ type: 4, name, configNames: ['node.id', 'log.cleaner.threads'] })),
    })).resources
    const entry = (/** @type {any} */ resource, /** @type {string} */ name) =>
      resource.configEntries.find((/** @type {any} */ one) => one.configName === name).configValue
    const before = await describe()
    assert.deepEqual(before.map((/** @type {any} */ one) => [one.resourceName, entry(one, 'node.id')]), [['2', '2'], ['1', '1']])
    await admin.alterConfigs({
      resources: [{ type: 4, name: '2', configEntries: [{ name: 'log.cleaner.threads', value: '2' }] }],
    })
    await waitFor(async () => entry((await describe())[0], 'log.cleaner.threads') === '2', { message: 'the altered config' })
    assert.equal(entry((await describe())[1], 'log.cleaner.threads'), '1')
    await admin.alterConfigs({ resources: [{ type: 4, name: '2', configEntries: [] }] })
    await waitFor(async () => entry((await describe())[0], 'log.cleaner.threads') === '1', { message: 'the default again' })
  })

  test('a broker that is not there is not waited for', async (t) => {
    const admin = await connectAdmin(t, kafka)
    await assert.rejects(admin.describeConfigs({ resources: [{ type: 4, name: '9' }] }), {
      name: 'KafkaJSBrokerNotFound', message: 'Broker 9 not found: the cluster has 1, 2',
    })
  })

  test('listGroups(), describeGroups() and deleteGroups() reach the groups of all brokers', async (t) => {
    const admin = await connectAdmin(t, kafka)
    const topic = await createTopic(t, kafka)
    const groups = Array.from({ length: 8 }, (_, i) => `${topicName(t)}-${i}`)
    await Promise.all(groups.map((groupId) => admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '0' }] })))
    const coordinators = new Set(await Promise.all(groups.map((groupId) => coordinatorOf(cluster.bootstrapServers, groupId))))
    assert.deepEqual([...coordinators].sort(), [1, 2], 'the groups are on both brokers')
    const listed = (await admin.listGroups()).groups.filter((/** @type {any} */ { groupId }) => groups.includes(groupId))
    assert.deepEqual(listed.map((/** @type {any} */ one) => one.groupId).sort(), [...groups].sort())
    const { groups: described } = await admin.describeGroups(groups)
    assert.deepEqual(described.map((/** @type {any} */ { groupId, state }) => [groupId, state]), groups.map((id) => [id, 'Empty']))
    assert.deepEqual(await admin.deleteGroups(groups), groups.map((groupId) => ({ groupId, errorCode: 0 })))
    const left = (await admin.listGroups()).groups.filter((/** @type {any} */ { groupId }) => groups.includes(groupId))
    assert.deepEqual(left, [])
  })

  test('deleteTopicRecords() reaches the leaders on both brokers', async (t) => {
    const admin = await connectAdmin(t, kafka)
    const topic = topicName(t)
    await admin.createTopics({
      topics: [{ topic, replicaAssignment: [{ partition: 0, replicas: [1] }, { partition: 1, replicas: [2] }] }],
    })
    const producer = await connectProducer(t, kafka)
    await producer.send({ topic, messages: [...numbered(3, { partition: 0 }), ...numbered(3, { partition: 1 })] })
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '1' }, { partition: 1, offset: '2' }] })
    assert.deepEqual((await admin.fetchTopicOffsets(topic)).map((/** @type {any} */ { low }) => low), ['1', '2'])
  })

  test('a KIP-848 group is listed, described, set when nobody is in it, and deleted', async (t) => {
    const admin = await connectAdmin(t, kafka)
    const topic = await createTopic(t, kafka, 2)
    const producer = await connectProducer(t, kafka)
    await producer.send({ topic, messages: [...numbered(3, { partition: 0 }), ...numbered(2, { partition: 1 })] })
    const groupId = topicName(t)
    const consumer = await connectConsumer(t, kafka, { topic, groupId, groupProtocol: 'consumer' })
    const joined = once(consumer, consumer.events.GROUP_JOIN)
    await consumer.run({ eachMessage: async () => {} })
    await joined

    const { groups } = await admin.listGroups()
    assert.deepEqual(groups.filter((/** @type {any} */ one) => one.groupId === groupId), [{ groupId, protocolType: 'consumer' }])
    const [group] = await waitFor(async () => {
      const { groups } = await admin.describeGroups([groupId])
      return groups[0].state === 'Stable' && groups
    }, { message: 'the group to be stable' })
    assert.deepEqual({ ...group, protocol: typeof group.protocol, members: group.members.length },
      { errorCode: 0, groupId, state: 'Stable', protocolType: 'consumer', protocol: 'string', members: 1 })
    const [{ memberId, clientId, clientHost, memberMetadata, memberAssignment }] = group.members
    assert.ok(memberId && clientId && clientHost.startsWith('/127.'))
    assert.deepEqual(AssignerProtocol.MemberMetadata.decode(memberMetadata)?.topics, [topic])
    assert.deepEqual(AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment, { [topic]: [0, 1] })
    assert.deepEqual(await consumer.describeGroup(), group)

    const running = { name: 'KafkaJSNonRetriableError', message: 'The consumer group must have no running instances, current state: Stable' }
    await assert.rejects(admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '1' }] }), running)
    await assert.rejects(admin.resetOffsets({ groupId, topic }), running)
    await assert.rejects(admin.deleteGroups([groupId]), (/** @type {any} */ error) => {
      assert.deepEqual(error.groups.map((/** @type {any} */ one) => [one.groupId, one.error.type]), [[groupId, 'NON_EMPTY_GROUP']])
      return true
    })

    await consumer.disconnect()
    await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '1' }, { partition: 1, offset: '-1' }] })
    const committed = async () =>
      (await admin.fetchOffsets({ groupId, topics: [topic] }))[0].partitions.map((/** @type {any} */ { offset }) => offset)
    assert.deepEqual(await committed(), ['1', '2'])
    await admin.resetOffsets({ groupId, topic, earliest: true })
    assert.deepEqual(await committed(), ['0', '0'])
    await admin.deleteGroups([groupId])
    assert.equal((await admin.describeGroups([groupId])).groups[0].state, 'Dead')
  })

  test('two members of a kafkajs group are told with the bytes that kafkajs wrote', async (t) => {
    const admin = await connectAdmin(t, kafka)
    const theirs = new kafkajs.Kafka({ brokers: cluster.bootstrapServers.split(','), logLevel: kafkajs.logLevel.NOTHING })
    const topic = await createTopic(t, kafka, 2)
    const groupId = topicName(t)
    for (let i = 0; i < 2; i++) {
      const consumer = theirs.consumer({ groupId, maxWaitTimeInMs: 100, heartbeatInterval: 100 })
      t.after(() => consumer.disconnect())
      await consumer.connect()
      await consumer.subscribe({ topic })
      await consumer.run({ eachMessage: async () => {} })
    }
    const theirAdmin = theirs.admin()
    t.after(() => theirAdmin.disconnect())
    await theirAdmin.connect()
    const [ours, expected] = await waitFor(async () => {
      const both = await Promise.all([admin, theirAdmin].map(async (one) => (await one.describeGroups([groupId])).groups[0]))
      return both.every(({ state, members }) => state === 'Stable' && members.length === 2) && both
    }, { message: 'both members' })
    assert.deepEqual(JSON.parse(JSON.stringify(ours)), JSON.parse(JSON.stringify(expected)))
    assert.equal(ours.protocol, 'RoundRobinAssigner')
    assert.ok(ours.members.every((/** @type {any} */ one) => Buffer.isBuffer(one.memberMetadata) && one.memberAssignment.length > 0))
  })

  test('a request that disconnect() comes into the middle of rejects', async (t) => {
    const admin = await connectAdmin(t, kafka)
    const calls = [admin.listGroups(), admin.describeGroups(['g']), admin.fetchOffsets({ groupId: 'g' }), admin.describeCluster()]
    const settled = Promise.allSettled(calls)
    await admin.disconnect()
    for (const { status, reason } of /** @type {any[]} */ (await settled)) {
      if (status === 'rejected') assert.match(reason.name, /^KafkaJS/)
    }
    await assert.rejects(admin.describeCluster(), { name: 'KafkaJSConnectionClosedError', message: /disconnected/ })
  })
})

/** The broker that coordinates a group, told by kafkajs. @param {string} brokers @param {string} groupId */
async function coordinatorOf(brokers, groupId) {
  const Cluster = require('kafkajs/src/cluster')
  const socketFactory = require('kafkajs/src/network/socketFactory')()
  const { createLogger, LEVELS } = require('kafkajs/src/loggers')
  const logger = createLogger({ level: LEVELS.NOTHING, logCreator: () => () => {} })
  const cluster = new Cluster({
    logger, socketFactory, brokers: brokers.split(','), clientId: 'test', connectionTimeout: 5000, requestTimeout: 5000, offsets: new Map(),
  })
  await cluster.connect()
  try {
    return (await cluster.findGroupCoordinator({ groupId })).nodeId
  } finally {
    await cluster.disconnect()
  }
}
