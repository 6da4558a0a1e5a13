'use strict'
const { NetworkEvents } = require('./network-events')
const { every } = require('./ticker')

/** Api keys of the Kafka protocol. */
const FETCH = 1
const HEARTBEATS = [12, 68]

/** kafkajs's names of the assignors that librdkafka calls otherwise. @type {Record<string, string>} */
const PROTOCOLS = { roundrobin: 'RoundRobinAssigner' }

/**
 * The consumer's events about its membership and its fetching, made of what native code tells of requests and rebalances.
 */
class GroupEvents {
  #emitter
  #logger
  #names
  #groupId
  #config
  /** How long a fetch waits for messages, ms. */
  #maxWait
  #member = { memberId: '', groupGenerationId: -1 }
  #stopLooking = () => {}
  /** Brokers that could be fetched from. @type {Set<number>} */
  #nodes = new Set()
  #lastFetch = 0
  /** When the fetches of nothing began that are under way, ms since 1970. @type {Map<number, number>} */
  #resting = new Map()

  /**
   * @param {object} setup
   * @param {import('./events').InstrumentationEmitter} setup.emitter
   * @param {import('./logger').Logger} setup.logger
   * @param {Record<string, string>} setup.names `consumer.events`
   * @param {string} setup.groupId
   * @param {Record<string, string>} setup.config librdkafka properties
   */
  constructor({ emitter, logger, names, groupId, config }) {
    this.#emitter = emitter
    this.#logger = logger
    this.#names = names
    this.#groupId = groupId
    this.#config = config
    this.#maxWait = Math.max(1, Number(config['fetch.wait.max.ms'] ?? 500))
    this.network = new NetworkEvents({
      emitter, names, clientId: config['client.id'], onRecord: (record) => this.#onRecord(record),
    })
  }

  /** @param {import('./network-events').RequestRecord} record */
  #onRecord({ fate, apiKey, nodeId, duration }) {
    if (apiKey === FETCH) {
      const id = String(nodeId)
      this.#lastFetch = Date.now()
      if (fate === 'sent') {
        this.#endRest(nodeId)
        this.#emitter.emit(this.#names.FETCH_START, { nodeId: id })
      } else if (fate === 'answered') {
        this.#emitter.emit(this.#names.FETCH, { numberOfBatches: 0, duration, nodeId: id })
      }
    } else if (fate === 'answered' && HEARTBEATS.includes(apiKey) && this.#member.memberId !== '') {
      // Those of before the first assignment belong to the join, as the program sees it.
      this.#emitter.emit(this.#names.HEARTBEAT, { groupId: this.#groupId, ...this.#member })
    }
  }

  /** Brokers of the cluster. @param {{ nodeId: number }[] | undefined} brokers */
  know(brokers) {
    for (const { nodeId } of brokers || []) this.#nodes.add(nodeId)
  }

  /**
   * Handling began. librdkafka sends no fetch while there is nothing to fetch: all paused, or nothing assigned. kafkajs's
   * loop goes on then and fires its events once in `maxWaitTimeInMs`, which programs take as a sign of life.
   * @param {() => Iterable<import('./partition-queue').PartitionQueue>} queues those assigned
   */
  start(queues) {
    this.stop()
    this.#stopLooking = every(this.#maxWait, () => this.#rest(queues))
  }

  stop() {
    this.#stopLooking()
    this.#resting.clear()
  }

  /** @param {() => Iterable<import('./partition-queue').PartitionQueue>} queues */
  #rest(queues) {
    const { FETCH: fetch, FETCH_START: start } = this.#names
    if (!this.#emitter.has(fetch) && !this.#emitter.has(start)) return
    // A handler that hangs must not look alive.
    const nothingToFetch = [...queues()].every(({ paused, busy }) => paused && !busy)
    if (!nothingToFetch || Date.now() - this.#lastFetch < this.#maxWait) return
    for (const node of this.#nodes) {
      this.#endRest(node)
      this.#resting.set(node, Date.now())
      this.#emitter.emit(start, { nodeId: String(node) })
    }
  }

  /** @param {number} node */
  #endRest(node) {
    const began = this.#resting.get(node)
    if (began === undefined) return
    this.#resting.delete(node)
    this.#emitter.emit(this.#names.FETCH, { numberOfBatches: 0, duration: Date.now() - began, nodeId: String(node) })
  }

  /**
   * A rebalance gave this member its partitions.
   * @param {{ memberId?: string, groupGeneration?: number, leaderId?: string | null, protocol?: string | null }} member
   * @param {Iterable<{ topic: string, partition: number }>} assigned all that it has now
   * @param {number} duration ms
   */
  joined(member, assigned, duration) {
    /** @type {Record<string, number[]>} */
    const memberAssignment = {}
    for (const { topic, partition } of assigned) (memberAssignment[topic] ||= []).push(partition)
    const { memberId } = this.#member
    const leaderId = member.leaderId ?? ''
    const strategies = this.#config['partition.assignment.strategy'] ?? ''
    const protocol = member.protocol ?? strategies.split(',')[0].trim()
    const payload = {
      groupId: this.#groupId,
      memberId,
      leaderId,
      isLeader: leaderId !== '' && leaderId === memberId,
      memberAssignment,
      groupProtocol: PROTOCOLS[protocol] || protocol,
      duration,
    }
    this.#logger.info('Consumer has joined the group', payload)
    this.#emitter.emit(this.#names.GROUP_JOIN, payload)
  }

  /** What the coordinator knows this consumer as. @param {{ memberId?: string, groupGeneration?: number }} member */
  isMember({ memberId, groupGeneration }) {
    if (memberId) this.#member = { memberId, groupGenerationId: groupGeneration ?? -1 }
  }

  /** With the member id that this consumer had. */
  rebalancing() {
    this.#emitter.emit(this.#names.REBALANCING, { groupId: this.#groupId, memberId: this.#member.memberId })
  }

  /** @param {any[]} topics */
  committed(topics) {
    this.#emitter.emit(this.#names.COMMIT_OFFSETS, { groupId: this.#groupId, ...this.#member, topics })
  }

  /**
   * Leaves out partitions of topics that were not subscribed: a leader that subscribes more (a rolling deployment) may assign them.
   * @template {{ topic: string }} P
   * @param {P[]} partitions
   * @param {Iterable<string>} subscribed
   * @param {import('./logger').Logger} logger
   * @returns {P[]}
   */
  subscribedOf(partitions, subscribed, logger) {
    const topicsSubscribed = [...subscribed]
    const known = new Set(topicsSubscribed)
    const kept = partitions.filter(({ topic }) => known.has(topic))
    if (kept.length === partitions.length) return partitions
    const assignedTopics = [...new Set(partitions.map(({ topic }) => topic))]
    const payload = {
      groupId: this.#groupId,
      generationId: this.#member.groupGenerationId,
      memberId: this.#member.memberId,
      assignedTopics,
      topicsSubscribed,
      topicsNotSubscribed: assignedTopics.filter((topic) => !known.has(topic)),
    }
    this.#emitter.emit(this.#names.RECEIVED_UNSUBSCRIBED_TOPICS, payload)
    logger.warn('The group assigned topics that this consumer did not subscribe to: they are left out', payload)
    return kept
  }
}

module.exports = { GroupEvents }
