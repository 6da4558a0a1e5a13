'use strict'
const {
  fromNative, KafkaJSError, KafkaJSNonRetriableError,
} = require('../errors')
const { descriptions } = require('./admin/groups')
const { readCommit, readSeek, readTopicPartitions, readSubscription, readRun } = require('./consumer-input')
const { InstrumentationEmitter } = require('./events')
const { GroupEvents } = require('./group-events')
const { MEMBER } = require('./group-offsets')
const { LibrdkafkaMembership } = require('./membership')
const { createRetry, withDefaults } = require('./retry')
const { Runner } = require('./runner')
const { Subscription } = require('./subscription')
const { SubscriptionState } = require('./subscription-state')

const events = Object.freeze({
  HEARTBEAT: 'consumer.heartbeat',
  COMMIT_OFFSETS: 'consumer.commit_offsets',
  GROUP_JOIN: 'consumer.group_join',
  FETCH: 'consumer.fetch',
  FETCH_START: 'consumer.fetch_start',
  START_BATCH_PROCESS: 'consumer.start_batch_process',
  END_BATCH_PROCESS: 'consumer.end_batch_process',
  CONNECT: 'consumer.connect',
  DISCONNECT: 'consumer.disconnect',
  STOP: 'consumer.stop',
  CRASH: 'consumer.crash',
  REBALANCING: 'consumer.rebalancing',
  RECEIVED_UNSUBSCRIBED_TOPICS: 'consumer.received_unsubscribed_topics',
  REQUEST: 'consumer.network.request',
  REQUEST_TIMEOUT: 'consumer.network.request_timeout',
  REQUEST_QUEUE_SIZE: 'consumer.network.request_queue_size',
})

const METHODS = /** @type {const} */ ([
  'connect', 'disconnect', 'subscribe', 'run', 'stop', 'commitOffsets', 'seek', 'pause', 'resume', 'paused', 'describeGroup', 'on',
  'logger',
])

/** Where no offset is given: the committed one, or by `fromBeginning`. */
const STORED_OFFSET = '-1001'
const METADATA_TIMEOUT = 5000
/** How long settling where to start may hold up an assignment, for each of its two questions, ms. */
const POSITION_TIMEOUT = 2000
/** Between two looks at whether the group has been joined, ms. */
const MEMBERSHIP_INTERVAL = 50
/** What cannot be healed by waiting: reported by run(), or as a crash. librdkafka's names. */
const DENIED = new Set([
  'ERR_TOPIC_AUTHORIZATION_FAILED', 'ERR_GROUP_AUTHORIZATION_FAILED', 'ERR__AUTHENTICATION',
  'ERR_INVALID_SESSION_TIMEOUT', 'ERR_INVALID_GROUP_ID', 'ERR_INCONSISTENT_GROUP_PROTOCOL', 'ERR_GROUP_MAX_SIZE_REACHED',
])

/**
 * Reads messages as a member of a group. Made by `kafka.consumer()`.
 *
 * Messages of a partition are handled strictly one after another. What was handled is committed, never what is only fetched: after
 * a crash at most the messages handled since the last commit come again.
 */
class Consumer {
  #setup
  #logger
  #emitter
  #group
  #subscription
  /** Why the group refused this member when nobody waited for it: librdkafka tells it once. @type {Error | undefined} */
  #refusal
  #pausing = new SubscriptionState()
  /** @type {Map<string, { topic: string, partition: number, offset: string }>} */
  #seeks = new Map()
  #epoch = 0
  /** @type {LibrdkafkaMembership | undefined} */
  #membership
  /** @type {Runner | undefined} */
  #runner
  /** The run that is going on: run was called and stop was not. Each has its own, so that an older one knows that it is over. */
  #run = /** @type {object | undefined} */ (undefined)
  /** @type {Promise<void> | undefined} */
  #connecting
  /** @type {Promise<void> | undefined} */
  #stopping
  /** @type {((error?: Error) => void) | undefined} settles run() */
  #joined
  /** @type {NodeJS.Timeout | undefined} */
  #restart
  /** How often the program ended this consumer: a restart that was planned before is off. */
  #endings = 0
  #joinStart = 0
  /** No more of the offsets that transactions commit for this group. @type {() => void} */
  #unlisten = () => {}

