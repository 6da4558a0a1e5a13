'use strict'
/**
 * The transactions of a producer, one at a time. They go through one channel with a `transactional.id`; the producer's
 * plain sends have others. When an error leaves that channel where no call leads on, the next transaction gets a new
 * one, whose first request makes the coordinator abort what the old one left.
 */
const {
  fromNative,
  LOCAL,
  KafkaJSError,
  KafkaJSNonRetriableError,
  KafkaJSNumberOfRetriesExceeded,
} = require('../errors')
const { MEMBER } = require('./group-offsets')
const { readSend, readBatch, merged, checkSend, sendProperties, readOffsets } = require('./producer-input')
const { withDefaults } = require('./retry')

/** @typedef {import('./producer-channel').ProducerChannel} ProducerChannel */

/** Getting a producer id waits for the transaction that a crashed twin left: at least this long, ms. */
const LEAST_INIT_TIMEOUT = 30000

const ENDED = 'Cannot continue to use transaction once ended'

/** The protocol's codes for a producer that another one has taken over from. */
const FENCED = [47, 90]

/** Messages that librdkafka gave up because the transaction, or all of the client, could not go on. */
const GIVEN_UP = new Set([LOCAL.PURGE_QUEUE, LOCAL.PURGE_INFLIGHT, LOCAL.FATAL, LOCAL.STATE, ...FENCED])

/**
 * @typedef {object} TransactionsSetup
 * @property {any} options from `producerOptions`
 * @property {import('./logger').Logger} logger
 * @property {import('./group-offsets').GroupOffsets} offsets
 * @property {import('./partition-table').PartitionTable | undefined} table with a partitioner of the program's
 * @property {() => ProducerChannel} channel the one with the `transactional.id`
 * @property {() => Promise<ProducerChannel>} renew puts a new one in its place
 * @property {() => boolean} isConnected
 * @property {() => void} checkConnected throws when the producer is not
 */

class Transactions {
  #setup
  /** @type {ProducerChannel | undefined} it has its producer id */
  #initialised
  /** @type {ProducerChannel | undefined} its next transaction needs another one */
  #spoilt
  /** @type {{ channel: ProducerChannel, error: Error } | undefined} another producer has taken the id over */
  #fenced
  /** @type {Transaction | undefined} */
  #current
  #starting = false
  #timeout

  /** @param {TransactionsSetup} setup */
  constructor(setup) {
    this.#setup = setup
    this.#timeout = Number(setup.options.transactional['transaction.timeout.ms'])
  }

  /** @returns {Promise<Face>} */
  async begin() {
    this.#setup.checkConnected()
    if (this.#starting || (this.#current && this.#current.isGoingOn)) {
      throw new KafkaJSNonRetriableError(
        'There is already an ongoing transaction for this producer. ' +
          'Please end the transaction before beginning another.',
      )
    }
    this.#starting = true
    try {
      // One that failed and that nobody has aborted.
      if (this.#current && this.#current.isActive()) await this.#current.abort().catch(() => {})
      const channel = await this.#begun()
      this.#setup.checkConnected()
      this.#current = new Transaction(this.#setup, channel, this.#timeout, (error) => this.#spoil(channel, error))
      return this.#current.face()
    } finally {
      this.#starting = false
    }
  }

  /**
   * Ends what is going on: an ending under way may finish, an open transaction is aborted, so that consumers do not
   * wait for its timeout. Never rejects.
   * @param {number} timeoutMs
   * @returns {Promise<boolean>} false when nobody answered in time
   */
  async end(timeoutMs) {
    return this.#current === undefined || this.#current.giveUp(timeoutMs)
  }

  /** @returns {Promise<ProducerChannel>} in a transaction */
  async #begun() {
    for (let attempt = 0; ; attempt++) {
      const channel = await this.#ready()
      try {
        await channel.native.beginTransaction()
        return channel
      } catch (/** @type {any} */ error) {
        this.#spoil(channel, fromNative(error))
        // An error that came after the last transaction: a new channel heals it, except where another producer is meant.
        if (attempt > 0 || isFenced(error) || !this.#setup.isConnected()) throw this.#disconnectedOr(error)
      }
    }
  }

  /** @returns {Promise<ProducerChannel>} with its producer id */
  async #ready() {
    let channel = this.#setup.channel()
    if (this.#fenced && this.#fenced.channel === channel) throw this.#fenced.error
    if (this.#spoilt === channel || channel.native === undefined) channel = await this.#setup.renew()
    if (this.#initialised === channel) return channel
    const { options } = this.#setup
    try {
      await channel.native.initTransactions(Math.max(options.connectTimeout, LEAST_INIT_TIMEOUT))
    } catch (/** @type {any} */ error) {
      const failure = this.#disconnectedOr(error)
      // What is retriable goes on, and the next call resumes it.
      if (!error.retriable || error.fatal) this.#spoil(channel, failure)
      else if (this.#setup.isConnected()) {
        const { retries, maxRetryTime } = withDefaults(options.retry)
        throw new KafkaJSNumberOfRetriesExceeded(failure, {
          retryCount: retries,
          retryTime: maxRetryTime,
          cause: failure,
        })
      }
      throw failure
    }
    this.#initialised = channel
    return channel
  }

  /** @param {ProducerChannel} channel @param {any} error */
  #spoil(channel, error) {
    this.#spoilt = channel
    if (error && isFenced(error)) this.#fenced = { channel, error }
  }

  /** @param {any} error */
  #disconnectedOr(error) {
    return this.#setup.isConnected() ? fromNative(error) : new KafkaJSError('The producer is disconnected')
  }
}

/** @param {any} error data or an Error */
function isFenced(error) {
  const code = error.librdkafka ? error.librdkafka.code : error.code
  return error.fatal === true && (code === LOCAL.FENCED || FENCED.includes(code))
}

/**
 * @typedef {object} Face what programs get
 * @property {(record: any) => Promise<import('./producer-channel').RecordMetadata[]>} send
 * @property {(batch: any) => Promise<import('./producer-channel').RecordMetadata[]>} sendBatch
 * @property {(offsets: any) => Promise<void>} sendOffsets
 * @property {() => Promise<void>} commit
 * @property {() => Promise<void>} abort
 * @property {() => boolean} isActive
 */

/** One transaction. */
class Transaction {
  #setup
  #channel
  #timeout
  #spoil
  /** Failed: its commit did not succeed, and it can be aborted. @type {'open' | 'ending' | 'failed' | 'ended'} */
  #state = 'open'
  /** A commit whose answer did not come in time: it may still be carried out. */
  #undecided = false
  /** @type {any} the first failure of a send, or what the commit failed by */
  #failure
  /**
   * A message failed that had its sequence number: after the abort librdkafka would go on with the next one, which the
   * broker refuses (it asks for a new epoch only where the broker's answer was about the sequence).
   */
  #gap = false
  /** Sends whose partitions are being chosen. @type {Set<Promise<void>>} */
  #preparing = new Set()
  /** librdkafka takes one call at a time. @type {Promise<any>} */
  #calls = Promise.resolve()
  /** @type {Promise<void> | undefined} */
  #ending

