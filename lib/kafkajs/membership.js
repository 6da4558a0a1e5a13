'use strict'
const { fromNative, KafkaJSError } = require('../errors')
const { Connection, EVENT } = require('./connection')

/** How much one crossing carries: larger frames hold up the event loop, smaller ones cost more crossings. */
const FRAME = Object.freeze({ frameBytes: 256 * 1024, frameMessages: 1000 })
/** Batches are made of whole frames, which may then be as large as what brokers give of one partition. */
const LARGEST_FRAME_BYTES = 16 * 1024 * 1024
const MANY_MESSAGES = 1_000_000
/** How long leaving the group may take, ms. */
const LEAVE_TIMEOUT = 5000
/** How long a description of the group may take, ms: kafkajs's default for a request. */
const DESCRIBE_TIMEOUT = 30000

/**
 * Membership in a group: join, assignment, revocation, commit, leave. This is librdkafka's own; everything that the runner and
 * the consumer know of the group goes through these methods and callbacks, so that another kind can take its place.
 *
 * @typedef {{ topic: string, partition: number }} TopicPartition
 * @typedef {object} MembershipListener
 * @property {(generation: number, partitions: TopicPartition[], member: any) => Promise<void> | void} onAssigned must end with `assign`
 * @property {(generation: number, partitions: TopicPartition[], lost: boolean) => Promise<void> | void} onRevoked must end with `unassign`
 * @property {(bytes: Uint8Array) => void} onFrame
 * @property {(error: { code: number, name: string, message: string, fatal: boolean, topic?: string, partition?: number }) => void} onError
 */
class LibrdkafkaMembership {
  #connection
  /** Rebalances are handled one after another. */
  #rebalance = Promise.resolve()

  /**
   * @param {object} setup
   * @param {any} setup.native the native module
   * @param {any} setup.brokers
   * @param {Record<string, string>} setup.properties
   * @param {any} setup.retry
   * @param {number} setup.connectTimeout ms
   * @param {import('./token').TokenProvider} [setup.tokens]
   * @param {import('./network-events').NetworkEvents} [setup.network]
   * @param {import('./logger').Logger} setup.logger
   * @param {MembershipListener} listener
   */
  constructor({ native, brokers, properties, retry, connectTimeout, tokens, network, logger }, listener) {
    const { NativeConsumer } = native
    /** @param {Record<string, string>} config @param {(kind: number, payload: any) => void} onEvent */
    function Native(config, onEvent) {
      return new NativeConsumer(config, onEvent, FRAME)
    }
    this.#connection = new Connection({
      Native: /** @type {any} */ (Native),
      brokers,
      properties,
      retry,
      connectTimeout,
      tokens,
      network,
      what: 'consumer',
      logger,
      onEvent: (kind, payload) => {
        if (kind === EVENT.FRAME) listener.onFrame(payload)
        else if (kind === EVENT.REBALANCE) this.#onRebalance(JSON.parse(payload), listener)
        else if (kind === EVENT.ERROR) listener.onError(JSON.parse(payload))
      },
    })
  }

  /** @returns {Promise<void>} */
  connect() {
    return this.#connection.open()
  }

  /** The native consumer, for fetching. Throws when there is none. @returns {any} */
  get native() {
    const { native } = this.#connection
    if (native === undefined) throw new KafkaJSError('The consumer is disconnected')
    return native
  }

  get isConnected() {
    return this.#connection.native !== undefined
  }

  /** The error that ended this client, if one did. */
  get fatal() {
    return this.#connection.fatal
  }

  /** @param {{ topic: string, fromBeginning: boolean }[]} topics */
  async join(topics) {
    await this.#call(() => this.native.subscribe(topics))
  }

  /** Whether the coordinator has taken this member in. An assignment says so too, but may be long in coming (KIP-848). */
  async isMember() {
    return Number((await this.member()).generationId) > 0
  }

  /** Who this member is, for offsets that a transaction commits. @returns {Promise<import('./group-offsets').GroupMember>} */
  async member() {
    return JSON.parse(await this.#call(() => this.native.groupMetadata()))
  }

  /**
   * Starts fetching. Offset '-1001': at the committed offset, or where the topic's `fromBeginning` says.
   * @param {number} generation
   * @param {(TopicPartition & { offset: string })[]} partitions
   */
  async assign(generation, partitions) {
    await this.#call(() => this.native.assign(generation, partitions))
  }

  /**
   * The group's offsets; negative where there is none.
   * @param {TopicPartition[]} partitions @param {number} timeoutMs
   * @returns {Promise<(TopicPartition & { offset: string, metadata: string | null })[]>}
   */
  async committed(partitions, timeoutMs) {
    return JSON.parse(await this.#call(() => this.native.committed(partitions, timeoutMs)))
  }

  /**
   * The offsets of the next messages to be written.
   * @param {TopicPartition[]} partitions @param {number} timeoutMs
   * @returns {Promise<(TopicPartition & { offset: string })[]>}
   */
  async endOffsets(partitions, timeoutMs) {
    return JSON.parse(await this.#call(() => this.native.endOffsets(partitions, timeoutMs)))
  }

  /**
   * Prepares for batches of this size, or (0) for messages handled one by one.
   * @param {number} batchBytes
   * @param {number} largest bytes that a frame may take
   */
  frameLimits(batchBytes, largest) {
    if (!this.isConnected) return
    const wanted = Math.min(Math.max(FRAME.frameBytes, batchBytes), LARGEST_FRAME_BYTES)
    const frameBytes = Math.max(1, Math.min(wanted, Math.floor(largest)))
    this.native.frameLimits({ frameBytes, frameMessages: batchBytes > 0 ? MANY_MESSAGES : FRAME.frameMessages })
  }

  /** @param {number} generation */
  async unassign(generation) {
    if (this.isConnected) await this.#call(() => this.native.unassign(generation))
  }

  /** @param {(TopicPartition & { offset: string, metadata?: string })[]} offsets the next to read */
  async commit(offsets) {
    await this.#call(() => this.native.commit(offsets))
  }

  /**
   * @param {{ topic: string, fromBeginning: boolean }[] | null} topics all, when null. The others are consumed from where they
   * are first said to begin here
   * @param {number} timeoutMs
   */
  async metadata(topics, timeoutMs) {
    return JSON.parse(await this.#call(() => this.native.metadata(topics, timeoutMs)))
  }

  /** @param {string[]} groups @returns {Promise<any[]>} see NativeConsumer.describeGroups */
  async describeGroups(groups) {
    return JSON.parse(await this.#call(() => this.native.describeGroups(groups, DESCRIBE_TIMEOUT)))
  }

  /** Leaves the group and closes the client. Never rejects. */
  leave() {
    return this.#connection.close(LEAVE_TIMEOUT)
  }

  /** @param {() => Promise<any>} call */
  async #call(call) {
    try {
      return await call()
    } catch (/** @type {any} */ error) {
      throw fromNative(error)
    }
  }

  /** @param {any} event @param {MembershipListener} listener */
  #onRebalance({ kind, lost, generation, partitions, ...member }, listener) {
    this.#rebalance = this.#rebalance.then(async () => {
      try {
        if (kind === 'assign') await listener.onAssigned(generation, partitions, member)
        else await listener.onRevoked(generation, partitions, lost)
      } catch (error) {
        listener.onError(/** @type {any} */ (error))
      }
    })
  }
}

module.exports = { LibrdkafkaMembership }
