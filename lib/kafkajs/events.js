'use strict'
const { KafkaJSNonRetriableError } = require('../errors')

/**
 * @typedef {{ id: number, type: string, timestamp: number, payload: any }} InstrumentationEvent
 * `id` counts up in the process, `timestamp` is in ms since 1970
 */

let lastId = 0

/**
 * The instrumentation events of one client: `on(name, listener)` gives back a function that removes the listener. A
 * listener is called synchronously; what it returns is awaited only to log its failure.
 */
class InstrumentationEmitter {
  /** @type {Map<string, Set<{ listener: (event: InstrumentationEvent) => any }>>} */
  #listeners = new Map()
  #names
  #label
  #logger
  /** Is called when an event has its first listener, or lost its last. @type {(() => void) | undefined} */
  onInterest

  /**
   * @param {{ names: Record<string, string>, label: string, logger?: import('./logger').Logger }} options
   * `names`: the `events` object of the client, e.g. `{ CONNECT: 'producer.connect' }`; `label`: `producer`
   */
  constructor({ names, label, logger }) {
    this.#names = names
    this.#label = label
    this.#logger = logger
  }

  /** Whether anybody listens: a payload need not be built otherwise. @param {string} type */
  has(type) {
    return this.#listeners.has(type)
  }

  /**
   * @param {string} type one of the values of `names`
   * @param {(event: InstrumentationEvent) => any} listener
   * @returns {() => void} removes this listener
   */
  on(type, listener) {
    if (!Object.values(this.#names).includes(type)) {
      const keys = Object.keys(this.#names)
        .map((key) => `${this.#label}.events.${key}`)
        .join(', ')
      throw new KafkaJSNonRetriableError(`Event name should be one of ${keys}`)
    }
    if (typeof listener !== 'function') {
      throw new KafkaJSNonRetriableError(`The listener of ${type} must be a function, not ${typeof listener}`)
    }
    const entry = { listener }
    const set = this.#listeners.get(type) || new Set()
    this.#listeners.set(type, set.add(entry))
    if (set.size === 1) this.onInterest?.()
    return () => {
      set.delete(entry)
      if (set.size > 0 || this.#listeners.get(type) !== set) return
      this.#listeners.delete(type)
      this.onInterest?.()
    }
  }

  /** @param {string} type @param {any} [payload] */
  emit(type, payload) {
    const set = this.#listeners.get(type)
    if (set === undefined) return
    const event = { id: lastId++, type, timestamp: Date.now(), payload }
    const failed = (/** @type {any} */ error) => {
      this.#logger?.error(`Failed to execute listener: ${error && error.message}`, {
        eventName: type,
        stack: error && error.stack,
      })
    }
    for (const { listener } of [...set]) {
      // What a listener throws is no failure of the client that tells it something.
      try {
        const result = listener(event)
        if (result && typeof result.then === 'function') result.then(undefined, failed)
      } catch (error) {
        failed(error)
      }
    }
  }
}

module.exports = { InstrumentationEmitter }
