'use strict'
/**
 * A native module in JavaScript, for tests of the promise face without the addon: it records what crosses, and answers
 * as the test says. Put it in by `new Kafka(config, { native })`.
 */
const layout = require('../../lib/frame/layout')

/** Reads a produce frame back. @param {Uint8Array} bytes @param {number} length */
function readProduceFrame(bytes, length) {
  const buffer = Buffer.from(Uint8Array.prototype.slice.call(bytes, 0, length))
  const word = (/** @type {number} */ at) => buffer.readInt32LE(at)
  const header = layout.PRODUCE_HEADER
  let at = layout.PRODUCE_HEADER_WORDS * 4
  /** @type {any[]} */
  const sends = []
  let records = 0
  for (let left = word(header.sends * 4); left > 0; left--) {
    const send = { id: word(at), topic: word(at + layout.SEND.topic * 4), records: /** @type {any[]} */ ([]) }
    const count = word(at + layout.SEND.records * 4)
    at += layout.SEND_WORDS * 4
    for (let i = 0; i < count; i++) {
      const start = at
      at += layout.RECORD_WORDS * 4
      const bytesOf = (/** @type {number} */ size) => {
        if (size === layout.NULL_LENGTH) return null
        at += size
        return buffer.subarray(at - size, at)
      }
      const key = bytesOf(word(start + layout.RECORD.key * 4))
      const value = bytesOf(word(start + layout.RECORD.value * 4))
      const end = at + word(start + layout.RECORD.headers * 4)
      /** @type {[string, string | null][]} */
      const headers = []
      while (at < end) {
        at += 4
        const name = /** @type {Buffer} */ (bytesOf(word(at - 4))).toString()
        at += 4
        const held = bytesOf(word(at - 4))
        headers.push([name, held && held.toString()])
      }
      if (headers.length !== word(start + layout.RECORD.headerCount * 4)) throw new Error('wrong count of headers')
      at = (at + 3) & ~3
      send.records.push({
        partition: word(start),
        timestamp: Number(buffer.readBigInt64LE(start + layout.RECORD.timestamp * 4)),
        key,
        value,
        headers,
      })
      records += 1
    }
    sends.push(send)
  }
  if (
    word(0) !== layout.PRODUCE_MAGIC ||
    word(header.bytes * 4) !== length ||
    at !== length ||
    word(header.records * 4) !== records
  ) {
    throw new Error('not a produce frame')
  }
  return sends
}

/**
 * @param {{ id: number, topic?: number, error?: number, failed?: number, partitions?: { partition: number, offset: bigint, count?:
 * number, logAppendTime?: bigint }[] }[]} sends
 */
function writeDeliveries(sends) {
  const words = [layout.DELIVERIES_MAGIC, 0, sends.length, 0]
  for (const { id, topic = 0, error = 0, failed = 0, partitions = [] } of sends) {
    words.push(id, error, failed, partitions.length)
    const pair = (/** @type {bigint} */ number) => [Number(BigInt.asIntN(32, number)), Number(number >> 32n)]
    for (const { partition, offset, count = 1, logAppendTime = -1n } of partitions) {
      words.push(topic, partition, ...pair(offset), ...pair(logAppendTime), count, 0)
    }
  }
  words[1] = words.length * 4
  return Int32Array.from(words)
}

/** Those that tests give. */
const PROPERTIES = [
  'client.id', 'socket.keepalive.enable', 'linger.ms', 'enable.auto.commit', 'enable.metrics.push', 'queued.max.messages.kbytes',
  'queue.buffering.max.kbytes', 'message.max.bytes',
]

const NAMES = /** @type {Record<number, string>} */ ({
  3: 'ERR_UNKNOWN_TOPIC_OR_PART',
  10: 'ERR_MSG_SIZE_TOO_LARGE',
  [-190]: 'ERR__UNKNOWN_PARTITION',
  [-192]: 'ERR__MSG_TIMED_OUT',
})

/** @param {number} code @param {string} [message] */
function errorData(code, message = `text of ${code}`) {
  return { code, name: NAMES[code] || `ERR_${code}`, message, fatal: false, retriable: false, abortable: false }
}

/**
 * @param {object} [script]
 * @param {(client: any) => Promise<void>} [script.connect]
 * @param {(client: any, sends: any[]) => void} [script.submit] default: each send goes to partition 0
 * @param {(client: any, name: string, args: any[]) => any} [script.transactional] what a transaction asks for
 * @param {(client: any, name: string, args: any[]) => any} [script.call] answers every other method that gives JSON
 */
