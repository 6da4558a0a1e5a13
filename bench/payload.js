'use strict'
/**
 * The messages of the benchmark, and how their arrival is proved. Every message has a number; key, value and headers
 * follow from it. All bytes are below 128, so that a value is the same as a string and as a Buffer.
 */
const { KEY_BYTES, VALUE_BYTES } = require('./workloads')

const NUMBER_BYTES = 4
/** Of every so many messages all bytes are looked at, of the others some: the check must not be what is measured. */
const FULL_EVERY = 64

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_'
const CONTENT_TYPE = 'application/json'

/**
 * @typedef {object} Shape
 * @property {number} [valueBytes]
 * @property {boolean} [strings]
 * @property {boolean} [headers]
 */

let fill = ''
/** @param {number} bytes at least */
function fillOf(bytes) {
  if (fill.length < bytes + LETTERS.length) fill = Buffer.alloc(bytes + LETTERS.length, LETTERS).toString('latin1')
  return fill
}

/**
 * @param {number} number below 2^28
 * @param {Shape} [shape] a Buffer of 100 bytes without headers by default
 * @returns {import('./clients').Message}
 */
function messageOf(number, { valueBytes = VALUE_BYTES, strings = false, headers = false } = {}) {
  const head = String.fromCharCode(number & 127, (number >> 7) & 127, (number >> 14) & 127, (number >> 21) & 127)
  const start = number & 63
  const text = head + fillOf(valueBytes).slice(start, start + valueBytes - NUMBER_BYTES)
  const [key, value] = [keyOf(number), strings ? text : Buffer.from(text, 'latin1')]
  return headers ? { key, value, headers: headersOf(number) } : { key, value }
}

/** 10,000 different keys. @param {number} number */
function keyOf(number) {
  return String(number % 10_000).padStart(KEY_BYTES, 'k')
}

/** As tracing and a schema add them. @param {number} number */
function headersOf(number) {
  return { 'trace-id': number.toString(16).padStart(32, '0'), 'content-type': CONTENT_TYPE }
}

/** @param {Uint8Array} value */
function numberOf(value) {
  return value[0] | value[1] << 7 | value[2] << 14 | value[3] << 21
}

/** Count, bytes and checksum of messages, whatever their order between partitions. */
class Tally {
  count = 0
  bytes = 0
  sum = 0

  /** @param {Uint8Array} value @returns {number} the message's number */
  add(value) {
    const { length } = value
    const number = numberOf(value)
    let sum = number * 31 + length + (value[length - 1] << 8) + (value[length - 2] << 16)
    if (number % FULL_EVERY === 0) for (let i = 0; i < length; i++) sum += value[i] * (i + 1)
    this.sum = (this.sum + sum) | 0
    this.bytes += length
    this.count++
    return number
  }

  /** @returns {{ count: number, bytes: number, sum: number }} */
  get result() {
    return { count: this.count, bytes: this.bytes, sum: this.sum }
  }
}

/** A Tally which also knows that the numbers of one partition only grow, and what strings a message holds. */
class OrderedTally extends Tally {
  /** @type {number[]} the last number of each partition */
  #last = []
  disorder = 0
  /** Messages whose key, value or headers as strings are not what they were. */
  altered = 0

  /** @param {number} partition @param {Uint8Array} value @returns {number} the message's number */
  addOf(partition, value) {
    const number = this.add(value)
    if (number <= (this.#last[partition] ?? -1)) this.disorder++
    this.#last[partition] = number
    return number
  }

  /**
   * A message as strings: of every so many all characters are looked at, of the others the lengths.
   * @param {number} number @param {string[]} texts key, value, headers @param {number} valueBytes
   */
  read(number, texts, valueBytes) {
    const [key, value, trace, type] = texts
    const right = number % FULL_EVERY === 0
      ? key === keyOf(number) && value === messageOf(number, { valueBytes, strings: true }).value &&
        trace === headersOf(number)['trace-id'] && type === CONTENT_TYPE
      : key.length === KEY_BYTES && value.length === valueBytes && trace?.length === 32
    if (!right) this.altered++
  }
}

/**
 * A percentile.
 * @param {Float64Array} sorted ascending, not empty @param {number} share 0 to 1
 */
function percentile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
}

module.exports = { messageOf, keyOf, numberOf, percentile, Tally, OrderedTally }
