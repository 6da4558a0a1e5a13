'use strict'
/** Reads a deliveries frame: which sends are complete, and where their messages lie (drawing: `src/frame/mod.rs`). */
const layout = require('./layout')

const { DELIVERIES_HEADER_WORDS, DELIVERY_WORDS, DELIVERED_WORDS } = layout
const { sends: SENDS } = layout.DELIVERIES_HEADER
const { id: ID, error: ERROR, partitions: PARTITIONS } = layout.DELIVERY
const { topic: TOPIC, partition: PARTITION, baseOffset: BASE_OFFSET, logAppendTime: LOG_APPEND_TIME } = layout.DELIVERED

const TWO_TO_32 = 4294967296

/** @typedef {import('../kafkajs/pending-sends').RecordMetadata} RecordMetadata */

/**
 * @param {Int32Array} words
 * @param {string[]} topics names by id
 * @param {(id: number, error: number, results: RecordMetadata[]) => void} settle a send is complete: librdkafka's code of
 * its first failure (0 none), and one result for each partition that took messages
 */
function readDeliveries(words, topics, settle) {
  let at = DELIVERIES_HEADER_WORDS
  for (let left = words[SENDS]; left > 0; left--) {
    const id = words[at + ID]
    const error = words[at + ERROR]
    let partitions = words[at + PARTITIONS]
    at += DELIVERY_WORDS
    /** @type {RecordMetadata[]} */
    const results = []
    for (; partitions > 0; partitions--, at += DELIVERED_WORDS) {
      results.push({
        topicName: topics[words[at + TOPIC]],
        partition: words[at + PARTITION],
        errorCode: 0,
        baseOffset: offsetText(words[at + BASE_OFFSET], words[at + BASE_OFFSET + 1]),
        logAppendTime: offsetText(words[at + LOG_APPEND_TIME], words[at + LOG_APPEND_TIME + 1]),
        logStartOffset: '0',
      })
    }
    settle(id, error, results)
  }
}

/** @param {number} low @param {number} high @returns {string} */
function offsetText(low, high) {
  if (low === -1 && high === -1) return '-1'
  if (high >= 0 && high < 0x200000) return String(high * TWO_TO_32 + (low >>> 0))
  return String((BigInt(high) << 32n) | BigInt(low >>> 0))
}

module.exports = { readDeliveries, offsetText }
