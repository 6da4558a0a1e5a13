'use strict'
/**
 * The messages of the benchmark, and how their arrival is proved. Every message has a number; key and value follow from
 * it. All bytes are below 128, so that a value is the same as a string and as a Buffer.
 */
const { KEY_BYTES, VALUE_BYTES } = require('./workloads')

const NUMBER_BYTES = 4
/** Of every so many messages all bytes are looked at, of the others some: the check must not be what is measured. */
const FULL_EVERY = 64

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_'
const FILL = Buffer.alloc(VALUE_BYTES + LETTERS.length, LETTERS).toString('latin1')

/**
 * @param {number} number below 2^28
 * @param {boolean} [strings]
 * @returns {{ key: string, value: string | Buffer }}
 */
function messageOf(number, strings = false) {
  const head = String.fromCharCode(number & 127, (number >> 7) & 127, (number >> 14) & 127, (number >> 21) & 127)
  const value = Buffer.from(head + FILL.slice(number & 63, (number & 63) + VALUE_BYTES - NUMBER_BYTES), 'latin1')
  return { key: keyOf(number), value: strings ? value.toString('latin1') : value }
}

/** 10,000 different keys. @param {number} number */
function keyOf(number) {
  return String(number % 10_000).padStart(KEY_BYTES, 'k')
}

/** @param {Uint8Array} value */
function numberOf(value) {
  return value[0] | value[1] << 7 | value[2] << 14 | value[3] << 21
}

/** Count and checksum of messages, whatever their order between partitions. */
class Tally {
  count = 0
  sum = 0

  /** @param {Uint8Array} value */
  add(value) {
    const { length } = value
    const number = numberOf(value)
    let sum = number * 31 + length + (value[length - 1] << 8) + (value[length - 2] << 16)
    if (number % FULL_EVERY === 0) for (let i = 0; i < length; i++) sum += value[i] * (i + 1)
    this.sum = (this.sum + sum) | 0
    this.count++
    return number
  }

  /** @returns {{ count: number, sum: number }} */
  get result() {
    return { count: this.count, sum: this.sum }
  }
}

/** A Tally which also knows that the numbers of one partition only grow. */
class OrderedTally extends Tally {
  /** @type {number[]} the last number of each partition */
  #last = []
  disorder = 0

  /** @param {number} partition @param {Uint8Array} value */
  addOf(partition, value) {
    const number = this.add(value)
    if (number <= (this.#last[partition] ?? -1)) this.disorder++
    this.#last[partition] = number
  }
}

module.exports = { messageOf, keyOf, numberOf, Tally, OrderedTally }
