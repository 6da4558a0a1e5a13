'use strict'
const {
  fromNative,
  LOCAL,
  KafkaJSError,
  KafkaJSNonRetriableError,
  KafkaJSNumberOfRetriesExceeded,
} = require('../errors')
const { InstrumentationEmitter } = require('./events')
const { NetworkEvents } = require('./network-events')
const { Partitioners } = require('./partitioners')
const { PartitionTable } = require('./partition-table')
const { ProducerChannel } = require('./producer-channel')
const { checkRecord, readBatch, merged, checkSend, sendProperties } = require('./producer-input')
const { withDefaults } = require('./retry')
const { Transactions } = require('./transactions')
const { show } = require('./options')

const events = Object.freeze({
  CONNECT: 'producer.connect',
  DISCONNECT: 'producer.disconnect',
  REQUEST: 'producer.network.request',
  REQUEST_TIMEOUT: 'producer.network.request_timeout',
  REQUEST_QUEUE_SIZE: 'producer.network.request_queue_size',
})

/** How long disconnect() waits while not a single message is delivered, ms. */
const CLOSE_TIMEOUT = 5000

/**
 * Channels for other acks, timeouts and compressions than the producer's own. Beyond these the longest unused one is
 * closed.
 */
const MAX_VARIANTS = 16

const METHODS = /** @type {const} */ ([
  'connect',
  'disconnect',
  'send',
  'sendBatch',
  'flush',
  'transaction',
  'isIdempotent',
  'on',
  'logger',
])

/**
 * Sends messages. Made by `kafka.producer()`.
 *
 * All sends of one turn of the event loop cross into the native client together, so `Promise.all` over many small sends
 * is quick. Messages are packed inside the call: they may be changed afterwards.
 */
class Producer {
  #config
  #native
  #logger
  #options
  #brokers
  #emitter
  #network
  /** @type {'disconnected' | 'connecting' | 'connected' | 'disconnecting'} */
  #status = 'disconnected'
  /** What connect() opens: for plain sends, or with a transactional id for transactions. @type {ProducerChannel | undefined} */
  #channel
  /** @type {Map<string, { channel: ProducerChannel, opened: Promise<void> }>} */
  #variants = new Map()
  /** What a send asked for last that was what the producer has. @type {{ acks: any, timeout: any, compression: any } | undefined} */
  #usual
  /** @type {Promise<void> | undefined} */
  #connecting
  /** @type {Promise<void> | undefined} */
  #disconnecting
  /** How often the program called disconnect(): a connect() that waited for one is off after another. */
  #endings = 0
  /** @type {PartitionTable | undefined} only with a JS partitioner */
  #table
  /** @type {Transactions | undefined} only with a transactional id */
  #transactions
  /** Whether what connect() opens takes messages as they are: librdkafka chooses partitions, and no transaction does. */
  #isPlain
  /** @type {((json: string) => void) | undefined} a hook for statistics.interval.ms */
  #onStatistics

