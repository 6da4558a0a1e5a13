'use strict'
/** The checks of what a program gives to a consumer. All throw KafkaJSNonRetriableError, in kafkajs's order. */
const { KafkaJSNonRetriableError } = require('../errors')
const { show } = require('./options')

const LAST_PARTITION = 2147483647

/** @param {string} message @returns {never} */
const fail = (message) => { throw new KafkaJSNonRetriableError(message) }

/** @param {any} topic */
function checkTopic(topic) {
  if (!topic) fail(`Invalid topic ${topic}`)
  if (typeof topic !== 'string') fail(`Invalid topic ${show(topic)} (${typeof topic}): a topic is a string`)
}

/** @param {any} partition */
function checkPartition(partition) {
  if (typeof partition !== 'number' || Number.isNaN(partition)) {
    fail(`Invalid partition, expected a number received ${typeof partition === 'object' ? show(partition) : partition}`)
  }
  // Beyond 32 bits it would be another partition in native code.
  if (!Number.isInteger(partition) || partition < 0 || partition > LAST_PARTITION) {
    fail(`Invalid partition ${partition}: a partition is 0, 1, 2 …`)
  }
}

/** @param {any} offset digits, a number or a bigint @returns {string} */
function checkOffset(offset) {
  const digits = typeof offset === 'string' || typeof offset === 'number' || typeof offset === 'bigint' ? String(offset) : ''
  if (!/^-?\d{1,19}$/.test(digits) || BigInt(digits) > 9223372036854775807n) {
    fail(`Invalid offset, expected a long received ${typeof offset === 'object' ? show(offset) : String(offset)}`)
  }
  return digits
}

/**
 * @param {any} offsets
 * @returns {{ topic: string, partition: number, offset: string, metadata?: string }[]}
 */
function readCommit(offsets) {
  if (!Array.isArray(offsets)) {
    fail(`Invalid offsets ${show(offsets)}: write commitOffsets([{ topic, partition, offset: '31004' }])`)
  }
  return offsets.map((/** @type {any} */ entry) => {
    if (typeof entry !== 'object' || entry === null) fail(`Invalid offsets: each must be { topic, partition, offset }, not ${show(entry)}`)
    const { topic, partition, offset, metadata = null } = entry
    checkTopic(topic)
    checkPartition(partition)
    const digits = checkOffset(offset)
    if (digits.startsWith('-')) fail('Offset must not be a negative number')
    if (metadata !== null && typeof metadata !== 'string') {
      fail(`Invalid offset metadata, expected string or null, received ${show(metadata)}`)
    }
    return metadata === null ? { topic, partition, offset: digits } : { topic, partition, offset: digits, metadata }
  })
}

/** @param {any} given @returns {{ topic: string, partition: number, offset: string }} */
function readSeek(given) {
  if (typeof given !== 'object' || given === null) {
    fail(`Invalid argument ${show(given)}: write seek({ topic: 't', partition: 0, offset: '31004' })`)
  }
  const { topic, partition, offset } = given
  checkTopic(topic)
  checkPartition(partition)
  const digits = checkOffset(offset)
  // -1 is the end, -2 the beginning.
  if (BigInt(digits) < -2n) fail('Offset must not be a negative number')
  return { topic, partition, offset: digits }
}

/** What pause and resume take. @param {any} given @returns {{ topic: string, partitions?: number[] }[]} */
function readTopicPartitions(given) {
  if (!Array.isArray(given)) fail(`Invalid argument ${show(given)}: write an array such as [{ topic: 't', partitions: [0] }]`)
  for (const entry of given) {
    if (!entry || !entry.topic) fail(`Invalid topic ${(entry && entry.topic) || entry}`)
    checkTopic(entry.topic)
    const { partitions } = entry
    if (partitions === undefined || partitions === null) continue
    if (!Array.isArray(partitions)) {
      fail(`Array of valid partitions required to pause specific partitions instead of ${show(partitions)}`)
    }
    for (const partition of partitions) {
      if (Number.isInteger(partition) && partition >= 0) continue
      fail(`Array of valid partitions required to pause specific partitions instead of [${show(partition)}]: a partition is 0, 1, 2 …`)
    }
  }
  return given
}

/** @param {any} given @returns {{ topics: (string | RegExp)[], fromBeginning: boolean }} */
function readSubscription(given) {
  const { topic, topics, fromBeginning = false } = given || {}
  if (!topic && !topics) fail('Missing required argument "topics"')
  if (topics !== undefined && topics !== null && !Array.isArray(topics)) fail('Argument "topics" must be an array')
  if (typeof fromBeginning !== 'boolean') fail(`Argument "fromBeginning" must be true or false, not ${show(fromBeginning)}`)
  const list = topics || [topic]
  for (const one of list) {
    if (typeof one !== 'string' && !(one instanceof RegExp) && Object.prototype.toString.call(one) !== '[object RegExp]') {
      fail(`Invalid topic ${one} (${typeof one}), the topic name has to be a String or a RegExp`)
    }
    if (one === '') fail('Invalid topic "": a topic name has at least one character')
  }
  return { topics: list, fromBeginning }
}

/** The options of run(), with kafkajs's defaults. @param {any} given */
function readRun(given = {}) {
  if (typeof given !== 'object' || given === null) {
    fail(`Invalid argument ${show(given)}: write run({ eachMessage: async ({ topic, partition, message }) => { … } })`)
  }
  const { autoCommit = true, eachBatchAutoResolve = true, partitionsConsumedConcurrently = 1 } = given
  const { eachMessage = null, eachBatch = null, autoCommitInterval = null, autoCommitThreshold = null } = given
  for (const [name, value] of Object.entries({ eachMessage, eachBatch })) {
    if (value !== null && typeof value !== 'function') fail(`run: "${name}" must be a function, not ${show(value)}`)
  }
  for (const [name, value] of Object.entries({ autoCommit, eachBatchAutoResolve })) {
    if (typeof value !== 'boolean') fail(`run: "${name}" must be true or false, not ${show(value)}`)
  }
  for (const [name, value] of Object.entries({ autoCommitInterval, autoCommitThreshold })) {
    if (value !== null && !(typeof value === 'number' && value > 0)) fail(`run: "${name}" must be a positive number, not ${show(value)}`)
  }
  if (!(typeof partitionsConsumedConcurrently === 'number' && partitionsConsumedConcurrently >= 1)) {
    fail(`run: "partitionsConsumedConcurrently" must be a number of at least 1, not ${show(partitionsConsumedConcurrently)}`)
  }
  return {
    autoCommit, autoCommitInterval, autoCommitThreshold, eachBatchAutoResolve, partitionsConsumedConcurrently, eachMessage, eachBatch,
  }
}

module.exports = { readCommit, readSeek, readTopicPartitions, readSubscription, readRun }
