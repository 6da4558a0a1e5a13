'use strict'

// The options `ssl` and `sasl`: who connects, and what is said when it fails.

const { differential } = require('../helpers/differential')
const { startSecureBroker, token, USERS } = require('../helpers/secure-broker')

const [username, password] = Object.entries(USERS)[0]

/** @type {import('../helpers/secure-broker').SecureBroker} */
let secure

/** @param {string} listener */
const brokers = (listener) => secure.broker.address(listener).split(',')

/**
 * A case that sends and reads a message through a listener.
 * @param {string} name @param {string} listener @param {() => object} options
 */
const passes = (name, listener, options) => ({
  name,
  run: async (lib, context) => {
    const kafka = context.kafka({ brokers: brokers(listener), ...options() })
    const topic = context.topicName()
    const admin = await context.admin({}, kafka)
    await admin.createTopics({ waitForLeaders: false, topics: [{ topic }] })
    const producer = await context.producer({}, kafka)
    await producer.send({ topic, messages: [{ key: 'k', value: 'by name' }] })
    const consumer = context.closing(kafka.consumer({ groupId: context.groupId(), maxWaitTimeInMs: 100 }))
    await consumer.connect()
    await context.until(async () => { await consumer.subscribe({ topic, fromBeginning: true }); return true }, 'the topic')
    return context.collect(consumer, 1)
  },
})

/**
 * A case whose clients do not connect.
 * @param {string} name @param {string} listener @param {() => object} options @param {object} [more] of the case
 */
const fails = (name, listener, options, more = {}) => ({
  name,
  messages: /** @type {const} */ ('any'),
  ...more,
  run: async (lib, context) => {
    const outcomes = []
    for (const client of ['producer', 'admin']) {
      // kafkajs writes into the options.
      const kafka = context.kafka({ brokers: brokers(listener), retry: { retries: 1, initialRetryTime: 20 }, ...options() })
      const outcome = await context.caught(() => context.closing(kafka[client]()).connect())
      const { cause } = outcome.rejected
      // A certificate does not get better by waiting; kafkajs calls every lost connection retriable.
      if (cause && /certificate/.test(cause.message)) cause.retriable = undefined
      outcomes.push(outcome)
    }
    return outcomes
  },
})

const ca = () => [secure.identities.ca.cert]

differential('security', [
  passes('PLAIN', 'SASL', () => ({ sasl: { mechanism: 'plain', username, password } })),
  passes('PLAIN in capitals', 'SASL', () => ({ sasl: { mechanism: 'PLAIN', username, password } })),
  passes('SCRAM-SHA-256', 'SASL', () => ({ sasl: { mechanism: 'scram-sha-256', username, password } })),
  passes('SCRAM-SHA-512', 'SASL', () => ({ sasl: { mechanism: 'scram-sha-512', username, password } })),
  passes('OAUTHBEARER', 'SASL', () => ({ sasl: { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: token() }) } })),
  passes('TLS', 'TLS', () => ({ ssl: { ca: ca() } })),
  passes('TLS with a certificate of the client', 'MUTUAL', () => ({
    ssl: { ca: ca(), cert: secure.identities.client.cert, key: secure.identities.client.pem },
  })),
  passes('TLS without a look at the certificate', 'TLS', () => ({ ssl: { rejectUnauthorized: false } })),
  passes('SCRAM-SHA-512 over TLS', 'SASL_TLS', () => ({ ssl: { ca: ca() }, sasl: { mechanism: 'scram-sha-512', username, password } })),
  ...['plain', 'scram-sha-256', 'scram-sha-512'].map((mechanism) =>
    fails(`${mechanism} with a wrong password`, 'SASL', () => ({ sasl: { mechanism, username, password: 'a wrong one' } }))),
  fails('plain as somebody unknown', 'SASL', () => ({ sasl: { mechanism: 'plain', username: 'nobody', password } })),
  {
    name: 'a mechanism that the broker does not offer',
    run: async (lib, context) => {
      const kafka = context.kafka({ brokers: brokers('ONLYPLAIN'), sasl: { mechanism: 'scram-sha-256', username, password } })
      const { rejected } = await context.caught(() => context.closing(kafka.producer()).connect())
      return { type: rejected.type, code: rejected.code, retriable: rejected.retriable }
    },
  },
  {
    name: 'an oauthBearerProvider that throws',
    run: async (lib, context) => {
      const sasl = { mechanism: 'oauthbearer', oauthBearerProvider: async () => { throw new Error('no token today') } }
      const { rejected } = await context.caught(() => context.closing(context.kafka({ brokers: brokers('SASL'), sasl }).producer()).connect())
      return { says: /no token today/.test(rejected.message), own: (rejected.cause || rejected).message }
    },
  },
  fails('a certificate that nobody trusts', 'TLS', () => ({ ssl: { ca: [secure.identities.stranger.cert] } })),
  fails('ssl: true and a certificate of an own authority', 'TLS', () => ({ ssl: true })),
  fails('a certificate for another host', 'ELSEWHERE', () => ({ ssl: { ca: ca() } })),
  fails('a certificate that is no longer valid', 'EXPIRED', () => ({ ssl: { ca: ca() } })),
], {
  concurrency: 4,
  begin: async () => { secure = await startSecureBroker() },
  end: async () => { if (secure) await secure.broker.stop() },
})
