'use strict'
/** kafkajs's `ssl`, which is Node's `tls.ConnectionOptions`, in librdkafka's properties. */
const { constants } = require('node:crypto')
const fs = require('node:fs')
const tls = require('node:tls')
const { isUint8Array } = require('node:util').types
const { KafkaJSNonRetriableError, KafkaJSNotImplemented } = require('../errors')

/** The property of our own native side for the name that certificates must be for (src/core/config.rs). */
const SERVER_NAME = 'kafka-oxide.server.name'

/** Options that the native client has no property for, and what to do instead. */
const REFUSED = /** @type {Record<string, string>} */ ({
  checkServerIdentity:
    'give "servername" when the certificate is for another name than the broker\'s host, ' +
    'or rdkafka: { "ssl.endpoint.identification.algorithm": "none" } to leave the name unchecked',
  secureContext: 'give "ca", "cert" and "key", or "pfx"',
  ALPNProtocols: 'Kafka has no use for it',
  crl: 'write rdkafka: { "ssl.crl.location": file }',
  pskCallback: 'Kafka brokers know certificates only',
  clientCertEngine: 'give "cert" and "key", or rdkafka: { "ssl.engine.location": file }',
  privateKeyEngine: 'give "key", or rdkafka: { "ssl.engine.location": file }',
  allowPartialTrustChain: 'give the root certificate in "ca"',
  host: 'addresses are given as "brokers"',
  port: 'addresses are given as "brokers"',
  path: 'addresses are given as "brokers"',
  socket: 'the native client opens its own sockets',
  lookup: 'the native client asks the system for addresses',
})

/**
 * TLS 1.2 suites that take a key which was agreed on before. This client never has one, so that OpenSSL leaves them out
 * of what it offers, and only TLS 1.3 is left to be agreed on. (librdkafka has no property for the version.)
 */
const NO_TLS_1_2 = 'PSK-AES256-GCM-SHA384:PSK-AES128-GCM-SHA256'
/** OpenSSL's suites of TLS 1.3. librdkafka has no property that would take some of them away. */
const TLS_1_3_SUITES = ['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256']
const VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']
const ANY_VERSION = ['TLS_method', 'TLS_client_method', 'SSLv23_method', 'SSLv23_client_method']
/** What OpenSSL does anyway, see `checkVersions`. */
const ALWAYS =
  constants.SSL_OP_NO_SSLv2 | constants.SSL_OP_NO_SSLv3 | constants.SSL_OP_NO_TLSv1 | constants.SSL_OP_NO_TLSv1_1

/** @param {string} option @param {string} advice */
function notImplemented(option, advice) {
  return new KafkaJSNotImplemented(`Option "ssl.${option}" is not implemented: ${advice}`)
}

/** The certificates that Node trusts, so that `ssl: true` trusts what it does in kafkajs. @returns {string} PEM */
function nodeRoots() {
  const own = /** @type {any} */ (tls)
  if (typeof own.getCACertificates === 'function') return own.getCACertificates('default').join('\n')
  return [...tls.rootCertificates, ...extraRoots()].join('\n')
}

/** Older versions of Node do not tell what NODE_EXTRA_CA_CERTS added. @returns {string[]} PEM */
function extraRoots() {
  const file = process.env.NODE_EXTRA_CA_CERTS
  if (!file) return []
  try {
    return [fs.readFileSync(file, 'utf8')]
  } catch {
    return [] // Node has warned of it when it started
  }
}

