'use strict'

// The option `sasl`, on listeners of Apache Kafka that demand it.

const assert = require('node:assert/strict')
const { after, before, test } = require('node:test')
const kafkajs = require('kafkajs')
const { logLevel } = require('../..')
const { RETRY, collect, connectConsumer, connectProducer, createTopic, grown, kafkaOf } = require('../helpers/clients')
const { startSecureBroker, token, USERS, REAUTHENTICATION } = require('../helpers/secure-broker')
const { waitFor, within } = require('../helpers/wait')

/** @typedef {import('node:test').TestContext} TestContext */

const [username, password] = Object.entries(USERS)[0]
const PASSWORD_MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512']

/** @type {import('../helpers/secure-broker').SecureBroker} */
let secure
before(async () => {
  secure = await startSecureBroker()
})
after(() => secure && secure.broker.stop())

const brokers = (/** @type {string} */ listener) => secure.broker.address(listener).split(',')
/** @param {string} listener @param {any} sasl @param {object} [more] */
const kafkaWith = (listener, sasl, more = {}) => kafkaOf(brokers(listener), { sasl, ...more })
/** The three kinds of clients. @param {any} kafka */
const clientsOf = (kafka) => [kafka.producer(), kafka.consumer({ groupId: 'group' }), kafka.admin()]
/** @param {() => any} oauthBearerProvider */
const bearer = (oauthBearerProvider) => ({ mechanism: 'oauthbearer', oauthBearerProvider })

/** A message goes out and comes in. @param {TestContext} t @param {any} kafka */
async function roundTrip(t, kafka) {
  const topic = await createTopic(t, kafka)
  const producer = await connectProducer(t, kafka)
  await producer.send({ topic, messages: [{ value: 'by name' }] })
  const received = await collect(await connectConsumer(t, kafka, { topic }))
  await grown(received, 1)
  assert.equal(received[0].value, 'by name')
}

/**
 * No kind of client connects, with much patience, and each says why at once.
 * @param {any} kafka
 * @param {(error: any) => void} check
 */
async function refuses(kafka, check) {
  await Promise.all(clientsOf(kafka).map(async (client) => {
    await assert.rejects(within(client.connect(), 'connect() to settle', 30_000), (/** @type {any} */ error) => {
      assert.equal(error.name, 'KafkaJSSASLAuthenticationError')
      assert.equal(error.retriable, false)
      check(error)
      return true
    })
    await client.disconnect()
  }))
}

/** An hour of attempts: who waits for them does not settle in time. */
const PATIENT = { retries: 120, initialRetryTime: 30_000, maxRetryTime: 30_000 }

for (const mechanism of PASSWORD_MECHANISMS) {
  test(`${mechanism} authenticates`, async (t) => {
    await roundTrip(t, kafkaWith('SASL', { mechanism: mechanism.toUpperCase(), username, password }))
  })

  test(`${mechanism} over TLS authenticates`, async () => {
    const ssl = { ca: secure.identities.ca.cert }
    const admin = kafkaWith('SASL_TLS', { mechanism, username, password }, { ssl }).admin()
    await admin.connect()
    await admin.disconnect()
  })

  test(`${mechanism} with a wrong password rejects at once, in kafkajs's words`, async () => {
    const sasl = { mechanism, username, password: 'a wrong one' }
    // A copy, because kafkajs changes it.
    const own = /** @type {any} */ ({ ...sasl })
    const theirs = new kafkajs.Kafka({ brokers: brokers('SASL'), sasl: own, logLevel: 0 }).admin()
    /** @type {any} */
    const expected = await theirs.connect().then(() => assert.fail('kafkajs connected'), (error) => error)
    await theirs.disconnect()
    await refuses(kafkaWith('SASL', sasl, { retry: PATIENT }), (error) => {
      assert.equal(error.name, expected.name)
      assert.equal(error.message, expected.message)
    })
  })
}

