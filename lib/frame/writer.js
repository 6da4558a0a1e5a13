'use strict'
/**
 * Packs the messages of many sends into one produce frame (drawing: `src/frame/mod.rs`). This is the hot path of
 * producing.
 */
const { types } = require('node:util')
const { KafkaJSNonRetriableError } = require('../errors')
const layout = require('./layout')
const input = require('./message-input')

const HEADER_BYTES = layout.PRODUCE_HEADER_WORDS * 4
const SEND_BYTES = layout.SEND_WORDS * 4
const RECORD_BYTES = layout.RECORD_WORDS * 4
const { magic: MAGIC_AT, bytes: BYTES_AT, sends: SENDS_AT, records: RECORDS_AT } = layout.PRODUCE_HEADER
const { id: ID, topic: TOPIC, records: RECORDS } = layout.SEND
const {
  partition: PARTITION,
  timestamp: TIMESTAMP,
  key: KEY,
  value: VALUE,
  headers: HEADERS,
  headerCount: HEADER_COUNT,
} = layout.RECORD
const { NULL_LENGTH } = layout

const FIRST_CAPACITY = 64 * 1024
/** Memory above this is given back once the frame was taken. */
const KEPT_CAPACITY = 4 * 1024 * 1024
/** Positions are signed 32-bit numbers; the native side has the same bound. */
const MAX_FRAME_BYTES = 2 ** 30
/** Up to here a loop over the characters is quicker than the call that encodes natively (measured: bench/micro.js). */
const SHORT_STRING = 24
const SHORT_BYTES = 16

const TWO_TO_32 = 4294967296

class FrameWriter {
  #capacity = FIRST_CAPACITY
  #words
  /** @type {any} a Buffer; `utf8Write` is not in its typings */
  #bytes
  #position = HEADER_BYTES
  #sends = 0
  #records = 0
  /** Messages are being read, which may run code of the program (getters): no other send may be added now. */
  isAdding = false

