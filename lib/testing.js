'use strict'

// kafka-oxide/testing: a Kafka cluster inside the test's own process. The brokers are librdkafka's mock brokers; they
// speak the Kafka protocol over TCP on loopback ports, so that any client can talk to them.

const native = require('./native')
const { byType } = require('./errors/protocol-codes')

const MAX_BROKERS = 100
const MAX_PARTITIONS = 10000
const MAX_INT = 2 ** 31 - 1
/** Milliseconds: librdkafka counts this delay in microseconds of a C int. */
const MAX_REBALANCE_DELAY = 2147483
const START_OPTIONS = ['brokers', 'groupInitialRebalanceDelay', 'defaultPartitions', 'autoCreateTopics']
/** librdkafka's ERR__TRANSPORT: the mock broker closes the connection instead of answering. */
const TRANSPORT = -195
/** What librdkafka's mock brokers create on their own; it has no call that changes it. */
const DEFAULT_PARTITIONS = 4

/** Names and keys of the APIs that the mock brokers serve, as in the Kafka protocol. */
const API_KEYS = Object.freeze({
  Produce: 0,
  Fetch: 1,
  ListOffsets: 2,
  Metadata: 3,
  OffsetCommit: 8,
  OffsetFetch: 9,
  FindCoordinator: 10,
  JoinGroup: 11,
  Heartbeat: 12,
  LeaveGroup: 13,
  SyncGroup: 14,
  ApiVersions: 18,
  InitProducerId: 22,
  OffsetForLeaderEpoch: 23,
  AddPartitionsToTxn: 24,
  AddOffsetsToTxn: 25,
  EndTxn: 26,
  TxnOffsetCommit: 28,
  ConsumerGroupHeartbeat: 68,
  GetTelemetrySubscriptions: 71,
  PushTelemetry: 72
})

/** @type {Map<number, string>} */
const API_NAMES = new Map(Object.entries(API_KEYS).map(([name, key]) => [key, name]))

/**
 * Made on first use: it asks the addon for every name.
 * @type {{ codes: Set<number>, byName: Map<string, number> } | undefined}
 */
let knownErrors

/**
 * The cluster refused or could not do something. Wrong arguments are a TypeError or a RangeError instead.
 */
class MockClusterError extends Error {
  /** @param {{ code: number, name: string, message: string }} data what the native side reports */
  constructor (data) {
    super(data.message)
    this.name = 'MockClusterError'
    /** librdkafka's number: positive ones are the Kafka protocol's. */
    this.code = data.code
    /** librdkafka's name for it, such as `ERR_TOPIC_ALREADY_EXISTS`. */
    this.type = data.name
  }
}

/** Clusters that run. A test may keep nothing but `bootstrapServers`; its cluster must not be collected meanwhile. */
const running = new Set()

/** Lets only `start` use the constructor. */
const FROM_START = Symbol('MockCluster.start')

class MockCluster {
  /** @type {any} */
  #native

  /**
   * @param {symbol} caller
   * @param {any} [nativeCluster]
   */
  constructor (caller, nativeCluster) {
    if (caller !== FROM_START) throw new TypeError('Write `await MockCluster.start()` instead of `new MockCluster()`')
    this.#native = nativeCluster
    /** `host:port,host:port`, as librdkafka's `bootstrap.servers` takes it. */
    this.bootstrapServers = /** @type {string} */ (nativeCluster.bootstrapServers())
    /** The same as a list, as `new Kafka({ brokers })` takes it. Broker 1 comes first. */
    this.brokers = this.bootstrapServers.split(',')
  }

