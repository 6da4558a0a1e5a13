'use strict'

// What a differential case works with: names of its own, clients that are closed for it, and what cases do again and again.

const kafkajs = require('kafkajs')
const oxide = require('../..')
const { bootstrap } = require('./broker')
const { Exactly } = require('./differential-normalise')
const { topicName } = require('./topic')
const { once, waitFor, within } = require('./wait')

/** Quick, and still patient enough for a busy machine. */
const RETRY = Object.freeze({ initialRetryTime: 50, maxRetryTime: 1000, retries: 8 })

/** Admin clients of the process that make topics and tell offsets for cases and belong to neither half. */
const shared = {
  /** @type {{ theirs?: Promise<any>, ours?: Promise<any> }} */
  connecting: {},
  /** kafkajs's: what a group has committed is told by somebody else than us. */
  admin() {
    this.connecting.theirs ??= connected(neutral().admin())
    return this.connecting.theirs
  },
  /** Ours: it looks at one topic only, while kafkajs's client asks for the metadata of all that it ever heard of. */
  watcher() {
    const options = { clientId: 'neutral', brokers: [bootstrap()], logLevel: oxide.logLevel.NOTHING, retry: RETRY }
    this.connecting.ours ??= connected(new oxide.Kafka({ ...options, connectionTimeout: 10_000 }).admin())
    return this.connecting.ours
  },
  async close() {
    const open = Object.values(this.connecting)
    this.connecting = {}
    for (const connecting of open) await (await connecting).disconnect()
  },
}

/**
 * Lets a broker that has just started make what it makes for the first group and the first transaction, for which kafkajs does not
 * always wait.
 */
async function warm() {
  const context = new Context(kafkajs, 'neutral', 'warm')
  try {
    const topic = await context.topic()
    const kafka = context.kafka({ retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: 60 } })
    const producer = context.closing(kafka.producer({ transactionalId: topic, idempotent: true, maxInFlightRequests: 1 }))
    await producer.connect()
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ value: 'warm' }] })
    await transaction.commit()
    await context.collect(await context.consumer({ topic }, kafka), 1)
  } finally {
    await context.close()
  }
}

/** @param {any} client @returns {Promise<any>} the client */
async function connected(client) {
  await client.connect()
  return client
}

/**
 * A call of the shared admin client. That asks for the metadata of all its topics at once, of which another case may have only
 * just made one that the broker does not know yet.
 * @template T @param {(admin: any) => Promise<T>} call @returns {Promise<T>}
 */
async function steadily(call) {
  const admin = await shared.admin()
  for (let attempt = 1; ; attempt++) {
    try {
      return await call(admin)
    } catch (/** @type {any} */ error) {
      if (error.type !== 'UNKNOWN_TOPIC_OR_PARTITION' || attempt === 20) throw error
      await new Promise((resolve) => { setTimeout(resolve, 50) })
    }
  }
}

function neutral() {
  const logLevel = kafkajs.logLevel.NOTHING
  return new kafkajs.Kafka({ clientId: 'neutral', brokers: [bootstrap()], logLevel, retry: RETRY, connectionTimeout: 10_000 })
}

class Context {
  /** @param {any} lib exports of the library under test @param {string} libName @param {string} caseName */
  constructor(lib, libName, caseName) {
    this.lib = lib
    this.libName = libName
    this.caseName = caseName
    /** Names that were made for this run, and what they are called in outcomes. @type {Map<string, string>} */
    this.names = new Map([[bootstrap(), '<bootstrap>']])
    /** @type {(() => any)[]} */
    this.closers = []
    /** @type {any} */
    this.ownKafka = undefined
    this.ended = false
    /** @type {any} */
    this.ownAdmin = undefined
    /** @type {Promise<any> | undefined} */
    this.ownAdminConnecting = undefined
  }

  /** `host:port` of the broker. */
  get bootstrap() { return bootstrap() }

  // -- names

  /** @param {string} kind @returns {string} a name that nobody has, `<kind1>` in outcomes */
  name(kind = 'name') {
    const number = [...this.names.values()].filter((called) => called.startsWith(`<${kind}`)).length + 1
    const name = topicName(`${this.caseName.slice(0, 40)}-${kind}${number}-${this.libName}`)
    this.names.set(name, `<${kind}${number}>`)
    return name
  }

  /** A group that nobody is in. */
  groupId() { return this.name('group') }

  /** A name for a topic that does not exist. */
  topicName() { return this.name('topic') }

  /**
   * A new topic.
   * @param {{ partitions?: number, config?: Record<string, string>, name?: string }} [options]
   * @returns {Promise<string>} its name
   */
  async topic({ partitions = 1, config = {}, name = this.topicName() } = {}) {
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
    const topics = [{ topic: name, numPartitions: partitions, replicationFactor: 1, configEntries }]
    // Not kafkajs's wait for leaders: on KRaft it gives up when it asks a little too soon.
    await steadily((admin) => admin.createTopics({ topics, waitForLeaders: false }))
    await this.topicKnown(name, partitions)
    return name
  }

