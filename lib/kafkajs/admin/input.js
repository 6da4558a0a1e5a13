'use strict'
/** The checks of what a program gives to an admin client. All throw KafkaJSNonRetriableError, in kafkajs's order. */
const { KafkaJSNonRetriableError } = require('../../errors')

/** @param {string} message @returns {never} */
const fail = (message) => {
  throw new KafkaJSNonRetriableError(message)
}

/** A value in a sentence, as JSON and not longer than a sentence. @param {any} value @returns {string} */
function show(value) {
  /** @type {string | undefined} */
  let text
  try {
    text = JSON.stringify(value)
  } catch {
    // A bigint or a circle.
  }
  text = text === undefined ? String(value) : text
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}

/** The same with a string as it is, as kafkajs writes it. @param {any} value */
const said = (value) => (typeof value === 'string' ? value : show(value))

/** kafkajs's default of the requests that take a `timeout`, ms. */
const REQUEST_TIMEOUT = 5000
const LARGEST_INT32 = 2147483647

/** @param {any} topic @param {string} [prefix] */
function checkTopic(topic, prefix = 'Invalid topic') {
  if (typeof topic !== 'string' || topic === '') {
    fail(`${prefix} ${said(topic)}: the name of a topic is a string that is not empty`)
  }
}

/** @param {any} groupId */
function checkGroupId(groupId) {
  if (typeof groupId !== 'string' || groupId === '') {
    fail(`Invalid groupId ${said(groupId)}: the id of a group is a string that is not empty`)
  }
}

/** @param {any} timeout @returns {number} ms */
function checkTimeout(timeout) {
  if (timeout === undefined || timeout === null) return REQUEST_TIMEOUT
  if (typeof timeout !== 'number' || !(timeout > 0)) {
    fail(`Invalid timeout ${said(timeout)}: write milliseconds, e.g. timeout: 5000`)
  }
  return Math.min(Math.ceil(timeout), LARGEST_INT32)
}

/**
 * An array of objects with a `topic`, each topic once.
 * @param {any} entries @param {string} what `topics array` @param {string} example
 */
function checkTopicEntries(entries, what, example) {
  if (!Array.isArray(entries)) fail(`Invalid ${what} ${said(entries)}: write ${example}`)
  const names = new Set()
  for (const entry of entries) {
    const topic = typeof entry === 'object' && entry !== null ? entry.topic : undefined
    if (typeof topic !== 'string' || topic === '') {
      fail(`Invalid ${what}, the topic names have to be a valid string: write ${example}, not ${show(entry)}`)
    }
    if (names.has(topic)) fail(`Invalid ${what}, it cannot have multiple entries for the same topic: "${topic}"`)
    names.add(topic)
  }
}

/** @param {any} topics */
function checkNewTopics(topics) {
  checkTopicEntries(topics, 'topics array', "createTopics({ topics: [{ topic: 'name' }] })")
  for (const { topic, numPartitions, replicationFactor, configEntries, replicaAssignment } of topics) {
    for (const [name, value] of [
      ['numPartitions', numPartitions],
      ['replicationFactor', replicationFactor],
    ]) {
      if (value === undefined || value === null) continue
      if (!(Number.isInteger(value) && (value === -1 || value > 0) && value <= LARGEST_INT32)) {
        fail(
          `Invalid ${name} for topic "${topic}": ` +
            `${show(value)} is neither a whole number from 1 nor -1 (the broker's default)`,
        )
      }
    }
    checkConfigEntries(topic, configEntries)
    checkReplicaAssignment(topic, replicaAssignment)
  }
}

/** @param {string} topic @param {any} entries */
function checkConfigEntries(topic, entries) {
  if (entries === undefined || entries === null) return
  if (!Array.isArray(entries)) {
    fail(`Invalid configEntries for topic "${topic}", must be an array of { name, value }, not ${show(entries)}`)
  }
  entries.forEach((entry, index) => {
    if (typeof entry !== 'object' || entry === null) {
      fail(`Invalid configEntries for topic "${topic}". Entry ${index} must be an object { name, value }`)
    }
    for (const key of ['name', 'value']) {
      if (typeof entry[key] !== 'string') {
        fail(
          `Invalid configEntries for topic "${topic}". Entry ${index} must have a valid "${key}" property, ` +
            "a string as in { name: 'cleanup.policy', value: 'compact' }",
        )
      }
    }
  })
}

