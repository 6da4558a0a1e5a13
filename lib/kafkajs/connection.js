'use strict'
/**
 * The life of one native client, the same for producer and admin: brokers are resolved, the client is made and
 * connected in bounded time, its log and error events reach the logger, and a disconnect() at any moment ends it.
 */
const {
  fromNative,
  LOCAL,
  KafkaJSError,
  KafkaJSConnectionClosedError,
  KafkaJSConnectionError,
  KafkaJSNonRetriableError,
  KafkaJSNumberOfRetriesExceeded,
} = require('../errors')
const { resolveBrokers } = require('./brokers')
const { methodOfSyslog } = require('./logger')
const { refusal } = require('./properties')
const { totalDelay, withDefaults } = require('./retry')
const { TokenSupply } = require('./token')

/** Kinds of native events, see DESIGN.md. */
const EVENT = Object.freeze({
  REPLY: 0,
  FRAME: 1,
  DELIVERIES: 2,
  REBALANCE: 3,
  ERROR: 4,
  LOG: 5,
  STATISTICS: 6,
  TOKEN_REFRESH: 7,
  REQUESTS: 8,
})

/**
 * @typedef {object} ConnectionOptions
 * @property {new (config: Record<string, string>, onEvent: (kind: number, payload: any) => void) => any} Native
 * @property {any} brokers what the user gave as `brokers`
 * @property {Record<string, string>} properties
 * @property {any} retry
 * @property {number} connectTimeout ms
 * @property {import('./token').TokenProvider} [tokens] for OAUTHBEARER
 * @property {string} what `producer`, for messages
 * @property {import('./logger').Logger} logger
 * @property {import('./network-events').NetworkEvents} [network] is told of requests to brokers
 * @property {(kind: number, payload: any) => void} [onEvent] kinds other than log and requests
 */

/**
 * A broker that hangs up during connect(), host, port and state. To librdkafka it is a line of its log and no error,
 * unless a request was about to be sent.
 */
const HUNG_UP =
  /(?:\/\/|\s)([^\s/]+):(\d+)\/\S+: (?:Disconnected|(?:Send|Receive) failed): (?!error:).*in state (APIVERSION_QUERY|UP)\b/

/** An address where nobody listens, or that there is not: which broker. Known at once, unlike silence. */
const REFUSAL = /^(?:\w+:\/\/)?(\S+)\/bootstrap: (?:Connect to \S+ failed: (?!.*timed out)|Failed to resolve )/
/** Enough for librdkafka to try each address of a broker's host, ms. */
const TRY_ADDRESSES = 500

class Connection {
  #options
  /** @type {any} */
  #native
  #closed = false
  /** @type {(error: Error) => void} */
  #cancel = () => {}
  /** @type {Error | undefined} */
  #fatal
  /** @type {import('../errors/from-native').NativeErrorData | undefined} */
  #trouble
  /** Why there are no brokers' addresses. Nothing was tried then, so that no retries are used up, as in kafkajs. @type {unknown} */
  #unresolved
  /** Brokers that refused last. @type {Set<string>} */
  #refusing = new Set()
  /** @type {RegExpExecArray | undefined} see HUNG_UP */
  #hungUp
  #connected = false
  /** @type {TokenSupply | undefined} for OAUTHBEARER */
  #supply