  constructor() {
    const memory = new ArrayBuffer(this.#capacity)
    this.#words = new Int32Array(memory)
    this.#bytes = Buffer.from(memory)
  }

  /** Bytes used so far, the frame's header included. */
  get length() {
    return this.#position
  }

  /** Sends in the frame. */
  get sends() {
    return this.#sends
  }

  /**
   * Adds one send: messages for one topic. Throws KafkaJSNonRetriableError at the first message that cannot be sent,
   * and then the frame is as it was before. Does not touch the messages.
   * @param {number} sendId comes back in the deliveries frame
   * @param {number} topicId from `NativeProducer.topic(name)`
   * @param {any[]} messages
   * @param {string} topic for the messages of errors
   * @param {ArrayLike<number>} [partitions] one for each message, where a JS partitioner chose them
   */
  add(sendId, topicId, messages, topic, partitions) {
    const start = this.#position
    const count = messages.length
    this.isAdding = true
    try {
      this.#reserve(start + SEND_BYTES)
      const at = start >> 2
      this.#words[at + ID] = sendId
      this.#words[at + TOPIC] = topicId
      this.#words[at + RECORDS] = count
      this.#words[at + 3] = 0
      this.#position = start + SEND_BYTES
      for (let i = 0; i < count; i++) {
        this.#record(messages[i], topic, partitions === undefined ? undefined : partitions[i])
      }
    } catch (error) {
      this.#position = start
      throw error
    } finally {
      this.isAdding = false
    }
    this.#sends += 1
    this.#records += count
  }

  /** Where the frame stands now, for `rollback`. */
  mark() {
    return { position: this.#position, sends: this.#sends, records: this.#records }
  }

  /** Takes out every send added since `mark`. @param {{ position: number, sends: number, records: number }} mark */
  rollback({ position, sends, records }) {
    this.#position = position
    this.#sends = sends
    this.#records = records
  }

  /**
   * The frame. Its memory is used again by the next `add`: hand it over before that.
   * @returns {{ buffer: Uint8Array, length: number }}
   */
  take() {
    const length = this.#position
    const words = this.#words
    const buffer = this.#bytes
    words[MAGIC_AT] = layout.PRODUCE_MAGIC
    words[BYTES_AT] = length
    words[SENDS_AT] = this.#sends
    words[RECORDS_AT] = this.#records
    this.#position = HEADER_BYTES
    this.#sends = 0
    this.#records = 0
    if (this.#capacity > KEPT_CAPACITY) this.#allocate(FIRST_CAPACITY)
    return { buffer, length }
  }

  /** @param {any} message @param {string} topic @param {number} [chosen] partition */
  #record(message, topic, chosen) {
    if (typeof message !== 'object' || message === null) throw input.notAMessage(message, topic)
    const { key, value, headers, timestamp } = message
    const partition = chosen === undefined ? message.partition : chosen
    const start = this.#position
    let position = start + RECORD_BYTES
    this.#reserve(position)

    let keyLength = /** @type {number} */ (NULL_LENGTH)
    if (key !== null && key !== undefined) {
      keyLength = this.#put(position, key)
      if (keyLength < 0) throw input.wrongBytes('key', key, topic)
      position += keyLength
    }
    let valueLength = /** @type {number} */ (NULL_LENGTH)
    if (value !== null) {
      if (value === undefined) throw input.noValue(message, topic)
      valueLength = this.#put(position, value)
      if (valueLength < 0) throw input.wrongBytes('value', value, topic)
      position += valueLength
    }
    let headersLength = 0
    let headerCount = 0
    if (headers !== null && headers !== undefined) {
      const before = position
      if (typeof headers !== 'object' || Array.isArray(headers) || types.isMap(headers))
        throw input.wrongHeaders(headers, topic)
      for (const name of Object.keys(headers)) {
        const held = headers[name]
        if (Array.isArray(held)) {
          for (const item of held) position = this.#header(position, name, item, topic)
          headerCount += held.length
        } else {
          position = this.#header(position, name, held, topic)
          headerCount += 1
        }
      }
      headersLength = position - before
    }
    const end = (position + 3) & ~3
    this.#reserve(end)
    const words = this.#words
    const at = start >> 2
    if (partition === undefined || partition === null) words[at + PARTITION] = -1
    else if (typeof partition === 'number' && (partition | 0) === partition && partition >= 0)
      words[at + PARTITION] = partition
    else throw input.wrongPartition(partition, topic)
    words[at + 1] = 0
    if (timestamp === undefined || timestamp === null) {
      words[at + TIMESTAMP] = 0
      words[at + TIMESTAMP + 1] = 0
    } else {
      const ms = input.timestampOf(timestamp, topic)
      words[at + TIMESTAMP] = (ms % TWO_TO_32) | 0
      words[at + TIMESTAMP + 1] = (ms / TWO_TO_32) | 0
    }
    words[at + KEY] = keyLength
    words[at + VALUE] = valueLength
    words[at + HEADERS] = headersLength
    words[at + HEADER_COUNT] = headerCount
    this.#position = end
  }

  /**
   * @param {number} position
   * @param {string} name
   * @param {any} value
   * @param {string} topic
   * @returns {number} where it ends
   */
  #header(position, name, value, topic) {
    this.#reserve(position + 8)
    const nameLength = this.#put(position + 4, name)
    this.#word(position, nameLength)
    const valueAt = position + 4 + nameLength
    this.#reserve(valueAt + 4)
    if (value === null || value === undefined) {
      this.#word(valueAt, NULL_LENGTH)
      return valueAt + 4
    }
    const length = this.#put(valueAt + 4, value)
    if (length < 0) throw input.wrongBytes(`header ${JSON.stringify(name)}`, value, topic)
    this.#word(valueAt, length)
    return valueAt + 4 + length
  }

  /**
   * @param {number} position
   * @param {any} value
   * @returns {number} bytes written, -1 when it is neither text nor bytes
   */
  #put(position, value) {
    if (typeof value === 'string') {
      const length = value.length
      // UTF-8 needs at most three bytes for a unit of UTF-16.
      if (position + length * 3 > this.#capacity) this.#grow(position + length * 3)
      const bytes = this.#bytes
      if (length > SHORT_STRING) return bytes.utf8Write(value, position)
      for (let i = 0; i < length; i++) {
        const unit = value.charCodeAt(i)
        if (unit > 127) return bytes.utf8Write(value, position)
        bytes[position + i] = unit
      }
      return length
    }
    if (value instanceof Uint8Array || types.isUint8Array(value)) {
      const length = value.length
      if (position + length > this.#capacity) this.#grow(position + length)
      const bytes = this.#bytes
      if (length > SHORT_BYTES) bytes.set(value, position)
      else for (let i = 0; i < length; i++) bytes[position + i] = value[i]
      return length
    }
    return -1
  }

  /** A word that need not be aligned. @param {number} position @param {number} word */
  #word(position, word) {
    const bytes = this.#bytes
    bytes[position] = word
    bytes[position + 1] = word >> 8
    bytes[position + 2] = word >> 16
    bytes[position + 3] = word >> 24
  }

  /** @param {number} needed */
  #reserve(needed) {
    if (needed > this.#capacity) this.#grow(needed)
  }

  /** @param {number} needed */
  #grow(needed) {
    if (needed > MAX_FRAME_BYTES) {
      throw new KafkaJSNonRetriableError(
        'More than 1 GiB of messages in one turn: send fewer at a time and await the sends in between',
      )
    }
    let capacity = this.#capacity
    while (capacity < needed) capacity *= 2
    const before = this.#bytes
    this.#allocate(capacity)
    this.#bytes.set(before)
  }

  /** @param {number} capacity */
  #allocate(capacity) {
    const memory = new ArrayBuffer(capacity)
    this.#capacity = capacity
    this.#words = new Int32Array(memory)
    this.#bytes = Buffer.from(memory)
  }
}

module.exports = { FrameWriter }
