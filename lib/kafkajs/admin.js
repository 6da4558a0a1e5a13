'use strict'
const {
  fromNative,
  protocolErrorData,
  KafkaJSAggregateError,
  KafkaJSCreateTopicError,
  KafkaJSError,
  KafkaJSNonRetriableError,
  KafkaJSNotImplemented,
  KafkaJSTimeout,
} = require('../errors')
const { Connection } = require('./connection')
const { InstrumentationEmitter } = require('./events')
const { NetworkEvents } = require('./network-events')
const { createRetry } = require('./retry')
const { show } = require('./options')

const events = Object.freeze({
  CONNECT: 'admin.connect',
  DISCONNECT: 'admin.disconnect',
  REQUEST: 'admin.network.request',
  REQUEST_TIMEOUT: 'admin.network.request_timeout',
  REQUEST_QUEUE_SIZE: 'admin.network.request_queue_size',
})

const METHODS = /** @type {const} */ ([
  'connect',
  'disconnect',
  'createTopics',
  'deleteTopics',
  'listTopics',
  'fetchTopicMetadata',
  'fetchTopicOffsets',
  'on',
  'logger',
])

/** Methods of kafkajs's admin that are still to come. */
const LATER = [
  'createPartitions',
  'fetchTopicOffsetsByTimestamp',
  'fetchOffsets',
  'setOffsets',
  'resetOffsets',
  'describeCluster',
  'describeConfigs',
  'alterConfigs',
  'listGroups',
  'describeGroups',
  'deleteGroups',
  'createAcls',
  'describeAcls',
  'deleteAcls',
  'deleteTopicRecords',
  'alterPartitionReassignments',
  'listPartitionReassignments',
]

/** What fetchTopicOffsets() tries again, as kafkajs does. */
const OFTEN_PASSING = new Set(['LEADER_NOT_AVAILABLE', 'NOT_LEADER_FOR_PARTITION', 'UNKNOWN_TOPIC_OR_PARTITION'])
/** kafkajs's default of createTopics and deleteTopics, ms. */
const REQUEST_TIMEOUT = 5000
const POLL_INTERVAL = 100
/** Timestamps that ListOffsets takes for an end of the log. */
const LATEST = '-1'
const EARLIEST = '-2'

/** Requests about topics. Made by `kafka.admin()`. */
class Admin {
  #brokers
  #config
  #native
  #logger
  #options
  #emitter
  #network
  /** @type {Connection | undefined} */
  #connection
  /** @type {Promise<void> | undefined} */
  #connecting
  /** @type {Promise<void> | undefined} */
  #disconnecting

  /**
   * @param {object} setup
   * @param {any} setup.brokers what the user gave to Kafka as `brokers`
   * @param {Record<string, string>} setup.config librdkafka properties
   * @param {any} setup.native the native module
   * @param {import('./logger').Logger} setup.logger
   * @param {any} setup.options from `adminOptions`
   */
  constructor({ brokers, config, native, logger, options }) {
    this.#brokers = brokers
    this.#config = config
    this.#native = native
    this.#logger = logger
    this.#options = options
    this.#emitter = new InstrumentationEmitter({ names: events, label: 'admin', logger })
    this.#network = new NetworkEvents({ emitter: this.#emitter, names: events, clientId: config['client.id'] })
    this.events = events
    // kafkajs's admin is a bag of closures: programs take its methods off.
    for (const name of METHODS) /** @type {any} */ (this)[name] = /** @type {any} */ (this)[name].bind(this)
  }

  /**
   * Connects. Rejects with KafkaJSNumberOfRetriesExceeded (the reason is its `cause`) when no broker answers within the
   * time that the `retry` options give, and at once when disconnect() is called meanwhile.
   * @returns {Promise<void>}
   */
  async connect() {
    if (this.#disconnecting) await this.#disconnecting
    if (this.#connection === undefined || this.#connecting) {
      // Every caller awaits the same attempt.
      this.#connecting = this.#connecting || this.#open()
      await this.#connecting
    }
    this.#emitter.emit(events.CONNECT)
  }

  async #open() {
    const connection = new Connection({
      Native: this.#native.NativeAdmin,
      brokers: this.#brokers,
      properties: this.#config,
      retry: this.#options.retry,
      connectTimeout: this.#options.connectTimeout,
      tokens: this.#options.tokens,
      network: this.#network,
      what: 'admin client',
      logger: this.#logger.namespace('librdkafka'),
    })
    this.#connection = connection
    try {
      await connection.open()
    } catch (error) {
      if (this.#connection === connection) this.#connection = undefined
      throw error
    } finally {
      this.#connecting = undefined
    }
  }

  /** Disconnects. Safe at any time and twice. @returns {Promise<void>} */
  async disconnect() {
    // Not inside #close(), which ends before this assignment when there is nothing to close.
    this.#disconnecting = this.#disconnecting || this.#close().finally(() => { this.#disconnecting = undefined })
    await this.#disconnecting
    this.#emitter.emit(events.DISCONNECT)
  }

  async #close() {
    const connection = this.#connection
    this.#connection = undefined
    if (connection) await connection.close(0)
  }

