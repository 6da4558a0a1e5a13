'use strict'
/** What groups have committed, and committing for them. */
const { KafkaJSNonRetriableError } = require('../../errors')
const { readSeek } = require('../consumer-input')
const { checkGroupId, checkTopic, fail, said } = require('./input')
const { descriptions } = require('./groups')
const { throwFirst } = require('./requests')
const { offsetsOf, EARLIEST, LATEST } = require('./topic-offsets')
const { knownTopics } = require('./topics')

/**
 * @typedef {import('./requests').Requests} Requests
 * @typedef {{ partition: number, offset: string, metadata: string | null }} CommittedOffset
 */

/** What librdkafka says where nothing is committed; kafkajs says -1. */
const NOTHING_COMMITTED = '-1001'
/** The coordinator is new or just moved. */
const COORDINATOR_PASSING = new Set([
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_LOAD_IN_PROGRESS',
])
/** How a coordinator refuses a commit from outside while a group has members. */
const GROUP_IS_RUNNING = new Set(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'REBALANCE_IN_PROGRESS', 'STALE_MEMBER_EPOCH'])

/**
 * What a group has committed: of these topics, '-1' where it is nothing, or without `topics` wherever it is something.
 * @param {Requests} requests
 * @param {{ groupId: string, topics?: string[] | null, resolveOffsets?: boolean }} request `resolveOffsets`: a committed -1
 * or -2 (the end, the beginning; kafkajs writes such) is replaced by the offset it stands for and committed, which needs
 * a group without members
 * @returns {Promise<{ topic: string, partitions: CommittedOffset[] }[]>}
 */
async function fetchOffsets(requests, request) {
  const { groupId, topics, resolveOffsets = false } = request || {}
  checkGroupId(groupId)
  if (topics !== undefined && topics !== null && !Array.isArray(topics)) {
    fail(`Expected topics array to be set, not ${said(topics)}: write fetchOffsets({ groupId, topics: ['name'] })`)
  }
  for (const topic of topics || []) checkTopic(topic)
  const committed = await committedBy(requests, groupId, topics || [])
  if (!resolveOffsets) return committed
  const resolved = []
  for (const { topic, partitions } of committed) {
    const offsets = await resolve(requests, topic, partitions)
    const entries = partitions.map((one, i) => ({ ...one, offset: offsets[i] }))
    await setOffsets(requests, { groupId, topic, partitions: entries })
    resolved.push({ topic, partitions: entries })
  }
  return resolved
}

/**
 * @param {Requests} requests @param {string} group @param {string[]} topics
 * @returns {Promise<{ topic: string, partitions: CommittedOffset[] }[]>}
 */
async function committedBy(requests, group, topics) {
  /** @type {Map<string, CommittedOffset[]>} */
  const byTopic = new Map()
  let asked = null
  if (topics.length > 0) {
    const known = await knownTopics(requests, [...new Set(topics)])
    asked = known.topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionId }) => ({ topic: name, partition: partitionId })),
    )
    for (const topic of topics) byTopic.set(topic, [])
  }
  const { partitions } = await requests.retryingOn(
    (type) => COORDINATOR_PASSING.has(type),
    async () => {
      const answer = await requests.send('listGroupOffsets', { group, partitions: asked })
      throwFirst([answer, ...answer.partitions], ({ topic, partition }) => ({ topic, partition }))
      return answer
    },
  )
  for (const { topic, partition, offset, metadata } of partitions) {
    const list = byTopic.get(topic) || []
    list.push({ partition, offset: offset === NOTHING_COMMITTED ? LATEST : offset, metadata: metadata || null })
    byTopic.set(topic, list)
  }
  return Array.from(byTopic, ([topic, list]) => ({ topic, partitions: list.sort((a, b) => a.partition - b.partition) }))
}

/**
 * Replaces -1 and -2 by the end and the beginning of the partition's log.
 * @param {Requests} requests @param {string} topic @param {{ partition: number, offset: string }[]} entries
 * @returns {Promise<string[]>} offsets, in the order of the entries
 */
