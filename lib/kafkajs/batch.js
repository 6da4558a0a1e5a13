'use strict'
const { readMessage } = require('./message')
const { MESSAGE_WORDS } = require('../frame/layout')

/** What eachBatch receives: the messages of one partition that were at hand when its turn came. */
class Batch {
  /** @type {import('../frame/reader').Section[]} */
  #sections
  /** @type {import('./message').KafkaMessage[] | undefined} */
  #messages
  #high
  #first
  #last

  /**
   * @param {string} topic
   * @param {number} partition
   * @param {import('../frame/reader').Section[]} sections at least one, none empty
   */
  constructor(topic, partition, sections) {
    this.#sections = sections.map((section) => ({ ...section }))
    const { frame, at } = sections[0]
    const last = sections[sections.length - 1]
    this.#first = frame.offset(at)
    this.#last = last.frame.offset(last.end - MESSAGE_WORDS)
    // librdkafka's watermark is that of the last fetch response: it may be older than the messages.
    this.#high = Math.max(last.highWatermark, this.#last + 1)
    this.topic = topic
    this.partition = partition
    /** Offset of the first message, decimal digits. */
    this.fetchedOffset = String(this.#first)
    /** The end of the partition as the broker last said, decimal digits. */
    this.highWatermark = String(this.#high)
  }

  get messages() {
    if (this.#messages === undefined) {
      const messages = (this.#messages = /** @type {import('./message').KafkaMessage[]} */ ([]))
      for (const { frame, at, end } of this.#sections) {
        for (let word = at; word < end; word += MESSAGE_WORDS) messages.push(readMessage(frame, word))
      }
    }
    return this.#messages
  }

  /** librdkafka filters control records and aborted transactions before they get here, so these three are the same. */
  get rawMessages() { return this.messages }
  get messagesWithinOffset() { return this.messages }

  /** How many messages, without making them. */
  get size() {
    let size = 0
    for (const { at, end } of this.#sections) size += (end - at) / MESSAGE_WORDS
    return size
  }

  isEmpty() { return false }
  isEmptyIncludingFiltered() { return false }
  isEmptyDueToFiltering() { return false }
  isEmptyControlRecord() { return false }
  isEmptyDueToLogCompactedMessages() { return false }

  /** @returns {string | null} */
  firstOffset() { return String(this.#first) }
  /** @returns {string} */
  lastOffset() { return String(this.#last) }
  /** Messages between the last one of this batch and the end of the partition. */
  offsetLag() { return String(this.#high - 1 - this.#last) }
  /** Messages between the first one of this batch and the end of the partition. */
  offsetLagLow() { return String(this.#high - 1 - this.#first) }
}

module.exports = { Batch }
