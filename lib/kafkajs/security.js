'use strict'
/** kafkajs's `ssl` and `sasl` in librdkafka's properties. What it cannot do is refused, never quietly left out. */
const { KafkaJSNonRetriableError, KafkaJSNotImplemented } = require('../errors')
const { tlsProperties } = require('./tls')
const { TokenProvider } = require('./token')

const PASSWORD_MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']
/** The property of our own native side that has it ask for tokens (src/core/config.rs). */
const TOKEN_EVENTS = 'kafka-oxide.token.events'

/** @param {any} sasl @returns {string} in capitals */
function mechanismOf(sasl) {
  if (typeof sasl !== 'object' || typeof sasl.mechanism !== 'string') {
    throw new KafkaJSNonRetriableError(
      'Option "sasl" must be an object such as { mechanism: "plain", username: "…", password: "…" }',
    )
  }
  const mechanism = sasl.mechanism.toUpperCase()
  if (typeof sasl.authenticationProvider === 'function') {
    throw new KafkaJSNotImplemented(
      `Option "sasl.authenticationProvider" (${sasl.mechanism}) is not implemented: the native client authenticates ` +
        'by itself. Use plain, scram-sha-256, scram-sha-512 or oauthbearer',
    )
  }
  if (mechanism === 'AWS') {
    throw new KafkaJSNotImplemented(
      'SASL mechanism "aws" is not implemented: the native client does not speak it. ' +
        'Amazon MSK takes tokens of IAM as well: use oauthbearer with the token of aws-msk-iam-sasl-signer-js',
    )
  }
  if (mechanism !== 'OAUTHBEARER' && !PASSWORD_MECHANISMS.includes(mechanism)) {
    throw new KafkaJSNotImplemented(
      `SASL mechanism "${sasl.mechanism}" is not implemented: ` +
        'use plain, scram-sha-256, scram-sha-512 or oauthbearer, or librdkafka\'s own way by rdkafka: { "security.protocol": …, "sasl.mechanism": … }',
    )
  }
  return mechanism
}

/** @param {any} sasl @returns {Record<string, string>} */
function saslProperties(sasl) {
  const mechanism = mechanismOf(sasl)
  if (mechanism === 'OAUTHBEARER') {
    if (typeof sasl.oauthBearerProvider !== 'function') {
      throw new KafkaJSNonRetriableError(
        'SASL OAUTHBEARER: Missing OAuth bearer token provider: ' +
          'option "sasl.oauthBearerProvider" must be a function such as async () => ({ value: token })',
      )
    }
    return { 'sasl.mechanism': mechanism, [TOKEN_EVENTS]: 'true' }
  }
  for (const name of ['username', 'password']) {
    if (typeof sasl[name] !== 'string') {
      throw new KafkaJSNonRetriableError(`Option "sasl.${name}" must be a string for the mechanism "${sasl.mechanism}"`)
    }
  }
  const identity = sasl.authorizationIdentity
  if (identity !== undefined && identity !== null && identity !== '' && identity !== sasl.username) {
    throw new KafkaJSNotImplemented(
      'Option "sasl.authorizationIdentity" is not implemented: leave it out, Kafka takes none but the user name',
    )
  }
  return { 'sasl.mechanism': mechanism, 'sasl.username': sasl.username, 'sasl.password': sasl.password }
}

/** @param {any} value */
function isGiven(value) {
  return value !== undefined && value !== null && value !== false
}

/**
 * @param {{ ssl?: any, sasl?: any }} options
 * @param {any} native
 * @returns {Record<string, string>}
 */
function securityProperties({ ssl, sasl }, native) {
  const secured = isGiven(ssl)
  const authenticated = isGiven(sasl)
  const protocol = authenticated ? (secured ? 'sasl_ssl' : 'sasl_plaintext') : secured ? 'ssl' : 'plaintext'
  return {
    ...(secured || authenticated ? { 'security.protocol': protocol } : {}),
    ...(secured ? tlsProperties(ssl, native) : {}),
    ...(authenticated ? saslProperties(sasl) : {}),
  }
}

/**
 * @param {{ sasl?: any, authenticationTimeout: number }} options
 * @returns {TokenProvider | undefined} for OAUTHBEARER
 */
function tokenProvider({ sasl, authenticationTimeout }) {
  if (!isGiven(sasl) || mechanismOf(sasl) !== 'OAUTHBEARER') return undefined
  return new TokenProvider(() => sasl.oauthBearerProvider(), Math.max(1, Math.min(authenticationTimeout, 2147483647)))
}

module.exports = { securityProperties, tokenProvider }