test('a mechanism that the broker does not have rejects and names those that it has', async () => {
  const scram = { mechanism: 'scram-sha-256', username, password }
  await refuses(kafkaWith('ONLYPLAIN', scram, { retry: PATIENT }), (error) => {
    assert.match(error.message, /^SASL SCRAM-SHA-256 mechanism is not supported by the server, which supports PLAIN$/)
    assert.equal(error.code, 33)
    assert.equal(error.type, 'UNSUPPORTED_SASL_MECHANISM')
  })
  await refuses(kafkaWith('ONLYPLAIN', bearer(async () => ({ value: token() })), { retry: PATIENT }), (error) => {
    assert.match(error.message, /^SASL OAUTHBEARER mechanism is not supported by the server/)
  })
})

test('a client without SASL on a listener that demands it says so', async () => {
  const admin = kafkaWith('SASL', undefined, { retry: { ...RETRY, retries: 1 } }).admin()
  await assert.rejects(admin.connect(), (/** @type {any} */ error) => {
    assert.equal(error.cause.name, 'KafkaJSConnectionClosedError')
    assert.equal(error.cause.broker, brokers('SASL')[0])
    assert.match(error.message, /it may want SASL, see the option "sasl"$/)
    return true
  })
  await admin.disconnect()
})

test('oauthBearerProvider authenticates, with and without TLS, also when it is not async', async (t) => {
  await roundTrip(t, kafkaWith('SASL', bearer(() => ({ value: token(), extensions: { traceId: 'one two' } }))))
  const ssl = { ca: secure.identities.ca.cert }
  const admin = kafkaWith('SASL_TLS', bearer(async () => ({ value: token() })), { ssl }).admin()
  await admin.connect()
  await admin.disconnect()
})

test('connections authenticate anew while they work, by password and by token', async (t) => {
  /** @type {string[]} */
  const trouble = []
  const logCreator = () => (/** @type {any} */ { log }) => { trouble.push(log.message) }
  const more = { logLevel: logLevel.WARN, logCreator }
  const kafkas = [
    kafkaWith('REAUTH', bearer(async () => ({ value: token() })), more),
    kafkaWith('REAUTH', { mechanism: 'plain', username, password }, more),
  ]
  // What lives longer than the broker lets it has authenticated anew: else the broker would have ended the connection.
  await Promise.all(kafkas.map((kafka) => worksFor(t, kafka, 2.5 * REAUTHENTICATION)))
  assert.deepEqual(trouble, [])
})

test('tokens are asked for again before they expire, and nothing is lost', async (t) => {
  let asked = 0
  const kafka = kafkaWith('REAUTH', bearer(async () => ({ value: token({ seconds: 3, number: asked++ }) })))
  await worksFor(t, kafka, 2 * REAUTHENTICATION, () => asked >= 6)
})

/**
 * Sends and reads all the time.
 * @param {TestContext} t
 * @param {any} kafka
 * @param {number} ms  at least
 * @param {() => boolean} [enough]
 */
async function worksFor(t, kafka, ms, enough = () => true) {
  const topic = await createTopic(t, kafka)
  const producer = await connectProducer(t, kafka)
  const consumer = await connectConsumer(t, kafka, { topic, groupId: topic })
  /** @type {string[]} */
  const crashes = []
  consumer.on(consumer.events.CRASH, (/** @type {any} */ { payload }) => crashes.push(payload.error.message))
  const received = await collect(consumer)
  const end = Date.now() + ms
  let sent = 0
  await waitFor(async () => {
    await producer.send({ topic, messages: [{ value: String(sent++) }] })
    return Date.now() > end && enough()
  }, { message: 'the time to be over', interval: 50 })
  await waitFor(() => received.length >= sent, {
    message: () => `${sent} messages; there are ${received.length}; crashes: ${crashes.join(', ') || 'none'}`,
  })
  assert.deepEqual(crashes, [])
  assert.deepEqual(received.map(({ value }) => Number(value)), Array.from({ length: sent }, (_, i) => i))
}

