'use strict'
const { KafkaJSNonRetriableError } = require('../errors')
const { GroupOffsets } = require('./group-offsets')
const { createLogger } = require('./logger')
const { kafkaOptions, producerOptions, consumerOptions, adminOptions } = require('./options')

/**
 * The way to a cluster: makes producers, consumers and admin clients that share brokers, security, retry rules and
 * logger. Nothing is opened before one of them connects.
 */
class Kafka {
  #native
  #options
  #logger
  #groupOffsets = new GroupOffsets()

  /**
   * @param {any} options see `KafkaConfig` in index.d.ts; throws KafkaJSNonRetriableError for what cannot be
   * @param {{ native?: any }} [seam] tests put a fake native module here
   */
  constructor(options, { native = require('../native') } = {}) {
    if (typeof options !== 'object' || options === null) {
      throw new KafkaJSNonRetriableError("new Kafka() needs options: write new Kafka({ brokers: ['localhost:9092'] })")
    }
    this.#native = native
    this.#options = kafkaOptions(options, native)
    this.#logger = createLogger({ level: this.#options.logLevel, logCreator: this.#options.logCreator })
  }

  /**
   * @param {any} [options] see `ProducerConfig`
   * @returns {import('./producer').Producer}
   */
  producer(options) {
    const { Producer } = require('./producer')
    const values = producerOptions(this.#options, options, this.#native)
    return new Producer(this.#setup('Producer', values))
  }

  /**
   * @param {any} options see `ConsumerConfig`; `groupId` is required
   * @returns {import('./consumer').Consumer}
   */
  consumer(options) {
    const { Consumer } = require('./consumer')
    const values = consumerOptions(this.#options, options, this.#native)
    return new Consumer(this.#setup('Consumer', values))
  }

  /**
   * @param {any} [options] see `AdminConfig`
   * @returns {import('./admin/admin').Admin}
   */
  admin(options) {
    const { Admin } = require('./admin/admin')
    const values = adminOptions(this.#options, options, this.#native)
    return new Admin(this.#setup('Admin', values))
  }

  /** The root logger. @returns {import('./logger').Logger} */
  logger() {
    return this.#logger
  }

  /** @param {string} namespace @param {any} values */
  #setup(namespace, values) {
    return {
      brokers: this.#options.brokers,
      config: values.properties,
      native: this.#native,
      logger: this.#logger.namespace(namespace),
      options: values,
      groupOffsets: this.#groupOffsets,
    }
  }
}

module.exports = { Kafka }
