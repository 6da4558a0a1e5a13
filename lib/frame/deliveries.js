'use strict'
/** Reads a deliveries frame: which sends are complete, and where their messages lie (drawing: `src/frame/mod.rs`). */
const layout = require('./layout')

const { DELIVERIES_MAGIC, DELIVERIES_HEADER_WORDS, DELIVERY_WORDS, DELIVERED_WORDS } = layout
const { magic: MAGIC, bytes: BYTES, sends: SENDS } = layout.DELIVERIES_HEADER
const { id: ID, error: ERROR, failed: FAILED, partitions: PARTITIONS } = layout.DELIVERY
const { partition: PARTITION, baseOffset: BASE_OFFSET, logAppendTime: LOG_APPEND_TIME } = layout.DELIVERED

const TWO_TO_32 = 4294967296

/**
 * @typedef {object} DeliveryVisitor
 * @property {(id: number, error: number, failed: number, partitions: number) => void} send a send is complete:
 * librdkafka's code of its first failure (0 none), how many messages failed, and how many `partition` calls follow
 * @property {(partition: number, baseOffset: string, logAppendTime: string) => void} partition the first offset written
 * to a partition, -1 unknown, and the broker's time in ms, -1 where the topic keeps the producer's
 */

/**
 * @param {Uint8Array} frame
 * @param {DeliveryVisitor} visitor
 */
function readDeliveries(frame, visitor) {
  // An external or copied buffer starts aligned; a slice of something larger need not.
  const aligned = frame.byteOffset % 4 === 0 ? frame : Uint8Array.from(frame)
  const words = new Int32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength >> 2)
  if (words.length < DELIVERIES_HEADER_WORDS || words[MAGIC] !== DELIVERIES_MAGIC || words[BYTES] > frame.byteLength) {
    throw new RangeError(
      'Not a deliveries frame: the native addon and the JavaScript of kafka-oxide are of different versions',
    )
  }
  let at = DELIVERIES_HEADER_WORDS
  for (let left = words[SENDS]; left > 0; left--) {
    const partitions = words[at + PARTITIONS]
    visitor.send(words[at + ID], words[at + ERROR], words[at + FAILED], partitions)
    at += DELIVERY_WORDS
    for (let i = 0; i < partitions; i++, at += DELIVERED_WORDS) {
      visitor.partition(
        words[at + PARTITION],
        offsetText(words[at + BASE_OFFSET], words[at + BASE_OFFSET + 1]),
        offsetText(words[at + LOG_APPEND_TIME], words[at + LOG_APPEND_TIME + 1]),
      )
    }
  }
}

/** @param {number} low @param {number} high @returns {string} */
function offsetText(low, high) {
  if (low === -1 && high === -1) return '-1'
  if (high >= 0 && high < 0x200000) return String(high * TWO_TO_32 + (low >>> 0))
  return String((BigInt(high) << 32n) | BigInt(low >>> 0))
}

module.exports = { readDeliveries, offsetText }
