'use strict'
/** Reads consume frames in place: nothing is decoded until somebody asks. */
const {
  CONSUME_MAGIC, CONSUME_HEADER, SECTION_WORDS, SECTION, MESSAGE_WORDS, MESSAGE, NULL_LENGTH,
} = require('./layout')

const TWO_32 = 4294967296

/**
 * A run of messages of one partition in one frame.
 * @typedef {object} Section
 * @property {ConsumeFrame} frame
 * @property {number} topic id, see NativeConsumer#topicName
 * @property {number} partition
 * @property {number} epoch of the last seek
 * @property {number} highWatermark -1001 when unknown
 * @property {number} at word of the first message descriptor not yet taken
 * @property {number} end word after the last one
 */

/** One crossing's worth of fetched messages. */
class ConsumeFrame {
  /** @param {Uint8Array} bytes starts at a word boundary of its memory */
  constructor(bytes) {
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2)
    if (words[CONSUME_HEADER.magic] !== CONSUME_MAGIC) throw new TypeError('Not a consume frame')
    this.words = words
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.generation = words[CONSUME_HEADER.generation]
    this.messages = words[CONSUME_HEADER.messages]
    /** Messages that are neither handled nor dropped; the frame is done at 0. */
    this.remaining = this.messages
  }

  /** @returns {Section[]} in the order of the fetch */
  sections() {
    const { words } = this
    const count = words[CONSUME_HEADER.sections]
    const descriptors = words[CONSUME_HEADER.descriptorsAt] >> 2
    let at = words[CONSUME_HEADER.sectionsAt] >> 2
    const sections = new Array(count)
    for (let i = 0; i < count; i++, at += SECTION_WORDS) {
      const first = descriptors + words[at + SECTION.first] * MESSAGE_WORDS
      sections[i] = {
        frame: this,
        topic: words[at + SECTION.topic],
        partition: words[at + SECTION.partition],
        epoch: words[at + SECTION.epoch],
        highWatermark: this.long(at + SECTION.highWatermark),
        at: first,
        end: first + words[at + SECTION.count] * MESSAGE_WORDS,
      }
    }
    return sections
  }

  /** The 64-bit number at a word. Offsets stay below 2^53. @param {number} word */
  long(word) {
    return this.words[word + 1] * TWO_32 + (this.words[word] >>> 0)
  }

  /** The 64-bit number at a word in digits, exact beyond 2^53 too. @param {number} word */
  digits(word) {
    const high = this.words[word + 1]
    if (high >= -0x200000 && high < 0x200000) return String(high * TWO_32 + (this.words[word] >>> 0))
    return String((BigInt(high) << 32n) | BigInt(this.words[word] >>> 0))
  }

  /** @param {number} at word of a message descriptor */
  offset(at) {
    return this.words[at + 1] * TWO_32 + (this.words[at] >>> 0)
  }

  /** @param {number} at @returns {Buffer | null} a view: keeping it keeps the frame */
  key(at) {
    const { words } = this
    const length = words[at + MESSAGE.key]
    if (length === NULL_LENGTH) return null
    const position = words[at + MESSAGE.position]
    return this.bytes.subarray(position, position + length)
  }

  /** @param {number} at @returns {Buffer | null} a view: keeping it keeps the frame */
  value(at) {
    const { words } = this
    const length = words[at + MESSAGE.value]
    if (length === NULL_LENGTH) return null
    const key = words[at + MESSAGE.key]
    const position = words[at + MESSAGE.position] + (key > 0 ? key : 0)
    return this.bytes.subarray(position, position + length)
  }

  /**
   * The headers; a name that occurs more than once has an array. A null value is null.
   * @param {number} at
   * @returns {Record<string, Buffer | null | (Buffer | null)[]>}
   */
  headers(at) {
    const { words, bytes } = this
    /** @type {Record<string, any>} */
    const headers = {}
    const length = words[at + MESSAGE.headers]
    if (length === 0) return headers
    const key = words[at + MESSAGE.key]
    const value = words[at + MESSAGE.value]
    let position = words[at + MESSAGE.position] + (key > 0 ? key : 0) + (value > 0 ? value : 0)
    const end = position + length
    while (position < end) {
      const nameLength = bytes.readInt32LE(position)
      const name = bytes.utf8Slice(position + 4, position + 4 + nameLength)
      position += 4 + nameLength
      const valueLength = bytes.readInt32LE(position)
      position += 4
      let header = null
      if (valueLength !== NULL_LENGTH) {
        header = bytes.subarray(position, position + valueLength)
        position += valueLength
      }
      if (!Object.prototype.hasOwnProperty.call(headers, name)) define(headers, name, header)
      else if (Array.isArray(headers[name])) headers[name].push(header)
      else headers[name] = [headers[name], header]
    }
    return headers
  }
}

/** A header may be called `__proto__`. @param {Record<string, any>} headers @param {string} name @param {any} value */
function define(headers, name, value) {
  if (name === '__proto__') {
    Object.defineProperty(headers, name, { value, writable: true, enumerable: true, configurable: true })
  } else {
    headers[name] = value
  }
}

module.exports = { ConsumeFrame }
