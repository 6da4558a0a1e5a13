'use strict'

// A real Apache Kafka in KRaft mode on this machine: for the broker tests, for `npm run kafka` and for the benchmarks.

const { randomBytes } = require('node:crypto')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { setTimeout: delay } = require('node:timers/promises')
const { freePorts } = require('../lib/ports')
const { Watchdog } = require('../lib/watchdog')
const { ensureJars } = require('./jars')
const { KafkaNode } = require('./node')
const { probe } = require('./probe')

/** How long a broker may take to answer. About 3 s is usual on two free cores. */
const READY_MS = 120_000

/** The id of the controller where it is a process of its own. */
const CONTROLLER_ID = 1000

/**
 * @typedef {object} Options
 * @property {string} [version]   of Apache Kafka, '4.1.0' by default; '3.9.1' is tested as well
 * @property {number} [brokers]   1 by default. With more than one the controller is a process of its own, so that any
 *                                broker can be killed and the cluster still elects leaders
 * @property {Record<string, string | number | boolean>} [properties]  of the servers, on top of the defaults (node.js)
 * @property {import('./node').Listener[]} [listeners]  beside the plaintext one: TLS, SASL; see `address`
 * @property {string[]} [scram]    users of SCRAM, e.g. 'SCRAM-SHA-256=[name=alice,password=secret]'
 */

class KafkaBroker {
  /**
   * Starts a new, empty cluster and waits until all its brokers answer and know each other. It ends with this process,
   * however that ends; call `stop` to end it sooner.
   * @param {Options} [options]
   * @returns {Promise<KafkaBroker>}
   */
  static async start ({ version = '4.1.0', brokers = 1, properties = {}, listeners = [], scram = [] } = {}) {
    if (!Number.isInteger(brokers) || brokers < 1) {
      throw new TypeError(`brokers must be a whole number of at least 1, not ${brokers}`)
    }
    const jars = await ensureJars(version)
    for (let attempt = 1; ; attempt++) {
      const broker = new KafkaBroker(version)
      try {
        await broker._start(jars, brokers, { properties, scram }, listeners)
        return broker
      } catch (error) {
        await broker.stop()
        // Somebody took a port between our look and the bind.
        if (attempt === 3 || !/Address already in use/.test(String(error))) throw error
      }
    }
  }

  /** Use KafkaBroker.start. @param {string} version */
  constructor (version) {
    this.version = version
    /** The temporary folder that holds data, properties and logs (node-<id>.log). */
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'kafka-oxide-broker-'))
    /** @type {KafkaNode[]} the brokers, ids from 1 */
    this.nodes = []
    /** @type {KafkaNode | undefined} */
    this._controller = undefined
    this._watchdog = new Watchdog()
    this._watchdog.watchFolder(this.folder)
  }

  /** Addresses for clients, `host:port` joined by commas. */
  get bootstrapServers () { return this.nodes.map(node => `127.0.0.1:${node.port}`).join(',') }

  /**
   * The addresses of a listener that was asked for by `listeners`.
   * @param {string} listener  its name
   */
  address (listener) {
    return this.nodes.map(node => `127.0.0.1:${node.portOf(listener)}`).join(',')
  }

  /** Process ids of everything that runs. @returns {number[]} */
  get pids () { return this._all().flatMap(node => node.pid ?? []) }

  /**
   * Ends a broker's process and waits until it is gone. Its data stays.
   * @param {number} nodeId  from 1
   * @param {NodeJS.Signals} [signal] SIGKILL as a crash does by default; SIGTERM for an orderly shutdown
   */
  async kill (nodeId, signal = 'SIGKILL') {
    await this._node(nodeId).kill(signal)
  }

  /**
   * Starts a killed broker (or kills and starts a running one) with the same ports and data, and waits until it answers
   * and is part of the cluster again.
   * @param {number} nodeId  from 1
   */
  async restart (nodeId) {
    const node = this._node(nodeId)
    await node.kill('SIGKILL')
    node.start()
    await this._ready(node, [nodeId])
  }

  /** Ends everything and removes the folder. May be called twice. */
  async stop () {
    await Promise.all(this._all().map(node => node.kill('SIGKILL')))
    await fs.promises.rm(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
    this._watchdog.release()
  }

  /** Lets the cluster outlive this process. Whoever calls this has to note `pids` and `folder`, as scripts/kafka.js. */
  release () {
    this._watchdog.release()
  }

  /**
   * @param {string} jars
   * @param {number} count
   * @param {{ properties: Options['properties'] & {}, scram: string[] }} settings
   * @param {import('./node').Listener[]} listeners
   */
  async _start (jars, count, settings, listeners) {
    const [controllerPort, ...ports] = await freePorts(1 + count * (1 + listeners.length))
    const controllerId = count === 1 ? 1 : CONTROLLER_ID
    const shared = { folder: this.folder, jars, ...settings, voters: `${controllerId}@127.0.0.1:${controllerPort}` }
    this.nodes = Array.from({ length: count }, (_, index) => new KafkaNode({
      ...shared,
      id: index + 1,
      port: ports[index],
      listeners: listeners.map((listener, number) => ({ ...listener, port: ports[count * (number + 1) + index] })),
      ...(count === 1 ? { controllerPort } : {})
    }, this._watchdog))
    if (count > 1) this._controller = new KafkaNode({ ...shared, id: CONTROLLER_ID, controllerPort }, this._watchdog)
    // A '-' in front would be taken for another option.
    const clusterId = randomBytes(16).toString('base64url').replace(/^-/, '_')
    await Promise.all(this._all().map(node => node.format(clusterId)))
    for (const node of this._all()) node.start()
    const ids = this.nodes.map(node => node.id)
    await Promise.all(this.nodes.map(node => this._ready(node, ids)))
  }

  /**
   * Waits until this node answers and knows those brokers.
   * @param {KafkaNode} node
   * @param {number[]} ids
   */
  async _ready (node, ids) {
    const deadline = Date.now() + READY_MS
    let last = 'nothing tried'
    while (Date.now() < deadline) {
      const dead = [node, ...(this._controller ? [this._controller] : [])].find(one => !one.running)
      if (dead) throw new Error(`Kafka ${this.version} node ${dead.id} ended while it was starting:\n${dead.logTail()}`)
      try {
        const known = await probe(/** @type {number} */ (node.port))
        if (ids.every(id => known.includes(id))) return
        last = `knows brokers [${known}] of [${ids}]`
      } catch (error) {
        last = /** @type {Error} */ (error).message
      }
      await delay(100)
    }
    throw new Error(`Kafka ${this.version} node ${node.id} was not ready within ${READY_MS / 1000} s (${last}):\n` +
      node.logTail())
  }

  /** @param {number} nodeId */
  _node (nodeId) {
    const node = this.nodes.find(one => one.id === nodeId)
    if (!node) throw new RangeError(`no broker ${nodeId}; the ids are ${this.nodes.map(one => one.id).join(', ')}`)
    return node
  }

  _all () { return this._controller ? [this._controller, ...this.nodes] : this.nodes }
}

module.exports = { KafkaBroker }
