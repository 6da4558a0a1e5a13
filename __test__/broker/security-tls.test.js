'use strict'

// The option `ssl`, on listeners of Apache Kafka that speak TLS.

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const path = require('node:path')
const tls = require('node:tls')
const { after, before, test } = require('node:test')
const kafkajs = require('kafkajs')
const { RETRY, collect, connectConsumer, connectProducer, createTopic, grown, kafkaOf } = require('../helpers/clients')
const { pkcs12 } = require('../helpers/certificates')
const { startSecureBroker } = require('../helpers/secure-broker')
const { within } = require('../helpers/wait')

/** @typedef {import('node:test').TestContext} TestContext */

const PASSPHRASE = 'the passphrase'
/** For what does not get better by waiting, and is only known when there was an attempt more. */
const IMPATIENT = { ...RETRY, retries: 1 }

/** @type {import('../helpers/secure-broker').SecureBroker} */
let secure
before(async () => {
  secure = await startSecureBroker()
})
after(() => secure && secure.broker.stop())

const brokers = (/** @type {string} */ listener) => secure.broker.address(listener).split(',')
/** @param {string} listener @param {any} ssl @param {object} [retry] */
const kafkaWith = (listener, ssl, retry = RETRY) => kafkaOf(brokers(listener), { ssl, retry })

/** The three kinds of clients. @param {any} kafka */
const clientsOf = (kafka) => [kafka.producer(), kafka.consumer({ groupId: 'group' }), kafka.admin()]

/** Every kind of client connects. @param {string} listener @param {any} ssl */
async function connects(listener, ssl) {
  await Promise.all(clientsOf(kafkaWith(listener, ssl)).map(async (client) => {
    try {
      await within(client.connect(), 'a client to connect')
    } finally {
      await client.disconnect()
    }
  }))
}

/**
 * No kind of client connects, and each says why by a KafkaJSNumberOfRetriesExceeded like kafkajs.
 * @param {string} listener
 * @param {any} ssl
 * @param {{ code: string, message: RegExp, name?: string, own?: boolean, retry?: object }} expected
 *   own: kafkajs has another code
 */
async function refuses(listener, ssl, { code, message, name = 'KafkaJSConnectionError', own = false, retry }) {
  await Promise.all(clientsOf(kafkaWith(listener, ssl, retry)).map(async (client) => {
    await assert.rejects(within(client.connect(), 'connect() to settle'), (/** @type {any} */ error) => {
      assert.equal(error.name, 'KafkaJSNumberOfRetriesExceeded')
      assert.equal(error.retriable, false)
      assert.match(error.message, message)
      assert.equal(error.cause.name, name)
      assert.equal(error.cause.code, code)
      assert.equal(error.cause.broker, brokers(listener)[0])
      return true
    })
    await client.disconnect()
  }))
  const theirs = new kafkajs.Kafka({
    brokers: brokers(listener),
    ssl,
    retry: IMPATIENT,
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin()
  await assert.rejects(theirs.connect(), (/** @type {any} */ error) => {
    assert.equal(error.name, 'KafkaJSNumberOfRetriesExceeded')
    assert.equal(error.cause.name, name)
    if (!own) assert.equal(error.cause.code, code)
    return true
  })
  await theirs.disconnect()
}

test('messages go out and come in over TLS with a client certificate', async (t) => {
  const { ca, client } = secure.identities
  const kafka = kafkaWith('MUTUAL', { ca: [ca.cert], cert: client.cert, key: client.pem })
  const topic = await createTopic(t, kafka)
  const producer = await connectProducer(t, kafka)
  await producer.send({ topic, messages: [{ value: 'over TLS' }] })
  const received = await collect(await connectConsumer(t, kafka, { topic }))
  await grown(received, 1)
  assert.equal(received[0].value, 'over TLS')
})

test('certificates and keys may be strings, Buffers and arrays, and the key encrypted', async () => {
  const { ca, client, stranger } = secure.identities
  const encrypted = client.key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: PASSPHRASE })
  const cert = Buffer.from(client.cert)
  await connects('MUTUAL', { ca: [stranger.cert, Buffer.from(ca.cert)], cert: [cert], key: [Buffer.from(client.pem)] })
  await connects('MUTUAL', { ca: Buffer.from(ca.cert), cert, key: encrypted, passphrase: PASSPHRASE })
  await connects('MUTUAL', { ca: ca.cert, cert, key: [{ pem: encrypted, passphrase: PASSPHRASE }] })
})

