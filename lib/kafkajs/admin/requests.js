'use strict'
/** What every operation of an admin client needs: a request to the cluster, and another attempt where that helps. */
const { fromNative, KafkaJSConnectionClosedError } = require('../../errors')
const { createRetry } = require('../retry')

/**
 * @typedef {object} NativeFailure
 * @property {number} code @property {string} name @property {string} message
 *
 * @typedef {object} ClusterMetadata
 * @property {{ nodeId: number, host: string, port: number }[]} brokers
 * @property {number} controllerId -1 when not known
 * @property {string | null} clusterId
 * @property {{ name: string, error: NativeFailure | null, partitions: { id: number, leader: number, replicas: number[],
 *   isrs: number[], error: NativeFailure | null }[] }[]} topics
 */

class Requests {
  #connected
  #retry

  /**
   * @param {object} setup
   * @param {() => Promise<any>} setup.connected the native client, undefined after disconnect()
   * @param {any} setup.retry
   * @param {number} setup.readTimeout ms
   * @param {import('../logger').Logger} setup.logger
   */
  constructor({ connected, retry, readTimeout, logger }) {
    this.#connected = connected
    this.#retry = retry
    /** How long a read may take, ms. */
    this.readTimeout = readTimeout
    this.logger = logger
  }

  /**
   * @param {(native: any) => Promise<string>} call one whose answer is JSON
   * @param {{ topic?: string }} [about]
   */
  async #ask(call, about) {
    const native = await this.#connected()
    if (!native) {
      const options = /** @type {any} */ ({ broker: undefined, retriable: false })
      throw new KafkaJSConnectionClosedError('The admin client is disconnected: await admin.connect() first', options)
    }
    try {
      return JSON.parse(await call(native))
    } catch (error) {
      throw fromNative(/** @type {any} */ (error), about)
    }
  }

  /**
   * @param {string} operation a variant of the native `Request`, src/core/ffi/admin
   * @param {object} fields
   * @param {number} [timeoutMs]
   * @returns {Promise<any>}
   */
  send(operation, fields, timeoutMs = this.readTimeout) {
    const request = JSON.stringify({ operation, ...fields })
    return this.#ask((native) => native.request(request, timeoutMs))
  }

  /**
   * @param {string[] | null} topics null: all
   * @param {number} [timeoutMs]
   * @returns {Promise<ClusterMetadata>}
   */
  metadata(topics, timeoutMs = this.readTimeout) {
    return this.#ask((native) => native.metadata(topics, timeoutMs))
  }

  /** @returns {Promise<{ groupId: string, protocolType: string }[]>} */
  listGroups() {
    return this.#ask((native) => native.listGroups(this.readTimeout))
  }

  /** @param {string[]} groups @returns {Promise<any[]>} */
  describeGroups(groups) {
    return this.#ask((native) => native.describeGroups(groups, this.readTimeout))
  }

  /** As of the `retry` options. @template T @param {() => Promise<T>} attempt @returns {Promise<T>} */
  retrying(attempt) {
    return createRetry(this.#retry).retry(attempt)
  }

  /**
   * Attempts again, as the `retry` options say, after errors of these types; any other rejects as it is.
   * @template T
   * @param {(type: string) => boolean} mayPass
   * @param {() => Promise<T>} attempt
   * @returns {Promise<T>}
   */
  retryingOn(mayPass, attempt) {
    return createRetry(this.#retry).retry(async (bail) => {
      try {
        return await attempt()
      } catch (/** @type {any} */ error) {
        if (mayPass(error.type)) throw error
        bail(error)
        return /** @type {any} */ (undefined)
      }
    })
  }

  /**
   * A request that the controller answers: when it has moved, the new one is asked.
   * @template T
   * @param {string} what begins a sentence
   * @param {() => Promise<T>} attempt
   * @returns {Promise<T>}
   */
  toController(what, attempt) {
    return this.retryingOn(
      (type) => type === 'NOT_CONTROLLER',
      async () => {
        try {
          return await attempt()
        } catch (/** @type {any} */ error) {
          if (error.type === 'NOT_CONTROLLER') this.logger.warn(`${what}: the controller moved`, { error: error.message })
          throw error
        }
      },
    )
  }
}

/** Throws the first failure of a list of results. @param {any[]} results @param {(result: any) => object} [about] */
function throwFirst(results, about = () => ({})) {
  const failed = results.find(({ error }) => error)
  if (failed) throw fromNative(failed.error, about(failed))
}

module.exports = { Requests, throwFirst }