test('a token that the broker does not take rejects connect() and is in no error and no log', async () => {
  const value = token({ scope: 'none' }).replace(/^[^.]*/, Buffer.from('{"alg":"HS256"}').toString('base64url'))
  /** @type {string[]} */
  const lines = []
  const logCreator = () => (/** @type {any} */ entry) => { lines.push(JSON.stringify(entry)) }
  const more = { retry: PATIENT, logLevel: logLevel.DEBUG, logCreator }
  const kafka = kafkaWith('SASL', bearer(async () => ({ value })), more)
  await refuses(kafka, (error) => {
    assert.match(error.message, /^SASL OAUTHBEARER authentication failed: .*invalid_token/)
    lines.push(error.stack)
  })
  assert.ok(lines.length > 3)
  assert.ok(!lines.some((line) => line.includes(value) || line.includes(value.split('.')[1])))
})

test('a provider that throws or gives no good token rejects connect() with the reason, and is logged', async () => {
  /** @type {[() => any, RegExp][]} */
  const providers = [
    [async () => { throw new Error('no token today') }, /^SASL OAUTHBEARER authentication failed: no token today$/],
    [() => { throw 'a string' }, /^SASL OAUTHBEARER authentication failed: a string$/],
    [async () => undefined, /Invalid OAuth bearer token: oauthBearerProvider must give \{ value \}/],
    [async () => ({ value: null }), /Invalid OAuth bearer token: oauthBearerProvider must give \{ value \}/],
    [async () => ({ value: token({ seconds: -60 }) }), /Invalid OAuth bearer token: it expired at \d{4}-/],
    [async () => ({ value: token(), extensions: { auth: 'x' } }), /the name of an extension is letters and not "auth"/],
  ]
  await Promise.all(providers.map(async ([provide, message]) => {
    /** @type {string[]} */
    const lines = []
    const logCreator = () => (/** @type {any} */ { label, log }) => { if (label === 'ERROR') lines.push(log.message) }
    const kafka = kafkaWith('SASL', bearer(provide), { retry: PATIENT, logLevel: logLevel.ERROR, logCreator })
    await refuses(kafka, (error) => assert.match(error.message, message))
    assert.ok(lines.some((line) => message.test(line)), lines.join('\n'))
  }))
})

test("a provider's own error is the cause", async () => {
  const own = new TypeError('the identity server is down')
  await refuses(kafkaWith('SASL', bearer(async () => { throw own }), { retry: PATIENT }), (error) => {
    assert.equal(error.cause, own)
  })
})

test('a provider that never answers rejects connect() in bounded time', async () => {
  const never = bearer(() => new Promise(() => {}))
  await refuses(kafkaWith('SASL', never, { retry: PATIENT, authenticationTimeout: 300 }), (error) => {
    assert.match(error.message, /oauthBearerProvider gave no token within 300 ms$/)
  })
  await refuses(kafkaWith('SASL', never, { retry: { retries: 0 } }), (error) => {
    assert.match(error.message, /oauthBearerProvider gave no token within 1000 ms$/)
  })
})

test('disconnect() while the provider is thinking makes connect() reject at once', async () => {
  const kafka = kafkaWith('SASL', bearer(() => new Promise(() => {})), { retry: PATIENT })
  await Promise.all(clientsOf(kafka).map(async (client) => {
    const connecting = assert.rejects(client.connect(), /disconnected while it was connecting/)
    await within(client.disconnect(), 'disconnect()')
    await within(connecting, 'connect() to settle')
  }))
})

test('a provider that fails in between is asked again, and nothing is lost', async (t) => {
  let asked = 0
  const kafka = kafkaWith('SASL', bearer(async () => {
    asked++
    if (asked === 2) throw new Error('for a moment')
    return { value: token({ seconds: asked === 1 ? 2 : 3600 }) }
  }))
  const producer = await connectProducer(t, kafka)
  await waitFor(() => asked >= 3, { message: 'the provider to be asked again' })
  const topic = await createTopic(t, kafka)
  await producer.send({ topic, messages: [{ value: 'still there' }] })
})
