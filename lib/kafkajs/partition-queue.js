'use strict'
const { MESSAGE_WORDS } = require('../frame/layout')

/**
 * An assigned partition: what was fetched of it and not yet handled, and how far handling got. Its messages are handled strictly
 * one after another.
 */
class PartitionQueue {
  /** @param {string} topic @param {number} partition */
  constructor(topic, partition) {
    this.topic = topic
    this.partition = partition
    /** @type {import('../frame/reader').Section[]} */
    this.sections = []
    /** Next offset to read, by what was handled; -1 before the first. */
    this.resolved = -1
    /** Next offset to read, by what the coordinator has; -1 when unknown. */
    this.committed = -1
    /** Sections of an older epoch were fetched before the last seek. */
    this.epoch = 0
    /** Changes when what is being handled no longer counts: seek, revocation. */
    this.session = 0
    this.revoked = false
    this.busy = false
    /** In the runner's list of partitions that have something to do. */
    this.listed = false
    this.paused = false
    /** Fetching is stopped natively: for the user, or because others would starve. */
    this.pausedNatively = false
    /** @type {Generator<number, void, void> | undefined} waits of the failure streak that is going on */
    this.backoff = undefined
    /** Its handler failed, and the next attempt has to wait, whatever else is fetched. */
    this.waiting = false
    this.retries = 0
    /** Settled with what its handler returned, see `isCalledBy`. @type {Promise<void> | undefined} */
    this.awaited = undefined
    /** @type {(() => void)[]} */
    this.whenIdle = []
  }

  get isEmpty() {
    return this.sections.length === 0
  }

  /** @param {import('../frame/reader').Section} section */
  push(section) {
    this.sections.push(section)
  }

  /** Whether what comes next is the end of the partition and no message. */
  get isAtEnd() {
    const [section] = this.sections
    return section !== undefined && section.at >= section.end
  }

  /**
   * Passes the end of the partition: whatever lies between the last message and it is nothing to handle.
   * @returns {number | undefined} the position there, if it is further than what was handled
   */
  passEnd() {
    let passed
    while (this.isAtEnd) {
      const { next } = /** @type {import('../frame/reader').Section} */ (this.sections.shift())
      if (next > this.resolved) passed = next
    }
    return passed
  }

  /**
   * Takes note that messages up to `word` of the first section are done with.
   * @param {number} word
   * @returns {import('../frame/reader').ConsumeFrame | undefined} the frame, when that was its last message
   */
  advance(word) {
    const section = this.sections[0]
    const { frame } = section
    frame.remaining -= (word - section.at) / MESSAGE_WORDS
    section.at = word
    if (section.at >= section.end) {
      this.sections.shift()
      // All of it was handled, or it no longer counts.
      if (this.resolved >= 0 && section.next > this.resolved) this.resolved = section.next
    }
    return frame.remaining === 0 ? frame : undefined
  }

  /**
   * Drops what is before `offset`. A position further than that stays, see `passEnd`.
   * @param {number} offset
   * @returns {number} how many frames that was the rest of
   */
  drop(offset) {
    let done = 0
    while (this.sections.length > 0) {
      const { frame, at, end, next } = this.sections[0]
      if (at >= end) {
        if (next > offset) break
        this.sections.shift()
        continue
      }
      let word = at
      while (word < end && frame.offset(word) < offset) word += MESSAGE_WORDS
      if (word === at) break
      if (this.advance(word) !== undefined) done++
      if (word < end) break
    }
    return done
  }

  /** What is being handled, and what is queued, no longer counts. @returns {number} frames finished by that */
  invalidate() {
    this.session++
    let done = 0
    for (const { frame, at, end } of this.sections) {
      if (at >= end) continue
      frame.remaining -= (end - at) / MESSAGE_WORDS
      if (frame.remaining === 0) done++
    }
    this.sections = []
    return done
  }

  /**
   * What one batch is made of: what is at hand, up to about `maxBytes` as a broker counts them, at least one message.
   * @param {number} maxBytes
   * @returns {import('../frame/reader').Section[]} copies
   */
  peek(maxBytes) {
    const taken = []
    let bytes = 0
    for (const section of this.sections) {
      if (section.at >= section.end) continue
      const end = section.frame.wordWithin(section.at, section.end, maxBytes - bytes)
      // At least one message, and then only as many as fit.
      if (end === section.at && taken.length > 0) break
      const cut = Math.max(end, section.at + MESSAGE_WORDS)
      taken.push({ ...section, end: cut, next: cut < section.end ? -1 : section.next })
      if (cut < section.end) break
      bytes += section.frame.size(section.at, cut)
    }
    return taken
  }

  /** Resolves when no handler of this partition runs. @returns {Promise<void> | undefined} */
  idle() {
    return this.busy ? new Promise((resolve) => { this.whenIdle.push(resolve) }) : undefined
  }

  release() {
    this.busy = false
    this.awaited = undefined
    const waiting = this.whenIdle
    this.whenIdle = []
    for (const resolve of waiting) resolve()
  }
}

module.exports = { PartitionQueue }
