'use strict'
/**
 * The run loop. Frames are split by partition; a partition's messages are handled one after another, several partitions at a
 * time; handled offsets go to the committer; failures are retried by kafkajs's rules. It knows the group only through the
 * membership (commit) and the native side only through `demand`, `pause` and `resume`.
 */
const { isNativeError } = require('node:util').types
// Node's own, also where a program's tests replace the global ones.
const { clearTimeout, setImmediate, setTimeout } = require('node:timers')
const { ConsumeFrame } = require('../frame/reader')
const { MESSAGE_WORDS } = require('../frame/layout')
const {
  KafkaJSError,
  KafkaJSNonRetriableError,
  KafkaJSNumberOfRetriesExceeded,
  KafkaJSProtocolError,
  protocolErrorData,
} = require('../errors')
const { isCalledBy, isThenable, whenSettled } = require('./awaited')
const { Batch, batchSummary, offsetsOf } = require('./batch')
const { OffsetCommitter, dirtyOf } = require('./offset-committer')
const { PartitionQueue } = require('./partition-queue')
const { delays, isRetriable } = require('./retry')
const { PAUSED, Stretch } = require('./stretch')
const { every } = require('./ticker')

/** Frames handed over and not yet handled. Half of them are asked for at a time: each time wakes a native thread. */
const FRAMES = 4
/** The same for batches, whose frames are larger. */
const BATCH_FRAMES = 2
const PROGRESS_EVERY = 1000
/** How long committed offsets that have to be asked for may collect, ms. */
const ENDS_GAP = 50
/** How long stop() tries to commit: without a coordinator each attempt alone takes the session timeout. In ms. */
const COMMIT_PATIENCE = 5000

/**
 * @typedef {object} Source what the runner asks of the native side
 * @property {(frames: number) => void} request
 * @property {(topic: string, partition: number) => void} pause
 * @property {(topic: string, partition: number) => void} resume
 * @property {() => void} progress
 * @property {(id: number) => string} topicName
 * @property {(partitions: { topic: string, partition: number }[]) => Promise<{ topic: string, partition: number, offset: string }[]>}
 *   committed the group's offsets, negative where there is none
 */

class Runner {
  #options
  #source
  #events
  #logger
  /** @type {Map<string, Map<number, PartitionQueue>>} */
  #queues = new Map()
  /** By topic id and partition, for the way in. @type {Map<number, Map<number, PartitionQueue>>} */
  #byId = new Map()
  /** @type {PartitionQueue[]} */
  #ready = []
  #active = 0
  /** Frames to have in flight. */
  window
  #credit = 0
  #frames = 0
  #generation = 0
  /** Grows as handlers advance. */
  handled = 0
  #reported = -1
  #kicked = false
  #stopReporting = () => {}
  /** @type {Set<NodeJS.Timeout>} */
  #timers = new Set()
  /** @type {(() => void)[]} */
  #whenIdle = []
  /** A handler's synchronous part is running. */
  inHandler = false
  /** Partitions that had nothing but their end, and the position there. @type {Map<PartitionQueue, { next: number, session: number }>} */
  #ends = new Map()

  /**
   * @param {object} options
   * @param {any} options.run the user's `run` options, complete
   * @param {number} options.batchBytes how large a batch may be, about
   * @param {number} options.handedBytes what partitions that cannot go on (slow, paused) may hold before their fetching stops
   * @param {any} options.retry
   * @param {Source} options.source
   * @param {(offsets: { topic: string, partition: number, offset: string }[]) => Promise<void>} options.commit
   * @param {(topic: string, partition: number) => (() => void)} options.pausePartition for payloads; gives the function to resume
   * @param {import('./events').InstrumentationEmitter} options.events
   * @param {Record<string, string>} options.names
   * @param {import('./logger').Logger} options.logger
   * @param {(error: Error) => void} options.onCrash
   */
  constructor(options) {
    this.#options = options
    this.#source = options.source
    this.#events = options.events
    this.#logger = options.logger
    this.running = true
    const { autoCommit, autoCommitInterval, autoCommitThreshold, eachMessage, eachBatch } = options.run
    this.window = eachBatch && !eachMessage ? BATCH_FRAMES : FRAMES
    this.committer = new OffsetCommitter({
      commit: (queues) => this.#commit(queues),
      queues: () => this.queues(),
      onError: (error) => this.crash(error),
      enabled: autoCommit,
      interval: autoCommitInterval,
      threshold: autoCommitThreshold,
      retry: options.retry,
    })
  }

