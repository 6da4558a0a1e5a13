'use strict'
/** Topics: making, deleting, describing. Each function is the admin client's method of that name. */
const {
  fromNative,
  protocolErrorData,
  KafkaJSAggregateError,
  KafkaJSCreateTopicError,
  KafkaJSNotImplemented,
  KafkaJSTimeout,
} = require('../../errors')
const { checkNewPartitions, checkNewTopics, checkTimeout, checkTopic, fail, said, REQUEST_TIMEOUT } = require('./input')
const { throwFirst } = require('./requests')

/** @typedef {import('./requests').Requests} Requests */

/** Between two looks at whether new topics have leaders, ms. */
const POLL_INTERVAL = 100
/** Between attempts to find a topic that may be new, ms. */
const NEW_TOPIC_WAITS = [100, 200, 400]

/** The names of all topics, internal ones included. @param {Requests} requests @returns {Promise<string[]>} */
async function listTopics(requests) {
  const { topics } = await requests.metadata(null)
  return topics.map(({ name }) => name)
}

/**
 * Creates topics. True when they were made, false when each of them existed already; otherwise rejects with
 * KafkaJSAggregateError, whose `errors` are KafkaJSCreateTopicErrors.
 * @param {Requests} requests
 * @param {{ topics: any[], validateOnly?: boolean, timeout?: number, waitForLeaders?: boolean }} request
 * `timeout` in ms (5000), for the request and then for the leaders
 * @returns {Promise<boolean>}
 */
async function createTopics(requests, request) {
  const { topics, validateOnly = false, timeout, waitForLeaders = true } = request || {}
  checkNewTopics(topics)
  const timeoutMs = checkTimeout(timeout)
  if (topics.length === 0) return true
  const wanted = topics.map(newTopic)
  return requests.toController('Topics could not be created', async () => {
    const fields = { topics: wanted, validateOnly: Boolean(validateOnly) }
    const results = await requests.send('createTopics', fields, timeoutMs)
    const errors = results.filter((/** @type {any} */ { error }) => error).sort(byTopic).map(createTopicError)
    if (errors.length > 0) {
      const moved = errors.find((/** @type {any} */ { type }) => type === 'NOT_CONTROLLER')
      if (moved) throw moved
      if (errors.every((/** @type {any} */ { type }) => type === 'TOPIC_ALREADY_EXISTS')) return false
      throw new KafkaJSAggregateError('Topic creation errors', errors)
    }
    if (waitForLeaders && !validateOnly) {
      const names = wanted.map(({ topic }) => topic)
      await leadersOf(requests, names, Math.max(timeoutMs, REQUEST_TIMEOUT))
    }
    return true
  })
}

/**
 * Until each topic is known to a broker and has a leader for each partition. Under KRaft a broker hears of a new topic
 * a little after the controller made it: "unknown" is then an answer like "no leader yet".
 * @param {Requests} requests @param {string[]} topics @param {number} timeoutMs
 */
async function leadersOf(requests, topics, timeoutMs) {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const answer = await requests.metadata(topics, Math.max(1000, deadline - Date.now()))
    const ready = new Set(
      answer.topics
        .filter(
          ({ error, partitions }) => !error && partitions.length > 0 && partitions.every(({ leader }) => leader >= 0),
        )
        .map(({ name }) => name),
    )
    const waiting = topics.filter((topic) => !ready.has(topic))
    if (waiting.length === 0) return
    if (Date.now() >= deadline) {
      throw new KafkaJSTimeout(`Timed out while waiting for topic leaders: ${waiting.join(', ')} (${timeoutMs} ms)`)
    }
    await sleep(POLL_INTERVAL)
  }
}

/**
 * Adds partitions, so that a topic has `count` of them. Rejects with the first failure, by topic.
 * @param {Requests} requests
 * @param {{ topicPartitions: any[], validateOnly?: boolean, timeout?: number }} request `assignments`: the brokers of each
 * new partition; `timeout` in ms (5000)
 * @returns {Promise<any>} nothing, as in kafkajs, although its types say a boolean
 */
async function createPartitions(requests, request) {
  const { topicPartitions, validateOnly = false, timeout } = request || {}
  checkNewPartitions(topicPartitions)
  const timeoutMs = checkTimeout(timeout)
  const topics = topicPartitions.map(({ topic, count, assignments }) => ({ topic, count, assignments: assignments || [] }))
  await requests.toController('Partitions could not be created', async () => {
    const fields = { topics, validateOnly: Boolean(validateOnly) }
    const results = await requests.send('createPartitions', fields, timeoutMs)
    throwFirst(results.sort(byTopic))
  })
}

/**
 * Deletes topics. A topic that is not known is asked for again as `retry` says (it may be new), then rejects.
 * @param {Requests} requests
 * @param {{ topics: string[], timeout?: number }} request `timeout` in ms (5000)
 * @returns {Promise<void>}
 */