  /**
   * Until the broker tells all partitions of a topic and their leaders, and all of these have opened their logs: kafkajs sends
   * all again when one partition is not ready.
   * @param {string} name @param {number} [partitions]
   */
  async topicKnown(name, partitions = 1) {
    const admin = await shared.watcher()
    await waitFor(async () => {
      const { topics: [topic] } = await admin.fetchTopicMetadata({ topics: [name] })
      if (topic.partitions.length !== partitions || topic.partitions.some((/** @type {any} */ { leader }) => leader < 0)) return false
      return (await admin.fetchTopicOffsets(name)).length === partitions
    }, { message: `the topic ${name}` })
  }

  /** Until partition 0 of a topic ends at an offset. @param {string} name @param {string} high */
  async topicEnds(name, high) {
    const admin = await shared.watcher()
    await waitFor(async () => (await admin.fetchTopicOffsets(name))[0].high === high, { message: `the offset ${high} of ${name}` })
  }

  // -- clients, closed at the end of the case

  /** @param {object} [options] of new Kafka() @returns {any} */
  kafka(options) {
    const make = (/** @type {object} */ more) => new this.lib.Kafka({
      clientId: 'differential', brokers: [bootstrap()], logLevel: this.lib.logLevel.NOTHING, retry: RETRY, connectionTimeout: 10_000, ...more,
    })
    if (options) return make(options)
    this.ownKafka ??= make({})
    return this.ownKafka
  }

  /** @param {any} client @returns {any} the same, to be disconnected at the end */
  closing(client) {
    this.closers.push(() => client.disconnect())
    return client
  }

  /** A producer that is connected. @param {object} [options] @param {any} [kafka] @returns {Promise<any>} */
  async producer(options, kafka = this.kafka()) {
    const producer = this.closing(kafka.producer(options))
    await producer.connect()
    return producer
  }

  /** An admin client that is connected. @param {object} [options] @param {any} [kafka] @returns {Promise<any>} */
  async admin(options, kafka = this.kafka()) {
    const admin = this.closing(kafka.admin(options))
    await admin.connect()
    return admin
  }

  /**
   * A consumer that is connected and, when a topic is given, subscribed; in a group of its own when none is given. It asks
   * for messages more often than by default, so that it ends soon.
   * @param {{ groupId?: string, topic?: string | RegExp, topics?: (string | RegExp)[], fromBeginning?: boolean,
   *   [option: string]: any }} [options]
   * @param {any} [kafka]
   * @returns {Promise<any>}
   */
  async consumer({ groupId = this.groupId(), topic, topics, fromBeginning = true, ...options } = {}, kafka = this.kafka()) {
    const consumer = this.closing(kafka.consumer({ groupId, maxWaitTimeInMs: 100, ...options }))
    await consumer.connect()
    const list = topics || (topic === undefined ? [] : [topic])
    if (list.length > 0) await consumer.subscribe({ topics: list, fromBeginning })
    return consumer
  }

  /** Called at the end, the last one first. @param {() => any} close */
  atEnd(close) { this.closers.push(close) }

  async close() {
    this.ended = true
    for (const close of this.closers.reverse()) {
      try {
        await close()
      } catch {
        // Some cases end with a client that cannot be closed.
      }
    }
  }

  // -- what cases do again and again

  /**
   * Runs a consumer until it has so many messages.
   * @param {any} consumer @param {number} count
   * @param {object} [run]  more options of run()
   * @returns {Promise<any[]>} by partition, then in the order of their coming: topic, partition, offset, key, value, headers
   */
  async collect(consumer, count, run = {}) {
    const received = await this.collecting(consumer, run)
    await this.until(() => received.length >= count, () => `${count} messages; there are ${received.length}`)
    return byPartition(received)
  }

  /** As collect(), but does not wait: the list grows. @param {any} consumer @param {object} [run] */
  async collecting(consumer, run = {}) {
    /** @type {any[]} */
    const received = []
    await consumer.run({
      eachMessage: async (/** @type {any} */ payload) => { received.push(plain(payload)) },
      ...run,
    })
    return received
  }

  /**
   * The first messages of a topic, read by kafkajs, so that both halves are read by the same.
   * @param {string} topic @param {number} count  how many there are
   * @returns {Promise<any[]>} as collect(), with all fields of the message but the timestamp's value
   */
  async read(topic, count, { exactTimestamps = false } = {}) {
    const consumer = neutral().consumer({ groupId: topicName('reader'), maxWaitTimeInMs: 100 })
    /** @type {any[]} */
    const received = []
    try {
      await consumer.connect()
      await consumer.subscribe({ topics: [topic], fromBeginning: true })
      await consumer.run({
        eachMessage: async ({ partition, message: { offset, key, value, headers, timestamp } }) => {
          const time = exactTimestamps ? new Exactly(timestamp) : timestamp
          received.push({ topic, partition, offset, key, value, headers, timestamp: time, exact: exactTimestamps ? time : '' })
        },
      })
      await this.until(() => received.length >= count, () => `${count} messages in ${topic}; there are ${received.length}`)
    } finally {
      await consumer.disconnect()
    }
    return byPartition(received)
  }