async function resolve(requests, topic, entries) {
  if (!entries.some(({ offset }) => offset === LATEST || offset === EARLIEST)) return entries.map(({ offset }) => offset)
  const [latest, earliest] = await offsetsOf(requests, topic, [LATEST, EARLIEST])
  const ends = /** @type {Record<string, Map<number, string>>} */ ({
    [LATEST]: new Map(latest.map(({ partition, offset }) => [partition, offset])),
    [EARLIEST]: new Map(earliest.map(({ partition, offset }) => [partition, offset])),
  })
  return entries.map(({ partition, offset }) => (ends[offset] && ends[offset].get(partition)) || offset)
}

/**
 * Commits offsets for a group that has no members: the next ones to read.
 * @param {Requests} requests
 * @param {{ groupId: string, topic: string, partitions: { partition: number, offset: string }[] }} request offset '-1': the
 * end of the log as it is now, '-2': its beginning
 * @returns {Promise<void>}
 */
async function setOffsets(requests, request) {
  const { groupId, topic, partitions } = request || {}
  checkGroupId(groupId)
  checkTopic(topic)
  if (!Array.isArray(partitions) || partitions.length === 0) {
    fail(`Invalid partitions ${said(partitions)}: write partitions: [{ partition: 0, offset: '31004' }]`)
  }
  const entries = partitions.map((entry) =>
    readSeek(typeof entry === 'object' && entry !== null ? { ...entry, topic } : entry),
  )
  const [{ partitions: known }] = (await knownTopics(requests, [topic])).topics
  await checkIdle(requests, groupId)
  const ids = new Set(known.map(({ partitionId }) => partitionId))
  // The last entry of a partition wins, and one that is not there is passed over: so it was when these were seeks.
  const last = new Map(entries.filter(({ partition }) => ids.has(partition)).map((entry) => [entry.partition, entry]))
  for (const { partition } of entries) {
    if (!ids.has(partition)) requests.logger.warn('setOffsets() passes over an unknown partition', { topic, partition })
  }
  const wanted = [...last.values()]
  if (wanted.length === 0) return
  const offsets = await resolve(requests, topic, wanted)
  const fields = { group: groupId, partitions: wanted.map((one, i) => ({ ...one, offset: offsets[i] })) }
  await requests.retryingOn(
    // The topic is there: a coordinator that does not know it has not heard of it yet.
    (type) => COORDINATOR_PASSING.has(type) || type === 'UNKNOWN_TOPIC_OR_PARTITION',
    async () => {
      try {
        const answer = await requests.send('alterGroupOffsets', fields)
        throwFirst([answer, ...answer.partitions], ({ partition }) => ({ topic, partition }))
      } catch (/** @type {any} */ error) {
        // Somebody joined since.
        if (GROUP_IS_RUNNING.has(error.type)) await checkIdle(requests, groupId)
        throw error
      }
    },
  )
}

/**
 * Moves a group that has no members to the end of a topic, or to its beginning.
 * @param {Requests} requests
 * @param {{ groupId: string, topic: string, earliest?: boolean }} request
 * @returns {Promise<void>}
 */
async function resetOffsets(requests, request) {
  const { groupId, topic, earliest = false } = request || {}
  checkGroupId(groupId)
  checkTopic(topic)
  const [{ partitions }] = (await knownTopics(requests, [topic])).topics
  const offset = earliest ? EARLIEST : LATEST
  await setOffsets(requests, {
    groupId,
    topic,
    partitions: partitions.map(({ partitionId }) => ({ partition: partitionId, offset })),
  })
}

/** @param {Requests} requests @param {string} groupId */
async function checkIdle(requests, groupId) {
  const [{ state }] = await requests.retrying(async () => descriptions(await requests.describeGroups([groupId])))
  if (state === 'Empty' || state === 'Dead') return
  throw new KafkaJSNonRetriableError(
    `The consumer group must have no running instances, current state: ${state}`,
  )
}

module.exports = { operations: { fetchOffsets, setOffsets, resetOffsets } }
