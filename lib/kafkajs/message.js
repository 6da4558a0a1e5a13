'use strict'
const { MESSAGE } = require('../frame/layout')

/** librdkafka's timestamp type of a topic with `message.timestamp.type=LogAppendTime`. */
const LOG_APPEND_TIME = 2
/** Bit 3 of a record batch's attributes says that the broker set the timestamp. librdkafka does not tell the others. */
const APPEND_TIME_ATTRIBUTE = 8

/**
 * What librdkafka tells of a record batch, shared by the messages of one frame that differ in nothing of it. The fields
 * that it keeps for itself say "none".
 * @typedef {object} BatchContext
 * @property {string} firstOffset of the message that it was made for
 * @property {string} firstTimestamp
 * @property {number} partitionLeaderEpoch -1 when unknown
 * @property {boolean} inTransaction
 * @property {boolean} isControlBatch
 * @property {number} lastOffsetDelta
 * @property {string} producerId
 * @property {number} producerEpoch
 * @property {number} firstSequence
 * @property {string} maxTimestamp
 * @property {number} timestampType 0: of the producer, 1: of the broker
 * @property {number} magicByte
 */

/**
 * @typedef {object} KafkaMessage
 * @property {number} magicByte 2
 * @property {number} attributes
 * @property {string} timestamp ms since 1970, decimal digits; `-1` for none
 * @property {string} offset position in the partition, decimal digits
 * @property {Buffer | null} key
 * @property {Buffer | null} value null is a tombstone
 * @property {Record<string, any>} headers Buffers; an array where a name occurs more than once
 * @property {boolean} isControlRecord
 * @property {BatchContext} batchContext
 */

/**
 * A consumed message: a plain object with kafkajs's properties in its order, so that programs may spread, compare, serialise
 * and change it. `key`, `value` and header values are views of the frame that it came in; keeping one keeps the whole frame
 * (about 256 KiB) in memory, so copy (`Buffer.from(value)`) what outlives the handler by far.
 * @param {import('../frame/reader').ConsumeFrame} frame
 * @param {number} at word of the descriptor
 * @returns {KafkaMessage}
 */
function readMessage(frame, at) {
  const timestamp = frame.timestamp(at)
  const offset = frame.offsetText(at)
  const { words } = frame
  const appended = words[at + MESSAGE.timestampType] === LOG_APPEND_TIME
  return {
    magicByte: 2,
    attributes: appended ? APPEND_TIME_ATTRIBUTE : 0,
    timestamp,
    offset,
    key: frame.key(at),
    value: frame.value(at),
    headers: words[at + MESSAGE.headers] === 0 ? {} : frame.headers(at),
    isControlRecord: false,
    batchContext: contextOf(frame, words[at + MESSAGE.leaderEpoch], timestamp, offset, appended),
  }
}

/**
 * @param {import('../frame/reader').ConsumeFrame} frame
 * @param {number} leaderEpoch @param {string} timestamp @param {string} offset @param {boolean} appended
 * @returns {BatchContext}
 */
function contextOf(frame, leaderEpoch, timestamp, offset, appended) {
  const known = frame.context
  if (
    known !== undefined &&
    known.maxTimestamp === timestamp &&
    known.partitionLeaderEpoch === leaderEpoch &&
    (known.timestampType === 1) === appended
  ) {
    return known
  }
  return (frame.context = {
    firstOffset: offset,
    firstTimestamp: timestamp,
    partitionLeaderEpoch: leaderEpoch,
    inTransaction: false,
    isControlBatch: false,
    lastOffsetDelta: 0,
    producerId: '-1',
    producerEpoch: -1,
    firstSequence: -1,
    maxTimestamp: timestamp,
    timestampType: appended ? 1 : 0,
    magicByte: 2,
  })
}

module.exports = { readMessage }