  /** @param {ConnectionOptions} options */
  constructor(options) {
    this.#options = options
    const { tokens } = options
    if (tokens) {
      const native = () => (this.#closed ? undefined : this.#native)
      this.#supply = new TokenSupply({ tokens, native, log: (message) => this.#log('error', message) })
    }
  }

  /** The native client, undefined before `open` and after `close`. */
  get native() {
    return this.#native
  }

  /** The error that ended this client, if one did. */
  get fatal() {
    return this.#fatal
  }

  /** The last thing that went wrong with the brokers, in librdkafka's words. */
  get trouble() {
    return this.#trouble && this.#trouble.message
  }

  /** Connects. Call it once. Rejects in bounded time, at once when `close` is called meanwhile. */
  async open() {
    const { Native, properties, brokers, connectTimeout, what } = this.#options
    /** @type {Promise<never>} */
    const cancelled = new Promise((_, reject) => {
      this.#cancel = reject
    })
    cancelled.catch(() => {})
    /** @type {NodeJS.Timeout | undefined} */
    let timer
    /** @type {NodeJS.Timeout | undefined} */
    let earlyTimer
    try {
      const late = new Promise((_, reject) => {
        timer = setTimeout(
          () =>
            reject(
              new KafkaJSConnectionError(
                `Connection timeout: the ${what} could not connect within ${connectTimeout} ms`,
                { code: 'ETIMEDOUT' },
              ),
            ),
          Math.min(connectTimeout + 1000, 2147483647),
        )
      })
      late.catch(() => {})
      const known = properties['bootstrap.servers']
      const resolving = known === undefined ? this.#resolve(brokers) : known
      const bootstrap = await Promise.race([resolving, cancelled, late])
      if (this.#closed) return await cancelled
      this.#native = new Native({ ...properties, 'bootstrap.servers': bootstrap }, (kind, payload) =>
        this.#onEvent(kind, payload),
      )
      this.#options.network?.attach(this.#native)
      // Attempts that are refused take no time: with them alone the retries are used up sooner, as in kafkajs.
      const early = new Promise((_, reject) => {
        const all = bootstrap.split(',')
        earlyTimer = setTimeout(
          () => all.every((/** @type {string} */ broker) => this.#refusing.has(broker)) && reject(this.#trouble),
          Math.min(totalDelay(this.#options.retry) + TRY_ADDRESSES, 2147483647),
        )
      })
      early.catch(() => {})
      await Promise.race([this.#native.connect(connectTimeout), cancelled, late, early])
      this.#connected = true
    } catch (error) {
      if (!this.#closed) await this.close(0)
      throw this.#connectError(error)
    } finally {
      clearTimeout(timer)
      clearTimeout(earlyTimer)
    }
  }

  /** @param {any} brokers */
  async #resolve(brokers) {
    try {
      return await resolveBrokers(brokers)
    } catch (error) {
      this.#unresolved = error
      throw error
    }
  }

  /**
   * Ends the client. Never rejects; safe at any time and twice.
   * @param {number} timeoutMs how long the native side may wait without any progress
   */
  async close(timeoutMs) {
    this.#closed = true
    this.#cancel(new KafkaJSNonRetriableError(`The ${this.#options.what} was disconnected while it was connecting`))
    const native = this.#native
    if (native === undefined) return
    try {
      await native.close(timeoutMs)
    } catch (/** @type {any} */ error) {
      this.#log('warn', `Closing the ${this.#options.what} failed: ${error && error.message}`)
    } finally {
      this.#options.network?.detach(native)
      if (this.#native === native) this.#native = undefined
    }
  }

  /** @param {any} error @returns {Error} */
  #connectError(error) {
    if (error === this.#unresolved && error !== undefined) return error
    const { retry, properties } = this.#options
    const context = { mechanism: properties['sasl.mechanism'] }
    const timedOut =
      error && !(error instanceof Error) && (error.code === LOCAL.TIMED_OUT || error.code === LOCAL.WAIT_COORD)
    if (error && !(error instanceof Error) && error.code === LOCAL.INVALID_ARG) {
      return fromNative({ ...error, message: refusal(error.message, properties) }, context)
    }
    const noToken = this.#supply && this.#supply.connectError(timedOut, error, this.#options.connectTimeout)
    if (noToken) return noToken
    // Not that time was up, but why: the last thing that a broker's connection said.
    const known = timedOut ? this.#trouble : error
    const unknown = () =>
      new KafkaJSConnectionError(`Connection timeout: ${error.message}`, {
        code: 'ETIMEDOUT',
        librdkafka: { code: error.code, name: error.name },
      })
    const cause = this.#connectionClosed(known) || (known ? fromNative(known, context) : unknown())
    // What is wrong with TLS does not pass, so that it is not tried again; kafkajs does, and says so by this class.
    const isTls = known && known.code === LOCAL.SSL
    if (!isTls && !(cause instanceof KafkaJSError && cause.retriable)) return cause
    const { retries, initialRetryTime, multiplier, maxRetryTime } = withDefaults(retry)
    // What kafkajs would wait for next; a consumer that starts again after a crash does.
    const retryTime = Math.min(initialRetryTime * multiplier ** retries || 0, maxRetryTime)
    return new KafkaJSNumberOfRetriesExceeded(cause, { retryCount: retries, retryTime, cause })
  }

  /** @param {any} known why connect() failed, if that is known @returns {Error | undefined} when a broker hung up */
  #connectionClosed(known) {
    if (this.#hungUp === undefined) return undefined
    if (known !== undefined && !(known.code === LOCAL.TRANSPORT && HUNG_UP.test(` ${known.message}`))) return undefined
    const [, host, port, state] = this.#hungUp
    const protocol = this.#options.properties['security.protocol'] || 'plaintext'
    // A broker does not say why: it cannot read what it got, or it waits for another beginning.
    const reason =
      state === 'UP'
        ? protocol.startsWith('sasl') ? '' : '; it may want SASL, see the option "sasl"'
        : protocol.endsWith('ssl') ? '' : '; it may want TLS, see the option "ssl"'
    return new KafkaJSConnectionClosedError(`Closed connection: ${host}:${port} hangs up${reason}`, {
      host,
      port: Number(port),
      code: 'ECONNRESET',
    })
  }

  /** @param {number} kind @param {any} payload */
  #onEvent(kind, payload) {
    if (kind === EVENT.REQUESTS) {
      this.#options.network?.receive(JSON.parse(payload))
      return
    }
    if (kind === EVENT.LOG) {
      const { level, facility, message } = JSON.parse(payload)
      if (!this.#connected && facility === 'FAIL') this.#hungUp = HUNG_UP.exec(message) || this.#hungUp
      this.#log(methodOfSyslog(level), message, { facility })
      return
    }
    if (kind === EVENT.ERROR) {
      const data = JSON.parse(payload)
      const refused = data.code === LOCAL.AUTHENTICATION && this.#connected
      if (refused && this.#supply && !this.#supply.lasts(data)) return
      // "All brokers are down" is the consequence; what each broker's connection said is the cause.
      if (data.topic === undefined && (this.#trouble === undefined || data.code !== LOCAL.ALL_BROKERS_DOWN))
        this.#trouble = data
      this.#noteRefusal(data.message)
      if (data.fatal && this.#fatal === undefined) {
        this.#fatal = fromNative(data)
        this.#log('error', `The ${this.#options.what} cannot go on: ${data.message}`, {
          code: data.code,
          name: data.name,
        })
      }
    }
    if (kind === EVENT.TOKEN_REFRESH && this.#supply) {
      this.#supply.ask()
      return
    }
    const { onEvent } = this.#options
    if (onEvent) onEvent(kind, payload)
  }

  /** @param {string} message of a broker's connection */
  #noteRefusal(message) {
    const [, refusing] = REFUSAL.exec(message) || []
    if (refusing !== undefined) this.#refusing.add(refusing)
    else this.#refusing.delete((/^(?:\w+:\/\/)?(\S+)\/bootstrap: /.exec(message) || [])[1])
  }

  /**
   * A logger of the user's that throws must not bring down the process from within an event.
   * @param {string} method
   * @param {string} message
   * @param {object} [extra]
   */
  #log(method, message, extra) {
    try {
      ;/** @type {any} */ (this.#options.logger)[method](message, extra)
    } catch {
      // There is no better place to report it than the logger, which is what failed.
    }
  }
}

module.exports = { Connection, EVENT }