  /**
   * What a group has committed for a topic, told by kafkajs.
   * @param {string} groupId @param {string} topic
   * @returns {Promise<{ partition: number, offset: string, metadata: string | null }[]>} by partition, '-1' without one
   */
  async committed(groupId, topic) {
    // While kafkajs loads the metadata of other topics it may know no partitions of this one.
    const partitions = await waitFor(() => steadily(async (admin) => {
      const [{ partitions }] = await admin.fetchOffsets({ groupId, topics: [topic] })
      return partitions.length > 0 && partitions
    }), { message: `the offsets of ${topic}` })
    return partitions.sort((/** @type {any} */ a, /** @type {any} */ b) => a.partition - b.partition)
  }

  /** An admin client of kafkajs for this run, whatever is under test. @returns {Promise<any>} */
  async neutralAdmin() {
    if (this.ownAdmin === undefined) {
      this.ownAdmin = this.closing(neutral().admin())
      this.ownAdminConnecting = this.ownAdmin.connect()
    }
    await this.ownAdminConnecting
    return this.ownAdmin
  }

  /** Puts messages into a topic by kafkajs, the same for both halves. @param {string} topic @param {any[]} messages */
  async fill(topic, messages, more = {}) {
    const producer = neutral().producer()
    await producer.connect()
    try {
      return await producer.send({ topic, messages, ...more })
    } finally {
      await producer.disconnect()
    }
  }

  /**
   * What a call comes to.
   * @param {(() => any) | Promise<any>} what
   * @returns {Promise<any>} `{ rejected: error }`, `{ threw: error }` (at once) or `{ resolved: value }`
   */
  async caught(what) {
    let promise
    try {
      promise = typeof what === 'function' ? what() : what
    } catch (error) {
      return { threw: error }
    }
    try {
      return { resolved: await promise }
    } catch (error) {
      return { rejected: error }
    }
  }

  /**
   * What a call is refused with, in short: for inputs to which kafka-oxide says what to write instead.
   * @param {(() => any) | Promise<any>} what
   * @returns {Promise<string>} the error's name, or `not refused`
   */
  async refusal(what) {
    const outcome = await this.caught(what)
    const error = outcome.rejected || outcome.threw
    return error ? error.name : 'not refused'
  }

  /**
   * Notes the events of a client.
   * @param {any} client @param {string[]} [keys]  of client.events; all of them without network requests
   * @returns {{ key: string, payload: any, type: string }[]} grows
   */
  events(client, keys = Object.keys(client.events).filter((key) => !key.startsWith('REQUEST'))) {
    /** @type {any[]} */
    const list = []
    for (const key of keys) {
      client.on(client.events[key], (/** @type {any} */ { type, payload }) => { list.push({ key, type, payload }) })
    }
    return list
  }

  /** Collects what a library logs: give `logCreator` and `logLevel` to kafka(). */
  logs(level = this.lib.logLevel.DEBUG) {
    /** @type {any[]} */
    const entries = []
    return { entries, options: { logLevel: level, logCreator: () => (/** @type {any} */ entry) => { entries.push(entry) } } }
  }

  /** A value that is compared as it is, also in a field that is taken for volatile. @param {any} value */
  exactly(value) { return new Exactly(value) }

  /** Waits for a predicate. @param {() => any} predicate @param {string | (() => string)} message */
  until(predicate, message = 'the condition') {
    // What a case waits for no longer when it has its outcome must not keep the process.
    return waitFor(() => this.ended || predicate(), { message })
  }

  /** The next event `client.events[key]`. @param {any} client @param {string} key @param {(event: any) => boolean} [where] */
  async event(client, key, where) {
    const [event] = await once(client, client.events[key], where ? { where } : {})
    return event
  }

  /** @template T @param {Promise<T>} promise @param {string} message */
  within(promise, message) { return within(promise, message) }

  /** A promise and its ends; resolved when the case ends, so that no handler waits for ever. */
  gate() {
    /** @type {(value?: any) => void} */
    let open = () => {}
    const promise = new Promise((resolve) => { open = resolve })
    this.closers.push(() => open())
    return { promise, open }
  }
}

/** @param {any} payload of eachMessage */
function plain({ topic, partition, message: { offset, key, value, headers } }) {
  return { topic, partition, offset, key: key && key.toString(), value: value && value.toString(), headers }
}

/** Order between partitions is nobody's promise. @param {any[]} messages */
function byPartition(messages) {
  return [...messages].sort((a, b) => (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition))
}

module.exports = { Context, shared, warm, plain, byPartition, RETRY }
