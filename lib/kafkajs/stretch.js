'use strict'
const { MESSAGE_WORDS } = require('../frame/layout')
const { isThenable, whenSettled } = require('./awaited')
const { readMessage } = require('./message')

/** How long handlers may run in a row before timers and sockets get their turn, ms. */
const TURN = 4
/** Handlers between two looks at the clock. A power of two. */
const CLOCK_EVERY = 32

/** Why a stretch paused. */
const PAUSED = Object.freeze({
  /** All of the section is handled, or no more of it may be. */
  end: 0,
  /** A message was handled that a commit may have to follow. */
  handled: 1,
  /** The event loop is to get a turn. */
  turn: 2,
})

/**
 * Messages of one partition given to eachMessage one after another: what costs something for each message, and nothing else. It
 * goes on by callbacks of its own instead of an `await` a message, which saves a quarter of what the run loop costs.
 */
class Stretch {
  #runner
  #queue
  #session
  #eachMessage
  #heartbeat
  #pause
  #everyMessage
  /** @type {import('../frame/reader').ConsumeFrame} */
  #frame
  #end = 0
  #sinceClock = 0
  #deadline = performance.now() + TURN
  /** @type {(why: number) => void} */
  #resolve = () => {}
  /** @type {(error: any) => void} */
  #reject = () => {}
  /** Word of the message whose turn it is. */
  at = 0

  /**
   * @param {object} setup
   * @param {import('./runner').Runner} setup.runner
   * @param {import('./partition-queue').PartitionQueue} setup.queue not empty
   * @param {(payload: any) => any} setup.eachMessage
   * @param {() => Promise<void>} setup.heartbeat @param {() => () => void} setup.pause for the payload
   * @param {boolean} setup.everyMessage whether to pause after each
   */
  constructor({ runner, queue, eachMessage, heartbeat, pause, everyMessage }) {
    this.#runner = runner
    this.#queue = queue
    this.#session = queue.session
    this.#eachMessage = eachMessage
    this.#heartbeat = heartbeat
    this.#pause = pause
    this.#everyMessage = everyMessage
    this.#frame = queue.sections[0].frame
  }

  /** @param {import('../frame/reader').Section} section whose messages come next */
  begin({ frame, at, end }) {
    this.#frame = frame
    this.at = at
    this.#end = end
  }

  /** Handles messages of the section. Rejects with what a handler fails with. @returns {Promise<number>} why it paused */
  run() {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
      this.#go()
    })
  }

  /** Whether timers and sockets have waited long enough. */
  isDue() {
    return (++this.#sinceClock & (CLOCK_EVERY - 1)) === 0 && performance.now() > this.#deadline
  }

  /** They had a turn. */
  resetClock() {
    this.#deadline = performance.now() + TURN
  }

  #go() {
    const runner = this.#runner
    const queue = this.#queue
    const { topic, partition } = queue
    const heartbeat = this.#heartbeat
    const pause = this.#pause
    const eachMessage = this.#eachMessage
    try {
      do {
        const message = readMessage(this.#frame, this.at)
        runner.inHandler = true
        const result = eachMessage({ topic, partition, message, heartbeat, pause })
        runner.inHandler = false
        if (isThenable(result)) {
          queue.awaited = whenSettled(result, this.#next, this.#reject)
          return
        }
      } while (this.#handled())
    } catch (error) {
      runner.inHandler = false
      this.#reject(error)
    }
  }

  #next = () => {
    if (this.#handled()) this.#go()
  }

  /** Whether the next message's turn is now. */
  #handled() {
    const runner = this.#runner
    const queue = this.#queue
    if (queue.session !== this.#session) return this.#stop(PAUSED.end)
    queue.resolved = this.#frame.offset(this.at) + 1
    this.at += MESSAGE_WORDS
    runner.handled++
    if (this.#everyMessage) return this.#stop(PAUSED.handled)
    if (this.at >= this.#end || !runner.running || queue.paused || queue.revoked) return this.#stop(PAUSED.end)
    return this.isDue() ? this.#stop(PAUSED.turn) : true
  }

  /** @param {number} why */
  #stop(why) {
    this.#resolve(why)
    return false
  }
}

module.exports = { Stretch, PAUSED }