  /**
   * @param {object} setup
   * @param {any} setup.brokers what the user gave to Kafka as `brokers`
   * @param {Record<string, string>} setup.config librdkafka properties
   * @param {any} setup.native the native module
   * @param {import('./logger').Logger} setup.logger
   * @param {any} setup.options from `consumerOptions`
   * @param {import('./group-offsets').GroupOffsets} setup.groupOffsets
   */
  constructor(setup) {
    this.#setup = setup
    this.#logger = setup.logger
    this.#emitter = new InstrumentationEmitter({ names: events, label: 'consumer', logger: setup.logger })
    const { config, options: { groupId } } = setup
    this.#group = new GroupEvents({
      emitter: this.#emitter,
      logger: setup.logger.namespace('ConsumerGroup'),
      names: events,
      groupId,
      config,
    })
    this.#subscription = new Subscription({
      options: setup.options,
      metadata: (topics) => this.#metadata(topics),
      logger: setup.logger,
    })
    this.events = events
    // kafkajs's consumer is a bag of closures: programs take its methods off.
    for (const name of METHODS) /** @type {any} */ (this)[name] = /** @type {any} */ (this)[name].bind(this)
  }

  /**
   * Connects. Rejects with KafkaJSNumberOfRetriesExceeded (the reason is its `cause`) when no broker answers within the time that
   * the `retry` options give, and at once when disconnect() is called meanwhile.
   * @returns {Promise<void>}
   */
  async connect() {
    const endings = this.#endings
    // Not a turn later when there is nothing to wait for: a disconnect() in this turn has to find what it ends.
    while (this.#stopping) await this.#stopping
    if (this.#endings !== endings) {
      throw new KafkaJSNonRetriableError('The consumer was disconnected while it was connecting')
    }
    await this.#ensureConnected()
    this.#emitter.emit(events.CONNECT)
  }

  async #ensureConnected() {
    if (this.#membership === undefined) {
      const { native, brokers, config, options } = this.#setup
      /** @type {LibrdkafkaMembership} */
      const membership = new LibrdkafkaMembership({
        native,
        brokers,
        properties: config,
        retry: options.retry,
        connectTimeout: options.connectTimeout,
        tokens: options.tokens,
        network: this.#group.network,
        logger: this.#logger.namespace('librdkafka'),
      }, {
        onAssigned: (generation, partitions, member) => this.#onAssigned(membership, generation, partitions, member),
        onRevoked: (generation, partitions, lost) => this.#onRevoked(membership, generation, partitions, lost),
        onFrame: (bytes) => { if (this.#membership === membership && this.#runner) this.#runner.frame(bytes) },
        onError: (error) => this.#onError(membership, error),
      })
      this.#membership = membership
      this.#refusal = undefined
      this.#connecting = membership.connect().catch((error) => {
        if (this.#membership === membership) this.#membership = undefined
        throw error
      }).finally(() => { this.#connecting = undefined })
    }
    await this.#connecting
  }

  /**
   * Adds topics. `fromBeginning` says where to start without a committed offset: at the first message, or (default) with those to
   * come. A RegExp is matched against the topics that exist now, or when run() is called if that is before connect().
   * @param {{ topic?: string | RegExp, topics?: (string | RegExp)[], fromBeginning?: boolean }} subscription
   * @returns {Promise<void>}
   */
  async subscribe(subscription) {
    if (this.#run) throw new KafkaJSNonRetriableError('Cannot subscribe to topic while consumer is running')
    const { topics, fromBeginning } = readSubscription(subscription)
    for (const topic of topics) {
      if (typeof topic === 'string') {
        // librdkafka keeps what it was told of a topic first: another client has to be told anew.
        if (this.#subscription.add(topic, fromBeginning)) await this.#reconnect()
      } else this.#subscription.addPattern(topic, fromBeginning)
    }
    if (this.#membership?.isConnected && this.#connecting === undefined) {
      await this.#subscription.match()
      await this.#subscription.check(topics.filter((topic) => typeof topic === 'string'))
    }
  }

  async #reconnect() {
    const membership = this.#membership
    if (membership === undefined) return
    const endings = this.#endings
    await membership.leave()
    if (this.#membership === membership) this.#membership = undefined
    // Not when the program ended this consumer meanwhile: nobody would close that connection.
    if (this.#endings === endings) await this.#ensureConnected()
  }

  /**
   * @param {{ topic: string, fromBeginning: boolean }[] | null} topics
   * @returns {Promise<{ topics: { name: string, error: any }[] }>}
   */
  async #metadata(topics) {
    // Nothing that another attempt could heal.
    if (this.#membership === undefined) throw new KafkaJSNonRetriableError('The consumer is disconnected')
    const metadata = await this.#membership.metadata(topics, METADATA_TIMEOUT)
    this.#group.know(metadata.brokers)
    return metadata
  }

  /**
   * Joins the group and handles messages until stop() or disconnect(). Resolves when the group has been joined.
   * @param {any} [options] see `ConsumerRunConfig`
   * @returns {Promise<void>}
   */
  async run(options) {
    const config = readRun(options)
    const { groupId } = this.#setup.options
    if (this.#run) {
      this.#logger.warn('consumer#run was called, but the consumer is already running', { groupId })
      return
    }
    const endings = this.#endings
    try {
      await this.#start(config)
    } catch (error) {
      // kafkajs tells of it by these events alone; whoever awaits run() hears of it here too.
      if (this.#endings === endings) {
        this.#emitter.emit(events.DISCONNECT)
        this.#emitter.emit(events.CRASH, { error, groupId, restart: false })
      }
      throw error
    }
  }

  /** @param {ReturnType<typeof readRun>} config */
  async #start(config) {
    const run = (this.#run = {})
    clearTimeout(this.#restart)
    try {
      while (this.#stopping) await this.#stopping
      if (this.#run === run) await this.#begin(config, run)
    } catch (error) {
      // stop() meanwhile is no failure of run().
      if (this.#run !== run) return
      // A member that nobody works for must not keep partitions.
      await this.#stop()
      throw error
    }
  }

  /** @param {ReturnType<typeof readRun>} config @param {object} run */
  async #begin(config, run) {
    await this.#ensureConnected()
    if (this.#run !== run) return
    if (this.#refusal !== undefined) {
      // It may be old: a new client asks again.
      await this.#reconnect()
      if (this.#run !== run) return
    }
    this.#emitter.emit(events.CONNECT)
    await this.#subscription.match()
    await this.#subscription.check(this.#subscription.names)
    const membership = this.#membership
    if (this.#run !== run || membership === undefined) return
    const pausing = this.#pausing
    const runner = new Runner({
      run: config,
      batchBytes: this.#batchBytes,
      handedBytes: this.#setup.options.handedBytes,
      retry: this.#setup.options.retry,
      source: this.#source(membership),
      commit: (offsets) => this.#commit(membership, offsets, true),
      pausePartition: (topic, partition) => {
        // Of this run, and not an error after it: programs resume in timers, where that would end the process.
        const apply = () => { if (this.#pausing === pausing) this.#applyPausing() }
        pausing.pause(topic, [partition])
        apply()
        return () => {
          pausing.resume(topic, [partition])
          apply()
        }
      },
      events: this.#emitter,
      names: events,
      logger: this.#logger,
      onCrash: (error) => { this.#onCrash(error, config) },
    })
    this.#runner = runner
    this.#logger.info('Starting', { groupId: this.#setup.options.groupId })
    const { handedBytes } = this.#setup.options
    membership.frameLimits(config.eachBatch && !config.eachMessage ? this.#batchBytes : 0, handedBytes / runner.window)
    this.#unlisten()
    this.#unlisten = this.#setup.groupOffsets.listen(
      this.#setup.options.groupId,
      (/** @type {string} */ topic, /** @type {number} */ partition, /** @type {number} */ offset) => {
        const queue = runner.queue(topic, partition)
        if (queue) queue.committed = offset
      },
    )
    this.#joinStart = Date.now()
    const { topics } = this.#subscription
    // A member without topics never gets an assignment that could be waited for.
    const joined = topics.length === 0 ? undefined : this.#waitForJoin()
    // Awaited below, but it may reject before that.
    joined?.catch(() => {})
    if (this.#refusal) this.#joined?.(this.#refusal)
    runner.start()
    try {
      if (topics.length > 0) {
        await membership.join(topics)
        if (this.#setup.config['group.protocol'] === 'consumer') this.#watchMembership(membership)
      }
      if (this.#run === run) this.#subscription.watch(() => membership.join(this.#subscription.topics))
      await joined
      if (this.#run === run) this.#group.start(() => runner.queues())
    } finally {
      this.#joined = undefined
    }
  }

  /**
   * Under KIP-848 a member that gets no partition gets no assignment either, so that it has to be asked whether it is one.
   * @param {LibrdkafkaMembership} membership
   */
  async #watchMembership(membership) {
    const joined = this.#joined
    try {
      while (joined !== undefined && this.#joined === joined) {
        if (await membership.isMember()) joined()
        else await new Promise((resolve) => { setTimeout(resolve, MEMBERSHIP_INTERVAL) })
      }
    } catch {
      // Disconnected meanwhile, which run() hears of by itself.
    }
  }

  #waitForJoin() {
    return new Promise((resolve, reject) => {
      this.#joined = (error) => (error ? reject(error) : resolve(undefined))
    })
  }

  /** @param {LibrdkafkaMembership} membership @returns {import('./runner').Source} */
  #source(membership) {
    /** @param {(native: any) => Promise<void> | void} call */
    const tell = (call) => {
      if (!membership.isConnected) return
      Promise.resolve(call(membership.native)).catch((error) => {
        // The partition was given up meanwhile: there is nothing to pause or resume.
        this.#logger.debug(`A request to the fetcher failed: ${error && error.message}`)
      })
    }
    return {
      request: (frames) => tell((native) => native.request(frames)),
      progress: () => tell((native) => native.progress()),
      pause: (topic, partition) => tell((native) => native.pause([{ topic, partition }])),
      resume: (topic, partition) => tell((native) => native.resume([{ topic, partition }])),
      topicName: (id) => membership.native.topicName(id),
      committed: (partitions) => membership.committed(partitions, METADATA_TIMEOUT),
    }
  }

  /** How large kafkajs's batches are: what the broker gives of one partition at a time. */
  get #batchBytes() {
    return Number(this.#setup.config['max.partition.fetch.bytes'])
  }

  // -- rebalances

  /**
   * @param {LibrdkafkaMembership} membership @param {number} generation @param {{ topic: string, partition: number }[]} partitions
   * @param {any} member what the coordinator knows this consumer as
   * @returns {Promise<void>}
   */
  async #onAssigned(membership, generation, partitions, member) {
    this.#group.isMember(member)
    partitions = this.#group.subscribedOf(partitions, this.#subscription.names, this.#logger)
    const runner = this.#runner
    const isOver = () => runner === undefined || this.#runner !== runner || this.#membership !== membership
    const ends = isOver() ? new Map() : await this.#ends(membership, partitions)
    if (runner === undefined || isOver()) return membership.isConnected ? membership.assign(generation, []) : undefined
    const isPaused = (/** @type {string} */ topic, /** @type {number} */ partition) => this.#pausing.isPaused(topic, partition)
    runner.assign(partitions, isPaused)
    await membership.assign(generation, partitions.map(({ topic, partition }) => {
      const seek = this.#seeks.get(keyOf(topic, partition))
      this.#seeks.delete(keyOf(topic, partition))
      return { topic, partition, offset: seek ? seek.offset : ends.get(keyOf(topic, partition)) ?? STORED_OFFSET }
    }))
    for (const { topic, partition } of partitions) {
      const queue = runner.queue(topic, partition)
      if (queue && queue.paused) runner.pauseAssigned(queue)
    }
    this.#group.joined(member, runner.queues(), Date.now() - this.#joinStart)
    this.#joined?.()
  }

  /**
   * Where partitions end that are to be read from there, because nothing is committed for them. Settled before the group counts
   * as joined, so that what is sent after run() is read; librdkafka would look a little later.
   * @param {LibrdkafkaMembership} membership @param {{ topic: string, partition: number }[]} partitions
   * @returns {Promise<Map<string, string>>}
   */
  async #ends(membership, partitions) {
    const asked = partitions.filter(({ topic, partition }) =>
      this.#subscription.beginsAtEnd(topic) && !this.#seeks.has(keyOf(topic, partition)))
    if (asked.length === 0) return new Map()
    try {
      const committed = await membership.committed(asked, POSITION_TIMEOUT)
      const without = committed.filter(({ offset }) => offset === STORED_OFFSET)
      const ends = without.length === 0 ? [] : await membership.endOffsets(without, POSITION_TIMEOUT)
      return new Map(ends.map(({ topic, partition, offset }) => [keyOf(topic, partition), offset]))
    } catch (/** @type {any} */ error) {
      this.#logger.debug(`Where partitions end could not be read, the fetcher will look: ${error && error.message}`)
      return new Map()
    }
  }

  /**
   * @param {LibrdkafkaMembership} membership @param {number} generation
   * @param {{ topic: string, partition: number }[]} partitions @param {boolean} lost
   */
  async #onRevoked(membership, generation, partitions, lost) {
    const runner = this.#runner
    this.#joinStart = Date.now()
    this.#group.rebalancing()
    if (runner !== undefined && this.#membership === membership) await runner.revoke(partitions, { lost, generation })
    await membership.unassign(generation)
  }

  /** @param {LibrdkafkaMembership} membership @param {any} data boundary data, or an Error of our own */
  #onError(membership, data) {
    if (this.#membership !== membership) return
    const error = fromNative(data, { topic: data.topic, partition: data.partition })
    if (!data.fatal && !DENIED.has(data.name) && !(data instanceof Error)) {
      this.#logger.warn(data.message, { name: data.name, code: data.code, topic: data.topic, partition: data.partition })
      return
    }
    if (this.#joined) this.#joined(error)
    else if (this.#runner && !this.#connecting) this.#runner.crash(error)
    else {
      this.#refusal = error
      this.#logger.warn(`Not in the group: ${error.message}`, { groupId: this.#setup.options.groupId })
    }
  }

  // -- offsets

  /**
   * Commits offsets: the next ones to read, so the last one handled plus one.
   * @param {{ topic: string, partition: number, offset: string, metadata?: string | null }[]} [offsets]
   * @returns {Promise<void>}
   */
  async commitOffsets(offsets = []) {
    const list = readCommit(offsets)
    const membership = this.#membership
    if (membership === undefined || this.#runner === undefined) {
      throw new KafkaJSNonRetriableError('Consumer group was not initialized, consumer#run must be called first')
    }
    if (!this.#run || list.length === 0) return
    const { retry } = createRetry(this.#setup.options.retry)
    await retry((bail) => this.#commit(membership, list, false).catch((error) => {
      if (error.retriable) throw error
      bail(error)
    }))
    for (const { topic, partition, offset } of list) {
      const queue = this.#runner?.queue(topic, partition)
      if (queue) queue.committed = Number(offset)
    }
  }

  /**
   * @param {LibrdkafkaMembership} membership
   * @param {{ topic: string, partition: number, offset: string, metadata?: string }[]} offsets
   * @param {boolean} automatic kafkajs reports the partitions of its own commits as strings
   */
  async #commit(membership, offsets, automatic) {
    if (offsets.length === 0) return
    await membership.commit(offsets)
    if (!this.#emitter.has(events.COMMIT_OFFSETS)) return
    /** @type {Map<string, any[]>} */
    const topics = new Map()
    for (const { topic, partition, offset, metadata = null } of offsets) {
      const list = topics.get(topic) || []
      list.push(automatic ? { partition: String(partition), offset } : { partition, offset, metadata })
      topics.set(topic, list)
    }
    this.#group.committed(Array.from(topics, ([topic, partitions]) => ({ topic, partitions })))
  }

  /**
   * Moves the position of a partition. What was fetched before is dropped, a batch in work becomes stale. With auto-commit the
   * new position is committed. A partition that is not assigned yet starts there when it is.
   * @param {{ topic: string, partition: number, offset: string }} position offset '-1': the end, '-2': the beginning
   */
  seek(position) {
    const { topic, partition, offset } = readSeek(position)
    if (!this.#run) throw new KafkaJSNonRetriableError('Consumer group was not initialized, consumer#run must be called first')
    const runner = this.#runner
    const queue = runner && runner.queue(topic, partition)
    const membership = this.#membership
    if (!runner || !queue || queue.revoked || !membership || !membership.isConnected) {
      this.#seeks.set(keyOf(topic, partition), { topic, partition, offset })
      return
    }
    const epoch = ++this.#epoch
    runner.seek(queue, epoch)
    membership.native.seek(topic, partition, offset, epoch).catch((/** @type {any} */ error) => {
      if (queue.epoch !== epoch || queue.revoked || this.#runner !== runner) return
      runner.crash(fromNative(error, { topic, partition }))
    })
    if (runner.committer.enabled && Number(offset) >= 0) {
      this.#commit(membership, [{ topic, partition, offset }], true).catch((error) => {
        this.#logger.warn(`The offset sought could not be committed: ${error.message}`, { topic, partition, offset })
      })
    }
  }

  // -- pausing

  /**
   * Stops handling partitions, or whole topics: also those assigned later. What was fetched is kept and handled on resume.
   * @param {{ topic: string, partitions?: number[] }[]} topicPartitions
   */
  pause(topicPartitions = []) {
    const list = readTopicPartitions(topicPartitions)
    if (!this.#run) throw new KafkaJSNonRetriableError('Consumer group was not initialized, consumer#run must be called first')
    for (const { topic, partitions } of list) this.#pausing.pause(topic, partitions ?? undefined)
    this.#applyPausing()
  }

  /** @param {{ topic: string, partitions?: number[] }[]} topicPartitions */
  resume(topicPartitions = []) {
    const list = readTopicPartitions(topicPartitions)
    if (!this.#run) throw new KafkaJSNonRetriableError('Consumer group was not initialized, consumer#run must be called first')
    for (const { topic, partitions } of list) this.#pausing.resume(topic, partitions ?? undefined)
    this.#applyPausing()
  }

  /** The assigned partitions that are paused. @returns {{ topic: string, partitions: number[] }[]} */
  paused() {
    /** @type {Map<string, number[]>} */
    const topics = new Map()
    for (const queue of this.#runner ? this.#runner.queues() : []) {
      if (queue.paused) topics.set(queue.topic, [...(topics.get(queue.topic) || []), queue.partition])
    }
    return Array.from(topics, ([topic, partitions]) => ({ topic, partitions }))
  }

  #applyPausing() {
    const runner = this.#runner
    if (runner === undefined) return
    for (const queue of runner.queues()) runner.setPaused(queue, this.#pausing.isPaused(queue.topic, queue.partition))
  }

  // -- the end

  /**
   * Stops handling messages: running handlers finish, what they handled is committed, the group is left. run() starts again.
   * Called inside a handler it returns at once, and the rest happens when the handler has finished.
   * @returns {Promise<void>}
   */
  async stop() {
    const inHandler = this.#runner !== undefined && this.#runner.isCalledFromHandler()
    this.#endings++
    clearTimeout(this.#restart)
    const stopped = this.#stop()
    if (!inHandler) await stopped
  }

  /**
   * As stop(), and closes the connection. Safe at any time and twice.
   * @returns {Promise<void>}
   */
  async disconnect() {
    const inHandler = this.#runner !== undefined && this.#runner.isCalledFromHandler()
    this.#endings++
    clearTimeout(this.#restart)
    const disconnected = this.#stop().then(() => this.#emitter.emit(events.DISCONNECT))
    if (!inHandler) await disconnected
  }

  /** Ends handling and membership. Never rejects; every caller awaits the same end. */
  #stop() {
    const wasRunning = this.#run !== undefined
    this.#run = undefined
    this.#joined?.()
    this.#stopping = this.#stopping || this.#end(wasRunning).finally(() => { this.#stopping = undefined })
    return this.#stopping
  }

  /** @param {boolean} wasRunning */
  async #end(wasRunning) {
    const runner = this.#runner
    const membership = this.#membership
    // They belong to the membership that ends. At once: a run() that follows may be given new ones while this goes on.
    this.#pausing = new SubscriptionState()
    this.#seeks.clear()
    this.#subscription.unwatch()
    this.#group.stop()
    if (runner) await runner.stop()
    this.#unlisten()
    if (membership !== undefined) {
      await membership.leave()
      if (this.#membership === membership) this.#membership = undefined
    }
    if (this.#runner === runner) this.#runner = undefined
    if (!wasRunning) return
    this.#logger.info('Stopped', { groupId: this.#setup.options.groupId })
    this.#emitter.emit(events.STOP)
  }

  /** @param {Error} error @param {ReturnType<typeof readRun>} config */
  async #onCrash(error, config) {
    const { groupId, retry } = this.#setup.options
    const endings = this.#endings
    this.#logger.error(`Crash: ${error.name}: ${error.message}`, { groupId, stack: error.stack })
    await this.#stop()
    this.#emitter.emit(events.DISCONNECT)
    const restart = await this.#mayRestart(error)
    this.#emitter.emit(events.CRASH, { error, groupId, restart })
    if (!restart || this.#endings !== endings || this.#run) return
    const delay = withDefaults(retry).initialRetryTime
    this.#logger.error(`Restarting the consumer in ${delay}ms`, { groupId })
    this.#restart = setTimeout(async () => {
      if (this.#run || this.#endings !== endings) return
      try {
        await this.#start(config)
      } catch (/** @type {any} */ failure) {
        if (this.#endings === endings) this.#onCrash(failure, config)
      }
    }, delay)
  }

  /** @param {any} error */
  async #mayRestart(error) {
    let cause = error
    // A program's errors may go round in circles.
    for (const seen = new Set(); cause.cause && !seen.has(cause); cause = cause.cause) seen.add(cause)
    const retriable = error.name === 'KafkaJSNumberOfRetriesExceeded' || cause.retriable === true
    const { restartOnFailure } = this.#setup.options.retry
    if (!retriable || typeof restartOnFailure !== 'function') return retriable
    try {
      return Boolean(await restartOnFailure(error))
    } catch (/** @type {any} */ failure) {
      this.#logger.error(`restartOnFailure failed, so the consumer restarts: ${failure && failure.message}`)
      return true
    }
  }

  /**
   * Listens to an instrumentation event.
   * @param {string} type one of `consumer.events`
   * @param {(event: import('./events').InstrumentationEvent) => any} listener
   * @returns {() => void} removes the listener
   */
  on(type, listener) {
    return this.#emitter.on(type, listener)
  }

  /** Asked by a transaction that commits for this consumer. @returns {Promise<import('./group-offsets').GroupMember>} */
  async [MEMBER]() {
    if (this.#membership === undefined || this.#runner === undefined) {
      throw new KafkaJSNonRetriableError('Consumer group was not initialized, consumer#run must be called first')
    }
    const member = await this.#membership.member()
    if (member.memberId) return member
    // It will be one again: what the handler is working at is then somebody's to do anew.
    throw new KafkaJSError('The consumer has lost its membership in the group')
  }

  /** @returns {import('./logger').Logger} */
  logger() {
    return this.#logger
  }

  /**
   * The group of this consumer as its coordinator knows it. Connects when that was not done yet.
   * @returns {Promise<import('./admin/groups').GroupDescription>}
   */
  async describeGroup() {
    await this.#ensureConnected()
    const { options } = this.#setup
    const [group] = await createRetry(options.retry).retry(async () => {
      if (this.#membership === undefined) throw new KafkaJSNonRetriableError('The consumer is disconnected')
      return descriptions(await this.#membership.describeGroups([options.groupId]))
    })
    return group
  }
}

/** @param {string} topic @param {number} partition */
const keyOf = (topic, partition) => `${topic}\n${partition}`

module.exports = { Consumer, events }