  /**
   * @param {object} setup
   * @param {any} setup.brokers what the user gave to Kafka as `brokers`
   * @param {Record<string, string>} setup.config librdkafka properties
   * @param {any} setup.native the native module
   * @param {import('./logger').Logger} setup.logger
   * @param {any} setup.options from `producerOptions`
   * @param {import('./group-offsets').GroupOffsets} setup.groupOffsets
   */
  constructor({ brokers, config, native, logger, options, groupOffsets }) {
    this.#brokers = brokers
    this.#config = config
    this.#native = native
    this.#logger = logger
    this.#options = options
    this.#emitter = new InstrumentationEmitter({ names: events, label: 'producer', logger })
    this.#network = new NetworkEvents({ emitter: this.#emitter, names: events, clientId: config['client.id'] })
    this.events = events
    const { createPartitioner } = options
    if (createPartitioner && createPartitioner !== Partitioners.DefaultPartitioner) {
      this.#table = new PartitionTable({
        partitioner: createPartitioner(),
        options,
        load: (topic, ms) => this.#partitions(topic, ms),
      })
    }
    if (options.transactional) {
      this.#transactions = new Transactions({
        options,
        logger,
        offsets: groupOffsets,
        table: this.#table,
        channel: () => /** @type {ProducerChannel} */ (this.#channel),
        renew: () => this.#renew(),
        isConnected: () => this.#status === 'connected',
        checkConnected: () => this.#checkConnected(),
      })
    }
    this.#isPlain = this.#table === undefined && this.#transactions === undefined
    // kafkajs's producer is a bag of closures: programs take its methods off (`const { send } = producer`).
    for (const name of METHODS) /** @type {any} */ (this)[name] = /** @type {any} */ (this)[name].bind(this)
  }

  /**
   * Connects. Rejects with KafkaJSNumberOfRetriesExceeded (the reason is its `cause`) when no broker answers within the
   * time that the `retry` options give, and at once when disconnect() is called meanwhile.
   * @returns {Promise<void>}
   */
  async connect() {
    const endings = this.#endings
    while (this.#disconnecting) await this.#disconnecting
    if (this.#endings !== endings) {
      throw new KafkaJSNonRetriableError('The producer was disconnected while it was connecting')
    }
    if (this.#status !== 'connected') {
      // Every caller awaits the same attempt.
      this.#connecting = this.#connecting || this.#open()
      await this.#connecting
    }
    this.#emitter.emit(events.CONNECT)
  }

  async #open() {
    const channel = this.#makeChannel(this.#options.transactional || this.#config)
    this.#channel = channel
    this.#status = 'connecting'
    try {
      await channel.open()
      this.#status = 'connected'
    } catch (error) {
      if (this.#channel === channel) {
        this.#channel = undefined
        this.#status = 'disconnected'
      }
      throw error
    } finally {
      this.#connecting = undefined
    }
  }

  /** Another channel for transactions, in the place of one that cannot go on. @returns {Promise<ProducerChannel>} */
  async #renew() {
    const before = this.#channel
    if (before) await before.close(0)
    this.#checkConnected()
    const channel = this.#makeChannel(this.#options.transactional)
    this.#channel = channel
    await channel.open()
    this.#checkConnected()
    return channel
  }

  /** @param {Record<string, string>} properties */
  #makeChannel(properties) {
    return new ProducerChannel({
      nativeModule: this.#native,
      brokers: this.#brokers,
      network: this.#network,
      properties,
      retry: this.#options.retry,
      connectTimeout: this.#options.connectTimeout,
      tokens: this.#options.tokens,
      logger: this.#logger.namespace('librdkafka'),
      explain: (error, topic) => sendError(error, topic, this.#options.retry),
      onStatistics: (json) => this.#onStatistics && this.#onStatistics(json),
    })
  }

  /**
   * Delivers what was sent, then disconnects. It does not wait for brokers that are gone: after 5 s without a delivery
   * the rest is given up, and those sends reject. Safe at any time and twice.
   * @returns {Promise<void>}
   */
  async disconnect() {
    this.#endings++
    this.#disconnecting = this.#disconnecting || this.#close()
    await this.#disconnecting
    this.#emitter.emit(events.DISCONNECT)
  }

  async #close() {
    const timeout = this.#status === 'connecting' ? 0 : CLOSE_TIMEOUT
    const transactions = this.#status === 'connected' ? this.#transactions : undefined
    this.#status = 'disconnecting'
    try {
      const closing = [...this.#variants.values()].map(({ channel }) => channel.close(timeout))
      this.#variants.clear()
      const answered = transactions === undefined || (await transactions.end(CLOSE_TIMEOUT))
      if (this.#channel) closing.push(this.#channel.close(answered ? timeout : 0))
      await Promise.all(closing)
    } finally {
      this.#channel = undefined
      this.#status = 'disconnected'
      this.#disconnecting = undefined
      if (this.#table) this.#table.clear()
    }
  }

  /**
   * Sends messages to one topic.
   * @param {{ topic: string, messages: any[], acks?: number, timeout?: number, compression?: number }} record
   * @returns {Promise<import('./producer-channel').RecordMetadata[]>} one per partition; empty with `acks: 0`
   */
  send(record) {
    try {
      const { topic, messages, acks, timeout, compression } = checkRecord(record)
      const topics = [{ topic, messages }]
      this.#check(topics, acks)
      if (this.#isUsual(acks, timeout, compression) && this.#isPlain && messages.length > 0) {
        return /** @type {ProducerChannel} */ (this.#channel).sendOne(topic, messages)
      }
      return this.#deliver(topics, acks, timeout, compression)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Sends messages to several topics.
   * @param {{ topicMessages?: { topic: string, messages: any[] }[], acks?: number, timeout?: number, compression?:
   * number }} batch
   * @returns {Promise<import('./producer-channel').RecordMetadata[]>}
   */
  async sendBatch(batch) {
    const { topics, acks, timeout, compression } = readBatch(batch)
    this.#check(topics, acks)
    return this.#deliver(merged(topics), acks, timeout, compression)
  }

  /** @param {import('./producer-channel').TopicSend[]} topics @param {any} acks */
  #check(topics, acks) {
    checkSend(topics, acks, {
      idempotent: this.#options.idempotent === true,
      connected: this.#status === 'connected',
    })
    this.#checkConnected()
  }

  #checkConnected() {
    if (this.#status === 'connected') return
    if (this.#status === 'disconnecting') {
      throw new KafkaJSNonRetriableError(
        "The producer is disconnecting; therefore, it can't safely accept messages anymore",
      )
    }
    throw new KafkaJSError('The producer is disconnected')
  }

  /**
   * @param {import('./producer-channel').TopicSend[]} topics
   * @param {any} acks @param {any} timeout @param {any} compression
   */
  async #deliver(topics, acks, timeout, compression) {
    const filled = topics.filter(({ messages }) => messages.length > 0)
    try {
      const ownSettings = this.#isUsual(acks, timeout, compression) && this.#transactions === undefined
      let channel = /** @type {ProducerChannel} */ (this.#channel)
      if (!ownSettings) {
        const other = this.#variant(acks, timeout, compression)
        if (filled.length === 0) return []
        if (other !== undefined) {
          await other.opened
          channel = other.channel
          this.#checkConnected()
        }
      }
      if (filled.length === 0) return []
      if (this.#table !== undefined) {
        await this.#table.choose(filled)
        this.#checkConnected()
      }
      return await channel.send(filled)
    } catch (/** @type {any} */ error) {
      throw sendError(error, topics[0] && topics[0].topic, this.#options.retry)
    }
  }

  /**
   * Whether a send asks for nothing that the producer has not. Programs give the same with every send: it is found out once.
   * @param {any} acks @param {any} timeout @param {any} compression
   */
  #isUsual(acks, timeout, compression) {
    if (acks === undefined && timeout === undefined && compression === undefined) return true
    const usual = this.#usual
    return usual !== undefined && usual.acks === acks && usual.timeout === timeout && usual.compression === compression
  }

  /**
   * The channel for a send that asks for other acks, timeout or compression than the producer has; undefined when it
   * has these.
   * @param {any} acks @param {any} timeout @param {any} compression
   */
  #variant(acks, timeout, compression) {
    const wanted = sendProperties(acks, timeout, compression)
    /** @type {Record<string, string>} */
    const defaults = {
      ...this.#config,
      acks: ackText(this.#config.acks),
      'compression.codec': this.#config['compression.codec'] || 'none',
    }
    const differing = Object.entries(wanted).filter(([name, value]) => defaults[name] !== value)
    // What connect() opened serves transactions alone, where there are any.
    if (differing.length === 0 && this.#transactions === undefined) {
      this.#usual = { acks, timeout, compression }
      return undefined
    }

    const key = JSON.stringify(wanted)
    const before = this.#variants.get(key)
    if (before !== undefined) {
      // Last used last: the first in the map is the one to close.
      this.#variants.delete(key)
      this.#variants.set(key, before)
      return before
    }
    const properties = { ...this.#config, ...Object.fromEntries(differing) }
    if (ackText(properties.acks) !== '-1') properties['enable.idempotence'] = 'false'
    const channel = this.#makeChannel(properties)
    const opened = channel.open()
    const variant = { channel, opened }
    opened.catch(() => {
      if (this.#variants.get(key) === variant) this.#variants.delete(key)
    })
    this.#variants.set(key, variant)
    if (this.#variants.size > MAX_VARIANTS) {
      const oldest = [...this.#variants].find(([, { channel }]) => channel.inFlight === 0)
      if (oldest !== undefined && oldest[0] !== key) {
        this.#variants.delete(oldest[0])
        oldest[1].opened.then(
          () => oldest[1].channel.close(CLOSE_TIMEOUT),
          () => {},
        )
      }
    }
    return variant
  }

  /**
   * Resolves when every message sent so far is delivered or has failed. Its send() tells which.
   * @param {{ timeout?: number } | number} [options] ms; without it, as long as messages may take to be delivered
   * @returns {Promise<void>}
   */
  async flush(options) {
    this.#checkConnected()
    const given = typeof options === 'object' && options !== null ? options.timeout : options
    if (given !== undefined && given !== null && !(typeof given === 'number' && given >= 0)) {
      throw new KafkaJSNonRetriableError(
        `Invalid timeout ${show(given)}: write milliseconds, e.g. flush({ timeout: 10000 })`,
      )
    }
    const timeout = Math.min(given ?? (Number(this.#config['message.timeout.ms']) || 2147483647) + 1000, 2147483647)
    // Not that of the transactions: their commit waits for their messages.
    const own = this.#transactions === undefined ? [/** @type {ProducerChannel} */ (this.#channel)] : []
    const channels = [
      ...own,
      ...[...this.#variants.values()].map(({ channel }) => channel),
    ]
    try {
      await Promise.all(channels.filter(({ native }) => native !== undefined).map((channel) => channel.flush(timeout)))
    } catch (/** @type {any} */ error) {
      throw fromNative(error)
    }
  }

  /**
   * Begins a transaction: what is sent through the object returned counts all together or not at all. One at a time. The
   * first one gets the producer id, which ends what another producer with the same transactional id has not ended.
   * @returns {Promise<import('./transactions').Face>}
   */
  async transaction() {
    if (this.#transactions === undefined) {
      throw new KafkaJSNonRetriableError('Must provide transactional id for transactional producer')
    }
    return this.#transactions.begin()
  }

  /**
   * Whether the program asked for an idempotent producer. (This client's producer is one anyway, unless told not to
   * be.)
   */
  isIdempotent() {
    return this.#options.idempotent === true
  }

  /**
   * Listens to an instrumentation event.
   * @param {string} type one of `producer.events`
   * @param {(event: import('./events').InstrumentationEvent) => any} listener
   * @returns {() => void} removes the listener
   */
  on(type, listener) {
    return this.#emitter.on(type, listener)
  }

  /** @returns {import('./logger').Logger} */
  logger() {
    return this.#logger
  }

  /** @param {string} topic @param {number} timeoutMs @returns {Promise<string>} */
  #partitions(topic, timeoutMs) {
    // Rather not the channel of the transactions: asking for a topic there fixes its compression.
    const channels = [...this.#variants.values()].map(({ channel }) => channel)
    const { native } = [...channels, this.#channel].find((channel) => channel && channel.native) || {}
    if (!native) return Promise.reject(new KafkaJSError('The producer is disconnected'))
    return native.partitions(topic, timeoutMs)
  }
}

/** The protocol's code of a topic name that no broker takes. */
const INVALID_TOPIC_EXCEPTION = 17

/**
 * Why a send failed, in the class that kafkajs gives it: what was tried until the time was over is a
 * KafkaJSNumberOfRetriesExceeded, what metadata already refused a KafkaJSNonRetriableError; both have the reason as `cause`.
 * @param {any} error boundary data, or an Error @param {string | undefined} topic @param {any} retry options
 */
function sendError(error, topic, retry) {
  const reason = /** @type {any} */ (fromNative(error, { topic }))
  if (reason === error) return error
  if (error.code === INVALID_TOPIC_EXCEPTION) return new KafkaJSNonRetriableError(reason, { cause: reason })
  // A partition that does not exist is the program's mistake, and was not tried again.
  if (!reason.retriable || error.code === LOCAL.UNKNOWN_PARTITION) return reason
  const { retries, maxRetryTime } = withDefaults(retry)
  return new KafkaJSNumberOfRetriesExceeded(reason, { retryCount: retries, retryTime: maxRetryTime, cause: reason })
}

/** @param {string | undefined} acks */
function ackText(acks) {
  return acks === undefined || acks === 'all' ? '-1' : acks
}

module.exports = { Producer, events }
