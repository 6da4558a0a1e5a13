'use strict'
const { Connection } = require('../connection')
const { InstrumentationEmitter } = require('../events')
const { NetworkEvents } = require('../network-events')
const { Requests } = require('./requests')

const events = Object.freeze({
  CONNECT: 'admin.connect',
  DISCONNECT: 'admin.disconnect',
  REQUEST: 'admin.network.request',
  REQUEST_TIMEOUT: 'admin.network.request_timeout',
  REQUEST_QUEUE_SIZE: 'admin.network.request_queue_size',
})

const METHODS = /** @type {const} */ (['connect', 'disconnect', 'on', 'logger'])

/** The methods that ask the cluster, by name: each takes the requests and then what the program gives. */
const OPERATIONS = {
  ...require('./topics').operations,
  ...require('./topic-offsets').operations,
  ...require('./groups').operations,
  ...require('./committed-offsets').operations,
  ...require('./configs').operations,
  ...require('./acls').operations,
}

/** Looks after the cluster: topics, groups, configurations, ACLs. Made by `kafka.admin()`. */
class Admin {
  #brokers
  #config
  #native
  #logger
  #options
  #emitter
  #network
  /** @type {Connection | undefined} */
  #connection
  /** @type {Promise<void> | undefined} */
  #connecting
  /** @type {Promise<void> | undefined} */
  #disconnecting
  /** Whether the program ended it: until connect() is called, nothing connects it again. */
  #ended = false

  /**
   * @param {object} setup
   * @param {any} setup.brokers what the user gave to Kafka as `brokers`
   * @param {Record<string, string>} setup.config librdkafka properties
   * @param {any} setup.native the native module
   * @param {import('../logger').Logger} setup.logger
   * @param {any} setup.options from `adminOptions`
   */
  constructor({ brokers, config, native, logger, options }) {
    this.#brokers = brokers
    this.#config = config
    this.#native = native
    this.#logger = logger
    this.#options = options
    this.#emitter = new InstrumentationEmitter({ names: events, label: 'admin', logger })
    this.#network = new NetworkEvents({ emitter: this.#emitter, names: events, clientId: config['client.id'] })
    this.events = events
    // kafkajs's admin is a bag of closures: programs take its methods off.
    const self = /** @type {any} */ (this)
    for (const name of METHODS) self[name] = self[name].bind(this)
    const requests = new Requests({
      connected: () => this.#connected(),
      retry: options.retry,
      readTimeout: Number(config['socket.timeout.ms']),
      logger,
    })
    for (const [name, operation] of Object.entries(OPERATIONS)) {
      self[name] = (/** @type {any[]} */ ...given) => /** @type {any} */ (operation)(requests, ...given)
    }
  }

  /**
   * Connects. Rejects with KafkaJSNumberOfRetriesExceeded (the reason is its `cause`) when no broker answers within the
   * time that the `retry` options give, and at once when disconnect() is called meanwhile.
   * @returns {Promise<void>}
   */
  async connect() {
    if (this.#disconnecting) await this.#disconnecting
    this.#ended = false
    if (this.#connection === undefined || this.#connecting) {
      // Every caller awaits the same attempt.
      this.#connecting = this.#connecting || this.#open()
      await this.#connecting
    }
    this.#emitter.emit(events.CONNECT)
  }

  /**
   * The native client. As in kafkajs a call before connect() connects.
   * @returns {Promise<any>} undefined after disconnect()
   */
  async #connected() {
    if (this.#ended) return undefined
    if (this.#connecting || this.#connection === undefined) {
      this.#connecting = this.#connecting || this.#open()
      await this.#connecting
    }
    return this.#connection && this.#connection.native
  }

  async #open() {
    const connection = new Connection({
      Native: this.#native.NativeAdmin,
      brokers: this.#brokers,
      properties: this.#config,
      retry: this.#options.retry,
      connectTimeout: this.#options.connectTimeout,
      tokens: this.#options.tokens,
      network: this.#network,
      what: 'admin client',
      logger: this.#logger.namespace('librdkafka'),
    })
    this.#connection = connection
    try {
      await connection.open()
    } catch (error) {
      if (this.#connection === connection) this.#connection = undefined
      throw error
    } finally {
      this.#connecting = undefined
    }
  }

  /** Disconnects. Safe at any time and twice. @returns {Promise<void>} */
  async disconnect() {
    this.#ended = true
    // Not inside #close(), which ends before this assignment when there is nothing to close.
    this.#disconnecting = this.#disconnecting || this.#close().finally(() => { this.#disconnecting = undefined })
    await this.#disconnecting
    this.#emitter.emit(events.DISCONNECT)
  }

  async #close() {
    const connection = this.#connection
    this.#connection = undefined
    if (connection) await connection.close(0)
  }

  /**
   * Listens to an instrumentation event.
   * @param {string} type one of `admin.events`
   * @param {(event: import('../events').InstrumentationEvent) => any} listener
   * @returns {() => void} removes the listener
   */
  on(type, listener) {
    return this.#emitter.on(type, listener)
  }

  /** @returns {import('../logger').Logger} */
  logger() {
    return this.#logger
  }
}

module.exports = { Admin, events }
