'use strict'
const { inspect } = require('node:util')
const { MESSAGE } = require('../frame/layout')

/** The fields of a message, in kafkajs's order. */
const FIELDS = /** @type {const} */ ([
  'magicByte', 'attributes', 'timestamp', 'offset', 'key', 'value', 'headers', 'isControlRecord', 'batchContext',
])

/**
 * A consumed message. Its fields are made when they are read, from the frame that it came in: a field nobody reads costs
 * nothing. `key`, `value` and header values are views of that frame; keeping one keeps the whole frame (about 256 KiB) in
 * memory, so copy (`Buffer.from(value)`) what outlives the handler by far. Every field can be assigned.
 */
class KafkaMessage {
  #frame
  #at
  /** @type {Buffer | null | undefined} */
  #key
  /** @type {Buffer | null | undefined} */
  #value
  /** @type {Record<string, any> | undefined} */
  #headers

  /** @param {import('../frame/reader').ConsumeFrame} frame @param {number} at word of the descriptor */
  constructor(frame, at) {
    this.#frame = frame
    this.#at = at
  }

  /** Position in the partition, decimal digits. */
  get offset() { return this.#frame.digits(this.#at) }
  /** Milliseconds since 1970, decimal digits; `-1` for none. */
  get timestamp() { return this.#frame.digits(this.#at + MESSAGE.timestamp) }
  /** @returns {Buffer | null} */
  get key() {
    if (this.#key === undefined) this.#key = this.#frame.key(this.#at)
    return this.#key
  }

  /** @returns {Buffer | null} null is a tombstone */
  get value() {
    if (this.#value === undefined) this.#value = this.#frame.value(this.#at)
    return this.#value
  }

  /** Values are Buffers; an array where a name occurs more than once. */
  get headers() {
    if (this.#headers === undefined) this.#headers = this.#frame.headers(this.#at)
    return this.#headers
  }

  /** Bit 3 says that the broker set the timestamp. librdkafka does not tell the others. */
  get attributes() { return this.#frame.words[this.#at + MESSAGE.timestampType] === 2 ? 8 : 0 }
  get magicByte() { return 2 }
  get isControlRecord() { return false }
  /** What is known of the record batch. */
  get batchContext() {
    const timestampType = this.#frame.words[this.#at + MESSAGE.timestampType] === 2 ? 1 : 0
    return {
      firstOffset: this.offset,
      firstTimestamp: this.timestamp,
      partitionLeaderEpoch: this.#frame.words[this.#at + MESSAGE.leaderEpoch],
      inTransaction: false,
      isControlBatch: false,
      lastOffsetDelta: 0,
      producerId: '-1',
      producerEpoch: -1,
      firstSequence: -1,
      maxTimestamp: this.timestamp,
      timestampType,
      magicByte: 2,
    }
  }

  /** The fields as a plain object. */
  toJSON() {
    /** @type {Record<string, any>} */
    const plain = {}
    for (const field of FIELDS) plain[field] = /** @type {any} */ (this)[field]
    return { ...plain, ...this }
  }

  /** @param {number} depth @param {any} options */
  [inspect.custom](depth, options) {
    return inspect(this.toJSON(), options)
  }
}

// A program may put its own value in place of a field (NestJS does): it then is an ordinary property of that message.
for (const field of FIELDS) {
  const accessor = /** @type {PropertyDescriptor} */ (Object.getOwnPropertyDescriptor(KafkaMessage.prototype, field))
  Object.defineProperty(KafkaMessage.prototype, field, {
    ...accessor,
    enumerable: true,
    set(value) {
      Object.defineProperty(this, field, { value, writable: true, enumerable: true, configurable: true })
    },
  })
}

module.exports = { KafkaMessage }
