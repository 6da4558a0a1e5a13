'use strict'

/** Why the demo did not succeed, in words for whoever started it: printed without a stack. */
class DemoFailure extends Error {
  /**
   * @param {string} message
   * @param {{ cause?: unknown }} [options]
   */
  constructor (message, options) {
    super(message, options)
    this.name = 'DemoFailure'
  }

  /**
   * Puts what was being done before the reason that a client gave. Errors that are no client's pass unchanged: they are
   * mistakes of the demo's own, and want their stack.
   * @param {string} doing
   * @param {any} error
   * @returns {Error}
   */
  static from (doing, error) {
    if (!/^KafkaJS|^MockCluster/.test(error?.name ?? '')) return error
    const reason = error.cause?.message
    const why = reason && !error.message.includes(reason) ? `${error.message} (${reason})` : error.message
    return new DemoFailure(`${doing}: ${why}`, { cause: error })
  }
}

module.exports = { DemoFailure }
