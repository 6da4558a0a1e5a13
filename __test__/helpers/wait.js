'use strict'

// Waiting in tests: on a predicate or an event, always with a deadline, never for a fixed time.

const { setTimeout: delay } = require('node:timers/promises')

/** How long a test waits for something that should come, in ms. Far above what is usual: the machine may be busy. */
const TIMEOUT = 60_000

/**
 * Calls the predicate again and again until it returns something truthy.
 * @template T
 * @param {() => T | Promise<T>} predicate  may throw, which counts as "not yet"; its last error becomes the cause
 * @param {{ timeout?: number, message?: string | (() => string), interval?: number }} [options]
 *   timeout and interval in ms; message says what was waited for
 * @returns {Promise<T>} what the predicate returned
 */
async function waitFor (predicate, { timeout = TIMEOUT, message = 'the condition', interval = 10 } = {}) {
  const deadline = Date.now() + timeout
  for (;;) {
    let cause
    try {
      const value = await predicate()
      if (value) return value
    } catch (error) {
      cause = error
    }
    if (Date.now() >= deadline) {
      const what = typeof message === 'function' ? message() : message
      throw new Error(`waited ${timeout} ms in vain for ${what}`, { cause })
    }
    await delay(interval)
  }
}

/**
 * The next event of an emitter. Unlike events.once it has a deadline, and an 'error' event is like any other.
 * @param {{ on: (event: string, listener: (...args: any[]) => void) => unknown }} emitter  the listener is removed
 *   by what `on` returned when that is a function (as kafkajs does), else by `off`
 * @param {string} event
 * @param {{ timeout?: number, where?: (...args: any[]) => boolean }} [options]  where: skips events by false
 * @returns {Promise<any[]>} the event's arguments
 */
function once (emitter, event, { timeout = TIMEOUT, where = () => true } = {}) {
  return new Promise((resolve, reject) => {
    const late = () => finish(reject, new Error(`waited ${timeout} ms in vain for the event '${event}'`))
    const timer = setTimeout(late, timeout)
    /** @param {any[]} args */
    const listener = (...args) => {
      if (where(...args)) finish(resolve, args)
    }
    const remove = emitter.on(event, listener)
    /** @param {(value: any) => void} settle @param {unknown} value */
    function finish (settle, value) {
      clearTimeout(timer)
      if (typeof remove === 'function') remove()
      else if ('off' in emitter) /** @type {any} */ (emitter).off(event, listener)
      settle(value)
    }
  })
}

/**
 * A promise with a deadline, for anything that a broken client would leave pending.
 * @template T
 * @param {Promise<T>} promise
 * @param {string} message  what was waited for
 * @param {number} [timeout] ms
 * @returns {Promise<T>}
 */
async function within (promise, message, timeout = TIMEOUT) {
  const done = new AbortController()
  try {
    return await Promise.race([
      promise,
      delay(timeout, undefined, { signal: done.signal }).then(() => {
        throw new Error(`waited ${timeout} ms in vain for ${message}`)
      })
    ])
  } finally {
    done.abort()
  }
}

module.exports = { waitFor, once, within, TIMEOUT }
