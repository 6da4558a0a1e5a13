'use strict'
/**
 * One native producer and the sends that go through it. A producer has one channel for its default acks, timeout and
 * compression, and makes others when a send asks for something else (these are properties of a librdkafka handle).
 */
const { FrameWriter } = require('../frame/writer')
const { readDeliveries } = require('../frame/deliveries')
const { protocolCode, KafkaJSError, KafkaJSNonRetriableError, LOCAL } = require('../errors')
const { Connection, EVENT } = require('./connection')

/** A frame larger than this does not wait for the end of the turn. */
const FULL_FRAME_BYTES = 1024 * 1024
const MAX_ID = 0x7fffffff
/** In the place of a topic's properties: that a wish is not followed was said. */
const TOLD = ''

/**
 * @typedef {{ topicName: string, partition: number, errorCode: number, baseOffset: string, logAppendTime: string,
 * logStartOffset: string }} RecordMetadata
 */
/** @typedef {{ topic: string, messages: any[], partitions?: ArrayLike<number> }} TopicSend */

/**
 * One call of send() or sendBatch(), under way.
 * @typedef {object} Pending
 * @property {(results: RecordMetadata[]) => void} resolve
 * @property {(error: any) => void} reject
 * @property {number} left topics whose deliveries are not in yet
 * @property {RecordMetadata[]} results
 * @property {any} error of the first topic that failed
 */

const LOCALLY_RETRIABLE = new Set([
  LOCAL.TRANSPORT,
  LOCAL.RESOLVE,
  LOCAL.ALL_BROKERS_DOWN,
  LOCAL.MSG_TIMED_OUT,
  LOCAL.TIMED_OUT,
])

/** Messages that were given up, not refused. */
const PURGED = new Set([LOCAL.PURGE_QUEUE, LOCAL.PURGE_INFLIGHT])
/** The protocol's code. */
const UNKNOWN_TOPIC_OR_PARTITION = 3

class ProducerChannel {
  #connection
  #nativeModule
  #acks
  #writer = new FrameWriter()
  /** @type {Map<string, number>} */
  #topicIds = new Map()
  /** By topic, where it has some of its own. @type {Map<string, string>} */
  #topicProperties = new Map()
  /** @type {Map<number, { pending: Pending, topic: string }>} */
  #sends = new Map()
  /** @type {number[]} sends in the writer's frame */
  #packed = []
  #lastId = 0
  #scheduled = false
  #visitor

