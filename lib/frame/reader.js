'use strict'
/** Reads consume frames in place: nothing is decoded until somebody asks. */
const {
  CONSUME_MAGIC, CONSUME_HEADER, SECTION_WORDS, SECTION, MESSAGE_WORDS, MESSAGE, NULL_LENGTH,
} = require('./layout')
const { headerName } = require('./header-names')

const TWO_32 = 4294967296
/** What a record takes beside key, value and headers: as in `src/core/fetch.rs`. */
const RECORD_OVERHEAD = 8
/** Up to so many headers their names are compared one by one. */
const FEW = 16
/** The last three digits of an offset: consecutive offsets share what is before them. */
const THREE_DIGITS = Array.from({ length: 1000 }, (_, number) => String(number).padStart(3, '0'))

const PLACES = 1024
/** Numbers that were made into text lately, and their text: where partitions take turns, their timestamps come again. */
const texts = () => ({ numbers: new Float64Array(PLACES).fill(-1), texts: new Array(PLACES).fill('') })
const THOUSANDS = texts()
const TIMESTAMPS = texts()

/** @param {ReturnType<typeof texts>} known @param {number} number a whole one, from 0 on @returns {string} */
function textOf(known, number) {
  const place = number & (PLACES - 1)
  if (known.numbers[place] === number) return known.texts[place]
  known.numbers[place] = number
  return (known.texts[place] = String(number))
}

/**
 * What Node makes Buffers with, without the checks of Buffer.from and subarray: the greater part of what a message costs. A
 * runtime that has no such constructor gets the public way.
 * @type {(memory: ArrayBufferLike, from: number, length: number) => Buffer}
 */
const view = (() => {
  const Species = /** @type {any} */ (Buffer)[Symbol.species]
  try {
    if (Object.getPrototypeOf(new Species(new ArrayBuffer(1), 0, 1)) === Buffer.prototype) {
      return (memory, from, length) => new Species(memory, from, length)
    }
  } catch {
    // Not a constructor here.
  }
  return (memory, from, length) => Buffer.from(/** @type {ArrayBuffer} */ (memory), from, length)
})()

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
 * @property {number} next up to where the partition was read, when that is past control records and aborted messages after the
 *   last message; else -1
 */

/** One crossing's worth of fetched messages. */
class ConsumeFrame {
  /** @param {Uint8Array} bytes starts at a word boundary of its memory */
  constructor(bytes) {
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2)
    if (words[CONSUME_HEADER.magic] !== CONSUME_MAGIC) throw new TypeError('Not a consume frame')
    this.words = words
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.memory = bytes.buffer
    this.start = bytes.byteOffset
    this.generation = words[CONSUME_HEADER.generation]
    this.messages = words[CONSUME_HEADER.messages]
    /** Messages that are neither handled nor dropped; the frame is done at 0. */
    this.remaining = this.messages
    /** @type {import('../kafkajs/message').BatchContext | undefined} of the message read last */
    this.context = undefined
    // What was last made into text, and its text: neighbours have the same timestamp, and offsets that differ at the end.
    this.timestampLow = 0
    this.timestampHigh = 0
    this.timestampText = '0'
    this.thousands = 0
    this.thousandsText = ''
    /** Of the headers of the message read last. @type {string[]} */
    this.names = []
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
        next: this.long(at + SECTION.next),
      }
    }
    return sections
  }

  /** Bytes of the messages in a range of descriptors, about as a broker counts them. @param {number} at @param {number} end */
  size(at, end) {
    const { words } = this
    const last = end - MESSAGE_WORDS
    const lengths = [MESSAGE.key, MESSAGE.value, MESSAGE.headers].map((field) => Math.max(0, words[last + field]))
    const payload = words[last + MESSAGE.position] - words[at + MESSAGE.position] + lengths[0] + lengths[1] + lengths[2]
    return payload + (RECORD_OVERHEAD * (end - at)) / MESSAGE_WORDS
  }

  /**
   * The word up to which the messages from `at` on take no more than `bytes`.
   * @param {number} at @param {number} end @param {number} bytes
   */
  wordWithin(at, end, bytes) {
    let [low, high] = [0, (end - at) / MESSAGE_WORDS]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.size(at, at + middle * MESSAGE_WORDS) <= bytes) low = middle
      else high = middle - 1
    }
    return at + low * MESSAGE_WORDS
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

  /** The offset in digits. @param {number} at */
  offsetText(at) {
    const offset = this.offset(at)
    if (!(offset >= 1000 && offset <= Number.MAX_SAFE_INTEGER)) return this.digits(at)
    const thousands = Math.floor(offset / 1000)
    if (thousands !== this.thousands) {
      this.thousands = thousands
      this.thousandsText = textOf(THOUSANDS, thousands)
    }
    return this.thousandsText + THREE_DIGITS[offset - thousands * 1000]
  }

  /** The timestamp in digits. @param {number} at */
  timestamp(at) {
    const low = this.words[at + MESSAGE.timestamp]
    const high = this.words[at + MESSAGE.timestamp + 1]
    if (low !== this.timestampLow || high !== this.timestampHigh) {
      this.timestampLow = low
      this.timestampHigh = high
      const exact = high >= 0 && high < 0x200000
      this.timestampText = exact ? textOf(TIMESTAMPS, high * TWO_32 + (low >>> 0)) : this.digits(at + MESSAGE.timestamp)
    }
    return this.timestampText
  }

  /** @param {number} at @returns {Buffer | null} a view: keeping it keeps the frame */
  key(at) {
    const { words } = this
    const length = words[at + MESSAGE.key]
    if (length === NULL_LENGTH) return null
    return view(this.memory, this.start + words[at + MESSAGE.position], length)
  }

  /** @param {number} at @returns {Buffer | null} a view: keeping it keeps the frame */
  value(at) {
    const { words } = this
    const length = words[at + MESSAGE.value]
    if (length === NULL_LENGTH) return null
    const key = words[at + MESSAGE.key]
    return view(this.memory, this.start + words[at + MESSAGE.position] + (key > 0 ? key : 0), length)
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
    const names = this.names
    let count = 0
    while (position < end) {
      const nameLength = int32(bytes, position)
      const name = headerName(bytes, position + 4, nameLength)
      position += 4 + nameLength
      const valueLength = int32(bytes, position)
      position += 4
      let header = null
      if (valueLength !== NULL_LENGTH) {
        header = view(this.memory, this.start + position, valueLength)
        position += valueLength
      }
      if (count < FEW ? occurs(names, count, name) : Object.prototype.hasOwnProperty.call(headers, name)) {
        const before = headers[name]
        if (Array.isArray(before)) before.push(header)
        else headers[name] = [before, header]
      } else {
        names[count++] = name
        if (name === '__proto__') define(headers, header)
        else headers[name] = header
      }
    }
    return headers
  }
}

/** @param {string[]} names @param {number} count of them that count @param {string} name */
function occurs(names, count, name) {
  for (let i = 0; i < count; i++) if (names[i] === name) return true
  return false
}

/** @param {Buffer} bytes @param {number} at */
function int32(bytes, at) {
  return bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24
}

/** A header may be called `__proto__`. @param {Record<string, any>} headers @param {any} value */
function define(headers, value) {
  Object.defineProperty(headers, '__proto__', { value, writable: true, enumerable: true, configurable: true })
}

module.exports = { ConsumeFrame }
