'use strict'
/** Groups: listing, describing, deleting. */
const { fromNative, KafkaJSDeleteGroupsError } = require('../../errors')
const { AssignerProtocol } = require('../assigners')
const { fail, said } = require('./input')
const { throwFirst } = require('./requests')

/** @typedef {import('./requests').Requests} Requests */

/**
 * @typedef {object} GroupDescription
 * @property {0} errorCode
 * @property {string} groupId
 * @property {string} state `Stable`, `Empty`, `Dead` …
 * @property {string} protocolType `consumer`, `connect` …, '' when nobody ever joined
 * @property {string} protocol the assigner's name
 * @property {{ memberId: string, clientId: string, clientHost: string, memberMetadata: Buffer,
 *   memberAssignment: Buffer }[]} members
 */

/**
 * All groups of all brokers, of any use and under either protocol.
 * @param {Requests} requests
 * @returns {Promise<{ groups: { groupId: string, protocolType: string }[] }>}
 */
async function listGroups(requests) {
  return { groups: await requests.listGroups() }
}

/**
 * Describes groups; one that does not exist is `Dead`.
 * @param {Requests} requests
 * @param {string[]} groupIds
 * @returns {Promise<{ groups: GroupDescription[] }>} in the order asked, each group once
 */
async function describeGroups(requests, groupIds) {
  checkGroupIds(groupIds)
  const ids = [...new Set(groupIds)]
  return { groups: await requests.retrying(async () => descriptions(await requests.describeGroups(ids))) }
}

/**
 * Deletes groups that have no members. Rejects with KafkaJSDeleteGroupsError, whose `groups` are those that failed; the
 * others are deleted.
 * @param {Requests} requests
 * @param {string[]} groupIds
 * @returns {Promise<{ groupId: string, errorCode: number }[]>}
 */
async function deleteGroups(requests, groupIds) {
  checkGroupIds(groupIds)
  if (groupIds.length === 0) return []
  const results = await requests.send('deleteGroups', { groups: [...new Set(groupIds)] })
  const failed = results
    .filter((/** @type {any} */ { error }) => error)
    .map((/** @type {any} */ { group, error }) => ({ groupId: group, errorCode: error.code, error: fromNative(error) }))
  if (failed.length > 0) throw new KafkaJSDeleteGroupsError('Error in DeleteGroups', failed)
  return results.map((/** @type {any} */ { group }) => ({ groupId: group, errorCode: 0 }))
}

/** @param {any} groupIds */
function checkGroupIds(groupIds) {
  if (!Array.isArray(groupIds)) fail(`Invalid groupIds array ${said(groupIds)}: write the groups' ids, ['my-group']`)
  for (const groupId of groupIds) {
    if (typeof groupId !== 'string') fail(`Invalid groupId name: ${said(groupId)}: the id of a group is a string`)
  }
}

/** @param {any[]} told as the native side tells it @returns {GroupDescription[]} as kafkajs does */
function descriptions(told) {
  throwFirst(told)
  return told.map(({ groupId, state, protocolType, protocol, members }) => ({
    errorCode: 0,
    groupId,
    state,
    protocolType,
    protocol,
    members: members.map((/** @type {any} */ { memberId, clientId, clientHost, ...bytes }) => ({
      memberId,
      clientId,
      clientHost,
      ...memberBytes(bytes),
    })),
  }))
}

/**
 * What a member said and what it was given, in the classic protocol's format. A KIP-848 member has no such bytes: then
 * they are made from its assignment, whose topics are also the only ones that are told of its subscription.
 * @param {{ metadata: string | null, assignment: string | null,
 *   assigned: { topic: string, partition: number }[] | null }} told
 */
function memberBytes({ metadata, assignment, assigned }) {
  if (assigned === null) {
    return {
      memberMetadata: Buffer.from(metadata || '', 'base64'),
      memberAssignment: Buffer.from(assignment || '', 'base64'),
    }
  }
  /** @type {Record<string, number[]>} */
  const byTopic = {}
  for (const { topic, partition } of assigned) (byTopic[topic] = byTopic[topic] || []).push(partition)
  return {
    memberMetadata: AssignerProtocol.MemberMetadata.encode({ version: 0, topics: Object.keys(byTopic) }),
    memberAssignment: AssignerProtocol.MemberAssignment.encode({ version: 0, assignment: byTopic }),
  }
}

module.exports = { operations: { listGroups, describeGroups, deleteGroups }, descriptions }
