'use strict'

// What becomes of `ssl` and `sasl`. Against brokers: __test__/broker/security-*.test.js.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { constants } = require('node:crypto')
const { test } = require('node:test')
const tls = require('node:tls')
const { kafkaOptions, producerOptions } = require('../../lib/kafkajs/options')
const { NO_TLS_1_2, SERVER_NAME } = require('../../lib/kafkajs/tls')
const { readToken, withoutToken, TokenProvider, TokenSupply } = require('../../lib/kafkajs/token')
const { fromNative } = require('../../lib/errors')
const { deferred } = require('../helpers/clients')
const { fakeNative } = require('../helpers/fake-native')
const { waitFor } = require('../helpers/wait')

/** @type {any} */
const native = {
  ...fakeNative(),
  readPkcs12: (/** @type {Buffer} */ bytes, /** @type {string | undefined} */ passphrase) => {
    const [key, cert, ...chain] = bytes.toString().split(',')
    if (passphrase !== 'p') throw { code: -186, name: 'ERR__INVALID_ARG', message: 'mac verify failure' }
    return { key: key || undefined, cert: cert || undefined, chain }
  },
}
/** @param {any} config */
const kafka = (config) => kafkaOptions({ brokers: ['a:1'], ...config }, native)
/** @param {any} ssl */
const secured = (ssl) => kafka({ ssl }).properties

/** @param {Record<string, string>} properties @param {Record<string, string | undefined>} expected */
function has(properties, expected) {
  assert.deepEqual(Object.fromEntries(Object.keys(expected).map((name) => [name, properties[name]])), expected)
}