  /**
   * One native call whose answer is JSON.
   * @param {(native: any) => Promise<string>} call
   * @param {string} [topic]
   */
  async #ask(call, topic) {
    const native = this.#connecting ? undefined : this.#connection && this.#connection.native
    if (!native) throw new KafkaJSError('The admin client is disconnected: await admin.connect() first')
    try {
      return JSON.parse(await call(native))
    } catch (error) {
      throw fromNative(/** @type {any} */ (error), { topic })
    }
  }

  /** @returns {number} how long a read may take, ms */
  get #readTimeout() {
    return Number(this.#config['socket.timeout.ms'])
  }

  /** The names of all topics, internal ones included. @returns {Promise<string[]>} */
  async listTopics() {
    const { topics } = await this.#ask((native) => native.metadata(null, this.#readTimeout))
    return topics.map((/** @type {any} */ topic) => topic.name)
  }

  /**
   * Creates topics. True when they were made, false when each of them existed already; otherwise rejects with
   * KafkaJSAggregateError, whose `errors` are KafkaJSCreateTopicErrors.
   * @param {{ topics: any[], validateOnly?: boolean, timeout?: number, waitForLeaders?: boolean }} request
   * `timeout` in ms (5000), for the request and then for the leaders
   * @returns {Promise<boolean>}
   */
  async createTopics(request) {
    const { topics, validateOnly = false, timeout, waitForLeaders = true } = request || {}
    checkNewTopics(topics)
    const timeoutMs = checkTimeout(timeout)
    const wanted = topics.map(newTopic)
    return createRetry(this.#options.retry).retry(async (bail) => {
      try {
        const results = await this.#ask((native) => native.createTopics(wanted, timeoutMs, Boolean(validateOnly)))
        const failed = results.filter((/** @type {any} */ result) => result.error)
        const created = failed.map(createTopicError)
        if (created.some((/** @type {any} */ error) => error.type === 'NOT_CONTROLLER')) throw created[0]
        if (created.length > 0) {
          if (created.every((/** @type {any} */ error) => error.type === 'TOPIC_ALREADY_EXISTS')) return false
          throw new KafkaJSAggregateError('Topic creation errors', created)
        }
        if (waitForLeaders && !validateOnly) {
          await this.#waitForLeaders(
            wanted.map(({ topic }) => topic),
            Math.max(timeoutMs, REQUEST_TIMEOUT),
          )
        }
        return true
      } catch (/** @type {any} */ error) {
        if (error.type === 'NOT_CONTROLLER') throw error
        bail(error)
        return false
      }
    })
  }

  /**
   * Until each topic is known to a broker and has a leader for each partition. Under KRaft a broker hears of a new
   * topic a little after the controller made it: "unknown" is then an answer like "no leader yet".
   * @param {string[]} topics @param {number} timeoutMs
   */
  async #waitForLeaders(topics, timeoutMs) {
    const deadline = Date.now() + timeoutMs
    for (;;) {
      const answer = await this.#ask((native) => native.metadata(topics, Math.max(1000, deadline - Date.now())))
      const ready = new Set(
        answer.topics
          .filter(
            (/** @type {any} */ topic) =>
              !topic.error &&
              topic.partitions.length > 0 &&
              topic.partitions.every((/** @type {any} */ partition) => partition.leader >= 0),
          )
          .map((/** @type {any} */ topic) => topic.name),
      )
      const waiting = topics.filter((topic) => !ready.has(topic))
      if (waiting.length === 0) return
      if (Date.now() >= deadline) {
        throw new KafkaJSTimeout(`Timed out while waiting for topic leaders: ${waiting.join(', ')} (${timeoutMs} ms)`)
      }
      await new Promise((resolve) => {
        setTimeout(resolve, POLL_INTERVAL)
      })
    }
  }

  /**
   * Deletes topics. A topic that is not known is asked for again as `retry` says (it may be new), then rejects.
   * @param {{ topics: string[], timeout?: number }} request `timeout` in ms (5000)
   * @returns {Promise<void>}
   */
  async deleteTopics(request) {
    const { topics, timeout } = request || {}
    if (!Array.isArray(topics)) {
      throw new KafkaJSNonRetriableError(
        `Invalid topics array ${show(topics)}: write deleteTopics({ topics: ['name'] })`,
      )
    }
    for (const topic of topics) checkTopic(topic, 'Invalid topics array')
    const timeoutMs = checkTimeout(timeout)
    let left = [...new Set(topics)]
    await createRetry(this.#options.retry).retry(async (bail) => {
      try {
        if (left.length === 0) return
        const results = await this.#ask((native) => native.deleteTopics(left, timeoutMs))
        const failed = results.filter((/** @type {any} */ result) => result.error)
        left = failed.map((/** @type {any} */ result) => result.topic)
        if (failed.length > 0) throw fromNative(failed[0].error, { topic: failed[0].topic })
      } catch (/** @type {any} */ error) {
        if (error.type === 'NOT_CONTROLLER' || error.type === 'UNKNOWN_TOPIC_OR_PARTITION') {
          this.#logger.warn('Topics could not be deleted yet', { topics: left, error: error.message })
          throw error
        }
        bail(error)
      }
    })
  }

  /**
   * The partitions of topics, or of all topics when none are named. Rejects when one of them does not exist.
   * @param {{ topics?: string[] }} [request]
   * @returns {Promise<{ topics: { name: string, partitions: import('./partitioners').PartitionMetadata[] }[] }>}
   */
  async fetchTopicMetadata(request) {
    const { topics = [] } = request || {}
    if (!Array.isArray(topics)) {
      throw new KafkaJSNonRetriableError(
        `Invalid topics array ${show(topics)}: write fetchTopicMetadata({ topics: ['name'] })`,
      )
    }
    for (const topic of topics) checkTopic(topic, 'Invalid topic')
    const answer = await this.#ask((native) => native.metadata(topics.length > 0 ? topics : null, this.#readTimeout))
    for (const { name, error } of answer.topics) if (error) throw fromNative(error, { topic: name })
    return {
      topics: answer.topics.map((/** @type {any} */ topic) => ({
        name: topic.name,
        partitions: topic.partitions.map((/** @type {any} */ partition) => ({
          partitionErrorCode: partition.error ? partition.error.code : 0,
          partitionId: partition.id,
          leader: partition.leader,
          replicas: partition.replicas,
          isr: partition.isrs,
          offlineReplicas: [],
        })),
      })),
    }
  }

  /**
   * Where the log of each partition ends: `low` its first offset, `high` (= `offset`) the next one to be written.
   * @param {string} topic
   * @returns {Promise<{ partition: number, offset: string, high: string, low: string }[]>}
   */
  async fetchTopicOffsets(topic) {
    checkTopic(topic, 'Invalid topic')
    return createRetry(this.#options.retry).retry(async (bail) => {
      try {
        const {
          topics: [{ partitions }],
        } = await this.fetchTopicMetadata({ topics: [topic] })
        const [high, low] = await Promise.all([
          this.#offsets(topic, partitions, LATEST),
          this.#offsets(topic, partitions, EARLIEST),
        ])
        return partitions
          .map(({ partitionId }) => {
            const end = /** @type {string} */ (high.get(partitionId))
            return { partition: partitionId, offset: end, high: end, low: /** @type {string} */ (low.get(partitionId)) }
          })
          .sort((a, b) => a.partition - b.partition)
      } catch (/** @type {any} */ error) {
        // A leader on the move will be found again, and a topic that is unknown may be new; all else is for the caller to see.
        if (OFTEN_PASSING.has(error.type)) throw error
        bail(error)
        return []
      }
    })
  }

  /**
   * @param {string} topic
   * @param {{ partitionId: number }[]} partitions
   * @param {string} timestamp
   * @returns {Promise<Map<number, string>>}
   */
  async #offsets(topic, partitions, timestamp) {
    const asked = partitions.map(({ partitionId }) => ({ topic, partition: partitionId, timestamp }))
    const results = await this.#ask((native) => native.listOffsets(asked, this.#readTimeout), topic)
    for (const { partition, error } of results) if (error) throw fromNative(error, { topic, partition })
    return new Map(results.map((/** @type {any} */ result) => [result.partition, result.offset]))
  }

  /**
   * Listens to an instrumentation event.
   * @param {string} type one of `admin.events`
   * @param {(event: import('./events').InstrumentationEvent) => any} listener
   * @returns {() => void} removes the listener
   */
  on(type, listener) {
    return this.#emitter.on(type, listener)
  }

  /** @returns {import('./logger').Logger} */
  logger() {
    return this.#logger
  }
}

