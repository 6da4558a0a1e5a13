'use strict'
/** `oauthBearerProvider`: what it gives, read and checked; and asked for whenever the native client needs a token. */
const { LOCAL, KafkaJSError, KafkaJSNonRetriableError, KafkaJSSASLAuthenticationError } = require('../errors')

/** How long a token is good that does not say it, ms. librdkafka asks for the next one when 80 % of that are over. */
const UNKNOWN_LIFETIME = 300_000
/** Beyond this an expiry says nothing, ms. */
const LONGEST_LIFETIME = 100 * 365 * 86_400_000
/** A broker that refuses tokens this long after another refusal refuses for a new reason, ms. */
const REFUSAL_FORGOTTEN = 300_000
/** A refusal may be of the token before for so long, ms. */
const SETTLING = 2000
/** librdkafka wants a name; brokers take it from the token. */
const PLACEHOLDER = 'kafka-oxide'

/** @typedef {{ value: string, expires: number, principal: string, extensions: string[] }} Token see native.d.ts */

/** The claims of a JWT, none of another text. @param {string} value @returns {Record<string, any>} */
function claimsOf(value) {
  const parts = value.split('.')
  if (parts.length !== 3) return {}
  try {
    const claims = JSON.parse(Buffer.from(parts[1], 'base64url').toString('utf8'))
    return typeof claims === 'object' && claims !== null ? claims : {}
  } catch {
    return {}
  }
}

/** @param {any} extensions @returns {string[]} */
function readExtensions(extensions) {
  if (extensions === undefined || extensions === null) return []
  if (typeof extensions !== 'object') throw invalid('its extensions must be an object of strings')
  return Object.entries(extensions).flatMap(([name, value]) => {
    if (!/^[A-Za-z]+$/.test(name) || name === 'auth') {
      throw invalid(`the name of an extension is letters and not "auth", unlike ${JSON.stringify(name)}`)
    }
    if (typeof value !== 'string' || !/^[\x20-\x7e\t\r\n]*$/.test(value)) {
      throw invalid(`the value of extension "${name}" must be a string of printable ASCII`)
    }
    return [name, value]
  })
}

/** @param {string} why */
function invalid(why) {
  return new KafkaJSSASLAuthenticationError(`SASL OAUTHBEARER: Invalid OAuth bearer token: ${why}`)
}

/**
 * @param {any} given what the provider gave: `{ value, extensions? }`
 * @param {number} [now]
 * @returns {Token}
 * @throws {KafkaJSSASLAuthenticationError} in whose text there is nothing of the token
 */
function readToken(given, now = Date.now()) {
  const value = given === undefined || given === null ? undefined : given.value
  if (typeof value !== 'string' || value === '') {
    throw invalid('oauthBearerProvider must give { value } with the token as a string')
  }
  if (!/^[\x21-\x7e]+$/.test(value)) throw invalid('it must be printable ASCII without spaces')
  const { exp, sub } = claimsOf(value)
  const expires = typeof exp === 'number' && Number.isFinite(exp) ? Math.floor(exp * 1000) : now + UNKNOWN_LIFETIME
  if (expires <= now) throw invalid(`it expired at ${new Date(expires).toISOString()}`)
  return {
    value,
    expires: Math.min(expires, now + LONGEST_LIFETIME),
    principal: typeof sub === 'string' && /^[^\0]+$/.test(sub) ? sub : PLACEHOLDER,
    extensions: readExtensions(given.extensions),
  }
}

/** Text that may quote a token, without it. @param {unknown} given what a program threw may have no text */
function withoutToken(given) {
  let text
  try {
    text = String(given)
  } catch {
    text = Object.prototype.toString.call(given)
  }
  return text.replace(/\beyJ[\w-]*\.[\w-]*(\.[\w-]*)?/g, '[token]')
}

/** The tokens of one Kafka. */
class TokenProvider {
  #provide
  #timeout

  /** @param {() => any} provide the user's @param {number} timeout ms */
  constructor(provide, timeout) {
    this.#provide = provide
    this.#timeout = timeout
  }

