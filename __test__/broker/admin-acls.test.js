'use strict'

// ACLs, on a broker that has an authorizer: the same calls on kafkajs and on kafka-oxide.

const assert = require('node:assert/strict')
const { after, before, describe, test } = require('node:test')
const kafkajs = require('kafkajs')
const oxide = require('../..')
const { KafkaBroker } = require('../../scripts/kafka/broker')
const { topicName } = require('../helpers/topic')
const { waitFor } = require('../helpers/wait')

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = oxide
const ANY = Object.freeze({
  resourceType: AclResourceTypes.ANY,
  resourcePatternType: ResourcePatternTypes.ANY,
  operation: AclOperationTypes.ANY,
  permissionType: AclPermissionTypes.ANY,
})

/** @param {string} resourceName @param {object} [more] @returns {any} */
const acl = (resourceName, more = {}) => ({
  resourceType: AclResourceTypes.TOPIC,
  resourceName,
  resourcePatternType: ResourcePatternTypes.LITERAL,
  principal: 'User:alice',
  host: '*',
  operation: AclOperationTypes.READ,
  permissionType: AclPermissionTypes.ALLOW,
  ...more,
})

describe('ACLs', { concurrency: 4 }, () => {
  /** @type {KafkaBroker} */
  let broker
  /** @type {Record<string, any>} */
  const admins = {}

  before(async () => {
    broker = await KafkaBroker.start({
      properties: {
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'super.users': 'User:ANONYMOUS',
      },
    })
    for (const [name, lib] of Object.entries({ ours: oxide, theirs: kafkajs })) {
      admins[name] = new lib.Kafka({ brokers: [broker.bootstrapServers], logLevel: 0 }).admin()
      await admins[name].connect()
    }
  })

  after(async () => {
    for (const admin of Object.values(admins)) await admin.disconnect()
    await broker.stop()
  })

  /**
   * Makes the same calls on both, and compares how they end.
   * @param {(admin: any, own: string) => Promise<any>} call own: a name that differs between both
   */
  async function same(call) {
    const own = topicName('acl')
    const ends = await Promise.all(Object.entries(admins).map(async ([name, admin]) => {
      const end = await call(admin, `${own}-${name}`).then(
        (value) => ({ value }),
        ({ name, message, type, code, retriable }) => ({ error: { name, message, type, code: type && code, retriable } }),
      )
      return [name, JSON.parse(JSON.stringify(end).replaceAll(`${own}-${name}`, '<own>'))]
    }))
    return Object.fromEntries(ends)
  }

  /** @param {any} admin @param {object} filter @param {number} count */
  const found = (admin, filter, count) => waitFor(async () => {
    const { resources } = await admin.describeAcls({ ...ANY, ...filter })
    const acls = resources.flatMap((/** @type {any} */ one) => one.acls)
    return acls.length === count && resources
  }, { message: `${count} ACLs` })

  const byOperation = (/** @type {any} */ a, /** @type {any} */ b) => a.operation - b.operation

  test('createAcls() adds what describeAcls() tells by resource', async () => {
    const { ours, theirs } = await same(async (admin, own) => {
      const created = await admin.createAcls({
        acl: [acl(own), acl(own, { operation: AclOperationTypes.WRITE, permissionType: AclPermissionTypes.DENY, host: '10.0.0.1' })],
      })
      const resources = await found(admin, { resourceName: own }, 2)
      for (const one of resources) one.acls.sort(byOperation)
      return { created, resources }
    })
    assert.deepEqual(ours, theirs)
    assert.equal(ours.value.created, true)
    assert.equal(ours.value.resources.length, 1)
  })

  test('groups, transactional ids, the cluster and prefixes have ACLs', async () => {
    const { ours, theirs } = await same(async (admin, own) => {
      await admin.createAcls({
        acl: [
          acl(own, { resourceType: AclResourceTypes.GROUP, principal: `User:${own}` }),
          acl(own, { resourceType: AclResourceTypes.TRANSACTIONAL_ID, operation: AclOperationTypes.WRITE, principal: `User:${own}` }),
          acl('kafka-cluster', { resourceType: AclResourceTypes.CLUSTER, operation: AclOperationTypes.ALTER, principal: `User:${own}` }),
          acl(own, { resourcePatternType: ResourcePatternTypes.PREFIXED, principal: `User:${own}` }),
        ],
      })
      const resources = await found(admin, { principal: `User:${own}` }, 4)
      return resources.sort((/** @type {any} */ a, /** @type {any} */ b) => a.resourceType - b.resourceType)
    })
    assert.deepEqual(ours, theirs)
    assert.deepEqual(ours.value.map((/** @type {any} */ one) => one.resourceType), [2, 3, 4, 5])
  })

  test('deleteAcls() deletes what matches and tells it', async () => {
    const { ours, theirs } = await same(async (admin, own) => {
      await admin.createAcls({ acl: [acl(own), acl(own, { operation: AclOperationTypes.WRITE })] })
      await found(admin, { resourceName: own }, 2)
      const { filterResponses, ...rest } = await admin.deleteAcls({
        filters: [{ ...ANY, resourceName: own }, { ...ANY, resourceName: `${own}-none` }],
      })
      filterResponses[0].matchingAcls.sort(byOperation)
      await found(admin, { resourceName: own }, 0)
      return { filterResponses, ...rest }
    })
    assert.deepEqual(ours, theirs)
    assert.equal(ours.value.filterResponses[0].matchingAcls.length, 2)
  })

  for (const [what, call] of /** @type {[string, (admin: any, own: string) => Promise<any>][]} */ ([
    ['createAcls() without ACLs', (admin) => admin.createAcls({})],
    ['createAcls() of no ACLs', (admin) => admin.createAcls({ acl: [] })],
    ['createAcls() without principal', (admin, own) => admin.createAcls({ acl: [acl(own, { principal: undefined })] })],
    ['createAcls() with a host that is a number', (admin, own) => admin.createAcls({ acl: [acl(own, { host: 5 })] })],
    ['createAcls() without resourceName', (admin) => admin.createAcls({ acl: [acl('x', { resourceName: null })] })],
    ['createAcls() with an operation that does not exist', (admin, own) => admin.createAcls({ acl: [acl(own, { operation: 99 })] })],
    ['createAcls() with a pattern type that does not exist', (admin, own) => admin.createAcls({ acl: [acl(own, { resourcePatternType: 99 })] })],
    ['createAcls() with a permission that does not exist', (admin, own) => admin.createAcls({ acl: [acl(own, { permissionType: 99 })] })],
    ['createAcls() with a resource type that does not exist', (admin, own) => admin.createAcls({ acl: [acl(own, { resourceType: 99 })] })],
    ['describeAcls() with a principal of null', (admin) => admin.describeAcls({ ...ANY, principal: null })],
    ['describeAcls() with a host of null', (admin) => admin.describeAcls({ ...ANY, host: null })],
    ['describeAcls() with a resourceName of null', (admin) => admin.describeAcls({ ...ANY, resourceName: null })],
    ['describeAcls() with an operation that does not exist', (admin) => admin.describeAcls({ ...ANY, operation: 99 })],
    ['describeAcls() with a pattern type that does not exist', (admin) => admin.describeAcls({ ...ANY, resourcePatternType: 99 })],
    ['describeAcls() with a permission that does not exist', (admin) => admin.describeAcls({ ...ANY, permissionType: 99 })],
    ['describeAcls() with a resource type that does not exist', (admin) => admin.describeAcls({ ...ANY, resourceType: 99 })],
    ['deleteAcls() without filters', (admin) => admin.deleteAcls({})],
    ['deleteAcls() of no filters', (admin) => admin.deleteAcls({ filters: [] })],
    ['deleteAcls() with a principal of null', (admin) => admin.deleteAcls({ filters: [{ ...ANY, principal: null }] })],
    ['deleteAcls() with an operation that does not exist', (admin) => admin.deleteAcls({ filters: [{ ...ANY, operation: 99 }] })],
  ])) {
    test(`${what} is refused in kafkajs's words`, async () => {
      const { ours, theirs } = await same(call)
      assert.ok(ours.error.message.startsWith(theirs.error.message), `${ours.error.message} | ${theirs.error.message}`)
      assert.deepEqual({ ...ours.error, message: '' }, { ...theirs.error, message: '' })
    })
  }

  test('createAcls() with a principal that is no principal is refused by the broker', async () => {
    const { ours, theirs } = await same((admin, own) => admin.createAcls({ acl: [acl(own, { principal: 'alice' })] }))
    assert.deepEqual({ ...ours.error, message: '' }, { ...theirs.error, message: '' })
    assert.equal(ours.error.type, 'INVALID_REQUEST')
  })

  // kafkajs's request for these ends in UNKNOWN, or the broker closes the connection.
  for (const [what, more] of /** @type {[string, object][]} */ ([
    ['operation type 1', { operation: AclOperationTypes.ANY }],
    ['operation type 0', { operation: AclOperationTypes.UNKNOWN }],
    ['permission type 1', { permissionType: AclPermissionTypes.ANY }],
    ['resource pattern type 2', { resourcePatternType: ResourcePatternTypes.MATCH }],
    ['resource type 1', { resourceType: AclResourceTypes.ANY }],
  ])) {
    test(`createAcls() of ${what}, which only filters have, is refused`, async () => {
      await assert.rejects(admins.ours.createAcls({ acl: [acl('topic', more)] }), {
        name: 'KafkaJSNonRetriableError', message: new RegExp(`^Invalid ${what}: .* ANY, MATCH and UNKNOWN`),
      })
    })
  }
})