for (const name of LATER) {
  Object.defineProperty(Admin.prototype, name, {
    configurable: true,
    writable: true,
    value: async function notImplemented() {
      throw new KafkaJSNotImplemented(
        `admin.${name}() is not implemented yet: it comes with a later version of kafka-oxide`,
      )
    },
  })
}

/** @param {any} topic @param {string} prefix */
function checkTopic(topic, prefix) {
  if (typeof topic !== 'string' || topic === '') {
    throw new KafkaJSNonRetriableError(`${prefix} ${show(topic)}: the name of a topic is a string that is not empty`)
  }
}

/** @param {any} timeout @returns {number} ms */
function checkTimeout(timeout) {
  if (timeout === undefined || timeout === null) return REQUEST_TIMEOUT
  if (typeof timeout !== 'number' || !(timeout > 0)) {
    throw new KafkaJSNonRetriableError(`Invalid timeout ${show(timeout)}: write milliseconds, e.g. timeout: 5000`)
  }
  return Math.min(Math.ceil(timeout), 2147483647)
}

/** @param {any} topics */
function checkNewTopics(topics) {
  if (!Array.isArray(topics)) {
    throw new KafkaJSNonRetriableError(
      `Invalid topics array ${show(topics)}: write createTopics({ topics: [{ topic: 'name' }] })`,
    )
  }
  const names = new Set()
  for (const entry of topics) {
    if (typeof entry !== 'object' || entry === null) {
      throw new KafkaJSNonRetriableError(
        `Invalid topics array, ${show(entry)} is not an object such as { topic: 'name', numPartitions: 3 }`,
      )
    }
    const { topic, numPartitions, replicationFactor, configEntries, replicaAssignment } = entry
    checkTopic(topic, 'Invalid topics array,')
    if (names.has(topic))
      throw new KafkaJSNonRetriableError(`Invalid topics array, the topic "${topic}" is in it more than once`)
    names.add(topic)
    for (const [name, value] of [
      ['numPartitions', numPartitions],
      ['replicationFactor', replicationFactor],
    ]) {
      if (value !== undefined && value !== null && !(Number.isInteger(value) && (value === -1 || value > 0))) {
        throw new KafkaJSNonRetriableError(
          `Invalid ${name} for topic "${topic}": ` +
            `${show(value)} is neither a whole number from 1 nor -1 (the broker's default)`,
        )
      }
    }
    checkConfigEntries(topic, configEntries)
    checkReplicaAssignment(topic, replicaAssignment)
  }
}

