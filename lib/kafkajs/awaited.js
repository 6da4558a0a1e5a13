'use strict'
/**
 * Waiting for what handlers return, at the least cost a message: two callbacks that are there already instead of an `await`,
 * which makes them anew each time. And telling whether the code that runs now was called by such a handler.
 */

const nativeThen = Promise.prototype.then

/**
 * Whether a handler's result has to be waited for: what is no promise needs no turn of the microtask queue.
 * @param {any} result
 */
const isThenable = (result) => result !== undefined && result !== null && typeof result.then === 'function'

/**
 * Calls one of the two when what a handler returned is settled. They must not throw.
 * @param {any} result a thenable
 * @param {() => void} done @param {(error: any) => void} fail
 * @returns {Promise<void>} for `isCalledBy`
 */
function whenSettled(result, done, fail) {
  if (result.then === nativeThen && result.constructor === Promise) return result.then(done, fail)
  return /** @type {Promise<any>} */ (nativeThen.call(settled(result), done, fail))
}

/**
 * What has a `then` of its own, a promise too, may call both callbacks, several times, or give back anything; `await` knows.
 * @param {any} result
 */
async function settled(result) {
  await result
}

/** Of these a mark waits already: V8 follows a promise only as long as one alone waits for it. @type {WeakSet<Promise<void>>} */
const marked = new WeakSet()

/** Its name is looked for in stack traces. @param {Promise<void>} promise */
async function markOfTheRunLoop(promise) {
  await promise
}

/**
 * Whether the code that runs now was called by a handler that is waited for: V8 notes the chain of awaits in the stack trace at
 * no cost beforehand. Only calls that would otherwise wait for themselves ask (disconnect() inside a handler).
 * @param {Promise<void>[]} promises that `whenSettled` gave
 */
function isCalledBy(promises) {
  for (const promise of promises) {
    if (marked.has(promise)) continue
    marked.add(promise)
    markOfTheRunLoop(promise)
  }
  const { stackTraceLimit, prepareStackTrace } = /** @type {any} */ (Error)
  Error.stackTraceLimit = 200
  // A program's own may give something else than text.
  Object.assign(Error, { prepareStackTrace: undefined })
  const { stack = '' } = new Error()
  Error.stackTraceLimit = stackTraceLimit
  Error.prepareStackTrace = prepareStackTrace
  return stack.split('\n').some((line) => line.includes(__filename) && /async markOfTheRunLoop\b/.test(line))
}

module.exports = { isThenable, whenSettled, isCalledBy }
