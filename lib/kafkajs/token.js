'use strict'
/** `oauthBearerProvider`: what it gives, read and checked; and asked for whenever the native client needs a token. */
const { KafkaJSNonRetriableError, KafkaJSSASLAuthenticationError } = require('../errors')

/** How long a token is good that does not say it, ms. librdkafka asks for the next one when 80 % of that are over. */
const UNKNOWN_LIFETIME = 300_000
/** Beyond this an expiry says nothing, ms. */
const LONGEST_LIFETIME = 100 * 365 * 86_400_000
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

/** Text that may quote a token, without it. @param {unknown} text */
function withoutToken(text) {
  return String(text).replace(/\beyJ[\w-]*\.[\w-]*(\.[\w-]*)?/g, '[token]')
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

module.exports = { TokenProvider, readToken, withoutToken }
