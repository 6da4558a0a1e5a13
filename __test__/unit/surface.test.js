'use strict'
const assert = require('node:assert/strict')
const path = require('node:path')
const { pathToFileURL } = require('node:url')
const { test } = require('node:test')
const kafkajs = require('kafkajs')
const ours = require('../..')

test("the exports have kafkajs's names", () => {
  assert.deepEqual(Object.keys(ours).sort(), Object.keys(kafkajs).sort())
})

test('every name can be imported by name from an ES module', async () => {
  const module = await import(pathToFileURL(path.join(__dirname, '..', '..', 'index.js')).href)
  const names = Object.keys(module).filter((name) => name !== 'default' && name !== 'module.exports')
  assert.deepEqual(names.sort(), Object.keys(ours).sort())
})

test("the constants have kafkajs's values", () => {
  for (const name of [
    'logLevel',
    'CompressionTypes',
    'ConfigResourceTypes',
    'ConfigSource',
    'AclResourceTypes',
    'AclOperationTypes',
    'AclPermissionTypes',
    'ResourcePatternTypes',
  ]) {
    assert.deepEqual({ .../** @type {any} */ (ours)[name] }, { .../** @type {any} */ (kafkajs)[name] }, name)
  }
})

test("the error classes have kafkajs's parents", () => {
  for (const [name, Class] of Object.entries(kafkajs)) {
    if (!name.startsWith('KafkaJS')) continue
    assert.equal(Object.getPrototypeOf(/** @type {any} */ (ours)[name]).name, Object.getPrototypeOf(Class).name, name)
  }
})

test('Kafka makes its clients by prototype methods, which instrumentation wraps', () => {
  assert.deepEqual(
    ['producer', 'consumer', 'admin', 'logger'].filter((name) => Object.hasOwn(ours.Kafka.prototype, name)),
    ['producer', 'consumer', 'admin', 'logger'],
  )
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
