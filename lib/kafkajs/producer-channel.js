'use strict'
/**
 * One native producer and the sends that go through it. A producer has one channel for its default acks, timeout and
 * compression, and makes others when a send asks for something else (these are properties of a librdkafka handle).
 */
const { FrameWriter } = require('../frame/writer')
const { protocolCode, KafkaJSError, KafkaJSNonRetriableError, LOCAL } = require('../errors')
const { Connection, EVENT } = require('./connection')
const { DeliveryInbox } = require('./delivery-inbox')
const { PendingSends, WholeSend, PartialSend, Call } = require('./pending-sends')

/** A frame larger than this does not wait for the end of the turn. */
const FULL_FRAME_BYTES = 1024 * 1024
/** In the place of a topic's properties: that a wish is not followed was said. */
const TOLD = ''

/** @typedef {import('./pending-sends').RecordMetadata} RecordMetadata */
/** @typedef {{ topic: string, messages: any[], partitions?: ArrayLike<number> }} TopicSend */

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
  /** By the id in frames. @type {string[]} */
  #topicNames = []
  #sends = new PendingSends()
  /** @type {number[]} sends in the writer's frame */
  #packed = []
  #scheduled = false
  #explain
  #submitLater = () => this.submit()
  #inbox = new DeliveryInbox(this.#topicNames, (id, error, results) => {
    const send = this.#sends.take(id)
    if (send === undefined) return
    if (error === 0) send.deliver(this.#acks === '0' ? [] : results)
    else send.fail(this.#deliveryError(error, send.topic), this.#explain)
  })

  /**
   * @param {Omit<import('./connection').ConnectionOptions, 'Native' | 'what'>
   *   & { nativeModule: any, explain: import('./pending-sends').Explain, onStatistics?: (json: string) => void }} options
   */
  constructor({ nativeModule, explain, onStatistics, ...options }) {
    this.#nativeModule = nativeModule
    this.#explain = explain
    this.#acks = options.properties.acks
    this.#connection = new Connection({
      ...options,
      Native: nativeModule.NativeProducer,
      what: 'producer',
      onEvent: (kind, payload) => {
        if (kind === EVENT.DELIVERIES) this.#inbox.arrived()
        else if (kind === EVENT.STATISTICS && onStatistics) onStatistics(payload)
      },
    })
  }

  /** @returns {Promise<void>} */
  async open() {
    await this.#connection.open()
    this.#inbox.open(this.#connection.native)
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
   * Packs the messages of one topic now, so that the program may change them afterwards. What cannot be sent is thrown
   * here. The promise is the program's: it rejects with what `explain` makes of an error.
   * @param {string} topic
   * @param {any[]} messages at least one
   * @returns {Promise<RecordMetadata[]>}
   */
  sendOne(topic, messages) {
    if (this.#writer.isAdding) return afterwards(() => this.sendOne(topic, messages))
    const id = this.#sends.nextId
    this.#writer.add(id, this.#topicId(topic), messages, topic)
    const send = new WholeSend(topic)
    this.#sends.add(send)
    this.#packed.push(id)
    this.#schedule()
    return send.promise
  }

  /**
   * As `sendOne`, for several topics: when one message cannot be sent, nothing of the call is. The promise rejects with
   * native error data or an Error.
   * @param {TopicSend[]} topics
   * @returns {Promise<RecordMetadata[]>}
   */
  send(topics) {
    const writer = this.#writer
    if (writer.isAdding) return afterwards(() => this.send(topics))
    const mark = writer.mark()
    /** @type {number[]} */
    const ids = []
    return new Promise((resolve, reject) => {
      const call = new Call(topics.length, resolve, reject)
      try {
        for (const { topic, messages, partitions } of topics) {
          const id = this.#sends.nextId
          writer.add(id, this.#topicId(topic), messages, topic, partitions)
          this.#sends.add(new PartialSend(topic, call))
          ids.push(id)
        }
      } catch (error) {
        writer.rollback(mark)
        for (const id of ids) this.#sends.take(id)
        throw error
      }
      for (const id of ids) this.#packed.push(id)
      this.#schedule()
    })
  }

  #schedule() {
    if (this.#writer.length >= FULL_FRAME_BYTES) {
      this.submit()
    } else if (!this.#scheduled) {
      this.#scheduled = true
      queueMicrotask(this.#submitLater)
    }
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
      this.#topicId(topic, properties)
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
      for (const id of packed) {
        const send = this.#sends.take(id)
        if (send !== undefined) send.fail(error, this.#explain)
      }
    }
  }

  /** The sends before it are settled when this resolves. @param {number} timeoutMs */
  async flush(timeoutMs) {
    this.submit()
    try {
      await this.#connection.native.flush(timeoutMs)
    } finally {
      await this.settled()
    }
  }

  /** Resolves when the program knows of every send that is complete by now. */
  settled() {
    return this.#inbox.settled()
  }

  /**
   * Delivers what it can, then ends. Never rejects; sends left over reject.
   * @param {number} timeoutMs how long to wait without a single delivery
   */
  async close(timeoutMs) {
    this.submit()
    await this.#connection.close(timeoutMs)
    await this.settled()
    for (const send of this.#sends.takeAll()) {
      send.fail(new KafkaJSError('The producer was disconnected before the message was delivered'), this.#explain)
    }
  }

  /** @param {string} topic @param {Record<string, string>} [properties] its own, of a topic that is new */
  #topicId(topic, properties) {
    let id = this.#topicIds.get(topic)
    if (id === undefined) {
      const { native } = this.#connection
      id = /** @type {number} */ (properties === undefined ? native.topic(topic) : native.topic(topic, properties))
      this.#topicIds.set(topic, id)
      this.#topicNames[id] = topic
    }
    return id
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
}

/**
 * A send within another one, of a getter of its messages: when that one is packed.
 * @template T @param {() => Promise<T>} send @returns {Promise<T>}
 */
async function afterwards(send) {
  await undefined
  return send()
}

module.exports = { ProducerChannel }
