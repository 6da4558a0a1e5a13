'use strict'
const { KafkaJSNumberOfRetriesExceeded, KafkaJSNonRetriableError } = require('../errors')

/**
 * @typedef {object} RetryOptions
 * @property {number} [maxRetryTime] the longest wait between two attempts, ms (30000)
 * @property {number} [initialRetryTime] the first wait, ms (300)
 * @property {number} [factor] randomness: a wait of t is drawn from t·(1 ± factor) (0.2)
 * @property {number} [multiplier] each wait is this many times the one before (2)
 * @property {number} [retries] attempts after the first (5)
 */

/** kafkajs's defaults. */
const DEFAULTS = Object.freeze({ maxRetryTime: 30000, initialRetryTime: 300, factor: 0.2, multiplier: 2, retries: 5 })

/** Errors of the program, which a second attempt cannot heal. */
const PROGRAM_ERRORS = new Set(['RangeError', 'ReferenceError', 'SyntaxError', 'TypeError'])

/** @param {any} error a thrown value without `retriable` is retried, as in kafkajs */
function isRetriable(error) {
  return !(error && (error.retriable === false || PROGRAM_ERRORS.has(error.name)))
}

/** @param {RetryOptions} [options] @returns {Required<RetryOptions>} */
function withDefaults(options = {}) {
  const given = Object.entries(options || {}).filter(([, value]) => value !== undefined && value !== null)
  return { ...DEFAULTS, ...Object.fromEntries(given) }
}

/**
 * The waits between the attempts, in ms: `retries` of them.
 * @param {RetryOptions} [options]
 * @param {() => number} [random] in [0, 1)
 * @returns {Generator<number, void, void>}
 */
function* delays(options, random = Math.random) {
  const { maxRetryTime, initialRetryTime, factor, multiplier, retries } = withDefaults(options)
  /** @param {number} time */
  const jitter = (time) => (factor === 0 ? time : Math.round(time * (1 - factor) + random() * time * factor * 2))
  let delay = jitter(initialRetryTime)
  for (let attempt = 0; attempt < retries; attempt++) {
    yield Math.min(delay, maxRetryTime)
    delay = jitter(Math.min(delay, maxRetryTime) * multiplier)
  }
}

/**
 * The longest time that the waits of these options can take together, jitter left out. In ms.
 * @param {RetryOptions} [options]
 */
function totalDelay(options) {
  const { maxRetryTime } = withDefaults(options)
  let total = 0
  let count = 0
  for (const delay of delays({ ...options, factor: 0 })) {
    total += delay
    count += 1
    // With a huge `retries` (kafkajs's idempotent producers had MAX_SAFE_INTEGER) the sum has no end that anybody would
    // wait for.
    if (count >= 1000 || total > 1000 * maxRetryTime) break
  }
  return total
}

/**
 * @param {RetryOptions} [options]
 * @param {{ sleep?: (ms: number) => Promise<void>, random?: () => number }} [seams] for tests
 */
function createRetry(options, { sleep = wait, random } = {}) {
  return {
    options: withDefaults(options),
    delays: () => delays(options, random),
    /**
     * Calls `attempt` until it fulfils. What it throws ends the loop when it is not retriable, wrapped in
     * KafkaJSNonRetriableError (the original is its `cause`) unless it already is one of that class, and when the
     * attempts are used up, wrapped in KafkaJSNumberOfRetriesExceeded.
     * @template T
     * @param {(bail: (error: Error) => void, retryCount: number, retryTime: number) => Promise<T> | T} attempt
     * `bail(error)` makes the whole call reject with exactly this error
     * @returns {Promise<T>}
     */
    async retry(attempt) {
      const waits = delays(options, random)
      let retryTime = 0
      for (let retryCount = 0; ; retryCount++) {
        /** @type {{ error: Error } | undefined} */
        let bailed
        try {
          const result = await attempt(
            (error) => {
              bailed = bailed || { error }
            },
            retryCount,
            retryTime,
          )
          if (bailed === undefined) return result
        } catch (/** @type {any} */ error) {
          if (bailed === undefined) {
            if (!isRetriable(error)) {
              if (error instanceof KafkaJSNonRetriableError) throw error
              throw new KafkaJSNonRetriableError(error, { cause: error.cause || error })
            }
            const next = waits.next()
            if (next.done)
              throw new KafkaJSNumberOfRetriesExceeded(error, {
                retryCount,
                retryTime,
                cause: (error && error.cause) || error,
              })
            retryTime = next.value
          }
        }
        if (bailed !== undefined) throw /** @type {{ error: Error }} */ (bailed).error
        await sleep(retryTime)
      }
    },
  }
}

/** @param {number} ms @returns {Promise<void>} */
function wait(ms) {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

module.exports = { createRetry, delays, totalDelay, isRetriable, withDefaults, DEFAULTS }