  /**
   * @param {TransactionsSetup} setup
   * @param {ProducerChannel} channel
   * @param {number} timeout ms
   * @param {(error: Error) => void} spoil the channel cannot have another transaction
   */
  constructor(setup, channel, timeout, spoil) {
    this.#setup = setup
    this.#channel = channel
    this.#timeout = timeout
    this.#spoil = spoil
  }

  /** @returns {Face} a bag of functions, as kafkajs's: programs take them off and replace them */
  face() {
    return {
      sendBatch: (batch) => this.#send(readBatch, batch),
      send: (record) => this.#send(readSend, record),
      abort: () => this.abort(),
      commit: () => this.#commit(),
      sendOffsets: (offsets) => this.#sendOffsets(offsets),
      isActive: () => this.isActive(),
    }
  }

  isActive() {
    return this.#state === 'open' || this.#state === 'failed'
  }

  /** No other may begin. One that can only be aborted is in nobody's way. */
  get isGoingOn() {
    return this.#state === 'ending' || (this.#state === 'open' && !(this.#failure && this.#failure.fatal))
  }

  #guard() {
    if (this.isActive()) return
    throw new KafkaJSNonRetriableError(ENDED, this.#failure && { cause: this.#failure })
  }

  /** @param {(given: any) => import('./producer-input').SendRequest} read @param {any} given */
  async #send(read, given) {
    this.#guard()
    const { topics, acks, timeout, compression } = read(given)
    checkSend(topics, acks, { idempotent: true, connected: this.#setup.isConnected() })
    this.#setup.checkConnected()
    const { acks: _, ...properties } = sendProperties(acks, timeout, compression)
    if (this.#state === 'failed') throw this.#failure
    const filled = merged(topics).filter(({ messages }) => messages.length > 0)
    if (filled.length === 0) return []
    const topic = filled[0].topic
    try {
      for (const send of filled) this.#describe(send.topic, properties)
      const { table } = this.#setup
      if (table !== undefined) {
        await this.#prepare(table.choose(filled))
        // A commit waits for this; an abort or a disconnect does not.
        if (this.#state === 'ended') throw new KafkaJSNonRetriableError(ENDED)
        this.#setup.checkConnected()
      }
      return await this.#channel.send(filled)
    } catch (/** @type {any} */ error) {
      if (!(error instanceof Error)) this.#gap = true
      const failure = fromNative(await this.#reason(error), { topic })
      this.#failure = this.#failure || failure
      throw failure
    }
  }

  /** @param {Promise<void>} choosing */
  async #prepare(choosing) {
    this.#preparing.add(choosing)
    try {
      await choosing
    } finally {
      this.#preparing.delete(choosing)
    }
  }

  /** @param {string} topic @param {Record<string, string>} properties */
  #describe(topic, properties) {
    if (this.#channel.describe(topic, properties)) return
    this.#setup.logger.warn(
      'Compression and timeout of a topic are those of the first transactional send to it, for as long as the producer ' +
        'is connected: another wish is not followed',
      { topic },
    )
  }

  /** Why a send failed: of messages that it gave up librdkafka says only that. @param {any} error */
  async #reason(error) {
    if (error.fatal !== true && !GIVEN_UP.has(error.code)) return error
    if (!this.#setup.isConnected()) return error
    try {
      // Of an ended transaction it must not be asked: the answer would be of the next one.
      await this.#call(async (native) => {
        if (this.isActive()) await native.transactionFailure()
      })
    } catch (reason) {
      return reason
    }
    if (error.fatal === true) return error
    return new KafkaJSNonRetriableError('The transaction ended before the message was delivered')
  }

