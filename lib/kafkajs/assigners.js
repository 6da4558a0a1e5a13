'use strict'
/** The consumer group protocol's own formats, and the names of the assigners that come with the client. */

const { KafkaJSNotImplemented } = require('../errors')

/** Big-endian fields, one after another. */
class Fields {
  #parts = /** @type {Buffer[]} */ ([])

  /** @param {number} value */
  int16(value) {
    const part = Buffer.alloc(2)
    part.writeInt16BE(value)
    this.#parts.push(part)
    return this
  }

  /** @param {number} value */
  int32(value) {
    const part = Buffer.alloc(4)
    part.writeInt32BE(value)
    this.#parts.push(part)
    return this
  }

  /** @param {string} value */
  string(value) {
    const bytes = Buffer.from(value)
    this.int16(bytes.length)
    this.#parts.push(bytes)
    return this
  }

  /** @param {Uint8Array | null | undefined} value */
  bytes(value) {
    if (value === null || value === undefined) return this.int32(-1)
    this.int32(value.length)
    this.#parts.push(Buffer.from(value))
    return this
  }

  get buffer() {
    return Buffer.concat(this.#parts)
  }
}

/** Reads what Fields wrote. */
class FieldReader {
  #buffer
  #at = 0

  /** @param {Buffer} buffer */
  constructor(buffer) {
    this.#buffer = buffer
  }

  int16() {
    this.#at += 2
    return this.#buffer.readInt16BE(this.#at - 2)
  }

  int32() {
    this.#at += 4
    return this.#buffer.readInt32BE(this.#at - 4)
  }

  string() {
    const length = this.int16()
    this.#at += length
    return this.#buffer.toString('utf8', this.#at - length, this.#at)
  }

  /** @returns {Buffer | null} */
  bytes() {
    if (this.#at >= this.#buffer.length) return null
    const length = this.int32()
    if (length < 0) return null
    this.#at += length
    return this.#buffer.subarray(this.#at - length, this.#at)
  }

  /** @template T @param {() => T} one @returns {T[]} */
  array(one) {
    const length = this.int32()
    return Array.from({ length: Math.max(length, 0) }, one)
  }
}

/** What a member says of itself when it joins: the topics it wants. */
const MemberMetadata = {
  /** @param {{ version: number, topics: string[], userData?: Buffer }} metadata @returns {Buffer} */
  encode({ version, topics, userData = Buffer.alloc(0) }) {
    const fields = new Fields().int16(version).int32(topics.length)
    for (const topic of topics) fields.string(topic)
    return fields.bytes(userData).buffer
  },

  /** @param {Buffer} buffer @returns {{ version: number, topics: string[], userData: Buffer | null }} */
  decode(buffer) {
    const reader = new FieldReader(buffer)
    return { version: reader.int16(), topics: reader.array(() => reader.string()), userData: reader.bytes() }
  },
}

/** What the leader gives to a member: partitions by topic. */
const MemberAssignment = {
  /** @param {{ version: number, assignment: Record<string, number[]>, userData?: Buffer }} given @returns {Buffer} */
  encode({ version, assignment, userData = Buffer.alloc(0) }) {
    const topics = Object.keys(assignment)
    const fields = new Fields().int16(version).int32(topics.length)
    for (const topic of topics) {
      fields.string(topic).int32(assignment[topic].length)
      for (const partition of assignment[topic]) fields.int32(partition)
    }
    return fields.bytes(userData).buffer
  },

  /**
   * @param {Buffer} buffer
   * @returns {{ version: number, assignment: Record<string, number[]>, userData: Buffer | null } | null} null for an
   * empty buffer
   */
  decode(buffer) {
    if (buffer.length < 2) return null
    const reader = new FieldReader(buffer)
    const version = reader.int16()
    const assignment = Object.fromEntries(reader.array(() => [reader.string(), reader.array(() => reader.int32())]))
    return { version, assignment, userData: reader.bytes() }
  },
}

const AssignerProtocol = { MemberMetadata, MemberAssignment }

const VERSION = 0

/**
 * The default assigner: all partitions of all topics in one sequence, dealt out to the members in the order of their
 * ids. The native client has its own of that name; this one is for programs that call it or build on it.
 * @param {{ cluster: { findTopicPartitionMetadata(topic: string): { partitionId: number }[] } }} context
 */
const roundRobin = ({ cluster }) => ({
  name: 'RoundRobinAssigner',
  version: VERSION,

  /** @param {{ members: { memberId: string }[], topics: string[] }} group */
  async assign({ members, topics }) {
    const memberIds = members.map(({ memberId }) => memberId).sort()
    /** @type {Map<string, Record<string, number[]>>} */
    const dealt = new Map(memberIds.map((memberId) => [memberId, {}]))
    let turn = 0
    for (const topic of topics) {
      for (const { partitionId } of cluster.findTopicPartitionMetadata(topic)) {
        const assignment = /** @type {Record<string, number[]>} */ (dealt.get(memberIds[turn % memberIds.length]))
        assignment[topic] = [...(assignment[topic] || []), partitionId]
        turn += 1
      }
    }
    return Array.from(dealt, ([memberId, assignment]) => ({
      memberId,
      memberAssignment: MemberAssignment.encode({ version: VERSION, assignment }),
    }))
  },

  /** @param {{ topics: string[] }} subscription */
  protocol({ topics }) {
    return { name: 'RoundRobinAssigner', metadata: MemberMetadata.encode({ version: VERSION, topics }) }
  },
})

/**
 * An assigner of the native client, to be named in `partitionAssigners`; it does the work itself.
 * @param {string} name librdkafka's, which is also the protocol's
 */
const nativeAssigner = (name) => () => ({
  name,
  version: VERSION,
  /** @returns {Promise<never>} */
  async assign() {
    throw new KafkaJSNotImplemented(`The assigner "${name}" works inside the native client: name it in partitionAssigners`)
  },
  /** @param {{ topics: string[] }} subscription */
  protocol: ({ topics }) => ({ name, metadata: MemberMetadata.encode({ version: VERSION, topics }) }),
})

const PartitionAssigners = {
  roundRobin,
  /** Consecutive partitions of each topic: members that subscribe to topics partitioned alike get the same numbers. */
  range: nativeAssigner('range'),
  /** Members keep what they have, and go on with it while a rebalance moves the rest (KIP-429). */
  cooperativeSticky: nativeAssigner('cooperative-sticky'),
}

module.exports = { PartitionAssigners, AssignerProtocol }