/** @param {any} ids */
const areBrokers = (ids) => Array.isArray(ids) && ids.every((id) => Number.isInteger(id) && id >= 0)

/** @param {string} topic @param {any} assignment */
function checkReplicaAssignment(topic, assignment) {
  if (assignment === undefined || assignment === null) return
  const good =
    Array.isArray(assignment) &&
    assignment.every(
      (entry) =>
        typeof entry === 'object' && entry !== null && Number.isInteger(entry.partition) && areBrokers(entry.replicas),
    )
  /** @type {number[]} */
  const partitions = good ? assignment.map((/** @type {any} */ entry) => entry.partition) : []
  if (
    !good ||
    new Set(partitions).size < partitions.length ||
    partitions.some((partition) => !(partition >= 0 && partition < partitions.length))
  ) {
    fail(
      `Invalid replicaAssignment for topic "${topic}": ` +
        'write [{ partition: 0, replicas: [1, 2] }, …] with every partition from 0 once',
    )
  }
}

/** @param {any} entries */
function checkNewPartitions(entries) {
  const example = "createPartitions({ topicPartitions: [{ topic: 'name', count: 6 }] })"
  if (Array.isArray(entries) && entries.length === 0) fail(`Empty topic partitions array: write ${example}`)
  checkTopicEntries(entries, 'topic partitions array', example)
  for (const { topic, count, assignments } of entries) {
    if (!(Number.isInteger(count) && count > 0 && count <= LARGEST_INT32)) {
      fail(`Invalid count for topic "${topic}": ${show(count)} is no whole number from 1, how many there are to be`)
    }
    if (assignments === undefined || assignments === null) continue
    if (!Array.isArray(assignments) || !assignments.every(areBrokers)) {
      fail(`Invalid assignments for topic "${topic}": write the brokers of each new partition, e.g. [[1, 2], [2, 3]]`)
    }
  }
}

/**
 * What describeConfigs and alterConfigs take.
 * @param {any} resources @param {Record<string, number>} types @param {'configNames' | 'configEntries'} list
 */
function checkResources(resources, types, list) {
  if (!Array.isArray(resources)) {
    fail(`Invalid resources array ${said(resources)}: write resources: [{ type: ConfigResourceTypes.TOPIC, name: 'x' }]`)
  }
  if (resources.length === 0) fail('Resources array cannot be empty')
  const known = Object.values(types)
  for (const resource of resources) {
    if (typeof resource !== 'object' || resource === null) fail(`Invalid resource type undefined: ${show(resource)}`)
    if (!known.includes(resource.type)) {
      fail(`Invalid resource type ${said(resource.type)}: ${show(resource)}: write one of ConfigResourceTypes`)
    }
  }
  for (const resource of resources) {
    if (typeof resource.name !== 'string' || resource.name === '') {
      fail(`Invalid resource name ${said(resource.name)}: ${show(resource)}: write a topic's name or a broker's id, a string`)
    }
  }
  for (const resource of resources) {
    const entries = resource[list]
    if (list === 'configNames' && (entries === undefined || entries === null)) continue
    if (!Array.isArray(entries)) fail(`Invalid resource ${list} ${said(entries)}: ${show(resource)}`)
    if (list === 'configNames') continue
    for (const entry of entries) {
      if (!entry || typeof entry.name !== 'string' || typeof entry.value !== 'string') {
        fail(`Invalid resource config value: ${show(resource)}: name and value of an entry are strings`)
      }
    }
  }
}

module.exports = {
  REQUEST_TIMEOUT,
  fail,
  said,
  show,
  checkTopic,
  checkGroupId,
  checkTimeout,
  checkNewTopics,
  checkNewPartitions,
  checkResources,
}
