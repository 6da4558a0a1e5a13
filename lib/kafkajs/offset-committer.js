'use strict'
const { clearTimeout, setTimeout } = require('node:timers')
const { createRetry } = require('./retry')

/**
 * Between two automatic commits while messages flow, and when the last message at hand was handled. In ms. At a million
 * messages a second that is as many as are in one of kafkajs's batches, which is what it may handle twice after a crash.
 */
const BUSY_GAP = 10
const IDLE_GAP = 5

/** The group is about to rebalance: who owns a partition next starts at what was committed before. */
const REBALANCING = new Set([
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'REBALANCE_IN_PROGRESS',
  'FENCED_INSTANCE_ID',
  'STALE_MEMBER_EPOCH',
  'FENCED_MEMBER_EPOCH',
])

/** @param {any} error */
const isRebalance = (error) =>
  error && (REBALANCING.has(error.type) || /ASSIGNMENT_LOST|NO_OFFSET|DESTROY/.test(error.librdkafka?.name ?? ''))

/**
 * Commits what was handled, and nothing else: at the end of each batch at the latest, one request under way at a time.
 * @typedef {import('./partition-queue').PartitionQueue} PartitionQueue
 */
class OffsetCommitter {
  #commit
  #queues
  #onError
  #retry
  #interval
  #threshold
  /** @type {Promise<void> | undefined} */
  #underway
  #again = false
  /** @type {NodeJS.Timeout | undefined} */
  #timer
  #lastStart = 0
  #sinceCommit = 0
  /** @type {Set<() => void>} */
  #waiting = new Set()
  #released = false

  /**
   * @param {object} options
   * @param {(queues: PartitionQueue[]) => Promise<void>} options.commit commits `resolved` of each; sets `committed`
   * @param {() => Iterable<PartitionQueue>} options.queues those assigned
   * @param {(error: any) => void} options.onError what no retry can heal
   * @param {boolean} options.enabled autoCommit
   * @param {number | null} options.interval ms, also in the middle of a batch
   * @param {number | null} options.threshold messages, also in the middle of a batch
   * @param {import('./retry').RetryOptions} options.retry
   */
  constructor({ commit, queues, onError, enabled, interval, threshold, retry }) {
    this.enabled = enabled
    this.#commit = commit
    this.#queues = queues
    this.#onError = onError
    this.#interval = interval
    this.#threshold = threshold
    this.#retry = retry
    /** Whether every single message has to be told, see `handled`. */
    this.everyMessage = enabled && Boolean(interval || threshold)
  }

  /**
   * Messages were handled, in the middle of a batch.
   * @param {number} [count]
   * @returns {Promise<void> | undefined} the commit to wait for before the next message: with a threshold no more than that may
   * be handled twice after a crash
   */
  handled(count = 1) {
    this.#sinceCommit += count
    if (this.#threshold && this.#sinceCommit >= this.#threshold) {
      const commit = this.#afterNext()
      return commit && !this.#released ? this.#untilReleased(commit) : undefined
    }
    if (this.#interval && Date.now() - this.#lastStart >= this.#interval) this.#start()
    return undefined
  }

  /** Nobody waits for a commit any longer: the consumer stops. */
  release() {
    this.#released = true
    for (const release of this.#waiting) release()
    this.#waiting.clear()
  }

  /** @param {Promise<void>} commit @returns {Promise<void>} */
  #untilReleased(commit) {
    return new Promise((resolve) => {
      this.#waiting.add(resolve)
      commit.then(() => {
        this.#waiting.delete(resolve)
        resolve()
      })
    })
  }

  /** A commit of everything that is handled by now. @returns {Promise<void> | undefined} */
  #afterNext() {
    // One that is under way may have begun before the last message was handled.
    if (this.#underway !== undefined) {
      const before = this.#underway
      return before.then(() => (this.enabled && this.#underway === undefined ? this.#afterNext() : this.#underway))
    }
    this.#start()
    return this.#underway
  }

  /** A batch is done. @param {boolean} idle nothing else is at hand */
  soon(idle) {
    if (!this.enabled) return
    const wait = this.#lastStart + (idle ? IDLE_GAP : BUSY_GAP) - Date.now()
    if (wait <= 0) return this.#start()
    if (idle) clearTimeout(this.#timer)
    else if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => this.#start(), wait)
  }

  /**
   * Commits what was handled of these partitions and waits for the answer.
   * @param {Iterable<PartitionQueue>} queues
   */
  async flush(queues) {
    if (!this.enabled) return
    await this.#underway
    const { retry } = createRetry(this.#retry)
    try {
      await retry(async (bail) => {
        const dirty = this.enabled ? dirtyOf(queues) : []
        if (dirty.length === 0) return
        await this.#commit(dirty).catch((error) => {
          if (isRebalance(error)) bail(error)
          else throw error
        })
      })
    } catch (/** @type {any} */ error) {
      if (!isRebalance(error)) this.#onError(error)
    }
  }

  stop() {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#again = false
    this.enabled = false
  }

  #start() {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#underway !== undefined) {
      this.#again = true
      return
    }
    const dirty = dirtyOf(this.#queues())
    if (dirty.length === 0) return
    this.#lastStart = Date.now()
    this.#sinceCommit = 0
    this.#underway = this.#commit(dirty)
      .catch((error) => {
        if (isRebalance(error)) return
        // What was handled stays uncommitted and is committed with the next batch, or given up when the group is left.
        if (error && error.retriable) this.#again = true
        else this.#onError(error)
      })
      .then(() => {
        this.#underway = undefined
        if (this.#again) {
          this.#again = false
          this.soon(false)
        }
      })
  }
}

/** @param {Iterable<PartitionQueue>} queues */
function dirtyOf(queues) {
  const dirty = []
  for (const queue of queues) if (queue.resolved >= 0 && queue.resolved !== queue.committed) dirty.push(queue)
  return dirty
}

module.exports = { OffsetCommitter, dirtyOf }
