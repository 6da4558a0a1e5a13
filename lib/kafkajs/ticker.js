'use strict'
/**
 * What is to be done now and then, for every client of this thread at the same moment: fifty idle consumers wake the process
 * no more often than one.
 */
// Node's own, also where a program's tests replace the global ones.
const { clearInterval, setInterval } = require('node:timers')
const { AsyncResource } = require('node:async_hooks')

/** @type {Map<number, { timer: NodeJS.Timeout, tasks: Set<() => void> }>} by period */
const tickers = new Map()

/**
 * Calls `task` every `period` ms, the first time within that. Does not keep the process alive.
 * @param {number} period ms
 * @param {() => void} task must not throw
 * @returns {() => void} ends it
 */
function every(period, task) {
  let ticker = tickers.get(period)
  if (ticker === undefined) {
    const tasks = /** @type {Set<() => void>} */ (new Set())
    const timer = setInterval(() => {
      // One of them may end another, or begin one.
      for (const one of [...tasks]) if (tasks.has(one)) one()
    }, period)
    timer.unref()
    tickers.set(period, (ticker = { timer, tasks }))
  }
  const { timer, tasks } = ticker
  // Listeners of this client keep its context (AsyncLocalStorage) and have not that of whoever was first. A function of its
  // own, because the same one may be given twice.
  const own = AsyncResource.bind(() => task())
  tasks.add(own)
  return () => {
    if (!tasks.delete(own) || tasks.size > 0) return
    clearInterval(timer)
    tickers.delete(period)
  }
}

module.exports = { every }
