'use strict'

// One Apache Kafka whose listeners speak TLS and SASL in all the ways that the tests of security need.

const { KafkaBroker } = require('../../scripts/kafka/broker')
const { certificate } = require('./certificates')

/** Users of PLAIN and SCRAM: name to password. */
const USERS = Object.freeze({ alice: 'alice-secret' })

/** How long a connection to REAUTH may go on without authenticating anew. In ms. */
const REAUTHENTICATION = 2000

/**
 * @typedef {object} SecureBroker
 * @property {KafkaBroker} broker  `broker.address(name)` of the listeners named below
 * @property {ReturnType<typeof identities>} identities
 */

function identities() {
  const ca = certificate('test authority')
  const hosts = ['localhost', '127.0.0.1']
  return {
    ca,
    /** An authority that nobody trusts. */
    stranger: certificate('another authority'),
    broker: certificate('broker', { issuer: ca, hosts }),
    /** For another host than the one that it is reached at. */
    elsewhere: certificate('elsewhere', { issuer: ca, hosts: ['broker.test', '*.wild.test', '10.1.2.3'] }),
    expired: certificate('expired', { issuer: ca, hosts, expired: true }),
    client: certificate('client', { issuer: ca }),
  }
}

/**
 * | listener | |
 * |---|---|
 * | TLS | asks for a client certificate and takes none as well |
 * | MUTUAL | demands a client certificate |
 * | TLS12, TLS13 | of that version only |
 * | ELSEWHERE | its certificate is for broker.test, *.wild.test and 10.1.2.3 |
 * | EXPIRED | its certificate is no longer valid |
 * | SASL, SASL_TLS | PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER |
 * | ONLYPLAIN | PLAIN |
 * | REAUTH | PLAIN, OAUTHBEARER, to be repeated every REAUTHENTICATION ms |
 * @returns {Promise<SecureBroker>}
 */
async function startSecureBroker() {
  const made = identities()
  const keystore = (/** @type {import('./certificates').Identity} */ identity) => ({
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.certificate.chain': identity.cert + made.ca.cert,
    'ssl.keystore.key': identity.pem,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.certificates': made.ca.cert,
  })
  const security = 'org.apache.kafka.common.security'
  const users = Object.entries(USERS).map(([name, password]) => `user_${name}="${password}"`).join(' ')
  /** @type {Record<string, string>} */
  const modules = {
    'PLAIN': `${security}.plain.PlainLoginModule required ${users};`,
    'SCRAM-SHA-256': `${security}.scram.ScramLoginModule required;`,
    'SCRAM-SHA-512': `${security}.scram.ScramLoginModule required;`,
    'OAUTHBEARER': `${security}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
  }
  const mechanisms = (/** @type {string[]} */ ...names) => ({
    'sasl.enabled.mechanisms': names.join(','),
    ...Object.fromEntries(names.map((name) => [`${name.toLowerCase()}.sasl.jaas.config`, modules[name]])),
  })
  const all = mechanisms(...Object.keys(modules))
  const tls = keystore(made.broker)
  const broker = await KafkaBroker.start({
    listeners: [
      { name: 'TLS', protocol: 'SSL', properties: { ...tls, 'ssl.client.auth': 'requested' } },
      { name: 'MUTUAL', protocol: 'SSL', properties: { ...tls, 'ssl.client.auth': 'required' } },
      { name: 'TLS12', protocol: 'SSL', properties: { ...tls, 'ssl.enabled.protocols': 'TLSv1.2' } },
      { name: 'TLS13', protocol: 'SSL', properties: { ...tls, 'ssl.enabled.protocols': 'TLSv1.3' } },
      { name: 'ELSEWHERE', protocol: 'SSL', properties: keystore(made.elsewhere) },
      { name: 'EXPIRED', protocol: 'SSL', properties: keystore(made.expired) },
      { name: 'SASL', protocol: 'SASL_PLAINTEXT', properties: all },
      { name: 'SASL_TLS', protocol: 'SASL_SSL', properties: { ...all, ...tls } },
      { name: 'ONLYPLAIN', protocol: 'SASL_PLAINTEXT', properties: mechanisms('PLAIN') },
      {
        name: 'REAUTH',
        protocol: 'SASL_PLAINTEXT',
        properties: {
          ...mechanisms('PLAIN', 'OAUTHBEARER'),
          'plain.connections.max.reauth.ms': REAUTHENTICATION,
          'oauthbearer.connections.max.reauth.ms': REAUTHENTICATION,
        },
      },
    ],
    scram: Object.entries(USERS).flatMap(([name, password]) =>
      ['SCRAM-SHA-256', 'SCRAM-SHA-512'].map((mechanism) => `${mechanism}=[name=${name},password=${password}]`),
    ),
  })
  return { broker, identities: made }
}

/**
 * An unsecured JWS, as Kafka takes it where no other validator is named.
 * @param {{ sub?: string, seconds?: number, [claim: string]: any }} [claims]  `seconds` it lives (an hour)
 */
function token({ sub = 'carol', seconds = 3600, ...more } = {}) {
  const now = Date.now() / 1000
  const part = (/** @type {object} */ value) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none' })}.${part({ sub, iat: now - 1, exp: now + seconds, ...more })}.`
}

module.exports = { startSecureBroker, token, USERS, REAUTHENTICATION }