  /** @template T @param {(native: any) => Promise<T>} call @returns {Promise<T>} */
  #call(call) {
    const answer = this.#calls.then(() => {
      const { native } = this.#channel
      if (native === undefined) throw new KafkaJSError('The producer is disconnected')
      return call(native)
    })
    this.#calls = answer.catch(() => {})
    return answer
  }

  /** @param {any} given */
  async #sendOffsets(given) {
    this.#guard()
    const { groupId, consumer, offsets } = readOffsets(given)
    this.#setup.checkConnected()
    if (this.#state === 'failed') throw this.#failure
    /** @type {import('./group-offsets').GroupMember} */
    const member = groupId === undefined ? await consumer[MEMBER]() : { groupId }
    // It may have ended meanwhile: the offsets would get into the next one.
    this.#guard()
    try {
      await this.#call((native) => native.sendOffsets(offsets, member, this.#timeout))
    } catch (/** @type {any} */ error) {
      const failure = fromNative(error)
      this.#failure = this.#failure || failure
      throw failure
    }
    this.#setup.offsets.mark(member.groupId, offsets)
  }

  async #commit() {
    this.#guard()
    this.#setup.checkConnected()
    if (this.#state === 'failed' && !this.#undecided) throw this.#failure
    this.#state = 'ending'
    this.#ending = this.#committed()
    await this.#ending
  }

  async #committed() {
    let asked = this.#undecided
    try {
      await Promise.allSettled(this.#preparing)
      this.#channel.submit()
      await this.#call(async (native) => {
        await this.#channel.flush(this.#timeout)
        asked = true
        await native.commitTransaction(this.#timeout)
        this.#state = 'ended'
        this.#failure = undefined
      })
    } catch (/** @type {any} */ error) {
      const failure = this.#commitFailure(error)
      const mayAbort = error.abortable === true || error.retriable === true
      this.#state = mayAbort && this.#setup.isConnected() ? 'failed' : 'ended'
      this.#undecided = asked && error.retriable === true && error.abortable !== true
      if (this.#state === 'ended') this.#spoil(failure)
      this.#failure = failure
      throw failure
    } finally {
      this.#ending = undefined
    }
  }

  /** @param {any} error */
  #commitFailure(error) {
    const failure = /** @type {any} */ (fromNative(error))
    if (this.#failure && failure !== this.#failure && failure.cause === undefined && error.abortable === true) {
      failure.cause = this.#failure
    }
    return failure
  }

  async abort() {
    this.#guard()
    this.#setup.checkConnected()
    await this.#aborted(this.#timeout)
  }

  /** @param {number} timeoutMs */
  async #aborted(timeoutMs) {
    if (this.#undecided) {
      this.#state = 'ended'
      const error = new KafkaJSNonRetriableError(
        'The commit was not answered in time and may have been carried out, so that the transaction cannot be aborted. ' +
          'The next transaction() settles it',
        { cause: this.#failure },
      )
      this.#spoil(error)
      throw error
    }
    this.#state = 'ending'
    try {
      this.#channel.submit()
      const gap = this.#gap
      await this.#call((native) =>
        native.abortTransaction(timeoutMs).finally(() => {
          this.#state = 'ended'
        }),
      )
      await this.#channel.settled()
      if (gap) this.#spoil(this.#failure)
      this.#failure = undefined
    } catch (/** @type {any} */ error) {
      const failure = fromNative(error)
      this.#failure = failure
      this.#spoil(failure)
      throw failure
    } finally {
      this.#state = 'ended'
    }
  }

  /** @param {number} timeoutMs @returns {Promise<boolean>} */
  async giveUp(timeoutMs) {
    /** @type {NodeJS.Timeout | undefined} */
    let timer
    /** @type {Promise<boolean>} */
    const late = new Promise((resolve) => {
      timer = setTimeout(() => resolve(false), timeoutMs)
    })
    try {
      const end = this.isActive() ? this.#aborted(timeoutMs) : this.#ending || this.#calls
      const over = end.then(
        () => true,
        (/** @type {any} */ error) => error.retriable !== true,
      )
      return await Promise.race([over, late])
    } finally {
      clearTimeout(timer)
      this.#state = 'ended'
    }
  }
}

module.exports = { Transactions }