/** @param {string} topic @param {any} entries */
function checkConfigEntries(topic, entries) {
  if (entries === undefined || entries === null) return
  if (!Array.isArray(entries)) {
    throw new KafkaJSNonRetriableError(
      `Invalid configEntries for topic "${topic}", must be an array of { name, value }`,
    )
  }
  entries.forEach((entry, index) => {
    for (const key of ['name', 'value']) {
      if (typeof entry !== 'object' || entry === null || typeof entry[key] !== 'string') {
        throw new KafkaJSNonRetriableError(
          `Invalid configEntries for topic "${topic}". Entry ${index} needs a string as "${key}", ` +
            "e.g. { name: 'cleanup.policy', value: 'compact' }",
        )
      }
    }
  })
}

/** @param {string} topic @param {any} assignment */
function checkReplicaAssignment(topic, assignment) {
  if (assignment === undefined || assignment === null) return
  const good =
    Array.isArray(assignment) &&
    assignment.every(
      (entry) =>
        typeof entry === 'object' &&
        entry !== null &&
        Number.isInteger(entry.partition) &&
        Array.isArray(entry.replicas) &&
        entry.replicas.every(Number.isInteger),
    )
  /** @type {number[]} */
  const partitions = good ? assignment.map((/** @type {any} */ entry) => entry.partition).sort() : []
  if (
    !good ||
    new Set(partitions).size < partitions.length ||
    partitions.some((partition) => !(partition >= 0 && partition < partitions.length))
  ) {
    throw new KafkaJSNonRetriableError(
      `Invalid replicaAssignment for topic "${topic}": ` +
        'write [{ partition: 0, replicas: [1, 2] }, …] with every partition from 0 once',
    )
  }
}

/** @param {any} entry as kafkajs has it @returns {any} as the native side takes it */
function newTopic({ topic, numPartitions, replicationFactor, replicaAssignment, configEntries }) {
  const assigned =
    replicaAssignment && replicaAssignment.length > 0
      ? [...replicaAssignment].sort((a, b) => a.partition - b.partition).map(({ replicas }) => replicas)
      : undefined
  return {
    topic,
    numPartitions: assigned ? assigned.length : (numPartitions ?? -1),
    replicationFactor: assigned ? -1 : (replicationFactor ?? -1),
    ...(assigned ? { replicaAssignment: assigned } : {}),
    config: Object.fromEntries((configEntries || []).map((/** @type {any} */ { name, value }) => [name, value])),
  }
}

/** @param {{ topic: string, error: any }} result */
function createTopicError({ topic, error }) {
  const { code, name, message } = error
  return new KafkaJSCreateTopicError(protocolErrorData(code, message, name), topic, { librdkafka: { code, name } })
}

module.exports = { Admin, events }