/** @param {string} text */
const pem = (text) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----`
const CA = pem('ca')

/** @param {string} name @param {string | undefined} value @param {() => void} run */
function withEnvironment(name, value, run) {
  const before = process.env[name]
  if (value === undefined) delete process.env[name]
  else process.env[name] = value
  try {
    run()
  } finally {
    if (before === undefined) delete process.env[name]
    else process.env[name] = before
  }
}

test('ssl: true trusts what Node trusts, NODE_EXTRA_CA_CERTS included', (t) => {
  const own = /** @type {any} */ (tls)
  const trusted = typeof own.getCACertificates === 'function' ? own.getCACertificates('default') : tls.rootCertificates
  has(secured(true), { 'security.protocol': 'ssl' })
  for (const root of trusted) assert.ok(secured(true)['ssl.ca.pem'].includes(root))
  assert.ok(secured({})['ssl.ca.pem'].includes(trusted[0]))
  assert.ok(!secured({ ca: CA })['ssl.ca.pem'].includes(trusted[0]))
  if (typeof own.getCACertificates === 'function') return
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'kafka-oxide-extra-'))
  t.after(() => fs.rmSync(folder, { recursive: true }))
  const file = path.join(folder, 'extra.pem')
  fs.writeFileSync(file, pem('extra'))
  withEnvironment('NODE_EXTRA_CA_CERTS', file, () => assert.ok(secured(true)['ssl.ca.pem'].endsWith(pem('extra'))))
  // Node has warned of it when it started.
  withEnvironment('NODE_EXTRA_CA_CERTS', `${file}.absent`, () => assert.ok(secured(true)['ssl.ca.pem']))
})

test('certificates, key and passphrase are given to librdkafka as PEM', () => {
  const [cert, key] = [pem('cert'), pem('key')]
  const expected = {
    'ssl.ca.pem': `${CA}\n${CA}`,
    'ssl.certificate.pem': cert,
    'ssl.key.pem': key,
    'ssl.key.password': 'p',
    'enable.ssl.certificate.verification': undefined,
    'ssl.endpoint.identification.algorithm': undefined,
  }
  has(secured({ ca: [CA, Buffer.from(CA)], cert, key: Buffer.from(key), passphrase: 'p' }), expected)
  has(secured({ ca: [CA, CA], cert: [cert], key: [{ pem: key, passphrase: 'p' }], passphrase: 'other' }), expected)
})

test('pfx becomes a certificate, a key and certificates that are trusted', () => {
  const [key, cert, more] = [pem('key'), pem('cert'), pem('more')]
  const pfx = Buffer.from([key, cert, more].join())
  const expected = {
    'ssl.ca.pem': `${CA}\n${more}`,
    'ssl.certificate.pem': `${cert}\n${more}`,
    'ssl.key.pem': key,
    'ssl.key.password': undefined,
  }
  has(secured({ ca: CA, pfx, passphrase: 'p' }), expected)
  has(secured({ ca: CA, pfx: [{ buf: pfx, passphrase: 'p' }], passphrase: 'other' }), expected)
  const refused = { name: 'KafkaJSNonRetriableError', message: /mac verify failure/ }
  assert.throws(() => secured({ pfx, passphrase: 'wrong' }), refused)
  assert.throws(() => secured({ pfx: {}, passphrase: 'p' }), /must be a PKCS#12 file as a Buffer/)
  assert.throws(() => secured({ pfx: [pfx, pfx], passphrase: 'p' }), { name: 'KafkaJSNotImplemented' })
})

test('servername is checked by us, the host name then by nobody', () => {
  const checked = { [SERVER_NAME]: 'broker.test', 'ssl.endpoint.identification.algorithm': 'none' }
  has(secured({ ca: CA, servername: 'broker.test' }), { ...checked, 'enable.ssl.certificate.verification': undefined })
  has(secured({ ca: CA, servername: 'broker.test.' }), checked)
  const usual = { [SERVER_NAME]: undefined, 'ssl.endpoint.identification.algorithm': undefined }
  has(secured({ ca: CA, servername: '' }), usual)
  assert.throws(() => secured({ servername: 5 }), { name: 'KafkaJSNonRetriableError' })
})

test('rejectUnauthorized: false and NODE_TLS_REJECT_UNAUTHORIZED=0 check nothing', () => {
  const unchecked = {
    'enable.ssl.certificate.verification': 'false',
    'ssl.endpoint.identification.algorithm': 'none',
    [SERVER_NAME]: undefined,
  }
  const checked = { 'enable.ssl.certificate.verification': undefined }
  withEnvironment('NODE_TLS_REJECT_UNAUTHORIZED', undefined, () => {
    has(secured({ rejectUnauthorized: false, servername: 'x' }), unchecked)
    has(secured({ rejectUnauthorized: true }), checked)
    has(secured(true), checked)
  })
  withEnvironment('NODE_TLS_REJECT_UNAUTHORIZED', '0', () => {
    has(secured(true), unchecked)
    has(secured({ rejectUnauthorized: true }), checked)
  })
})

test('versions and ciphers', () => {
  const ciphers = (/** @type {any} */ ssl) => secured({ ca: CA, ...ssl })['ssl.cipher.suites']
  const all = 'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256'
  for (const minVersion of ['TLSv1', 'TLSv1.1', 'TLSv1.2', undefined]) assert.equal(ciphers({ minVersion }), undefined)
  const newest = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }
  assert.equal(ciphers(newest), NO_TLS_1_2)
  assert.equal(ciphers({ ciphers: all }), NO_TLS_1_2)
  assert.equal(ciphers({ ciphers: `${all}:HIGH:!aNULL` }), 'HIGH:!aNULL')
  has(secured({ ca: CA, sigalgs: 'ECDSA+SHA256', ecdhCurve: 'P-256' }), {
    'ssl.sigalgs.list': 'ECDSA+SHA256',
    'ssl.curves.list': 'P-256',
  })
  assert.equal(ciphers({ secureProtocol: 'TLS_method', secureOptions: constants.SSL_OP_NO_TLSv1 }), undefined)
  assert.throws(() => secured({ minVersion: 'TLSv9' }), { name: 'KafkaJSNonRetriableError', message: /"TLSv1\.3"/ })
  const both = { ssl: { minVersion: 'TLSv1.3' }, rdkafka: { 'ssl.cipher.suites': 'HIGH' } }
  const real = { ...native, properties: () => ({ 'ssl.cipher.suites': '' }) }
  const options = kafkaOptions({ brokers: ['a:1'], ...both }, real)
  assert.throws(() => producerOptions(options, {}, real), /cannot be given together/)
})

test('what the native client cannot do is refused, not left out', () => {
  const PEM = pem('key')
  const refused = [
    { checkServerIdentity: () => undefined },
    { secureContext: {} },
    { ALPNProtocols: ['kafka'] },
    { crl: PEM },
    { pskCallback: () => null },
    { allowPartialTrustChain: true },
    { host: 'other' },
    { socket: {} },
    { maxVersion: 'TLSv1.2' },
    { secureProtocol: 'TLSv1_2_method' },
    { secureOptions: constants.SSL_OP_NO_TLSv1_3 },
    { ciphers: 'TLS_AES_256_GCM_SHA384' },
    { ciphers: 'DEFAULT@SECLEVEL=0' },
    { key: [PEM, PEM] },
  ]
  for (const ssl of refused) {
    const message = new RegExp(`^Option "ssl\\.${Object.keys(ssl)[0]}" is not implemented: .{10}`)
    assert.throws(() => secured(ssl), { name: 'KafkaJSNotImplemented', message }, JSON.stringify(ssl))
  }
  const sasls = [
    { mechanism: 'aws', authorizationIdentity: 'a', accessKeyId: 'b', secretAccessKey: 'c' },
    { mechanism: 'mine', authenticationProvider: () => ({}) },
    { mechanism: 'plain', authenticationProvider: () => ({}) },
    { mechanism: 'gssapi' },
    { mechanism: 'plain', username: 'u', password: 'p', authorizationIdentity: 'another' },
  ]
  for (const sasl of sasls) {
    const refusal = { name: 'KafkaJSNotImplemented', message: /is not implemented: .{10}/ }
    assert.throws(() => kafka({ sasl }), refusal, JSON.stringify(sasl))
  }
})

test('what is wrong is refused with what to write instead', () => {
  for (const [config, message] of /** @type {[any, RegExp][]} */ ([
    [{ ssl: 'yes' }, /must be true, false or an object/],
    [{ ssl: { ca: '/path/ca.pem' } }, /must be PEM text/],
    [{ ssl: { ca: [] } }, /"ssl\.ca" is an empty array: leave it out/],
    [{ sasl: 'plain' }, /must be an object such as/],
    [{ sasl: { mechanism: 'plain', username: 'u' } }, /"sasl\.password" must be a string/],
    [{ sasl: { mechanism: 'oauthbearer' } }, /Missing OAuth bearer token provider/],
  ])) {
    assert.throws(() => kafka(config), { name: 'KafkaJSNonRetriableError', message }, JSON.stringify(config))
  }
})

test('user and password become properties, by mechanism', () => {
  has(kafka({ sasl: { mechanism: 'plain', username: 'u', password: 'p', authorizationIdentity: 'u' } }).properties, {
    'security.protocol': 'sasl_plaintext',
    'sasl.mechanism': 'PLAIN',
    'sasl.username': 'u',
    'sasl.password': 'p',
  })
  has(kafka({ ssl: true, sasl: { mechanism: 'SCRAM-sha-512', username: 'u', password: 'p' } }).properties, {
    'security.protocol': 'sasl_ssl',
    'sasl.mechanism': 'SCRAM-SHA-512',
  })
})

// -- tokens

const NOW = 1_700_000_000_000
/** @param {any} claims */
const jwt = (claims) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`