  /**
   * Starts brokers 1 to `brokers`, which accept connections when the promise resolves.
   * @param {object} [options]
   * @returns {Promise<MockCluster>}
   */
  static async start (options = {}) {
    const {
      brokers = 3, groupInitialRebalanceDelay = 0, defaultPartitions = DEFAULT_PARTITIONS, autoCreateTopics = true
    } = fields('MockCluster.start', options, START_OPTIONS)
    integer('brokers', brokers, 1, MAX_BROKERS)
    integer('groupInitialRebalanceDelay', groupInitialRebalanceDelay, 0, MAX_REBALANCE_DELAY)
    if (defaultPartitions !== DEFAULT_PARTITIONS) {
      throw new RangeError(`defaultPartitions can only be ${DEFAULT_PARTITIONS}, not ${show(defaultPartitions)}: ` +
        'that is how many librdkafka\'s mock brokers make. For another number, first call ' +
        '`await cluster.createTopic({ topic, partitions })`')
    }
    if (autoCreateTopics !== true) {
      throw new RangeError(`autoCreateTopics can only be true, not ${show(autoCreateTopics)}: librdkafka's mock ` +
        'brokers create a topic whenever a client allows it. Forbid it in the client: `allowAutoTopicCreation: false`')
    }
    const nativeCluster = attempt(() => new native.NativeMockCluster(brokers, groupInitialRebalanceDelay))
    const cluster = new MockCluster(FROM_START, nativeCluster)
    running.add(cluster)
    return cluster
  }