  start() {
    this.#stopReporting = every(PROGRESS_EVERY, () => this.#reportProgress())
    this.#balance()
  }

  /** @returns {Generator<PartitionQueue>} those assigned */
  *queues() {
    for (const partitions of this.#queues.values()) yield* partitions.values()
  }

  /** @param {string} topic @param {number} partition */
  queue(topic, partition) {
    return this.#queues.get(topic)?.get(partition)
  }

  /** Whether the caller is a handler, as far as can be told: in its synchronous part, or awaited by this loop. */
  isCalledFromHandler() {
    if (this.inHandler || this.#active === 0) return this.inHandler
    return isCalledBy([...this.queues()].flatMap(({ awaited }) => awaited ?? []))
  }

  // -- in

  /** A consume frame. @param {Uint8Array} bytes */
  frame(bytes) {
    this.#credit = Math.max(0, this.#credit - 1)
    const frame = new ConsumeFrame(bytes)
    this.#frames++
    for (const section of frame.sections()) {
      const queue = this.#queueOf(section.topic, section.partition)
      const stale =
        queue === undefined || queue.revoked || section.epoch !== queue.epoch || frame.generation < this.#generation
      if (stale) frame.remaining -= (section.end - section.at) / MESSAGE_WORDS
      else {
        queue.push(section)
        if (!queue.busy) this.#passEnd(queue)
        this.#list(queue)
      }
    }
    if (frame.remaining === 0) this.#frames--
    this.#kick()
  }

  /** @param {number} id @param {number} partition */
  #queueOf(id, partition) {
    let partitions = this.#byId.get(id)
    if (partitions === undefined) {
      partitions = this.#queues.get(this.#source.topicName(id))
      if (partitions === undefined) return undefined
      this.#byId.set(id, partitions)
    }
    return partitions.get(partition)
  }

  /** @param {{ topic: string, partition: number }[]} partitions @param {(topic: string, partition: number) => boolean} isPaused */
  assign(partitions, isPaused) {
    for (const { topic, partition } of partitions) {
      let queues = this.#queues.get(topic)
      if (queues === undefined) this.#queues.set(topic, (queues = new Map()))
      const queue = new PartitionQueue(topic, partition)
      queue.paused = isPaused(topic, partition)
      queues.set(partition, queue)
    }
  }

  /**
   * Gives partitions up: running handlers finish, what they handled is committed, the rest is dropped.
   * @param {{ topic: string, partition: number }[]} partitions
   * @param {{ lost: boolean, generation: number }} how lost: somebody else may own them already, so nothing is committed
   */
  async revoke(partitions, { lost, generation }) {
    this.#generation = Math.max(this.#generation, generation)
    const queues = []
    for (const { topic, partition } of partitions) {
      const queue = this.queue(topic, partition)
      if (queue === undefined) continue
      queue.revoked = true
      if (lost) {
        this.#invalidate(queue)
        queue.resolved = -1
      }
      queues.push(queue)
    }
    await Promise.all(queues.map((queue) => queue.idle()))
    if (!lost) await this.committer.flush(queues)
    for (const queue of queues) {
      this.#invalidate(queue)
      // librdkafka remembers a pause when the partition comes back; the state that counts is the subscription's.
      if (queue.pausedNatively) this.#resumeNatively(queue)
      const { topic, partition } = queue
      if (this.queue(topic, partition) === queue) this.#queues.get(topic)?.delete(partition)
    }
    this.#balance()
  }

  /** @param {PartitionQueue} queue @param {number} epoch that frames fetched after the seek carry */
  seek(queue, epoch) {
    queue.epoch = epoch
    queue.resolved = -1
    queue.committed = -1
    queue.waiting = false
    this.#invalidate(queue)
    // A handler that runs resumes it when it has finished.
    if (queue.pausedNatively && !queue.paused && !queue.busy) this.#resumeNatively(queue)
    this.#balance()
  }

  /** @param {PartitionQueue} queue */
  #invalidate(queue) {
    this.#frames -= queue.invalidate()
  }

