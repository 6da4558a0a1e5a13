'use strict'

/**
 * Which partitions the user has paused. A whole topic, single partitions, or a topic but for the partitions resumed since;
 * the state outlives rebalances.
 */
class SubscriptionState {
  /** @type {Map<string, { all: boolean, partitions: Set<number>, except: Set<number> }>} */
  #topics = new Map()

  /** @param {string} topic @param {number[]} [partitions] all of the topic, also those assigned later */
  pause(topic, partitions) {
    const state = this.#topics.get(topic) || { all: false, partitions: new Set(), except: new Set() }
    if (partitions === undefined) {
      state.all = true
      state.partitions.clear()
      state.except.clear()
    } else {
      // kafkajs: naming partitions after a whole-topic pause narrows it to them.
      if (state.all) state.all = false
      for (const partition of partitions) state.partitions.add(partition)
    }
    this.#topics.set(topic, state)
  }

  /** @param {string} topic @param {number[]} [partitions] */
  resume(topic, partitions) {
    const state = this.#topics.get(topic)
    if (state === undefined) return
    if (partitions === undefined) {
      this.#topics.delete(topic)
      return
    }
    for (const partition of partitions) {
      state.partitions.delete(partition)
      if (state.all) state.except.add(partition)
    }
  }

  /** @param {string} topic @param {number} partition */
  isPaused(topic, partition) {
    const state = this.#topics.get(topic)
    if (state === undefined) return false
    return state.partitions.has(partition) || (state.all && !state.except.has(partition))
  }
}

module.exports = { SubscriptionState }