/** @param {string} option @param {any} value string, Buffer or an array of them @returns {string} PEM text */
function pem(option, value) {
  const parts = Array.isArray(value) ? value : [value]
  if (parts.length === 0) throw new KafkaJSNonRetriableError(`Option "ssl.${option}" is an empty array: leave it out`)
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

/**
 * The contents of PKCS#12 files.
 * @param {any} ssl
 * @param {any} native
 * @returns {{ key?: string, cert?: string, chain: string[] }} PEM; the chain's certificates are trusted, as Node does
 */
function readPfx(ssl, native) {
  /** @type {{ key?: string, cert?: string, chain: string[] }} */
  const found = { chain: [] }
  for (const one of Array.isArray(ssl.pfx) ? ssl.pfx : [ssl.pfx]) {
    const wrapped = typeof one === 'object' && one !== null && !isUint8Array(one)
    const bytes = wrapped ? one.buf : one
    const passphrase = (wrapped && one.passphrase) || ssl.passphrase
    if (!isUint8Array(bytes) && typeof bytes !== 'string') {
      throw new KafkaJSNonRetriableError(
        'Option "ssl.pfx" must be a PKCS#12 file as a Buffer, e.g. fs.readFileSync(\'client.p12\')',
      )
    }
    let store
    try {
      store = native.readPkcs12(Buffer.from(/** @type {any} */ (bytes)), passphrase && String(passphrase))
    } catch (/** @type {any} */ error) {
      throw new KafkaJSNonRetriableError(
        `Option "ssl.pfx" cannot be read (${error && error.message}): ` +
          'it must be a PKCS#12 file, and "ssl.passphrase" the one that it was made with',
      )
    }
    if (store.key) {
      if (found.key) throw notImplemented('pfx', 'with more than one private key; a client has one')
      found.key = store.key
      found.cert = store.cert
    }
    found.chain.push(...store.chain)
  }
  return found
}

/** @param {any} ssl @returns {{ pem: string, passphrase?: string } | undefined} */
function readKey(ssl) {
  const keys = (Array.isArray(ssl.key) ? ssl.key : [ssl.key]).filter(Boolean)
  if (keys.length === 0) return undefined
  if (keys.length > 1) throw notImplemented('key', 'with more than one private key; a client has one')
  const [key] = keys
  const wrapped = typeof key === 'object' && !isUint8Array(key) && key.pem !== undefined
  return { pem: pem('key', wrapped ? key.pem : key), passphrase: (wrapped && key.passphrase) || ssl.passphrase }
}

/**
 * What must be known of versions: OpenSSL 3 agrees on TLS 1.0 and 1.1 at security level 0 only (ssl_cert.c,
 * `ssl_security_default_callback`), and its level is 2 unless the ciphers say otherwise. So TLS 1.2 is the least that
 * there is, as in Node.
 * @param {any} ssl
 */
function checkVersions(ssl) {
  for (const option of ['minVersion', 'maxVersion']) {
    const version = ssl[option]
    if (version !== undefined && version !== null && !VERSIONS.includes(version)) {
      throw new KafkaJSNonRetriableError(
        `Option "ssl.${option}" must be one of ${VERSIONS.map((name) => `"${name}"`).join(', ')}`,
      )
    }
  }
  if (ssl.maxVersion && ssl.maxVersion !== 'TLSv1.3') {
    const advice = 'the highest version that both sides have is used; the broker may have a lower one'
    throw notImplemented('maxVersion', advice)
  }
  if (ssl.secureProtocol && !ANY_VERSION.includes(ssl.secureProtocol)) {
    throw notImplemented('secureProtocol', 'give "minVersion"; the highest version that both sides have is used')
  }
  if ((Number(ssl.secureOptions) || 0) & ~ALWAYS) {
    throw notImplemented('secureOptions', 'except those that forbid SSL and TLS before 1.2, which are forbidden anyway')
  }
}

/** @param {any} ssl @returns {string | undefined} for librdkafka's `ssl.cipher.suites`, which are those of TLS 1.2 */
function ciphersOf(ssl) {
  const names = ssl.ciphers ? String(ssl.ciphers).split(/[:, ]+/).filter(Boolean) : []
  const newer = names.filter((name) => name.startsWith('TLS_'))
  const older = names.filter((name) => !name.startsWith('TLS_'))
  if (newer.length > 0 && !TLS_1_3_SUITES.every((suite) => newer.includes(suite))) {
    const advice = `cannot leave out suites of TLS 1.3: name all of ${TLS_1_3_SUITES.join(':')}, or none`
    throw notImplemented('ciphers', advice)
  }
  if (older.some((name) => /@SECLEVEL=0$/i.test(name))) {
    throw notImplemented('ciphers', 'with "@SECLEVEL=0", which would allow TLS before 1.2; "@SECLEVEL=1" is the least')
  }
  if (ssl.minVersion === 'TLSv1.3' || (newer.length > 0 && older.length === 0)) return NO_TLS_1_2
  return older.length > 0 ? older.join(':') : undefined
}

/** @param {any} ssl */
function isVerifying(ssl) {
  return ssl.rejectUnauthorized === undefined || ssl.rejectUnauthorized === null
    ? process.env.NODE_TLS_REJECT_UNAUTHORIZED !== '0' // as Node does
    : ssl.rejectUnauthorized !== false
}

/**
 * @param {any} given `true` or an object
 * @param {any} native
 * @returns {Record<string, string>}
 */
function tlsProperties(given, native) {
  const ssl = given === true ? {} : given
  if (typeof ssl !== 'object' || Array.isArray(ssl)) {
    throw new KafkaJSNonRetriableError('Option "ssl" must be true, false or an object such as { ca, cert, key }')
  }
  for (const [name, advice] of Object.entries(REFUSED)) {
    if (ssl[name] !== undefined && ssl[name] !== null && ssl[name] !== false) throw notImplemented(name, advice)
  }
  checkVersions(ssl)
  const pfx = ssl.pfx ? readPfx(ssl, native) : { chain: [] }
  /** @type {Record<string, string>} */
  const properties = { 'ssl.ca.pem': [ssl.ca ? pem('ca', ssl.ca) : nodeRoots(), ...pfx.chain].join('\n') }
  const key = pfx.key ? { pem: pfx.key } : readKey(ssl)
  const cert = pfx.key ? [pfx.cert, ...pfx.chain].join('\n') : ssl.cert && pem('cert', ssl.cert)
  if (cert) properties['ssl.certificate.pem'] = cert
  if (key) properties['ssl.key.pem'] = key.pem
  if (key && key.passphrase) properties['ssl.key.password'] = String(key.passphrase)
  const ciphers = ciphersOf(ssl)
  if (ciphers) properties['ssl.cipher.suites'] = ciphers
  if (ssl.sigalgs) properties['ssl.sigalgs.list'] = String(ssl.sigalgs)
  if (ssl.ecdhCurve && ssl.ecdhCurve !== 'auto') properties['ssl.curves.list'] = String(ssl.ecdhCurve)
  if (!isVerifying(ssl)) {
    properties['enable.ssl.certificate.verification'] = 'false'
    properties['ssl.endpoint.identification.algorithm'] = 'none'
  } else if (ssl.servername) {
    if (typeof ssl.servername !== 'string') {
      throw new KafkaJSNonRetriableError('Option "ssl.servername" must be a string, the name in the certificates')
    }
    properties['ssl.endpoint.identification.algorithm'] = 'none'
    properties[SERVER_NAME] = ssl.servername.replace(/\.$/, '')
  }
  return properties
}

module.exports = { tlsProperties, NO_TLS_1_2, SERVER_NAME }