  /** @param {PartitionQueue} queue @param {boolean} paused */
  setPaused(queue, paused) {
    if (queue.paused === paused) return
    queue.paused = paused
    if (paused) this.#pauseNatively(queue)
    else {
      if (queue.pausedNatively) this.#resumeNatively(queue)
      this.#list(queue)
      this.#kick()
    }
  }

  /** Marks partitions paused before fetching began. @param {PartitionQueue} queue */
  pauseAssigned(queue) {
    this.#pauseNatively(queue)
  }

  /** Handlers finish, what they handled is committed; no other message is handled. */
  async stop() {
    this.running = false
    this.#stopReporting()
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
    this.committer.release()
    if (this.#active > 0)
      await new Promise((resolve) => {
        this.#whenIdle.push(() => resolve(undefined))
      })
    await this.#commitAtLast()
    this.committer.stop()
  }

  async #commitAtLast() {
    /** @type {NodeJS.Timeout | undefined} */
    let timer
    const late = new Promise((resolve) => {
      timer = setTimeout(() => {
        this.#logger.warn(
          `No coordinator took the last offsets within ${COMMIT_PATIENCE} ms: what they cover will be consumed again`,
        )
        resolve(undefined)
      }, COMMIT_PATIENCE)
    })
    await Promise.race([this.committer.flush([...this.queues()]), late])
    clearTimeout(timer)
  }

  // -- scheduling

  /** @param {PartitionQueue} queue */
  #list(queue) {
    if (queue.listed || queue.busy || queue.waiting || queue.paused || queue.revoked || queue.isEmpty) return
    queue.listed = true
    this.#ready.push(queue)
  }

  /** Handlers run from a turn of their own, so that sockets and timers get theirs between frames. */
  #kick() {
    if (this.#kicked) return
    this.#kicked = true
    setImmediate(() => {
      this.#kicked = false
      this.#dispatch()
      this.#balance()
    })
  }

  #dispatch() {
    const { partitionsConsumedConcurrently } = this.#options.run
    while (this.running && this.#active < partitionsConsumedConcurrently && this.#ready.length > 0) {
      const queue = /** @type {PartitionQueue} */ (this.#ready.shift())
      queue.listed = false
      if (queue.busy || queue.paused || queue.revoked || queue.isEmpty) continue
      this.#active++
      queue.busy = true
      this.#work(queue)
    }
  }

  /** @param {PartitionQueue} queue */
  async #work(queue) {
    const { session } = queue
    try {
      const { eachMessage, eachBatch } = this.#options.run
      if (eachMessage) await this.#messages(queue, session, eachMessage)
      else if (eachBatch) await this.#batch(queue, session, eachBatch)
      else this.#frames -= this.#discard(queue)
      queue.backoff = undefined
      queue.retries = 0
    } catch (error) {
      this.#failed(queue, session, error)
    }
    // Also of another session: what came after a seek, while the handler before it ran.
    this.#passEnd(queue)
    queue.release()
    this.#active--
    if (queue.pausedNatively && !queue.paused && !queue.revoked && queue.isEmpty) this.#resumeNatively(queue)
    this.#list(queue)
    const idle = this.#active === 0 && this.#ready.length === 0
    this.committer.soon(idle)
    if (this.running) this.#kick()
    else if (this.#active === 0) for (const resolve of this.#whenIdle.splice(0)) resolve()
  }

  /** Demand: some frames, and more as long as workers have nothing because what is held cannot go on. */
  #balance() {
    if (!this.running) return
    const wanted = this.window - this.#credit - this.#frames
    if (wanted >= this.window / 2) {
      this.#credit += wanted
      this.#source.request(wanted)
      return
    }
    const starving = this.#ready.length === 0 && this.#active < this.#options.run.partitionsConsumedConcurrently
    if (!starving || this.#credit > 0) return
    if (this.#heldBytes() > this.#options.handedBytes) {
      for (const queue of this.queues()) if (!queue.isEmpty) this.#pauseNatively(queue)
    }
    this.#credit += 1
    this.#source.request(1)
  }

  /** What is not handled keeps its frame, all of it, whatever else was in there. */
  #heldBytes() {
    const frames = new Set()
    for (const queue of this.queues()) for (const { frame } of queue.sections) frames.add(frame)
    let held = 0
    for (const { bytes } of frames) held += bytes.length
    return held
  }

  /** @param {PartitionQueue} queue */
  #pauseNatively(queue) {
    if (queue.pausedNatively) return
    queue.pausedNatively = true
    this.#source.pause(queue.topic, queue.partition)
  }

  /** @param {PartitionQueue} queue */
  #resumeNatively(queue) {
    queue.pausedNatively = false
    this.#source.resume(queue.topic, queue.partition)
  }

  #reportProgress() {
    if (this.#active === 0 || this.handled !== this.#reported) this.#source.progress()
    this.#reported = this.handled
  }

  // -- handlers

  /** @param {PartitionQueue} queue @param {number} session @param {(payload: any) => any} eachMessage */
  async #messages(queue, session, eachMessage) {
    const { committer } = this
    const finish = this.#batchEvents(queue)
    const { everyMessage } = committer
    const stretch = new Stretch({ runner: this, queue, eachMessage, ...this.#payload(queue, session), everyMessage })
    let left = queue.sections.length
    while (left-- > 0 && !queue.isEmpty) {
      if (queue.isAtEnd) {
        this.#passEnd(queue)
        continue
      }
      const [section] = queue.sections
      const { end } = section
      stretch.begin(section)
      try {
        while (stretch.at < end) {
          const why = await stretch.run()
          if (queue.session !== session) return
          if (why === PAUSED.handled) {
            const commit = committer.handled()
            if (commit !== undefined) await commit
            if (queue.session !== session) return
          }
          if (!this.running || queue.paused || queue.revoked) break
          if (why === PAUSED.turn || (why === PAUSED.handled && stretch.isDue())) {
            await nextTurn()
            stretch.resetClock()
            if (queue.session !== session) return
            if (!this.running || queue.paused || queue.revoked) break
          }
        }
      } finally {
        if (queue.session === session && queue.advance(stretch.at) !== undefined) this.#frames--
      }
      if (stretch.at < end || !this.running || queue.paused || queue.revoked) break
      if (left > 0) this.#balance()
    }
    finish()
  }

  /** @param {PartitionQueue} queue @param {number} session @param {(payload: any) => any} eachBatch */
  async #batch(queue, session, eachBatch) {
    const { run } = this.#options
    const { topic, partition } = queue
    const sections = queue.peek(this.#options.batchBytes)
    const { lastMessage, last } = offsetsOf(sections)
    const batch = new Batch(topic, partition, sections)
    const finish = this.#batchEvents(queue, sections)
    const { heartbeat, pause } = this.#payload(queue, session)
    const isCurrent = () => queue.session === session
    let resolvedSinceAsked = 0
    /** @param {string | number} offset of the last message handled */
    const resolveOffset = (offset) => {
      if (!/^\d{1,16}$/.test(String(offset))) {
        throw new KafkaJSNonRetriableError(
          `Invalid offset, expected a long received ${offset}: write resolveOffset(message.offset)`,
        )
      }
      this.handled++
      resolvedSinceAsked++
      if (isCurrent()) queue.resolved = (Number(offset) === lastMessage ? last : Number(offset)) + 1
    }
    const payload = {
      batch,
      resolveOffset,
      heartbeat,
      pause,
      /** @param {any} [offsets] as uncommittedOffsets() gives them */
      commitOffsetsIfNecessary: async (offsets) => {
        if (offsets) await this.#commitGiven(flatten(offsets))
        else if (this.committer.everyMessage) {
          const count = resolvedSinceAsked
          resolvedSinceAsked = 0
          await this.committer.handled(count)
        }
      },
      uncommittedOffsets: () => this.uncommittedOffsets(),
      isRunning: () => this.running,
      isStale: () => !isCurrent() || queue.revoked,
    }
    let failed = true
    try {
      this.inHandler = true
      const result = eachBatch(payload)
      this.inHandler = false
      if (isThenable(result)) {
        await new Promise((resolve, reject) => {
          queue.awaited = whenSettled(result, () => resolve(undefined), reject)
        })
      }
      failed = false
    } finally {
      this.inHandler = false
      if (isCurrent()) {
        if (!failed && run.eachBatchAutoResolve)
          queue.resolved = Math.max(queue.resolved, last + 1)
        this.handled++
        if (queue.resolved >= 0) this.#frames -= queue.drop(queue.resolved)
      }
    }
    finish()
    // A handler that resolves nothing gets the same batch again: not without a turn for the others.
    if (!queue.isEmpty) await nextTurn()
  }

  /** Without a handler messages are consumed and dropped, as in kafkajs. @param {PartitionQueue} queue */
  #discard(queue) {
    queue.resolved = offsetsOf(queue.peek(Infinity)).last + 1
    return queue.drop(queue.resolved)
  }

  /**
   * Nothing is left before the end of the partition: control records and aborted messages on the way are passed, so that the
   * group has no lag there. kafkajs tells of them as of an empty batch.
   * @param {PartitionQueue} queue
   */
  #passEnd(queue) {
    const next = queue.passEnd()
    if (next === undefined) return
    if (queue.resolved < 0) {
      // Where reading began is not known here. It counts only if it is the group's own offset.
      if (this.committer.enabled && queue.committed < 0) this.#whereFrom(queue, next)
      return
    }
    const { topic, partition } = queue
    const { names } = this.#options
    const emptyBatch = {
      topic, partition, highWatermark: String(next), offsetLag: '0', offsetLagLow: '0', batchSize: 0,
      firstOffset: null, lastOffset: String(next - 1),
    }
    // Before any listener runs, which may seek.
    queue.resolved = next
    this.#events.emit(names.START_BATCH_PROCESS, emptyBatch)
    this.#events.emit(names.END_BATCH_PROCESS, { ...emptyBatch, duration: 0 })
    if (!queue.busy) this.committer.soon(this.#active === 0 && this.#ready.length === 0)
  }

  /**
   * Asks for the committed offset of a partition that had nothing but its end, together with others that are so.
   * @param {PartitionQueue} queue @param {number} next
   */
  #whereFrom(queue, next) {
    const first = this.#ends.size === 0
    this.#ends.set(queue, { next, session: queue.session })
    if (!first) return
    const timer = setTimeout(async () => {
      this.#timers.delete(timer)
      const asked = [...this.#ends]
      this.#ends.clear()
      try {
        const answers = await this.#source.committed(asked.map(([{ topic, partition }]) => ({ topic, partition })))
        for (const { topic, partition, offset } of answers) {
          const found = asked.find(([queue]) => queue.topic === topic && queue.partition === partition)
          if (found === undefined) continue
          const [queue, { next, session }] = found
          if (queue.session !== session || queue.revoked || queue.resolved >= 0 || queue.busy || !(Number(offset) >= 0)) continue
          queue.committed = Number(offset)
          if (next > queue.committed && queue.isEmpty) queue.resolved = next
        }
        if (this.running) this.committer.soon(this.#active === 0)
      } catch (/** @type {any} */ error) {
        this.#logger.debug(`The committed offsets could not be read: ${error && error.message}`)
      }
    }, ENDS_GAP)
    this.#timers.add(timer)
  }

  /** What eachMessage and eachBatch can call. @param {PartitionQueue} queue @param {number} session */
  #payload(queue, session) {
    return {
      heartbeat: async () => {
        this.handled++
        if (queue.session !== session || queue.revoked) {
          throw new KafkaJSProtocolError(protocolErrorData(27, 'The group is rebalancing, so a rejoin is needed'))
        }
      },
      pause: () => this.#options.pausePartition(queue.topic, queue.partition),
    }
  }

  /**
   * START_BATCH_PROCESS now, END_BATCH_PROCESS by the function given back.
   * @param {PartitionQueue} queue @param {import('../frame/reader').Section[]} [given]
   */
  #batchEvents(queue, given) {
    const { names } = this.#options
    if (!this.#events.has(names.START_BATCH_PROCESS) && !this.#events.has(names.END_BATCH_PROCESS)) return () => {}
    const payload = batchSummary(queue.topic, queue.partition, given || queue.peek(Infinity))
    const start = Date.now()
    this.#events.emit(names.START_BATCH_PROCESS, payload)
    return () => this.#events.emit(names.END_BATCH_PROCESS, { ...payload, duration: Date.now() - start })
  }

  // -- failures

  /** @param {PartitionQueue} queue @param {number} session @param {any} error */
  #failed(queue, session, error) {
    if (queue.session !== session || (queue.revoked && error?.type === 'REBALANCE_IN_PROGRESS')) return
    if (!(error instanceof KafkaJSError)) {
      const { eachMessage } = this.#options.run
      this.#logger.error(`Error when calling ${eachMessage ? 'eachMessage' : 'eachBatch'}`, {
        topic: queue.topic,
        partition: queue.partition,
        offset: queue.isEmpty ? undefined : String(queue.sections[0].frame.offset(queue.sections[0].at)),
        error: error && error.message !== undefined ? error.message : textOf(error),
        stack: error && error.stack,
      })
    }
    if (!isRetriable(error)) {
      // As kafkajs: also around one of that class, so that the handler's own error is always the cause.
      const wrapped = new KafkaJSNonRetriableError(error, { cause: error.cause || error })
      queue.waiting = true
      return this.crash(wrapped)
    }
    queue.backoff = queue.backoff || delays(this.#options.retry)
    const next = queue.backoff.next()
    if (next.done) {
      const { retries: retryCount } = queue
      return this.crash(
        new KafkaJSNumberOfRetriesExceeded(asError(error), { retryCount, retryTime: 0, cause: asError(error) }),
      )
    }
    queue.retries++
    if (!this.running || queue.revoked) return
    queue.waiting = true
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      if (queue.session === session) queue.waiting = false
      this.#list(queue)
      this.#kick()
    }, next.value)
    this.#timers.add(timer)
  }

  /** @param {Error} error */
  crash(error) {
    if (!this.running) return
    this.running = false
    this.#options.onCrash(error)
  }

  // -- offsets

  uncommittedOffsets() {
    /** @type {Map<string, { topic: string, partitions: { partition: string, offset: string }[] }>} */
    const topics = new Map()
    for (const { topic, partition, resolved } of dirtyOf(this.queues())) {
      const entry = topics.get(topic) || { topic, partitions: [] }
      entry.partitions.push({ partition: String(partition), offset: String(resolved) })
      topics.set(topic, entry)
    }
    return { topics: [...topics.values()] }
  }

  /** @param {{ topic: string, partition: number, offset: string }[]} offsets */
  async #commitGiven(offsets) {
    await this.#options.commit(offsets)
    for (const { topic, partition, offset } of offsets) {
      const queue = this.queue(topic, partition)
      if (queue) queue.committed = Number(offset)
    }
  }

  /** @param {PartitionQueue[]} queues */
  async #commit(queues) {
    const offsets = queues.map(({ topic, partition, resolved }) => ({ topic, partition, offset: resolved }))
    const sessions = queues.map(({ session }) => session)
    await this.#options.commit(
      offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset: String(offset) })),
    )
    queues.forEach((queue, i) => {
      if (queue.session === sessions[i]) queue.committed = offsets[i].offset
    })
  }
}

/** @param {any} offsets `{ topics: [{ topic, partitions: [{ partition, offset }] }] }` */
function flatten({ topics = [] }) {
  return topics.flatMap((/** @type {any} */ { topic, partitions = [] }) =>
    partitions.map((/** @type {any} */ { partition, offset }) => ({
      topic,
      partition: Number(partition),
      offset: String(offset),
    })),
  )
}

/** @param {any} thrown @returns {Error} */
function asError(thrown) {
  if (thrown instanceof Error || isNativeError(thrown)) return thrown
  return new Error(textOf(thrown))
}

/** @param {any} thrown @returns {string} also of what has no text */
function textOf(thrown) {
  try {
    return String(thrown)
  } catch {
    return Object.prototype.toString.call(thrown)
  }
}

/** Lets timers, sockets and other immediates run. @returns {Promise<void>} */
function nextTurn() {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

module.exports = { Runner }
