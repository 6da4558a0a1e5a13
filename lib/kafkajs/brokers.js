'use strict'
/** `brokers`: a list, or a function that gives one, asked for at every connect(). */
const { KafkaJSConnectionError, KafkaJSNonRetriableError } = require('../errors')

/**
 * @param {any} brokers string[] or a (possibly async) function that gives one
 * @returns {Promise<string>} librdkafka's `bootstrap.servers`
 */
async function resolveBrokers(brokers) {
  let list = brokers
  if (typeof brokers === 'function') {
    try {
      list = await brokers()
    } catch (/** @type {any} */ error) {
      const reason = error && error.message !== undefined ? error.message : error
      throw new KafkaJSConnectionError(`Failed to connect: "config.brokers" threw: ${reason}`, { cause: error })
    }
    if (list && !Array.isArray(list)) {
      throw new KafkaJSConnectionError(
        `Failed to connect: "config.brokers" returned ${typeof list === 'string' ? 'a string' : `a value of type ${typeof list}`}: ` +
          "it must return an array such as ['localhost:9092']",
        { retriable: false },
      )
    }
  }
  if (!list) {
    throw new KafkaJSNonRetriableError('Failed to connect: brokers should not be null')
  }
  if (!Array.isArray(list)) {
    throw new KafkaJSNonRetriableError(
      `Failed to connect: brokers must be an array such as ['localhost:9092'], not ${typeof list}`,
    )
  }
  if (list.length === 0) throw new KafkaJSNonRetriableError('Failed to connect: brokers array is empty')
  list.forEach((broker, index) => {
    if (typeof broker !== 'string') {
      throw new KafkaJSNonRetriableError(`Failed to connect: broker at index ${index} is invalid "${typeof broker}"`)
    }
    if (broker.trim() === '' || /[,\s]/.test(broker.trim())) {
      throw new KafkaJSNonRetriableError(
        `Failed to connect: broker at index ${index} is ${JSON.stringify(broker)}: write one "host:port" per element`,
      )
    }
    const port = /:([^:\]]*)$/.exec(broker.trim())
    if (port && (!/^\d+$/.test(port[1]) || Number(port[1]) > 65535 || Number(port[1]) === 0)) {
      throw new KafkaJSNonRetriableError(
        `Failed to connect: broker at index ${index} is ${JSON.stringify(broker)}: ` +
          'the port must be a number from 1 to 65535',
      )
    }
  })
  return list.map((broker) => broker.trim()).join(',')
}

module.exports = { resolveBrokers }
