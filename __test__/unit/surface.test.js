'use strict'
const assert = require('node:assert/strict')
const path = require('node:path')
const { pathToFileURL } = require('node:url')
const { test } = require('node:test')
const kafkajs = require('kafkajs')
const ours = require('../..')
const { chain, differences, explains, explanations, unexplained, walkError, walkKeys, walkObject } = require('../helpers/surface')



/** What error classes are made of in kafkajs: their first argument, and the others. */
const REFUSAL = () =>
  Object.assign(new Error('no such topic'), { type: 'UNKNOWN_TOPIC_OR_PARTITION', code: 3, retriable: true, helpUrl: 'u' })
/** @type {Record<string, any[]>} */
const MORE = {
  KafkaJSError: [{ retriable: false, cause: new Error('why') }],
  KafkaJSNonRetriableError: [{ cause: new Error('why') }],
  KafkaJSProtocolError: [{ retriable: false }],
  KafkaJSOffsetOutOfRange: [{ topic: 't', partition: 1 }],
  KafkaJSMemberIdRequired: [{ memberId: 'm' }],
  KafkaJSNumberOfRetriesExceeded: [{ retryCount: 5, retryTime: 300 }],
  KafkaJSConnectionError: [{ broker: 'b:1', code: 'ECONNREFUSED' }],
  KafkaJSConnectionClosedError: [{ host: 'b', port: 1 }],
  KafkaJSRequestTimeoutError: [{ broker: 'b:1', correlationId: 1, createdAt: 2, sentAt: 3, pendingDuration: 4 }],
  KafkaJSTopicMetadataNotLoaded: [{ topic: 't' }],
  KafkaJSStaleTopicMetadataAssignment: [{ topic: 't', unknownPartitions: [1] }],
  KafkaJSDeleteGroupsError: [[{ groupId: 'g', errorCode: 1 }]],
  KafkaJSServerDoesNotSupportApiKey: [{ apiKey: 1, apiName: 'Fetch' }],
  KafkaJSCreateTopicError: ['t'],
  KafkaJSAlterPartitionReassignmentsError: ['t', 1],
  KafkaJSAggregateError: [[new Error('one')]],
}

/** Everything of a library that can be seen without a broker. @param {any} library */
function facts(library) {
  /** @type {Map<string, string>} */
  const all = new Map()
  for (const [name, value] of Object.entries(library)) {
    all.set(name, typeof value)
    if (name.startsWith('KafkaJS')) walkClass(all, library, name)
    else if (typeof value === 'object') walkObject(all, name, value)
  }
  for (const key of Object.getOwnPropertyNames(library.Kafka.prototype)) {
    all.set(`Kafka.prototype.${key}`, typeof library.Kafka.prototype[key])
  }
  const kafka = new library.Kafka({ brokers: ['localhost:9092'], logLevel: library.logLevel.NOTHING })
  const clients = {
    kafka,
    producer: kafka.producer(),
    consumer: kafka.consumer({ groupId: 'g' }),
    admin: kafka.admin(),
    logger: kafka.logger(),
    'logger.namespace()': kafka.logger().namespace('n'),
  }
  for (const [name, client] of Object.entries(clients)) {
    walkObject(all, name, client)
    if (name === 'kafka') continue
    walkKeys(all, name, client)
    if (client.events) walkObject(all, `${name}.events`, client.events)
    if (client.on) walkError(all, `${name}.on('none')`, () => thrown(() => client.on('none', () => {})))
  }
  return all
}

/** @param {Map<string, string>} all @param {any} library @param {string} name */
function walkClass(all, library, name) {
  const Class = library[name]
  all.set(name, chain(Class))
  const deleted = (/** @type {any[]} */ ...flags) => ({
    partitions: flags.map((retriable, partition) => ({ partition, offset: '0', error: { retriable } })),
  })
  if (name === 'KafkaJSDeleteTopicRecordsError') {
    walkError(all, `${name}(retriable)`, () => new Class(deleted(true, true)))
    walkError(all, `${name}(mixed)`, () => new Class(deleted(true, false)))
    walkError(all, `${name}(none)`, () => new Class({ partitions: [] }))
    return
  }
  const more = MORE[name] || []
  walkError(all, `${name}("text")`, () => new Class('text', ...more))
  walkError(all, `${name}(refusal)`, () => new Class(REFUSAL(), ...more))
  walkError(all, `${name}(alone)`, () => new Class('text'))
}