  /**
   * @param {Omit<import('./connection').ConnectionOptions, 'Native' | 'what'>
   *   & { nativeModule: any, onStatistics?: (json: string) => void }} options
   */
  constructor({ nativeModule, onStatistics, ...options }) {
    this.#nativeModule = nativeModule
    this.#acks = options.properties.acks
    this.#visitor = this.#deliveryVisitor()
    this.#connection = new Connection({
      ...options,
      Native: nativeModule.NativeProducer,
      what: 'producer',
      onEvent: (kind, payload) => {
        if (kind === EVENT.DELIVERIES) readDeliveries(payload, this.#visitor)
        else if (kind === EVENT.STATISTICS && onStatistics) onStatistics(payload)
      },
    })
  }

  /** @returns {Promise<void>} */
  open() {
    return this.#connection.open()
  }

  /** The native producer, while connected. */
  get native() {
    return this.#connection.native
  }

  /** Sends that have no answer yet. */
  get inFlight() {
    return this.#sends.size
  }

  /**
   * Packs the messages now, so that the program may change them afterwards. What cannot be sent is thrown here, and
   * then nothing of the call is sent. The promise rejects with native error data or an Error.
   * @param {TopicSend[]} topics
   * @returns {Promise<RecordMetadata[]>}
   */
  send(topics) {
    const writer = this.#writer
    const firstId = this.#lastId
    const mark = writer.mark()
    try {
      for (const { topic, messages, partitions } of topics) {
        writer.add(this.#nextId(), this.#topicId(topic), messages, topic, partitions)
      }
    } catch (error) {
      writer.rollback(mark)
      this.#lastId = firstId
      throw error
    }
    return new Promise((resolve, reject) => {
      /** @type {Pending} */
      const pending = { resolve, reject, left: topics.length, results: [], error: undefined }
      this.#lastId = firstId
      for (const { topic } of topics) {
        const id = this.#nextId()
        this.#sends.set(id, { pending, topic })
        this.#packed.push(id)
      }
      if (writer.length >= FULL_FRAME_BYTES) {
        this.submit()
      } else if (!this.#scheduled) {
        this.#scheduled = true
        queueMicrotask(() => this.submit())
      }
    })
  }

  /**
   * Gives a topic properties of its own, such as its compression. librdkafka fixes them with the first message.
   * @param {string} topic
   * @param {Record<string, string>} properties
   * @returns {boolean} false, once, when they differ from those that the topic has
   */
  describe(topic, properties) {
    const wish = JSON.stringify(properties)
    if (wish === '{}') return true
    if (!this.#topicIds.has(topic)) {
      this.#topicIds.set(topic, this.#connection.native.topic(topic, properties))
      this.#topicProperties.set(topic, wish)
      return true
    }
    const known = this.#topicProperties.get(topic)
    if (known === wish || known === TOLD) return true
    this.#topicProperties.set(topic, TOLD)
    return false
  }

  /** Hands over what is packed: one crossing for all sends of the turn. */
  submit() {
    this.#scheduled = false
    if (this.#packed.length === 0) return
    const packed = this.#packed
    this.#packed = []
    const { buffer, length } = this.#writer.take()
    const { native } = this.#connection
    try {
      if (native === undefined) throw new KafkaJSError('The producer is disconnected')
      native.submit(buffer, length)
    } catch (error) {
      for (const id of packed) this.#fail(id, error)
    }
  }

  /** @param {number} timeoutMs */
  async flush(timeoutMs) {
    this.submit()
    await this.#connection.native.flush(timeoutMs)
  }

  /**
   * Delivers what it can, then ends. Never rejects; sends left over reject.
   * @param {number} timeoutMs how long to wait without a single delivery
   */
  async close(timeoutMs) {
    this.submit()
    await this.#connection.close(timeoutMs)
    for (const id of [...this.#sends.keys()]) {
      this.#fail(id, new KafkaJSError('The producer was disconnected before the message was delivered'))
    }
  }

  /** Ids are words of the frame: they wrap, and skip those still under way. */
  #nextId() {
    do {
      this.#lastId = this.#lastId === MAX_ID ? 1 : this.#lastId + 1
    } while (this.#sends.has(this.#lastId))
    return this.#lastId
  }

  /** @param {string} topic */
  #topicId(topic) {
    let id = this.#topicIds.get(topic)
    if (id === undefined) {
      id = /** @type {number} */ (this.#connection.native.topic(topic))
      this.#topicIds.set(topic, id)
    }
    return id
  }

  #deliveryVisitor() {
    /** @type {{ pending: Pending, topic: string } | undefined} */
    let send
    let left = 0
    const done = () => {
      if (send !== undefined && --send.pending.left === 0) settle(send.pending)
    }
    return {
      send: (
        /** @type {number} */ id,
        /** @type {number} */ error,
        /** @type {number} */ _failed,
        /** @type {number} */ partitions,
      ) => {
        send = this.#sends.get(id)
        this.#sends.delete(id)
        if (send !== undefined && error !== 0 && send.pending.error === undefined) {
          send.pending.error = this.#deliveryError(error, send.topic)
        }
        left = partitions
        if (left === 0) done()
      },
      partition: (
        /** @type {number} */ partition,
        /** @type {string} */ baseOffset,
        /** @type {string} */ logAppendTime,
      ) => {
        if (send !== undefined && send.pending.error === undefined && this.#acks !== '0') {
          send.pending.results.push({
            topicName: send.topic,
            partition,
            errorCode: 0,
            baseOffset,
            logAppendTime,
            logStartOffset: '0',
          })
        }
        if (--left === 0) done()
      },
    }
  }

  /** @param {number} code @param {string} topic @returns {any} error data, or the error that ended this client */
  #deliveryError(code, topic) {
    const { errorName, errorText } = this.#nativeModule
    const { fatal, trouble } = this.#connection
    // librdkafka gives up what waits when it cannot go on.
    if (fatal !== undefined && (code === LOCAL.FATAL || PURGED.has(code)))
      return new KafkaJSNonRetriableError(fatal, { fatal: true, cause: fatal })
    let message = errorText(code)
    if (code === LOCAL.MSG_TIMED_OUT) {
      const reason = trouble ? `: ${trouble}` : ''
      message = `A message for topic "${topic}" could not be delivered in time (message.timeout.ms)${reason}`
    } else if (code === LOCAL.UNKNOWN_TOPIC || code === LOCAL.UNKNOWN_PARTITION) {
      const which = code === LOCAL.UNKNOWN_TOPIC ? `There is no topic "${topic}"` : `Topic "${topic}" has no such partition`
      message = `${which} (${message})`
    } else if (code === UNKNOWN_TOPIC_OR_PARTITION) {
      message = `${message}: topic "${topic}"`
    } else if (PURGED.has(code)) {
      message = 'The producer was disconnected before the message was delivered'
    }
    return {
      code,
      name: errorName(code),
      message,
      fatal: code === LOCAL.FATAL,
      retriable: code > 0 ? protocolCode(code).retriable : LOCALLY_RETRIABLE.has(code),
      abortable: false,
    }
  }

  /** @param {number} id @param {any} error */
  #fail(id, error) {
    const send = this.#sends.get(id)
    if (send === undefined) return
    this.#sends.delete(id)
    if (send.pending.error === undefined) send.pending.error = error
    if (--send.pending.left === 0) settle(send.pending)
  }
}

/** @param {Pending} pending */
function settle(pending) {
  if (pending.error !== undefined) pending.reject(pending.error)
  else pending.resolve(pending.results)
}

module.exports = { ProducerChannel }
