'use strict'
/** What a consumer is subscribed to: topics, each with where to begin, and the RegExps that topics come from. */
const { fromNative } = require('../errors')
const { createRetry } = require('./retry')

/** What the broker says of a topic that it is making just now. */
const UNKNOWN_TOPIC_OR_PARTITION = 3
const LEADER_NOT_AVAILABLE = 5
const LONGEST_TIMER = 2147483647
/** Between two looks for new topics, ms: each is a request for all topics of the cluster. */
const LEAST_GAP = 100

/**
 * @typedef {{ topic: string, fromBeginning: boolean }} TopicStart
 * @typedef {(topics: TopicStart[] | null) => Promise<{ topics: { name: string, error: any }[] }>} AskMetadata null: of all topics
 * @typedef {{ pattern: RegExp, fromBeginning: boolean }} Pattern
 */

class Subscription {
  /** @type {Map<string, boolean>} topic to fromBeginning */
  #topics = new Map()
  /** @type {Pattern[]} */
  #patterns = []
  /** How many of them were matched against the topics there are. */
  #matched = 0
  /** @type {NodeJS.Timeout | undefined} */
  #watch
  #options
  #metadata
  #logger

  /**
   * @param {{ options: any, metadata: AskMetadata, logger: import('./logger').Logger }} setup options of the consumer
   */
  constructor({ options, metadata, logger }) {
    this.#options = options
    this.#metadata = metadata
    this.#logger = logger
  }

  /**
   * The last call counts for a topic.
   * @param {string} topic @param {boolean} fromBeginning
   * @returns {boolean} whether the topic was to begin elsewhere before
   */
  add(topic, fromBeginning) {
    const before = this.#topics.get(topic)
    this.#topics.set(topic, fromBeginning)
    return before !== undefined && before !== fromBeginning
  }

  /** @param {RegExp} pattern @param {boolean} fromBeginning */
  addPattern(pattern, fromBeginning) {
    this.#patterns.push({ pattern, fromBeginning })
  }

  /** Whether a topic begins with the messages to come. @param {string} topic */
  beginsAtEnd(topic) {
    return this.#topics.get(topic) === false
  }

  get names() {
    return [...this.#topics.keys()]
  }

  /** @returns {TopicStart[]} */
  get topics() {
    return Array.from(this.#topics, ([topic, fromBeginning]) => ({ topic, fromBeginning }))
  }

  /** Finds the topics of RegExps that were added since. */
  async match() {
    const upTo = this.#patterns.length
    const patterns = this.#patterns.slice(this.#matched)
    if (patterns.length === 0) return
    const { topics } = await this.#metadata(null)
    this.#matched = Math.max(this.#matched, upTo)
    for (const { name } of topics) for (const { fromBeginning } of matching(patterns, name)) this.#topics.set(name, fromBeginning)
  }

  /** Rejects for topics that are not there; those that may be made are, by being asked for. @param {string[]} topics */
  async check(topics) {
    if (topics.length === 0) return
    const { retry, allowAutoTopicCreation } = this.#options
    await createRetry(retry).retry(async (bail) => {
      const asked = topics.map((topic) => ({ topic, fromBeginning: this.#topics.get(topic) ?? false }))
      for (const { name, error } of (await this.#metadata(asked)).topics) {
        if (error === null) continue
        const failure = fromNative(error, { topic: name })
        failure.message += `: topic "${name}"`
        const isBeingMade = error.code === UNKNOWN_TOPIC_OR_PARTITION || error.code === LEADER_NOT_AVAILABLE
        if (allowAutoTopicCreation && isBeingMade) throw failure
        return bail(failure)
      }
    })
  }

  /**
   * kafkajs resolves a RegExp once; here topics that come later are subscribed to as well, when metadata is looked at anew.
   * @param {() => Promise<void>} rejoin called when there are more topics
   */
  watch(rejoin) {
    this.unwatch()
    if (this.#patterns.length === 0) return
    const watch = setTimeout(async () => {
      try {
        const { topics } = await this.#metadata(null)
        // Every message of a topic that is new came after the subscription.
        const found = topics.filter(({ name }) => !this.#topics.has(name) && matching(this.#patterns, name).length > 0)
        if (this.#watch !== watch) return
        if (found.length > 0) await this.#subscribed(found, rejoin)
      } catch (/** @type {any} */ error) {
        if (this.#watch === watch) this.#logger.warn(`Looking for new topics failed: ${error.message}`, { groupId: this.#options.groupId })
      }
      if (this.#watch === watch) this.watch(rejoin)
    }, Math.min(Math.max(this.#options.metadataMaxAge, LEAST_GAP), LONGEST_TIMER))
    watch.unref()
    this.#watch = watch
  }

  /** @param {{ name: string }[]} found @param {() => Promise<void>} rejoin */
  async #subscribed(found, rejoin) {
    for (const { name } of found) this.#topics.set(name, true)
    try {
      await rejoin()
    } catch (error) {
      // The next look finds them again.
      for (const { name } of found) this.#topics.delete(name)
      throw error
    }
  }

  unwatch() {
    clearTimeout(this.#watch)
    this.#watch = undefined
  }
}

/** @param {Pattern[]} patterns @param {string} topic */
const matching = (patterns, topic) =>
  patterns.filter(({ pattern }) => {
    // A RegExp with the flag g or y remembers where it stopped.
    pattern.lastIndex = 0
    return pattern.test(topic)
  })

module.exports = { Subscription }