async function deleteTopics(requests, request) {
  const { topics, timeout } = request || {}
  if (!Array.isArray(topics)) fail(`Invalid topics array ${said(topics)}: write deleteTopics({ topics: ['name'] })`)
  for (const topic of topics) {
    if (typeof topic !== 'string' || topic === '') {
      fail(`Invalid topics array, the names must be a valid string, not ${said(topic) || "''"}`)
    }
  }
  const timeoutMs = checkTimeout(timeout)
  let left = [...new Set(topics)]
  await requests.retryingOn(
    (type) => type === 'NOT_CONTROLLER' || type === 'UNKNOWN_TOPIC_OR_PARTITION',
    async () => {
      if (left.length === 0) return
      try {
        const results = await requests.send('deleteTopics', { topics: left }, timeoutMs)
        const failed = results.filter((/** @type {any} */ { error }) => error).sort(byTopic)
        left = failed.map((/** @type {any} */ { topic }) => topic)
        throwFirst(failed)
      } catch (/** @type {any} */ error) {
        const { message, type } = error
        if (type === 'REQUEST_TIMED_OUT') {
          const hint = 'the brokers may have delete.topic.enable=false, or need a longer timeout'
          requests.logger.error(`Topics could not be deleted: ${hint}`, { topics: left, error: message })
        } else requests.logger.warn('Topics could not be deleted', { topics: left, error: message })
        throw error
      }
    },
  )
}

/**
 * The partitions of topics, or of all topics when none are named. Rejects when one of them does not exist.
 * @param {Requests} requests
 * @param {{ topics?: string[] | null }} [request]
 * @returns {Promise<{ topics: { name: string, partitions: import('../partitioners').PartitionMetadata[] }[] }>}
 */
async function fetchTopicMetadata(requests, request) {
  const topics = (request && request.topics) ?? []
  if (!Array.isArray(topics)) {
    fail(`Invalid topics array ${said(topics)}: write fetchTopicMetadata({ topics: ['name'] })`)
  }
  for (const topic of topics) checkTopic(topic)
  const answer = await requests.metadata(topics.length > 0 ? [...new Set(topics)] : null)
  for (const { name, error } of answer.topics) if (error) throw fromNative(error, { topic: name })
  return {
    topics: answer.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ id, leader, replicas, isrs, error }) => ({
        partitionErrorCode: error ? error.code : 0,
        partitionId: id,
        leader,
        replicas,
        isr: isrs,
        offlineReplicas: [],
      })),
    })),
  }
}

/**
 * As fetchTopicMetadata(), for topics that should be there: under KRaft one broker hears of a new topic later than another, so
 * that "unknown" is believed only after a while.
 * @param {Requests} requests @param {string[]} topics
 */
async function knownTopics(requests, topics) {
  for (const wait of NEW_TOPIC_WAITS) {
    try {
      return await fetchTopicMetadata(requests, { topics })
    } catch (/** @type {any} */ error) {
      if (error.type !== 'UNKNOWN_TOPIC_OR_PARTITION' && error.type !== 'LEADER_NOT_AVAILABLE') throw error
    }
    await sleep(wait)
  }
  return fetchTopicMetadata(requests, { topics })
}

/** @param {number} ms @returns {Promise<void>} */
function sleep(ms) {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

/** librdkafka 2.12 has no request for either (rdkafka_admin.c), so that a client of the protocol has to be ours. */
const REASSIGNMENTS = 'is not implemented: librdkafka has no such request. Use kafka-reassign-partitions.sh until then'

/** @returns {Promise<any>} */
async function alterPartitionReassignments() {
  throw new KafkaJSNotImplemented(`admin.alterPartitionReassignments() ${REASSIGNMENTS}`)
}

/** @returns {Promise<any>} */
async function listPartitionReassignments() {
  throw new KafkaJSNotImplemented(`admin.listPartitionReassignments() ${REASSIGNMENTS}`)
}

/** @param {any} entry as kafkajs has it @returns {any} as the native side takes it */
function newTopic({ topic, numPartitions, replicationFactor, replicaAssignment, configEntries }) {
  const assigned =
    replicaAssignment && replicaAssignment.length > 0
      ? [...replicaAssignment].sort((a, b) => a.partition - b.partition).map(({ replicas }) => replicas)
      : undefined
  return {
    topic,
    numPartitions: assigned ? assigned.length : (numPartitions ?? -1),
    replicationFactor: assigned ? -1 : (replicationFactor ?? -1),
    ...(assigned ? { replicaAssignment: assigned } : {}),
    config: (configEntries || []).map((/** @type {any} */ { name, value }) => [name, value]),
  }
}

/** @param {{ topic: string }} a @param {{ topic: string }} b */
const byTopic = (a, b) => a.topic.localeCompare(b.topic)

/** @param {{ topic: string, error: any }} result */
function createTopicError({ topic, error }) {
  const { code, name, message } = error
  return new KafkaJSCreateTopicError(protocolErrorData(code, message, name), topic, { librdkafka: { code, name } })
}

module.exports = {
  operations: {
    listTopics,
    createTopics,
    createPartitions,
    deleteTopics,
    fetchTopicMetadata,
    alterPartitionReassignments,
    listPartitionReassignments,
  },
  fetchTopicMetadata,
  knownTopics,
}
