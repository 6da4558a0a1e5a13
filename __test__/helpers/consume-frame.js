'use strict'

// Consume frames made in JavaScript, as `src/frame/writer.rs` makes them: for tests of what reads them.

const layout = require('../../lib/frame/layout')

/**
 * @typedef {object} FrameMessage
 * @property {number | bigint} offset
 * @property {Buffer | string | null} [key]
 * @property {Buffer | string | null} [value]
 * @property {[string, Buffer | string | null][]} [headers]
 * @property {number} [timestamp]
 *
 * @typedef {{ topic: number, partition: number, epoch?: number, highWatermark?: number, next?: number, messages: FrameMessage[] }} FrameSection
 */

/**
 * @param {FrameSection[]} sections
 * @param {{ generation?: number }} [options]
 * @returns {Uint8Array}
 */
function consumeFrame(sections, { generation = 1 } = {}) {
  const messages = sections.flatMap((section) => section.messages)
  /** @type {Buffer[]} */
  const chunks = []
  let position = layout.CONSUME_HEADER_WORDS * 4
  const add = (/** @type {Buffer} */ bytes) => {
    chunks.push(bytes)
    position += bytes.length
  }
  const places = messages.map(({ key = null, value = null, headers = [] }) => {
    const start = position
    const [keyBytes, valueBytes] = [bytesOf(key), bytesOf(value)]
    if (keyBytes) add(keyBytes)
    if (valueBytes) add(valueBytes)
    const before = position
    for (const [name, held] of headers) {
      const nameBytes = Buffer.from(name)
      const heldBytes = bytesOf(held)
      add(int32(nameBytes.length))
      add(nameBytes)
      add(int32(heldBytes ? heldBytes.length : layout.NULL_LENGTH))
      if (heldBytes) add(heldBytes)
    }
    return [start, keyBytes ? keyBytes.length : -1, valueBytes ? valueBytes.length : -1, position - before]
  })
  add(Buffer.alloc((4 - (position % 4)) % 4))
  const sectionsAt = position
  const descriptorsAt = sectionsAt + sections.length * layout.SECTION_WORDS * 4
  const frame = Buffer.alloc(descriptorsAt + messages.length * layout.MESSAGE_WORDS * 4)
  const head = [
    layout.CONSUME_MAGIC,
    frame.length,
    messages.length,
    sections.length,
    generation,
    descriptorsAt,
    sectionsAt,
  ]
  head.forEach((word, i) => frame.writeInt32LE(word, i * 4))
  Buffer.concat(chunks).copy(frame, layout.CONSUME_HEADER_WORDS * 4)
  let first = 0
  sections.forEach(({ topic, partition, epoch = 0, highWatermark = -1001, next = -1, messages }, i) => {
    const at = sectionsAt + i * layout.SECTION_WORDS * 4
    for (const [word, number] of [
      [0, topic],
      [1, partition],
      [2, first],
      [3, messages.length],
      [6, epoch],
    ]) {
      frame.writeInt32LE(number, at + word * 4)
    }
    frame.writeBigInt64LE(BigInt(highWatermark), at + 16)
    frame.writeBigInt64LE(BigInt(next), at + 32)
    first += messages.length
  })
  messages.forEach(({ offset, timestamp = 1700000000000 }, i) => {
    const at = descriptorsAt + i * layout.MESSAGE_WORDS * 4
    frame.writeBigInt64LE(BigInt(offset), at)
    frame.writeBigInt64LE(BigInt(timestamp), at + 8)
    places[i].forEach((number, word) => frame.writeInt32LE(number, at + 16 + word * 4))
    frame.writeInt32LE(1, at + 36)
  })
  // A frame of its own memory, as one that crosses has: it starts at a word.
  return new Uint8Array(Uint8Array.from(frame).buffer)
}

/** @param {Buffer | string | null} value */
const bytesOf = (value) => (value === null ? null : Buffer.from(value))

/** @param {number} number */
function int32(number) {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(number)
  return bytes
}

module.exports = { consumeFrame }