test('a JWT says itself how long it is good and whose it is', () => {
  const value = jwt({ exp: NOW / 1000 + 60.5, sub: 'me' })
  assert.deepEqual(readToken({ value }, NOW), { value, expires: NOW + 60_500, principal: 'me', extensions: [] })
})

test('of any other token this is supposed', () => {
  for (const value of ['opaque', 'a.b.c', jwt(5), jwt({ exp: 'tomorrow', sub: '' })]) {
    const expected = { value, expires: NOW + 300_000, principal: 'kafka-oxide', extensions: [] }
    assert.deepEqual(readToken({ value }, NOW), expected)
  }
  assert.ok(readToken({ value: jwt({ exp: 1e300 }) }, NOW).expires < 1e13)
})

test('extensions are names and values', () => {
  assert.deepEqual(readToken({ value: 'v', extensions: { a: 'b c', d: '' } }, NOW).extensions, ['a', 'b c', 'd', ''])
  for (const extensions of ['x', { auth: 'x' }, { 'a-b': 'x' }, { a: 5 }, { a: 'é' }]) {
    assert.throws(() => readToken({ value: 'v', extensions }, NOW), { name: 'KafkaJSSASLAuthenticationError' })
  }
})

test('what is no token is refused, in words that do not hold it', () => {
  const expired = jwt({ exp: NOW / 1000 - 1 })
  const values = ['', 5, 'sec\u0001ret', expired].map((value) => ({ value }))
  for (const given of [undefined, null, 'text', {}, ...values]) {
    assert.throws(() => readToken(given, NOW), (/** @type {any} */ error) => {
      assert.equal(error.name, 'KafkaJSSASLAuthenticationError')
      assert.match(error.message, /^SASL OAUTHBEARER: Invalid OAuth bearer token: /)
      assert.doesNotMatch(error.message, /ret$|e30/)
      return true
    })
  }
  assert.equal(withoutToken('bad token eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.sig!'), 'bad token [token]!')
})

/** A supply for a native client that notes what it is told. @param {() => any} provide @param {number} [timeout] */
function supplyOf(provide, timeout = 10_000) {
  /** @type {any[]} */
  const told = []
  /** @type {string[]} */
  const log = []
  const client = {
    setToken: async (/** @type {any} */ token) => { told.push(typeof token === 'string' ? token : token.value) },
  }
  const state = { client: /** @type {any} */ (client) }
  const tokens = new TokenProvider(provide, timeout)
  const supply = new TokenSupply({ tokens, native: () => state.client, log: (message) => log.push(message) })
  return { supply, told, log, state }
}

test('a provider that is thinking is not asked a second time', async () => {
  let asked = 0
  const { supply, told } = supplyOf(async () => ({ value: `t${asked++}` }))
  supply.ask()
  supply.ask()
  await waitFor(() => told.length === 1)
  supply.ask()
  await waitFor(() => told.length === 2)
  assert.deepEqual(told, ['t0', 't1'])
})

