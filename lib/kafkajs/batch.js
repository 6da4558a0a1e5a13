'use strict'
const { readMessage } = require('./message')
const { MESSAGE_WORDS } = require('../frame/layout')

/** @typedef {import('../frame/reader').Section} Section */

/**
 * Offsets and lags of a run of messages of one partition.
 * @param {Section[]} sections in order, at least one, none empty
 */
function offsetsOf(sections) {
  const first = sections[0].frame.offset(sections[0].at)
  const { frame, end, next, highWatermark } = sections[sections.length - 1]
  const lastMessage = frame.offset(end - MESSAGE_WORDS)
  // Control records and aborted messages up to the end of the partition are done with, too.
  const last = Math.max(lastMessage, next - 1)
  // librdkafka's watermark is that of the last fetch response: it may be older than the messages.
  const high = Math.max(highWatermark, last + 1)
  return { first, lastMessage, last, high }
}

/**
 * What START_BATCH_PROCESS tells.
 * @param {string} topic @param {number} partition @param {Section[]} sections
 */
function batchSummary(topic, partition, sections) {
  const { first, last, high } = offsetsOf(sections)
  let batchSize = 0
  for (const { at, end } of sections) batchSize += (end - at) / MESSAGE_WORDS
  return {
    topic,
    partition,
    highWatermark: String(high),
    offsetLag: String(high - 1 - last),
    offsetLagLow: String(high - 1 - first),
    batchSize,
    firstOffset: String(first),
    lastOffset: String(last),
  }
}

/** What eachBatch receives: the messages of one partition that were at hand when its turn came. */
class Batch {
  #high
  #first
  #last

  /**
   * @param {string} topic
   * @param {number} partition
   * @param {Section[]} sections in order, at least one, none empty
   */
  constructor(topic, partition, sections) {
    const { first, last, high } = offsetsOf(sections)
    this.#first = first
    this.#last = last
    this.#high = high
    /** @type {import('./message').KafkaMessage[]} */
    const messages = []
    for (const { frame, at, end } of sections) {
      for (let word = at; word < end; word += MESSAGE_WORDS) messages.push(readMessage(frame, word))
    }
    /** Offset of the first message, decimal digits. */
    this.fetchedOffset = String(first)
    this.topic = topic
    this.partition = partition
    /** The end of the partition as the broker last said, decimal digits. */
    this.highWatermark = String(high)
    // librdkafka filters control records and aborted transactions before they get here, so these three are the same.
    this.rawMessages = messages
    this.messagesWithinOffset = messages
    this.messages = messages
  }

  isEmpty() { return this.messages.length === 0 }
  isEmptyIncludingFiltered() { return this.messagesWithinOffset.length === 0 }
  isEmptyDueToFiltering() { return false }
  isEmptyControlRecord() { return false }
  isEmptyDueToLogCompactedMessages() { return false }

  /** @returns {string | null} */
  firstOffset() { return String(this.#first) }
  /** Of the last message, or of the last control record after it. @returns {string} */
  lastOffset() { return String(this.#last) }
  /** Messages between the last one of this batch and the end of the partition. */
  offsetLag() { return String(this.#high - 1 - this.#last) }
  /** Messages between the first one of this batch and the end of the partition. */
  offsetLagLow() { return String(this.#high - 1 - this.#first) }
}

module.exports = { Batch, batchSummary, offsetsOf }
