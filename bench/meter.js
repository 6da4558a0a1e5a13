'use strict'
/** What a stretch of work cost this process. */
const fs = require('node:fs')
const { monitorEventLoopDelay, performance } = require('node:perf_hooks')

/** The delay monitor looks this often, ms, and its figures include it. */
const RESOLUTION = 1

/**
 * @typedef {object} Figures
 * @property {number} seconds
 * @property {number} rate messages a second
 * @property {number} cpu µs a message, all threads of the process
 * @property {number | null} jsCpu µs a message, the JavaScript thread alone; null where the system does not tell
 * @property {number} loopDelay p99 of the event loop's delay, ms
 * @property {number} loopUse share of the time that the event loop was busy, 0 to 1
 * @property {number} rss peak of resident memory since the process began, MiB
 */

/** CPU time of the thread that runs JavaScript, ns: the first word of Linux's schedstat. @returns {number | null} */
function threadTime() {
  try {
    return Number(fs.readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ')[0])
  } catch {
    return null
  }
}

class Meter {
  #delay = monitorEventLoopDelay({ resolution: RESOLUTION })
  #start = 0
  /** @type {NodeJS.CpuUsage | undefined} */
  #cpu
  /** @type {number | null} */
  #thread = null
  /** @type {ReturnType<typeof performance.eventLoopUtilization> | undefined} */
  #use

  start() {
    this.#delay.enable()
    this.#use = performance.eventLoopUtilization()
    this.#thread = threadTime()
    this.#cpu = process.cpuUsage()
    this.#start = performance.now()
  }

  /** @param {number} messages @returns {Figures} */
  stop(messages) {
    const seconds = (performance.now() - this.#start) / 1000
    const { user, system } = process.cpuUsage(this.#cpu)
    const thread = threadTime()
    const { utilization } = performance.eventLoopUtilization(this.#use)
    this.#delay.disable()
    return {
      seconds,
      rate: messages / seconds,
      cpu: (user + system) / messages,
      jsCpu: thread === null || this.#thread === null ? null : (thread - this.#thread) / 1000 / messages,
      loopDelay: this.#delay.count === 0 ? 0 : Math.max(0, this.#delay.percentile(99) / 1e6 - RESOLUTION),
      loopUse: utilization,
      rss: process.resourceUsage().maxRSS / 1024,
    }
  }
}

module.exports = { Meter }
