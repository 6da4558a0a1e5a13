'use strict'
/** Where the logs of topics begin and end, and deleting their beginnings. */
const { fromNative, KafkaJSBrokerNotFound, KafkaJSDeleteTopicRecordsError } = require('../../errors')
const { readSeek } = require('../consumer-input')
const { checkTopic, fail, said, REQUEST_TIMEOUT } = require('./input')
const { throwFirst } = require('./requests')
const { fetchTopicMetadata } = require('./topics')

/** @typedef {import('./requests').Requests} Requests */

/** Timestamps that ListOffsets takes for an end of the log; kafkajs has them as offsets too. */
const LATEST = '-1'
const EARLIEST = '-2'
/** A leader on the move will be found again, and a topic that is unknown may be new. */
const OFTEN_PASSING = new Set(['LEADER_NOT_AVAILABLE', 'NOT_LEADER_FOR_PARTITION', 'UNKNOWN_TOPIC_OR_PARTITION'])

/**
 * Where the log of each partition ends: `low` its first offset, `high` (= `offset`) the next one to be written.
 * @param {Requests} requests
 * @param {string} topic
 * @returns {Promise<{ partition: number, offset: string, high: string, low: string }[]>}
 */
async function fetchTopicOffsets(requests, topic) {
  checkTopic(topic)
  const [high, low] = await offsetsOf(requests, topic, [LATEST, EARLIEST])
  return high.map((end, i) => ({ partition: end.partition, offset: end.offset, high: end.offset, low: low[i].offset }))
}

/**
 * The first offset of each partition whose message is not older; where there is none, the next to be written.
 * @param {Requests} requests
 * @param {string} topic
 * @param {number} [timestamp] ms since the epoch; without it the next offset to be written
 * @returns {Promise<{ partition: number, offset: string }[]>}
 */
async function fetchTopicOffsetsByTimestamp(requests, topic, timestamp) {
  checkTopic(topic)
  const asked = timestamp ?? LATEST
  if (!/^-?\d{1,18}$/.test(String(asked))) {
    fail(`Invalid timestamp ${said(timestamp)}: write milliseconds since 1970, e.g. Date.now() - 60000`)
  }
  const [found, high] = await offsetsOf(requests, topic, [String(asked), LATEST])
  return found.map(({ partition, offset }, i) => ({ partition, offset: offset.startsWith('-') ? high[i].offset : offset }))
}

/**
 * The offsets of all partitions at each of these times, by partition.
 * @param {Requests} requests @param {string} topic @param {string[]} timestamps
 * @returns {Promise<{ partition: number, offset: string }[][]>}
 */
async function offsetsOf(requests, topic, timestamps) {
  return requests.retryingOn(
    (type) => OFTEN_PASSING.has(type),
    async () => {
      const [{ partitions }] = (await fetchTopicMetadata(requests, { topics: [topic] })).topics
      return Promise.all(
        timestamps.map(async (timestamp) => {
          const asked = partitions.map(({ partitionId }) => ({ topic, partition: partitionId, timestamp }))
          const results = await requests.send('listOffsets', { partitions: asked })
          throwFirst(results, ({ partition }) => ({ topic, partition }))
          return results
            .map((/** @type {any} */ { partition, offset }) => ({ partition, offset }))
            .sort((/** @type {any} */ a, /** @type {any} */ b) => a.partition - b.partition)
        }),
      )
    },
  )
}

/**
 * Deletes the records before these offsets. Rejects with a KafkaJSDeleteTopicRecordsError when a partition has no leader,
 * before anything is deleted; what brokers refuse is in the `cause`, a KafkaJSDeleteTopicRecordsError with the partitions
 * that failed. The others are deleted.
 * @param {Requests} requests
 * @param {{ topic: string, partitions: { partition: number, offset: string }[] }} request offset '-1': all
 * @returns {Promise<void>}
 */
async function deleteTopicRecords(requests, request) {
  const { topic, partitions } = request || {}
  if (typeof topic !== 'string' || topic === '') fail(`Invalid topic "${said(topic)}": it is a string that is not empty`)
  if (!Array.isArray(partitions) || partitions.length === 0) {
    fail(`Invalid partitions ${said(partitions)}: write partitions: [{ partition: 0, offset: '31004' }]`)
  }
  let left = partitions.map((entry) => {
    const { partition, offset } = readSeek(typeof entry === 'object' && entry !== null ? { ...entry, topic } : entry)
    if (offset === EARLIEST) fail('Invalid offset -2: write an offset, or -1 for all records')
    return { topic, partition, offset }
  })
  await checkLeaders(requests, topic, left)
  const lows = new Map((await fetchTopicOffsets(requests, topic)).map(({ partition, low }) => [partition, low]))
  for (const { partition, offset } of left) {
    const low = lows.get(partition)
    if (offset === LATEST || low === undefined || BigInt(offset) >= BigInt(low)) continue
    requests.logger.warn('The partition begins after the requested offset: none of its records will be deleted', {
      topic,
      partition,
      offset,
      low,
    })
  }
  await requests.retrying(async () => {
    const results = await requests.send('deleteRecords', { partitions: left }, REQUEST_TIMEOUT)
    const offsets = new Map(left.map(({ partition, offset }) => [partition, offset]))
    /** @type {any[]} */
    const failed = results
      .filter((/** @type {any} */ { error }) => error)
      .map((/** @type {any} */ { partition, error }) => ({
        partition,
        offset: offsets.get(partition),
        error: fromNative(error),
      }))
    left = failed.map(({ partition, offset }) => ({ topic, partition, offset }))
    if (failed.length > 0) throw new KafkaJSDeleteTopicRecordsError({ partitions: failed })
  })
}

/**
 * @param {Requests} requests @param {string} topic @param {{ partition: number, offset: string }[]} entries
 */
async function checkLeaders(requests, topic, entries) {
  const known = await requests.retryingOn(
    (type) => type === 'UNKNOWN_TOPIC_OR_PARTITION',
    async () => (await fetchTopicMetadata(requests, { topics: [topic] })).topics[0].partitions,
  )
  const led = new Set(known.filter(({ leader }) => leader >= 0).map(({ partitionId }) => partitionId))
  const failed = entries
    .filter(({ partition }) => !led.has(partition))
    .map(({ partition, offset }) => ({
      partition,
      offset,
      error: new KafkaJSBrokerNotFound('Could not find the leader for the partition', { retriable: false }),
    }))
  if (failed.length > 0) throw new KafkaJSDeleteTopicRecordsError({ partitions: failed })
}

module.exports = {
  operations: { fetchTopicOffsets, fetchTopicOffsetsByTimestamp, deleteTopicRecords },
  offsetsOf,
  LATEST,
  EARLIEST,
}