  /**
   * Asks once. `onToken` is called when the provider gives a token, late ones included; `onFailure` at most once, when
   * it throws, gives something else, or gives nothing in time.
   * @param {(token: Token) => void} onToken
   * @param {(error: Error) => void} onFailure
   */
  ask(onToken, onFailure) {
    let failed = false
    /** @param {any} error */
    const fail = (error) => {
      clearTimeout(timer)
      if (failed) return
      failed = true
      onFailure(error instanceof Error ? error : new KafkaJSNonRetriableError(withoutToken(error)))
    }
    const timer = setTimeout(
      () => fail(new KafkaJSSASLAuthenticationError(`oauthBearerProvider gave no token within ${this.#timeout} ms`)),
      this.#timeout,
    )
    timer.unref()
    const answer = (async () => readToken(await this.#provide()))()
    answer.then((token) => {
      clearTimeout(timer)
      onToken(token)
    }, fail)
  }
}

/** Brings the tokens of a Kafka to one native client. */
class TokenSupply {
  #tokens
  #native
  #log
  /** Whether the provider has been asked and has not answered. */
  #asking = false
  /** @type {{ expires: number, since: number } | undefined} the last one, ms since the epoch */
  #token
  /** @type {Error | undefined} why there is no token */
  #error
  /** @type {{ token: object, at: number } | undefined} the last refusal of a token that should have been good */
  #refusal

  /**
   * @param {object} setup
   * @param {TokenProvider} setup.tokens
   * @param {() => any} setup.native  the native client, undefined when it is closed
   * @param {(message: string) => void} setup.log
   */
  constructor({ tokens, native, log }) {
    this.#tokens = tokens
    this.#native = native
    this.#log = log
  }

  /** A token is needed, for the connections to come and for those that authenticate anew. */
  ask() {
    if (this.#asking || this.#native() === undefined) return
    this.#asking = true
    this.#tokens.ask(
      (token) => {
        this.#asking = false
        this.#token = { expires: token.expires, since: Date.now() }
        this.#error = undefined
        this.#tell(token)
      },
      (error) => {
        this.#asking = false
        if (this.#native() === undefined) return
        this.#error = noToken(error)
        this.#log(this.#error.message)
        this.#tell(this.#error.message)
      },
    )
  }

  /** @param {Token | string} token or why there is none */
  #tell(token) {
    const native = this.#native()
    if (native === undefined) return
    native.setToken(token).catch((/** @type {any} */ error) => {
      // The client was closed meanwhile, or librdkafka does not take the token, which is like having none.
      if (this.#native() === undefined || typeof token === 'string') return
      this.#log(`The token of oauthBearerProvider is refused: ${error && error.message}`)
      this.#tell(String(error && error.message))
    })
  }

  /**
   * Why connect() failed, when it was for want of a token.
   * @param {boolean} timedOut @param {any} error @param {number} timeout ms
   * @returns {Error | undefined}
   */
  connectError(timedOut, error, timeout) {
    if (this.#error !== undefined && error && error.code === LOCAL.AUTHENTICATION) return this.#error
    if (!timedOut || this.#token) return undefined
    return noToken(new KafkaJSError(`oauthBearerProvider gave no token within ${timeout} ms`))
  }

  /**
   * An authentication that fails while the client works: a provider that fails is asked again by librdkafka, after
   * 10 s, and a token that a broker refuses may have been revoked, so that a new one is asked for. Only when that is
   * refused too, the client is told. Several connections may have used the first one, and one may have run out.
   * @param {{ message: string }} data
   */
  lasts({ message }) {
    if (message.startsWith('Failed to acquire SASL OAUTHBEARER token')) return false
    const [now, token, before] = [Date.now(), this.#token, this.#refusal]
    this.ask()
    if (token === undefined || now >= token.expires || now - token.since < SETTLING) return false
    this.#refusal = { token, at: now }
    return before !== undefined && before.token !== token && now - before.at < REFUSAL_FORGOTTEN
  }
}

/** @param {Error} error @returns {Error} */
function noToken(error) {
  const message = withoutToken(error.message)
  if (error instanceof KafkaJSSASLAuthenticationError && message.startsWith('SASL ')) return error
  return new KafkaJSSASLAuthenticationError(`SASL OAUTHBEARER authentication failed: ${message}`, { cause: error })
}

module.exports = { TokenProvider, TokenSupply, readToken, withoutToken }
