'use strict'
/**
 * Sends whose deliveries are not in yet, by the id that they have in frames. Ten thousand of them may be under way, so
 * one of a single topic, as nearly all are, is a promise and one small object.
 */

/**
 * @typedef {{ topicName: string, partition: number, errorCode: number, baseOffset: string, logAppendTime: string,
 * logStartOffset: string }} RecordMetadata
 */
/**
 * The messages of one call for one topic.
 * @typedef {object} PendingSend
 * @property {string} topic
 * @property {(results: RecordMetadata[]) => void} deliver
 * @property {(error: any, explain: Explain) => void} fail
 */
/** @typedef {(error: any, topic: string) => Error} Explain what the program is told */

/** After so many at once the table is given back when the last one is settled. */
const KEPT_SLOTS = 65536

class PendingSends {
  /** The first id is 1. @type {(PendingSend | undefined)[]} */
  #slots = [undefined]
  /** Ids to use again, the last one first. @type {number[]} */
  #free = []

  get size() {
    return this.#slots.length - 1 - this.#free.length
  }

  /** The id that the next `add` gives. */
  get nextId() {
    const free = this.#free
    return free.length === 0 ? this.#slots.length : free[free.length - 1]
  }

  /** @param {PendingSend} send */
  add(send) {
    const id = this.#free.pop()
    if (id === undefined) this.#slots.push(send)
    else this.#slots[id] = send
  }

  /** @param {number} id @returns {PendingSend | undefined} no longer pending */
  take(id) {
    const send = this.#slots[id]
    if (send === undefined) return undefined
    this.#slots[id] = undefined
    this.#free.push(id)
    if (this.#slots.length > KEPT_SLOTS && this.size === 0) {
      this.#slots = [undefined]
      this.#free = []
    }
    return send
  }

  /** @returns {PendingSend[]} all of them, none of which is pending any longer */
  takeAll() {
    const sends = /** @type {PendingSend[]} */ (this.#slots.filter((send) => send !== undefined))
    this.#slots = [undefined]
    this.#free = []
    return sends
  }
}

/** @type {(value: any) => void} */
let resolveLast = () => {}
/** One for all promises, where each would have a closure of its own. @param {(value: any) => void} resolve */
const keepResolve = (resolve) => {
  resolveLast = resolve
}

/** A call for one topic: has the promise that the program holds. */
class WholeSend {
  /** @param {string} topic */
  constructor(topic) {
    this.topic = topic
    /** @type {Promise<RecordMetadata[]>} */
    this.promise = new Promise(keepResolve)
    this.resolve = resolveLast
  }

  /** @param {RecordMetadata[]} results */
  deliver(results) {
    this.resolve(results)
  }

  /** @param {any} error @param {Explain} explain */
  fail(error, explain) {
    // The error is made in a reaction that leads to the program's promise, and one microtask after it does: that is
    // how V8 finds the functions that await it, for the stack.
    this.resolve(
      Promise.resolve()
        .then(() => {})
        .then(() => {
          throw explain(error, this.topic)
        }),
    )
  }
}

/** What the topics of one call have in common. */
class Call {
  /** @type {RecordMetadata[]} */
  results = []
  /** @type {any} of the first topic that failed */
  error = undefined

  /**
   * @param {number} left topics whose deliveries are not in yet
   * @param {(results: RecordMetadata[]) => void} resolve
   * @param {(error: any) => void} reject
   */
  constructor(left, resolve, reject) {
    this.left = left
    this.resolve = resolve
    this.reject = reject
  }

  topicIsIn() {
    if (--this.left > 0) return
    if (this.error !== undefined) this.reject(this.error)
    else this.resolve(this.results)
  }
}

/** One topic of a call. Rejects with the error as it is. */
class PartialSend {
  #call

  /** @param {string} topic @param {Call} call */
  constructor(topic, call) {
    this.topic = topic
    this.#call = call
  }

  /** @param {RecordMetadata[]} results */
  deliver(results) {
    for (const result of results) this.#call.results.push(result)
    this.#call.topicIsIn()
  }

  /** @param {any} error */
  fail(error) {
    if (this.#call.error === undefined) this.#call.error = error
    this.#call.topicIsIn()
  }
}

module.exports = { PendingSends, WholeSend, PartialSend, Call }