test('pfx is a client certificate, and its other certificates are trusted', async () => {
  const { ca, client } = secure.identities
  const pfx = pkcs12(client, PASSPHRASE, [ca])
  await connects('MUTUAL', { pfx, passphrase: PASSPHRASE })
  await connects('MUTUAL', { pfx: [{ buf: pfx, passphrase: PASSPHRASE }] })
  await connects('MUTUAL', { ca: ca.cert, pfx: pkcs12(client, PASSPHRASE), passphrase: PASSPHRASE })
})

test('a pfx that cannot be opened is refused by new Kafka(), without its passphrase', () => {
  const pfx = pkcs12(secure.identities.client, PASSPHRASE)
  const passphrase = 'not this'
  for (const ssl of [{ pfx, passphrase }, { pfx }, { pfx: Buffer.from('rubbish'), passphrase }]) {
    assert.throws(() => kafkaWith('MUTUAL', ssl), (/** @type {any} */ error) => {
      assert.equal(error.name, 'KafkaJSNonRetriableError')
      assert.match(error.message, /"ssl\.pfx" cannot be read \((mac verify failure|not a PKCS#12 file)\)/)
      assert.doesNotMatch(error.message, /not this/)
      return true
    })
  }
})

test('a broker of an unknown authority is refused', async () => {
  const message = /^Connection error: self-signed certificate in certificate chain$/
  const expected = { code: 'SELF_SIGNED_CERT_IN_CHAIN', message }
  await refuses('TLS', { ca: secure.identities.stranger.cert }, expected)
  await refuses('TLS', true, expected)
})

test('a broker whose certificate is for another host is refused', async () => {
  const { ca } = secure.identities
  const message = /^Connection error: Hostname\/IP does not match certificate's altnames: IP address mismatch$/
  await refuses('ELSEWHERE', { ca: ca.cert }, { code: 'ERR_TLS_CERT_ALTNAME_INVALID', message })
})

test('a broker whose certificate has expired is refused', async () => {
  const message = /^Connection error: certificate has expired$/
  await refuses('EXPIRED', { ca: secure.identities.ca.cert }, { code: 'CERT_HAS_EXPIRED', message })
})

test('rejectUnauthorized: false takes any certificate', async () => {
  await connects('ELSEWHERE', { rejectUnauthorized: false })
  await connects('EXPIRED', { rejectUnauthorized: false, servername: 'other.test' })
})

test('servername is the name that the certificate has to be for', async () => {
  const { ca, stranger } = secure.identities
  for (const servername of ['broker.test', 'BROKER.test', 'any.wild.test', '10.1.2.3']) {
    await connects('ELSEWHERE', { ca: ca.cert, servername })
  }
  const code = 'ERR_TLS_CERT_ALTNAME_INVALID'
  for (const servername of ['other.test', 'a.b.wild.test', 'wild.test']) {
    const message = new RegExp(`it is not for ${servername}$`)
    await refuses('ELSEWHERE', { ca: ca.cert, servername }, { code, message })
  }
  // The right name of a certificate that nobody vouches for is worth nothing.
  await refuses('ELSEWHERE', { ca: stranger.cert, servername: 'broker.test' }, {
    code: 'SELF_SIGNED_CERT_IN_CHAIN',
    message: /self-signed/,
  })
  await refuses('EXPIRED', { ca: ca.cert, servername: 'localhost' }, { code: 'CERT_HAS_EXPIRED', message: /expired/ })
})

test('minVersion TLSv1.3 leaves nothing older to be agreed on', async () => {
  const { ca } = secure.identities
  await connects('TLS13', { ca: ca.cert, minVersion: 'TLSv1.3' })
  await connects('TLS', { ca: ca.cert, minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' })
  const ciphers = 'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256'
  await connects('TLS13', { ca: ca.cert, ciphers })
  await refuses('TLS12', { ca: ca.cert, minVersion: 'TLSv1.3' }, {
    code: 'EPROTO',
    own: true,
    message: /no version or cipher of TLS in common/,
  })
})

test('minVersion TLSv1.2 takes both versions', async () => {
  const { ca } = secure.identities
  for (const listener of ['TLS12', 'TLS13']) await connects(listener, { ca: ca.cert, minVersion: 'TLSv1.2' })
  await connects('TLS12', { ca: ca.cert, minVersion: 'TLSv1', ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' })
})

test('TLS before 1.2 is not agreed on, whatever minVersion says', async (t) => {
  const { ca, broker } = secure.identities
  let agreed = 0
  const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' }
  const server = tls.createServer(/** @type {any} */ ({ ...old, cert: broker.cert, key: broker.pem }), (socket) => {
    agreed++
    socket.on('error', () => {}).destroy()
  })
  server.on('tlsClientError', () => {}).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const address = `127.0.0.1:${/** @type {any} */ (server.address()).port}`
  const ssl = { ca: ca.cert, minVersion: 'TLSv1' }
  const admin = kafkaOf(address, { ssl, retry: IMPATIENT }).admin()
  await assert.rejects(admin.connect(), (/** @type {any} */ error) => error.cause.code === 'EPROTO')
  await admin.disconnect()
  assert.equal(agreed, 0)
  // The same by a property for those who must: the server can do it.
  const rdkafka = { 'ssl.cipher.suites': 'ALL@SECLEVEL=0' }
  const lax = kafkaOf(address, { ssl, retry: { retries: 0 }, rdkafka }).admin()
  await assert.rejects(lax.connect())
  await lax.disconnect()
  assert.ok(agreed > 0)
})

test('a missing client certificate is what the error says', async () => {
  await refuses('MUTUAL', { ca: secure.identities.ca.cert }, {
    code: 'EPROTO',
    own: true,
    message: /the broker wants a client certificate that it trusts, see the options "ssl\.cert" and "ssl\.key"$/,
  })
})

test('a client without TLS on a listener with TLS says so, and the other way round', async () => {
  await refuses('TLS', false, {
    name: 'KafkaJSConnectionClosedError',
    code: 'ECONNRESET',
    own: true,
    retry: IMPATIENT,
    message: /^Closed connection: .* hangs up; it may want TLS, see the option "ssl"$/,
  })
  const ssl = { ca: secure.identities.ca.cert }
  const admin = kafkaOf(secure.broker.bootstrapServers, { ssl, retry: IMPATIENT }).admin()
  await assert.rejects(admin.connect(), (/** @type {any} */ error) => {
    assert.equal(error.name, 'KafkaJSNumberOfRetriesExceeded')
    assert.equal(error.cause.name, 'KafkaJSConnectionError')
    assert.equal(error.cause.code, 'ECONNRESET')
    assert.match(error.message, /the listener may speak no TLS, see the option "ssl"$/)
    return true
  })
  await admin.disconnect()
})

test('ssl: true trusts what NODE_EXTRA_CA_CERTS adds', () => {
  const file = path.join(secure.broker.folder, 'extra.pem')
  fs.writeFileSync(file, secure.identities.ca.cert)
  const program = `
    const { Kafka } = require(${JSON.stringify(path.join(__dirname, '..', '..'))})
    const admin = new Kafka({ brokers: ${JSON.stringify(brokers('TLS'))}, ssl: true, logLevel: 0 }).admin()
    admin.connect().then(() => admin.disconnect()).then(() => console.log('connected'))`
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', program], {
    encoding: 'utf8',
    env: { ...process.env, NODE_EXTRA_CA_CERTS: file },
  })
  assert.equal(stderr, '')
  assert.equal(stdout.trim(), 'connected')
})