  /** @param {{ topic: string, partitions?: number, replicationFactor?: number }} options */
  async createTopic (options) {
    const { topic, partitions = 1, replicationFactor = 1 } =
      fields('createTopic', options, ['topic', 'partitions', 'replicationFactor'])
    topicName(topic)
    integer('partitions', partitions, 1, MAX_PARTITIONS)
    integer('replicationFactor', replicationFactor, 1, this.brokers.length, 'the number of brokers')
    attempt(() => this.#native.createTopic(topic, partitions, replicationFactor))
  }

  /** @param {number} broker */
  async setBrokerDown (broker) {
    this.#checkBroker(broker, 'every broker')
    attempt(() => this.#native.setBrokerDown(broker))
  }

  /** @param {number} broker */
  async setBrokerUp (broker) {
    this.#checkBroker(broker, 'every broker')
    attempt(() => this.#native.setBrokerUp(broker))
  }

  /**
   * @param {number} broker
   * @param {number} ms
   */
  async setLatency (broker, ms) {
    this.#checkBroker(broker, 'every broker')
    integer('latency', ms, 0, MAX_INT)
    attempt(() => this.#native.setLatency(broker, ms))
  }

  /**
   * @param {string | number} api
   * @param {(string | number)[]} errors
   */
  async pushRequestErrors (api, errors) {
    const apiKey = injectableApi(api)
    const codes = list('errors', errors, "['REQUEST_TIMED_OUT']").map(errorCode)
    attempt(() => this.#native.pushRequestErrors(apiKey, codes))
  }

  /**
   * @param {number} broker
   * @param {string | number} api
   * @param {{ error?: string | number, delay?: number }[]} failures
   */
  async pushBrokerRequestErrors (broker, api, failures) {
    this.#checkBroker(broker)
    const apiKey = injectableApi(api)
    const pushed = list('errors', failures, "[{ error: 'REQUEST_TIMED_OUT', delay: 100 }]").map(failure => {
      const { error = 0, delay = 0 } = fields('each error', failure, ['error', 'delay'])
      return { error: errorCode(error), delay: integer('delay', delay, 0, MAX_INT) }
    })
    attempt(() => this.#native.pushBrokerRequestErrors(broker, apiKey, pushed))
  }

  /** @param {string | number} api */
  async clearRequestErrors (api) {
    const apiKey = injectableApi(api)
    attempt(() => this.#native.clearRequestErrors(apiKey))
  }

  /** @param {{ topic: string, partition: number, broker: number }} options */
  async setLeader (options) {
    const { topic, partition, broker } = fields('setLeader', options, ['topic', 'partition', 'broker'])
    topicName(topic)
    integer('partition', partition, 0, MAX_INT)
    this.#checkBroker(broker, 'no leader')
    attempt(() => this.#native.setLeader(topic, partition, broker))
  }

  /**
   * @param {string} topic
   * @param {string | number} error
   */
  async setTopicError (topic, error) {
    topicName(topic)
    const code = errorCode(error)
    if (code === TRANSPORT) throw new RangeError('error must be one that a broker answers with; ERR__TRANSPORT is none')
    attempt(() => this.#native.setTopicError(topic, code))
  }

  /** @param {{ type: 'group' | 'transaction', key: string, broker: number }} options */
  async setCoordinator (options) {
    const { type, key, broker } = fields('setCoordinator', options, ['type', 'key', 'broker'])
    if (type !== 'group' && type !== 'transaction') {
      throw new TypeError(`type must be 'group' or 'transaction', not ${show(type)}`)
    }
    if (typeof key !== 'string' || key === '' || key.includes('\0')) {
      throw new TypeError(`key must be the groupId or the transactionalId, not empty; got ${show(key)}`)
    }
    this.#checkBroker(broker, 'no coordinator')
    attempt(() => this.#native.setCoordinator(type, key, broker))
  }

  async startRequestTracking () {
    attempt(() => this.#native.startRequestTracking())
  }

  /** librdkafka forgets the requests here, so they are handed out. */
  async stopRequestTracking () {
    return trackedRequests(attempt(() => this.#native.stopRequestTracking()))
  }

  async requests () {
    return trackedRequests(attempt(() => this.#native.requests()))
  }

  async clearRequests () {
    attempt(() => this.#native.clearRequests())
  }

  async close () {
    running.delete(this)
    this.#native.close()
  }

  /**
   * @param {unknown} broker
   * @param {string} [minusOne] what -1 stands for, when it may be given
   */
  #checkBroker (broker, minusOne) {
    const last = this.brokers.length
    const ids = `a broker id from 1 to ${last}${minusOne ? `, or -1 for ${minusOne}` : ''}`
    if (typeof broker !== 'number') throw new TypeError(`broker must be ${ids}; got ${show(broker)}`)
    const known = Number.isInteger(broker) && broker >= 1 && broker <= last
    if (!known && !(minusOne && broker === -1)) throw new RangeError(`broker must be ${ids}; got ${show(broker)}`)
  }
}

// Node 20 has the symbol; where it is missing there is no `await using` either.
if (Symbol.asyncDispose) {
  Object.defineProperty(MockCluster.prototype, Symbol.asyncDispose, {
    value: MockCluster.prototype.close, writable: true, configurable: true
  })
}

/**
 * The native side throws plain data; the error is made here, with the caller's stack.
 * @template T
 * @param {() => T} call
 * @returns {T}
 */
function attempt (call) {
  try {
    return call()
  } catch (error) {
    throw error instanceof Error ? error : new MockClusterError(/** @type {any} */ (error))
  }
}

/** @param {string} json */
function trackedRequests (json) {
  /** @type {{ broker: number, apiKey: number, timestamp: number }[]} */
  const requests = JSON.parse(json)
  return requests.map(({ broker, apiKey, timestamp }) => (
    { broker, apiKey, apiName: API_NAMES.get(apiKey) || `Api${apiKey}`, timestamp }
  ))
}

/**
 * The key of an API for which the mock brokers can be told to fail.
 * @param {unknown} api
 * @returns {number}
 */
function injectableApi (api) {
  if (typeof api !== 'string' && typeof api !== 'number') {
    throw new TypeError(`the API must be a name such as 'Produce' or its key such as 0; got ${show(api)}`)
  }
  const name = typeof api === 'number' ? API_NAMES.get(api) : api
  const key = Object.hasOwn(API_KEYS, name || '') ? API_KEYS[/** @type {keyof typeof API_KEYS} */ (name)] : undefined
  if (key === undefined) {
    throw new RangeError(`the mock brokers do not serve ${show(api)}; they serve ${Object.keys(API_KEYS).join(', ')}`)
  }
  if (key === API_KEYS.Metadata) {
    throw new RangeError('Metadata requests cannot be made to fail; use setTopicError, setLeader or setBrokerDown')
  }
  return key
}

/**
 * @param {unknown} error
 * @returns {number}
 */
function errorCode (error) {
  const advice = "use a Kafka error's name such as 'REQUEST_TIMED_OUT', its code such as 7, or 'ERR__TRANSPORT', " +
    'which closes the connection'
  if (typeof error !== 'string' && typeof error !== 'number') throw new TypeError(`error is ${show(error)}: ${advice}`)
  const { codes, byName } = knownErrors || (knownErrors = listErrors())
  const code = typeof error === 'number' ? error : byName.get(error.replace(/^ERR_/, ''))
  if (code === undefined || !codes.has(code)) throw new RangeError(`Kafka has no error ${show(error)}: ${advice}`)
  return code
}

/** What a broker can answer, under librdkafka's names and under kafkajs's. */
function listErrors () {
  /** @type {Map<string, number>} */
  const byName = new Map([
    ['NONE', 0], ['NO_ERROR', 0], ['_TRANSPORT', TRANSPORT], ['UNKNOWN', -1], ['UNKNOWN_SERVER_ERROR', -1]
  ])
  const LAST_CODE_TO_ASK = 500
  for (let code = 1; code <= LAST_CODE_TO_ASK; code++) {
    const name = native.errorName(code).replace(/^ERR_/, '')
    if (!/^\d+$/.test(name) && name !== 'END_ALL') byName.set(name, code)
  }
  const codes = new Set(byName.values())
  for (const [type, { code }] of byType) if (codes.has(code) && !byName.has(type)) byName.set(type, code)
  return { codes, byName }
}

/**
 * The options object, when it has no other fields than these.
 * @param {string} what
 * @param {unknown} options
 * @param {string[]} names
 * @returns {any}
 */
function fields (what, options, names) {
  const shape = `{ ${names.join(', ')} }`
  if (options === null || typeof options !== 'object' || Array.isArray(options)) {
    throw new TypeError(`${what} takes an object ${shape}; got ${show(options)}`)
  }
  const unknown = Object.keys(options).find(name => !names.includes(name))
  if (unknown !== undefined) throw new TypeError(`${what} has no option ${show(unknown)}; it takes ${shape}`)
  return options
}

/**
 * @param {string} name
 * @param {unknown} value
 * @param {string} example
 * @returns {unknown[]}
 */
function list (name, value, example) {
  if (!Array.isArray(value)) throw new TypeError(`${name} must be an array such as ${example}; got ${show(value)}`)
  return value
}

/**
 * @param {string} name
 * @param {unknown} value
 * @param {number} least
 * @param {number} most
 * @param {string} [meaning] of `most`
 * @returns {number}
 */
function integer (name, value, least, most, meaning) {
  const range = `a whole number from ${least} to ${most}${meaning ? ` (${meaning})` : ''}`
  if (typeof value !== 'number') throw new TypeError(`${name} must be ${range}; got ${show(value)}`)
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`${name} must be ${range}; got ${show(value)}`)
  }
  return value
}

/** @param {unknown} topic Kafka's own rule for names */
function topicName (topic) {
  const legal = "1 to 249 letters, digits, '.', '_' or '-', and not '.' or '..'"
  if (typeof topic !== 'string') throw new TypeError(`topic must be a string of ${legal}; got ${show(topic)}`)
  if (!/^[\w.-]{1,249}$/.test(topic) || topic === '.' || topic === '..') {
    throw new RangeError(`topic must be ${legal}; got ${show(topic)}`)
  }
}

/** @param {unknown} value */
function show (value) {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object' && value !== null) return 'an object'
  return typeof value === 'function' ? 'a function' : String(value)
}

module.exports.MockCluster = MockCluster
module.exports.MockClusterError = MockClusterError
