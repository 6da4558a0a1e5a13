'use strict'

// Compares what was consumed with what was sent: nothing lost, nothing stored twice, order per key, every byte.

const { createHash } = require('node:crypto')

/**
 * @typedef {import('./dataset').DemoRecord} DemoRecord
 * @typedef {string | Buffer | null | undefined} Bytes
 *
 * @typedef {object} Received  a consumed message
 * @property {number} partition
 * @property {string} offset
 * @property {Buffer | null} key
 * @property {Buffer | null} value
 * @property {Record<string, Bytes | Bytes[]>} headers
 *
 * @typedef {object} Verdict
 * @property {number} records      different records that came back
 * @property {number} keys
 * @property {number} redelivered  messages that were delivered again, from an offset that had been delivered before
 * @property {string} sent         SHA-256 in hex: over the keys in order, and for each over its records in order
 * @property {string} received     the same of what came back, without what was delivered again
 * @property {string[]} problems   one sentence each, naming the record; empty when all is well
 */

/** How many bytes of a field a sentence about it shows. */
const SHOWN = 60

/**
 * One record as bytes that no other record has: every field with its length before it, -1 for null.
 * @param {{ key: Bytes, value: Bytes, headers: Record<string, Bytes | Bytes[]> }} record
 * @returns {Buffer}
 */
function canonical ({ key, value, headers }) {
  /** @type {Bytes[]} */
  const fields = [key, value]
  for (const name of Object.keys(headers)) {
    const values = headers[name]
    if (Array.isArray(values)) for (const one of values) fields.push(name, one)
    else fields.push(name, values)
  }
  const bytes = Buffer.allocUnsafe(fields.reduce((size, field) => size + 4 + lengthOf(field), 0))
  let at = 0
  for (const field of fields) {
    const missing = field === null || field === undefined
    const length = lengthOf(field)
    at = bytes.writeInt32BE(missing ? -1 : length, at)
    if (typeof field === 'string') bytes.write(field, at)
    else if (!missing) field.copy(bytes, at)
    at += length
  }
  return bytes
}

/** @param {Bytes} field @returns {number} bytes */
function lengthOf (field) {
  if (field === null || field === undefined) return 0
  return typeof field === 'string' ? Buffer.byteLength(field) : field.length
}

/** SHA-256 of records by key, whatever the order in which the keys take turns. */
class KeyedDigest {
  constructor () {
    /** @type {Map<string, import('node:crypto').Hash>} */
    this._hashes = new Map()
  }

  /** @param {string} key @param {Buffer} bytes the record's canonical form, which tells where it ends */
  add (key, bytes) {
    let hash = this._hashes.get(key)
    if (!hash) this._hashes.set(key, hash = createHash('sha256'))
    hash.update(bytes)
  }

  get keys () { return this._hashes.size }

  /** Ends it. @returns {string} hex */
  digest () {
    const whole = createHash('sha256')
    for (const key of [...this._hashes.keys()].sort()) {
      whole.update(canonical({ key, value: this._hashes.get(key)?.digest(), headers: {} }))
    }
    return whole.digest('hex')
  }
}

/**
 * @param {DemoRecord[]} records   what was sent; the header `row` of each is its index
 * @param {Iterable<Received>} messages in the order in which they were consumed
 * @returns {Verdict}
 */
function verify (records, messages) {
  const sent = new KeyedDigest()
  const wantedBytes = records.map(canonical)
  records.forEach(({ key }, row) => sent.add(key, wantedBytes[row]))

  const received = new KeyedDigest()
  /** The first place of each record. @type {(Received | undefined)[]} */
  const places = new Array(records.length)
  /** The last row of each key. @type {Map<string, number>} */
  const last = new Map()
  /** The next offset of each partition. @type {Map<number, number>} */
  const positions = new Map()
  const [lost, altered, doubled, disordered] = /** @type {string[][]} */ ([[], [], [], []])
  let redelivered = 0
  let count = 0

  for (const message of messages) {
    const { partition, offset } = message
    const bytes = canonical(message)
    const row = rowOf(message)
    const wanted = records[row]
    if (!wanted) {
      altered.push(`a message came back that was never sent: ${place(message)}, key ${show(message.key)}, ` +
        `row ${show(message.headers.row)}, value ${show(message.value)}`)
      continue
    }
    const difference = bytes.equals(wantedBytes[row]) ? undefined : differing(wanted, message)
    if (difference) altered.push(`record ${row} (${place(message)}): ${difference}`)
    if (Number(offset) < (positions.get(partition) ?? 0)) {
      redelivered++
      continue
    }
    positions.set(partition, Number(offset) + 1)
    received.add(String(message.key), bytes)
    const first = places[row]
    if (first) {
      doubled.push(`record ${row} (key ${wanted.key}) is in the topic twice: ${place(first)} and ${place(message)}`)
      continue
    }
    places[row] = message
    count++
    const before = last.get(wanted.key) ?? -1
    if (row > before) last.set(wanted.key, row)
    else disordered.push(`record ${row} (key ${wanted.key}, ${place(message)}) came after record ${before}`)
  }
  records.forEach((record, row) => {
    if (!places[row]) lost.push(`record ${row} (key ${record.key}) is missing: ${show(record.value)}`)
  })

  const problems = [...lost, ...altered, ...doubled, ...disordered]
  const digests = { sent: sent.digest(), received: received.digest() }
  const verdict = { records: count, keys: sent.keys, redelivered, ...digests, problems }
  if (problems.length === 0 && verdict.sent !== verdict.received) {
    problems.push(`SHA-256 of what came back is ${verdict.received}, of what was sent ${verdict.sent}`)
  }
  return verdict
}

/** @param {Received} message @returns {number} -1 when it does not say a number */
function rowOf ({ headers: { row } }) {
  const text = String(row)
  return /^\d+$/.test(text) ? Number(text) : -1
}

/** @param {Received} message */
function place ({ partition, offset }) {
  return `partition ${partition}, offset ${offset}`
}

/**
 * Which field came back differently.
 * @param {DemoRecord} wanted
 * @param {Received} message
 */
function differing (wanted, message) {
  for (const field of /** @type {const} */ (['key', 'value'])) {
    if (!Buffer.from(wanted[field]).equals(message[field] ?? Buffer.alloc(0)) || message[field] === null) {
      return `the ${field} came back as ${show(message[field])}, sent was ${show(wanted[field])}`
    }
  }
  return `the headers came back as ${show(headerText(message.headers))}, sent was ${show(headerText(wanted.headers))}`
}

/** @param {Record<string, Bytes | Bytes[]>} headers */
function headerText (headers) {
  const text = (/** @type {Bytes} */ one) => (one === null || one === undefined ? null : String(one))
  return JSON.stringify(Object.fromEntries(Object.entries(headers).map(([name, values]) =>
    [name, Array.isArray(values) ? values.map(text) : text(values)])))
}

/** @param {Bytes | Bytes[]} field */
function show (field) {
  if (field === null || field === undefined) return String(field)
  const text = JSON.stringify(String(field))
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}..." (${text.length} characters)` : text
}

module.exports = { verify, canonical, lengthOf }
