'use strict'
/**
 * Takes sends that are complete from the native client. However many there are, the event loop gets turns in between:
 * what awaits a send runs before the next turn, and thousands of them would keep it from everything else.
 */
const { setImmediate } = require('node:timers')
const layout = require('../frame/layout')
const { readDeliveries } = require('../frame/deliveries')

const { bytes: BYTES, sends: SENDS, left: LEFT } = layout.DELIVERIES_HEADER

/** Sends that are settled in one turn, about. */
const TURN_SENDS = 1000
const FRAME_WORDS =
  layout.DELIVERIES_HEADER_WORDS + TURN_SENDS * (layout.DELIVERY_WORDS + layout.DELIVERED_WORDS)

class DeliveryInbox {
  #topics
  #settle
  /** @type {any} */
  #native
  /** Used for every frame. */
  #words = new Int32Array(FRAME_WORDS)
  /** Since the beginning, and when the turn began. */
  #taken = 0
  #takenBefore = 0
  /** The next turn looks by itself. */
  #waiting = false
  #nextTurn = () => {
    this.#waiting = false
    this.#takenBefore = this.#taken
    this.#take()
  }

  /**
   * @param {string[]} topics names by id
   * @param {(id: number, error: number, results: import('./pending-sends').RecordMetadata[]) => void} settle
   */
  constructor(topics, settle) {
    this.#topics = topics
    this.#settle = settle
  }

  /** The native client, from which the first send is complete before its event has come. @param {any} native */
  open(native) {
    this.#native = native
  }

  /** The native client has complete sends. It says so once until all are taken. */
  arrived() {
    if (!this.#waiting) this.#take()
  }

  /** Resolves when the program knows of everything that is complete by now. */
  async settled() {
    if (this.#native === undefined) return
    const before = this.#taken
    const until = this.#take() + this.#taken
    if (until === before) return
    // What awaits the sends gets its turn, also after the last one.
    do await new Promise((resolve) => setImmediate(resolve))
    while (this.#taken < until)
  }

  /** @returns {number} how many sends are left */
  #take() {
    this.#native.deliveries(this.#words)
    if (this.#words[SENDS] === 0 && this.#words[BYTES] > this.#words.byteLength) {
      this.#words = new Int32Array(this.#words[BYTES] / 4)
      this.#native.deliveries(this.#words)
    }
    const left = this.#words[LEFT]
    this.#taken += this.#words[SENDS]
    readDeliveries(this.#words, this.#topics, this.#settle)
    if (!this.#waiting && (left > 0 || this.#taken - this.#takenBefore >= TURN_SENDS)) {
      this.#waiting = true
      setImmediate(this.#nextTurn)
    }
    return left
  }
}

module.exports = { DeliveryInbox }