function fakeNative(script = {}) {
  /** @type {any[]} */
  const clients = []
  class Client {
    frames = /** @type {any[]} */ ([])
    calls = /** @type {any[]} */ ([])
    closed = /** @type {number | undefined} */ (undefined)
    topics = /** @type {string[]} */ ([])
    complete = /** @type {any[]} */ ([])
    told = false

    /** @param {Record<string, string>} config @param {(kind: number, payload: any) => void} onEvent */
    constructor(config, onEvent) {
      this.config = config
      this.onEvent = onEvent
      clients.push(this)
    }

    async connect(/** @type {number} */ timeoutMs) {
      this.connectTimeout = timeoutMs
      if (script.connect) await script.connect(this)
    }

    topic(/** @type {string} */ name, /** @type {Record<string, string>} */ properties) {
      if (properties) this.calls.push(['topic', name, properties])
      if (!this.topics.includes(name)) this.topics.push(name)
      return this.topics.indexOf(name)
    }

    submit(/** @type {Uint8Array} */ frame, /** @type {number} */ length) {
      const sends = readProduceFrame(frame, length)
      this.frames.push(sends)
      if (script.submit) script.submit(this, sends)
      else setImmediate(() => this.deliver(sends.map(({ id, topic }) => ({ id, topic, partitions: [{ partition: 0, offset: 5n }] }))))
    }

    deliver(/** @type {any[]} */ sends) {
      this.complete.push(...sends)
      if (!this.told) this.onEvent(2, undefined)
    }

    /** As the addon: whole sends, as many as fit, and how many are left. */
    deliveries(/** @type {Int32Array} */ words) {
      let count = 0
      let length = layout.DELIVERIES_HEADER_WORDS
      for (const { partitions = [] } of this.complete) {
        length += layout.DELIVERY_WORDS + layout.DELIVERED_WORDS * partitions.length
        if (length > words.length) break
        count += 1
      }
      const { bytes, sends, left } = layout.DELIVERIES_HEADER
      words.set(writeDeliveries(this.complete.slice(0, count)))
      words[left] = this.complete.length - count
      if (count === 0 && this.complete.length > 0) words[bytes] = writeDeliveries(this.complete.slice(0, 1)).byteLength
      words[sends] = count
      this.complete.splice(0, count)
      this.told = this.complete.length > 0
    }

    async flush(/** @type {number} */ timeoutMs) {
      this.calls.push(['flush', timeoutMs])
    }

    async close(/** @type {number} */ timeoutMs) {
      this.closed = timeoutMs
    }
  }
  // An admin request is recorded under its operation's name: [operation, fields, timeoutMs].
  ;/** @type {any} */ (Client.prototype).request = async function request(
    /** @type {string} */ json, /** @type {number} */ timeoutMs,
  ) {
    const { operation, ...fields } = JSON.parse(json)
    this.calls.push([operation, fields, timeoutMs])
    return JSON.stringify(await /** @type {any} */ (script.call)(this, operation, [fields, timeoutMs]))
  }
  for (const name of ['partitions', 'metadata', 'listGroups', 'describeGroups']) {
    ;/** @type {any} */ (Client.prototype)[name] = async function call(/** @type {any[]} */ ...args) {
      this.calls.push([name, ...args])
      return JSON.stringify(await /** @type {any} */ (script.call)(this, name, args))
    }
  }
  for (const name of ['initTransactions', 'beginTransaction', 'transactionFailure', 'sendOffsets', 'commitTransaction', 'abortTransaction']) {
    ;/** @type {any} */ (Client.prototype)[name] = async function call(/** @type {any[]} */ ...args) {
      this.calls.push([name, ...args])
      if (script.transactional) await script.transactional(this, name, args)
    }
  }
  return {
    clients,
    NativeProducer: Client,
    NativeAdmin: Client,
    properties: () => Object.fromEntries(PROPERTIES.map((name) => [name, ''])),
    errorName: (/** @type {number} */ code) => NAMES[code] || `ERR_${code}`,
    errorText: (/** @type {number} */ code) => `text of ${code}`,
  }
}

module.exports = { fakeNative, readProduceFrame, writeDeliveries, errorData }
