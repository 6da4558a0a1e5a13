'use strict'
/**
 * What one `Kafka` knows of the committed offsets of its groups: a transaction that sends offsets tells the consumers of
 * the group, which then do not commit them again.
 */

/** @typedef {(topic: string, partition: number, offset: number) => void} OffsetListener */

/**
 * What a consumer answers to a transaction that commits for it.
 * @typedef {{ groupId: string, generationId?: number, memberId?: string, groupInstanceId?: string }} GroupMember
 */

/** The consumer's method that gives its `GroupMember`: between the clients of this package, not for programs. */
const MEMBER = Symbol('group member')

class GroupOffsets {
  /** @type {Map<string, Set<OffsetListener>>} */
  #listeners = new Map()

  /**
   * @param {string} groupId
   * @param {OffsetListener} listener
   * @returns {() => void} ends it
   */
  listen(groupId, listener) {
    const listeners = this.#listeners.get(groupId) || new Set()
    this.#listeners.set(groupId, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#listeners.get(groupId) === listeners) this.#listeners.delete(groupId)
    }
  }

  /**
   * The coordinator has these, or will have them when the transaction is committed. As in kafkajs an abort does not take
   * that back: what a group reads after it is for the program to say (`seek`).
   * @param {string} groupId
   * @param {{ topic: string, partition: number, offset: string }[]} offsets the next to read
   */
  mark(groupId, offsets) {
    for (const listener of this.#listeners.get(groupId) || []) {
      for (const { topic, partition, offset } of offsets) listener(topic, partition, Number(offset))
    }
  }
}

module.exports = { GroupOffsets, MEMBER }
