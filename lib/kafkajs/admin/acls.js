'use strict'
/** Access control lists. */
const { KafkaJSNotImplemented } = require('../../errors')
const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = require('../enums')
const { fail, said, show } = require('./input')
const { throwFirst } = require('./requests')

/**
 * @typedef {import('./requests').Requests} Requests
 * @typedef {object} Acl
 * @property {number} resourceType @property {string} resourceName @property {number} resourcePatternType
 * @property {string} principal @property {string} host @property {number} operation @property {number} permissionType
 */

const TYPES = /** @type {[string, string, Record<string, number>][]} */ ([
  ['operation', 'operation type', AclOperationTypes],
  ['resourcePatternType', 'resource pattern type', ResourcePatternTypes],
  ['permissionType', 'permission type', AclPermissionTypes],
  ['resourceType', 'resource type', AclResourceTypes],
])

/**
 * Adds ACLs. Rejects with the first failure; the others are added.
 * @param {Requests} requests
 * @param {{ acl: Acl[] }} request
 * @returns {Promise<boolean>} true
 */
async function createAcls(requests, request) {
  const { acl } = request || {}
  checkList(acl, 'ACL array', false)
  for (const [name, label, types] of TYPES) {
    const vague = [types.UNKNOWN, types.ANY, types.MATCH]
    const wrong = acl.find((entry) => vague.includes(/** @type {any} */ (entry)[name]))
    if (!wrong) continue
    const value = /** @type {any} */ (wrong)[name]
    fail(`Invalid ${label} ${said(value)}: ${show(wrong)}: ANY, MATCH and UNKNOWN are for filters`)
  }
  const acls = acl.map(plain)
  return requests.toController('ACLs could not be created', async () => {
    throwFirst(await requests.send('createAcls', { acls }))
    return true
  })
}

/**
 * The ACLs that match, by resource. A field that is not given matches anything.
 * @param {Requests} requests
 * @param {any} filter
 * @returns {Promise<{ resources: any[] }>}
 */
async function describeAcls(requests, filter) {
  const given = filter || {}
  for (const name of ['principal', 'host', 'resourceName']) {
    if (typeof given[name] !== 'string' && given[name] !== undefined) {
      fail(`Invalid ${name}, the ${name} have to be a valid string, or left out to match any: ${show(given[name])}`)
    }
  }
  for (const [name, what, types] of TYPES) {
    const label = name === 'resourcePatternType' ? 'resource pattern filter type' : what
    if (!Object.values(types).includes(given[name])) fail(`Invalid ${label} ${said(given[name])}`)
  }
  checkResourceType([given])
  const acls = await requests.toController('ACLs could not be described', () =>
    requests.send('describeAcls', { filter: plain(given) }),
  )
  throwFirst(acls)
  /** @type {Map<string, any>} */
  const resources = new Map()
  for (const { resourceType, resourceName, resourcePatternType, principal, host, operation, permissionType } of acls) {
    const key = `${resourceType} ${resourcePatternType} ${resourceName}`
    const resource = resources.get(key) || { resourceType, resourceName, resourcePatternType, acls: [] }
    resource.acls.push({ principal, host, operation, permissionType })
    resources.set(key, resource)
  }
  return { resources: [...resources.values()] }
}

/**
 * Deletes the ACLs that match any of the filters. Rejects with the first failure.
 * @param {Requests} requests
 * @param {{ filters: any[] }} request
 * @returns {Promise<{ filterResponses: any[] }>} what each filter deleted, in the order of the filters
 */
async function deleteAcls(requests, request) {
  const { filters } = request || {}
  checkList(filters, 'ACL Filter array', true)
  const results = await requests.toController('ACLs could not be deleted', () =>
    requests.send('deleteAcls', { filters: filters.map(plain) }),
  )
  throwFirst(results)
  for (const { acls } of results) throwFirst(acls)
  return {
    filterResponses: results.map((/** @type {any} */ { acls }) => ({
      errorCode: 0,
      errorMessage: null,
      matchingAcls: acls.map((/** @type {any} */ { error, ...acl }) => ({ errorCode: 0, errorMessage: null, ...acl })),
    })),
  }
}

/** @param {any} list @param {string} what @param {boolean} optional whether texts may be left out */
function checkList(list, what, optional) {
  if (!Array.isArray(list)) fail(`Invalid ${what} ${said(list)}`)
  if (list.length === 0) fail(`Empty ${what}`)
  for (const entry of list) {
    if (typeof entry !== 'object' || entry === null) fail(`Invalid ${what}, ${show(entry)} is no object`)
  }
  for (const name of ['principal', 'host', 'resourceName']) {
    const wrong = list.find((entry) => typeof entry[name] !== 'string' && !(optional && entry[name] === undefined))
    if (wrong) fail(`Invalid ${what}, the ${name}s have to be a valid string: ${show(wrong)}`)
  }
  for (const [name, label, types] of TYPES) {
    const wrong = list.find((entry) => !Object.values(types).includes(entry[name]))
    if (wrong) fail(`Invalid ${label} ${said(wrong[name])}: ${show(wrong)}`)
  }
  checkResourceType(list)
}

/** @param {any[]} list */
function checkResourceType(list) {
  if (list.some(({ resourceType }) => resourceType === AclResourceTypes.DELEGATION_TOKEN)) {
    // rdkafka_admin.c: rd_kafka_AclBinding_new knows the types up to 5.
    throw new KafkaJSNotImplemented(
      'AclResourceTypes.DELEGATION_TOKEN is not implemented: librdkafka knows no ACLs of delegation tokens. ' +
        'Use kafka-acls.sh',
    )
  }
}

/** @param {any} acl @returns {any} only what belongs to it */
function plain({ resourceType, resourceName, resourcePatternType, principal, host, operation, permissionType }) {
  return { resourceType, resourceName, resourcePatternType, principal, host, operation, permissionType }
}

module.exports = { operations: { createAcls, describeAcls, deleteAcls } }
