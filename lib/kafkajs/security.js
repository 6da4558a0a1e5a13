'use strict'
/** kafkajs's `ssl` and `sasl` in librdkafka's properties. What it cannot do is refused, never quietly left out. */
const tls = require('node:tls')
const { isUint8Array } = require('node:util').types
const { KafkaJSNonRetriableError, KafkaJSNotImplemented } = require('../errors')

/** TLS options that the native client has no property for, and what to do instead. */
const REFUSED_TLS = /** @type {Record<string, string>} */ ({
  pfx: 'give "key" and "cert" as PEM, or rdkafka: { "ssl.keystore.location": file, "ssl.keystore.password": … }',
  servername: 'the certificate is checked against the host name of each broker',
  checkServerIdentity: 'rdkafka: { "ssl.endpoint.identification.algorithm": "none" } leaves the host name unchecked',
  secureContext: 'give "ca", "cert" and "key" as PEM',
  minVersion: 'leave it out, the broker and OpenSSL agree on the highest version both have',
  maxVersion: 'leave it out, the broker and OpenSSL agree on the highest version both have',
  ALPNProtocols: 'Kafka has no use for it',
})

/** The certificates that Node trusts, so that `ssl: true` trusts what it does in kafkajs. @returns {string} PEM */
function nodeRoots() {
  const own = /** @type {any} */ (tls)
  const roots = typeof own.getCACertificates === 'function' ? own.getCACertificates('default') : tls.rootCertificates
  return roots.join('\n')
}

/** @param {string} option @param {any} value string, Buffer or an array of them @returns {string} PEM text */
function pem(option, value) {
  const parts = Array.isArray(value) ? value : [value]
  return parts
    .map((part) => {
      const text = isUint8Array(part) ? Buffer.from(part).toString('utf8') : part
      if (typeof text !== 'string' || !text.includes('-----BEGIN')) {
        throw new KafkaJSNonRetriableError(
          `Option "ssl.${option}" must be PEM text ("-----BEGIN …") as a string or Buffer, ` +
            `e.g. fs.readFileSync('${option}.pem')`,
        )
      }
      return text
    })
    .join('\n')
}

/** @param {any} ssl @returns {Record<string, string>} */
function tlsProperties(ssl) {
  if (ssl === true) return { 'ssl.ca.pem': nodeRoots() }
  if (typeof ssl !== 'object' || Array.isArray(ssl)) {
    throw new KafkaJSNonRetriableError('Option "ssl" must be true, false or an object such as { ca, cert, key }')
  }
  for (const [name, advice] of Object.entries(REFUSED_TLS)) {
    if (ssl[name] !== undefined && ssl[name] !== null) {
      throw new KafkaJSNotImplemented(`Option "ssl.${name}" is not implemented: ${advice}`)
    }
  }
  /** @type {Record<string, string>} */
  const properties = { 'ssl.ca.pem': ssl.ca ? pem('ca', ssl.ca) : nodeRoots() }
  if (ssl.cert) properties['ssl.certificate.pem'] = pem('cert', ssl.cert)
  const key = Array.isArray(ssl.key) && ssl.key.length === 1 ? ssl.key[0] : ssl.key
  if (key) {
    const wrapped = typeof key === 'object' && !isUint8Array(key) && key.pem !== undefined
    properties['ssl.key.pem'] = pem('key', wrapped ? key.pem : key)
    const passphrase = (wrapped && key.passphrase) || ssl.passphrase
    if (passphrase) properties['ssl.key.password'] = String(passphrase)
  }
  if (ssl.ciphers) properties['ssl.cipher.suites'] = String(ssl.ciphers)
  if (ssl.sigalgs) properties['ssl.sigalgs.list'] = String(ssl.sigalgs)
  if (ssl.ecdhCurve && ssl.ecdhCurve !== 'auto') properties['ssl.curves.list'] = String(ssl.ecdhCurve)
  if (ssl.rejectUnauthorized === false) {
    properties['enable.ssl.certificate.verification'] = 'false'
    properties['ssl.endpoint.identification.algorithm'] = 'none'
  }
  return properties
}

const PASSWORD_MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']

/** @param {any} sasl @returns {Record<string, string>} */
function saslProperties(sasl) {
  if (typeof sasl !== 'object' || typeof sasl.mechanism !== 'string') {
    throw new KafkaJSNonRetriableError(
      'Option "sasl" must be an object such as { mechanism: "plain", username: "…", password: "…" }',
    )
  }
  const mechanism = sasl.mechanism.toUpperCase()
  if (typeof sasl.authenticationProvider === 'function') {
    throw new KafkaJSNotImplemented(`Option "sasl.authenticationProvider" (${sasl.mechanism}) is not implemented`)
  }
  if (!PASSWORD_MECHANISMS.includes(mechanism)) {
    throw new KafkaJSNotImplemented(
      `SASL mechanism "${sasl.mechanism}" is not implemented: use plain, scram-sha-256 or scram-sha-512, ` +
        'or librdkafka\'s own way by rdkafka: { "security.protocol": …, "sasl.mechanism": … }',
    )
  }
  for (const name of ['username', 'password']) {
    if (typeof sasl[name] !== 'string') {
      throw new KafkaJSNonRetriableError(`Option "sasl.${name}" must be a string for the mechanism "${sasl.mechanism}"`)
    }
  }
  return { 'sasl.mechanism': mechanism, 'sasl.username': sasl.username, 'sasl.password': sasl.password }
}

/**
 * @param {{ ssl?: any, sasl?: any }} options
 * @returns {Record<string, string>}
 */
function securityProperties({ ssl, sasl }) {
  const secured = ssl !== undefined && ssl !== null && ssl !== false
  const authenticated = sasl !== undefined && sasl !== null && sasl !== false
  const protocol = authenticated ? (secured ? 'sasl_ssl' : 'sasl_plaintext') : secured ? 'ssl' : 'plaintext'
  return {
    ...(secured || authenticated ? { 'security.protocol': protocol } : {}),
    ...(secured ? tlsProperties(ssl) : {}),
    ...(authenticated ? saslProperties(sasl) : {}),
  }
}

module.exports = { securityProperties }
