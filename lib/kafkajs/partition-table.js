'use strict'
/** Partitions chosen in JavaScript: the partitioner of the program, and the metadata it looks at, by topic. */
const { fromNative, protocolErrorData, KafkaJSProtocolError } = require('../errors')
const { createRetry } = require('./retry')

const LOAD_TIMEOUT = 10000

/** @typedef {import('./partitioners').PartitionMetadata} PartitionMetadata */

class PartitionTable {
  #partitioner
  #load
  #retry
  #maxAge
  /** @type {Map<string, { at: number, partitions: Promise<PartitionMetadata[]> }>} */
  #topics = new Map()

  /**
   * @param {{ partitioner: import('./partitioners').Partitioner, options: any,
   *   load: (topic: string, timeoutMs: number) => Promise<string> }} setup
   */
  constructor({ partitioner, options, load }) {
    this.#partitioner = partitioner
    this.#load = load
    this.#retry = createRetry(options.retry)
    this.#maxAge = options.metadataMaxAge
  }

  clear() {
    this.#topics.clear()
  }

  /**
   * Sets `partitions` of each send. What the partitioner throws goes to the caller.
   * @param {import('./producer-channel').TopicSend[]} sends
   */
  async choose(sends) {
    const tables = await Promise.all(sends.map(({ topic }) => this.#partitions(topic)))
    sends.forEach((send, i) => {
      const { topic, messages } = send
      send.partitions = messages.map((message) => this.#partitioner({ topic, partitionMetadata: tables[i], message }))
    })
  }

  /** @param {string} topic */
  #partitions(topic) {
    const known = this.#topics.get(topic)
    if (known !== undefined && Date.now() - known.at < this.#maxAge) return known.partitions
    const entry = { at: Date.now(), partitions: this.#fetch(topic) }
    this.#topics.set(topic, entry)
    entry.partitions.catch(() => {
      if (this.#topics.get(topic) === entry) this.#topics.delete(topic)
    })
    return entry.partitions
  }

  /** A topic being created by our asking is unknown at first, which is retriable. @param {string} topic */
  #fetch(topic) {
    return this.#retry.retry(async () => {
      let answer
      try {
        answer = JSON.parse(await this.#load(topic, LOAD_TIMEOUT))
      } catch (/** @type {any} */ error) {
        throw fromNative(error, { topic })
      }
      const { error, partitions } = answer.topics ? answer.topics[0] : answer
      if (error) throw fromNative({ ...error, message: `${error.message}: topic "${topic}"` }, { topic })
      if (partitions.length === 0)
        throw new KafkaJSProtocolError(protocolErrorData(5, `Topic "${topic}" has no partitions yet`))
      return partitions.map((/** @type {any} */ partition) => ({
        partitionErrorCode: partition.error ? partition.error.code : 0,
        partitionId: partition.id,
        leader: partition.leader,
        replicas: partition.replicas,
        isr: partition.isrs,
        offlineReplicas: [],
      }))
    })
  }
}

module.exports = { PartitionTable }