/** @param {() => void} act */
function thrown(act) {
  try {
    act()
  } catch (error) {
    return error
  }
}

const found = differences(facts(ours), facts(kafkajs))

test("what a program can see differs from kafkajs's only where the migration guide says so", () => {
  assert.deepEqual(unexplained(found), [])
})

test('the guide explains each difference with a reason, and none that is gone', () => {
  const lines = explanations()
  assert.deepEqual(lines.filter(({ names, theirs, ours: own, why }) =>
    names.length === 0 || theirs.length === 0 || own.length === 0 || why.length < 10), [])
  const idle = lines.filter((line) => !found.some((one) => explains(line, one))).map(({ names }) => names.join())
  assert.deepEqual(idle, [], 'lines to delete from docs/migrating-from-kafkajs.md')
})

test('an ES module imports what it imports from kafkajs: every name, and all of them as the default', async () => {
  const own = await import(pathToFileURL(path.join(__dirname, '..', '..', 'index.js')).href)
  const theirs = await import('kafkajs')
  // kafkajs's errors cannot be imported by name there; ours can.
  assert.deepEqual(Object.keys(theirs).filter((name) => !(name in own)), [])
  assert.equal(own.default, ours)
  for (const name of Object.keys(ours)) assert.equal(own[name], /** @type {any} */ (ours)[name], name)
})

test('the registry of codecs can be written, and tells which codecs kafkajs would lack', async () => {
  const { CompressionCodecs, CompressionTypes } = ours
  assert.throws(() => CompressionCodecs[CompressionTypes.Snappy](), {
    name: 'KafkaJSNotImplemented',
    message: 'Snappy compression not implemented',
  })
  const codec = CompressionCodecs[CompressionTypes.GZIP]()
  const packed = await codec.compress({ buffer: Buffer.from('text') })
  assert.equal(String(await codec.decompress(packed)), 'text')
})

test("the group protocol's formats are kafkajs's, byte for byte", () => {
  const metadata = { version: 0, topics: ['a', 'topic-é'], userData: Buffer.from('u') }
  const assignment = { version: 1, assignment: { a: [0, 2], 'topic-é': [1] }, userData: Buffer.from('') }
  for (const [name, value] of /** @type {[string, any][]} */ ([
    ['MemberMetadata', metadata],
    ['MemberAssignment', assignment],
  ])) {
    const own = /** @type {any} */ (ours.AssignerProtocol)[name]
    const theirs = /** @type {any} */ (kafkajs.AssignerProtocol)[name]
    assert.deepEqual(own.encode(value), theirs.encode(value), name)
    assert.deepEqual(own.decode(theirs.encode(value)), value, name)
  }
  assert.equal(ours.AssignerProtocol.MemberAssignment.decode(Buffer.alloc(0)), null)
})

test('the default assigner deals all partitions out in one sequence, as kafkajs does', async () => {
  const cluster = {
    findTopicPartitionMetadata: (/** @type {string} */ topic) =>
      Array.from({ length: topic.length }, (_, partitionId) => ({ partitionId })),
  }
  const group = { members: [{ memberId: 'b' }, { memberId: 'a' }, { memberId: 'c' }], topics: ['xxxx', 'yy', 'z'] }
  const deal = async (/** @type {any} */ library) => {
    const assigner = library.PartitionAssigners.roundRobin({ cluster, groupId: 'g', logger: {} })
    const dealt = await assigner.assign({
      ...group,
      members: group.members.map((member) => ({ ...member, memberMetadata: Buffer.alloc(0) })),
    })
    return {
      name: assigner.name,
      protocol: assigner.protocol({ topics: ['t'] }),
      dealt: dealt
        .sort((/** @type {any} */ a, /** @type {any} */ b) => (a.memberId < b.memberId ? -1 : 1))
        .map((/** @type {any} */ { memberId, memberAssignment }) => [
          memberId,
          ours.AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment,
        ]),
    }
  }
  assert.deepEqual(await deal(ours), await deal(kafkajs))
})
