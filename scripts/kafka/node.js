'use strict'

// One Kafka server process: its properties, its storage, its life.

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const path = require('node:path')
const { find } = require('../prerequisites')

const LOG4J = path.join(__dirname, 'log4j2.xml')

/** @typedef {import('../lib/watchdog').Watchdog} Watchdog */

/**
 * @typedef {object} Role
 * @property {number} id
 * @property {string} folder    of the whole cluster
 * @property {string} jars      folder of Kafka's jars
 * @property {number} [port]    clients connect here; absent for a pure controller
 * @property {number} [controllerPort] absent for a pure broker
 * @property {string} voters    id@host:port of the controller
 * @property {(Listener & { port: number })[]} [listeners]  more of them for clients, on brokers
 * @property {string[]} [scram] credentials, as StorageTool's --add-scram takes them
 * @property {Record<string, string | number | boolean>} properties  on top of the defaults below
 */

/**
 * A listener beside the plaintext one.
 * @typedef {object} Listener
 * @property {string} name      capitals and underscores, e.g. 'TLS'
 * @property {'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'} protocol
 * @property {Record<string, string | number | boolean>} [properties]  of this listener: 'ssl.client.auth',
 *   'plain.sasl.jaas.config' …
 */

/**
 * Defaults for tests: one copy of everything, no waiting where Kafka waits for others, quick notice of a dead broker.
 * @param {Role} role
 * @returns {Record<string, string | number | boolean>}
 */
function serverProperties ({ id, folder, port, controllerPort, voters, properties, listeners: more = [] }) {
  const forClients = port ? [{ name: 'PLAINTEXT', port }, ...more] : []
  const listeners = forClients.map(({ name, port }) => `${name}://127.0.0.1:${port}`)
  const advertised = listeners.join(',')
  const protocols = [
    'PLAINTEXT:PLAINTEXT', 'CONTROLLER:PLAINTEXT', 'SSL:SSL', 'SASL_PLAINTEXT:SASL_PLAINTEXT', 'SASL_SSL:SASL_SSL'
  ]
  /** @type {Record<string, string | number | boolean>} */
  const ofListeners = {}
  for (const { name, protocol, properties = {} } of more) {
    if (name !== protocol) protocols.push(`${name}:${protocol}`)
    for (const [property, value] of Object.entries(properties)) {
      ofListeners[`listener.name.${name.toLowerCase()}.${property}`] = value
    }
  }
  if (controllerPort) listeners.push(`CONTROLLER://127.0.0.1:${controllerPort}`)
  return {
    'node.id': id,
    'process.roles': [port && 'broker', controllerPort && 'controller'].filter(Boolean).join(','),
    'controller.quorum.voters': voters,
    'controller.listener.names': 'CONTROLLER',
    listeners: listeners.join(','),
    ...(port ? { 'advertised.listeners': advertised } : {}),
    'listener.security.protocol.map': protocols.join(','),
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': path.join(folder, `node-${id}`),
    'num.partitions': 1,
    'auto.create.topics.enable': true,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 5,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 5,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    'group.coordinator.rebalance.protocols': 'classic,consumer',
    // A broker that was killed may register again only when its former session has ended.
    'broker.heartbeat.interval.ms': 500,
    'broker.session.timeout.ms': 4000,
    'controlled.shutdown.enable': true,
    ...ofListeners,
    ...properties
  }
}

class KafkaNode {
  /**
   * @param {Role} role
   * @param {Watchdog} watchdog
   */
  constructor (role, watchdog) {
    this.id = role.id
    this.port = role.port
    this.logFile = path.join(role.folder, `node-${role.id}.log`)
    this._role = role
    this._watchdog = watchdog
    this._configFile = path.join(role.folder, `node-${role.id}.properties`)
    /** @type {import('node:child_process').ChildProcess | undefined} */
    this._child = undefined
  }

  /** @param {string} name of a listener beside the plaintext one */
  portOf (name) {
    const listener = (this._role.listeners || []).find(listener => listener.name === name)
    if (!listener) throw new RangeError(`Kafka node ${this.id} has no listener ${JSON.stringify(name)}`)
    return listener.port
  }

  /** The process id while it runs. */
  get pid () { return this._child && this._child.pid }

  get running () { return this._child !== undefined }

  /**
   * Writes the properties and formats the storage.
   * @param {string} clusterId
   */
  async format (clusterId) {
    const properties = Object.entries(serverProperties(this._role))
    const lines = properties.map(([name, value]) => `${name}=${escape(String(value))}\n`)
    fs.writeFileSync(this._configFile, lines.join(''))
    const credentials = (this._role.scram || []).flatMap(credential => ['--add-scram', credential])
    const args = ['format', '-t', clusterId, '-c', this._configFile, ...credentials]
    this._spawn(['-XX:TieredStopAtLevel=1'], 'kafka.tools.StorageTool', args)
    const code = await this.exited()
    if (code !== 0) {
      throw new Error(`formatting the storage of Kafka node ${this.id} failed (exit code ${code}):\n${this.logTail()}`)
    }
  }

  /** Starts the server process. It is not ready yet when this returns. */
  start () {
    if (this._child) throw new Error(`Kafka node ${this.id} runs already`)
    this._spawn(['-Xms256m', '-Xmx512m'], 'kafka.Kafka', [this._configFile])
  }

  /**
   * @param {NodeJS.Signals} signal
   * @returns {Promise<void>} when the process has ended
   */
  async kill (signal) {
    if (!this._child) return
    const exited = this.exited()
    this._child.kill(signal)
    await exited
  }

  /** @returns {Promise<number | null>} the exit code, null after a signal or when it does not run */
  async exited () {
    if (!this._child) return null
    // The unref'd child must keep the process alive while somebody waits for its end.
    this._child.ref()
    const [code] = await once(this._child, 'exit')
    return code
  }

  /** The last lines that the process wrote, for messages. */
  logTail () {
    try {
      return fs.readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-25).join('\n')
    } catch {
      return '(it wrote nothing)'
    }
  }

  /**
   * @param {string[]} options of the JVM
   * @param {string} mainClass
   * @param {string[]} args
   */
  _spawn (options, mainClass, args) {
    const java = find('java', process.env)
    if (!java) throw new Error('no java found to run Apache Kafka: see `node scripts/prerequisites.js`')
    const log = fs.openSync(this.logFile, 'a')
    const child = spawn(java, [
      '-XX:+UseSerialGC', '-XX:-UsePerfData', '-Djava.awt.headless=true', `-Dlog4j2.configurationFile=${LOG4J}`,
      ...options, '-cp', path.join(this._role.jars, '*'), mainClass, ...args
    ], {
      // Its own process group: a Ctrl-C meant for the tests lets them stop it in order, else the watchdog does.
      detached: true, stdio: ['ignore', log, log], cwd: this._role.folder, windowsHide: true
    })
    fs.closeSync(log)
    child.unref()
    const { pid } = child
    this._child = child
    if (pid) this._watchdog.watch(pid)
    const ended = () => {
      if (pid) this._watchdog.forget(pid)
      if (this._child === child) this._child = undefined
    }
    child.once('exit', ended)
    child.once('error', error => {
      ended()
      fs.appendFileSync(this.logFile, `${error.message}\n`)
      child.emit('exit', -1, null)
    })
  }
}

/**
 * @param {string} value
 * @returns {string} for a .properties file, where a backslash escapes
 */
function escape (value) {
  return value.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')
}

module.exports = { KafkaNode }