test('a token that comes too late is taken all the same', async () => {
  const answer = deferred()
  const { supply, told, log } = supplyOf(() => answer.promise, 1)
  supply.ask()
  await waitFor(() => told.length === 1)
  answer.resolve({ value: 'late' })
  await waitFor(() => told.length === 2)
  const failure = 'SASL OAUTHBEARER authentication failed: oauthBearerProvider gave no token within 1 ms'
  assert.deepEqual(told, [failure, 'late'])
  assert.deepEqual(log, [failure])
})

test('a client that is closed meanwhile is told nothing', async () => {
  for (const outcome of ['resolve', 'reject']) {
    const answer = /** @type {any} */ (deferred())
    const { supply, told, log, state } = supplyOf(() => answer.promise)
    supply.ask()
    state.client = undefined
    answer[outcome]({ value: 'v' })
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual([told, log], [[], []])
  }
})

test('a token that librdkafka does not take is a failure that is logged', async () => {
  const { supply, log, state } = supplyOf(async () => ({ value: 'v' }))
  /** @type {any[]} */
  const told = []
  state.client = {
    setToken: async (/** @type {any} */ token) => {
      told.push(token)
      if (typeof token !== 'string') throw { message: 'not that one' }
    },
  }
  supply.ask()
  await waitFor(() => told.length === 2)
  assert.equal(told[1], 'not that one')
  assert.deepEqual(log, ['The token of oauthBearerProvider is refused: not that one'])
})

test('while a client works, a refused token is replaced, and only when that is refused too it is told', async (t) => {
  let now = 1_700_000_000_000
  t.mock.method(Date, 'now', () => now)
  const { supply, told } = supplyOf(async () => ({ value: 'v' }))
  const refused = () => supply.lasts({ message: 'SASL authentication error: revoked' })
  const replaced = async () => {
    const before = told.length
    for (let turns = 0; told.length === before && turns < 100; turns++) await new Promise(setImmediate)
    assert.equal(told.length, before + 1)
  }
  supply.ask()
  await replaced()
  now += 5000
  assert.equal(supply.lasts({ message: 'Failed to acquire SASL OAUTHBEARER token: x' }), false)
  // By two connections, the second a little later.
  assert.equal(refused(), false)
  await replaced()
  now += 100
  assert.equal(refused(), false)
  await replaced()
  // The new one as well.
  now += 5000
  assert.equal(refused(), true)
  await replaced()
  // One that ran out, and one refused long after.
  now += 300_000
  assert.equal(refused(), false)
  await replaced()
  now += 5000
  assert.equal(refused(), false)
})

// -- what brokers say

test('librdkafka on TLS and SASL, in the words and with the codes of kafkajs', () => {
  const error = (/** @type {number} */ code, /** @type {string} */ message, mechanism = 'SCRAM-SHA-256') =>
    /** @type {any} */ (fromNative({ code, name: 'ERR', message }, { mechanism }))
  for (const [reason, code] of [
    ['hostname mismatch: it is not for a.b', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['IP address mismatch', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['certificate has expired', 'CERT_HAS_EXPIRED'],
    ['self-signed certificate', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['unable to get local issuer certificate', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
    ['something else', 'EPROTO'],
  ]) {
    const failure = 'ssl://h:9093/1: SSL handshake failed: error:0A000086:SSL routines::certificate verify failed'
    const made = error(-181, `${failure}: ${reason}`)
    assert.deepEqual([made.name, made.code, made.broker], ['KafkaJSConnectionError', code, 'h:9093'])
    assert.ok(made.message.endsWith(reason))
  }
  // Of a request, not of a connection.
  const cut = error(-169, 'Local: Authentication failure')
  assert.deepEqual([cut.name, cut.retriable], ['KafkaJSConnectionError', true])
  const said = 'SASL authentication error: Bad (very) credentials (after 5ms in state AUTH_REQ)'
  const refused = error(-169, `sasl_plaintext://h:1/1: ${said}`)
  assert.equal(refused.message, 'SASL SCRAM SHA256 authentication failed: Bad (very) credentials')
  const handshake =
    'h:1/1: SASL X mechanism handshake failed: Broker: Unsupported SASL mechanism: ' +
    "broker's supported mechanisms: PLAIN,Y (after 0ms)"
  const expected = /^SASL X mechanism is not supported by the server, which supports PLAIN, Y$/
  assert.match(error(-169, handshake).message, expected)
})

// Making text of it threw where nobody caught it, which ends the process.
test('a provider may reject with what has no text', async () => {
  const failure = new Promise((resolve, reject) =>
    new TokenProvider(async () => { throw Object.create(null) }, 60_000).ask(reject, resolve))
  assert.match(/** @type {Error} */ (await failure).message, /object/i)
})
