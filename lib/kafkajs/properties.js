'use strict'
/**
 * The `rdkafka: { … }` block: any librdkafka property, checked against the list that the native client itself gives.
 */
const { KafkaJSNonRetriableError } = require('../errors')

/**
 * Two names of one property: everything below speaks of the second, so that what the user writes replaces what we
 * would. librdkafka's list of properties leaves most of the first out.
 * @type {Record<string, string>}
 */
const ALIASES = {
  'metadata.broker.list': 'bootstrap.servers',
  'max.in.flight.requests.per.connection': 'max.in.flight',
  'queue.buffering.max.ms': 'linger.ms',
  'message.send.max.retries': 'retries',
  'request.required.acks': 'acks',
  'delivery.timeout.ms': 'message.timeout.ms',
  'compression.type': 'compression.codec',
  'fetch.message.max.bytes': 'max.partition.fetch.bytes',
  'sasl.mechanisms': 'sasl.mechanism',
}

/** Both sides of ALIASES, and aliases that we set nothing for. */
const KNOWN_ALIASES = new Set([
  ...Object.keys(ALIASES),
  ...Object.values(ALIASES),
  'auto.commit.enable',
  'sasl.oauthbearer.client.credentials.client.id',
  'sasl.oauthbearer.client.credentials.client.secret',
])

/**
 * Properties that this client must set itself, and the option that says it.
 * @type {Record<string, Record<string, string>>}
 */
const OURS = {
  consumer: {
    'enable.auto.commit': 'run({ autoCommit })',
    'auto.commit.enable': 'run({ autoCommit })',
    'enable.auto.offset.store': 'run({ eachBatchAutoResolve }) or resolveOffset()',
    'auto.commit.interval.ms': 'run({ autoCommitInterval })',
    'group.id': 'kafka.consumer({ groupId })',
    'enable.partition.eof': 'batch.offsetLag(), which is "0" at the end',
  },
  producer: {
    'transactional.id': 'kafka.producer({ transactionalId })',
    'dr_cb': 'the promise of send()',
    'dr_msg_cb': 'the promise of send()',
    'delivery.report.only.error': 'the promise of send()',
  },
}

/** Levenshtein's distance, given up beyond `limit`. @param {string} a @param {string} b @param {number} limit */
function distance(a, b, limit) {
  if (Math.abs(a.length - b.length) > limit) return limit + 1
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      row[j] = Math.min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1))
    }
    previous = row
  }
  return previous[b.length]
}

/**
 * @param {string} name
 * @param {Iterable<string>} names
 * @returns {string | undefined} the nearest one, when it is near
 */
function nearest(name, names) {
  /** @param {string} text */
  const plain = (text) => text.toLowerCase().replace(/[^a-z0-9]/g, '')
  const wanted = plain(name)
  let best
  let least = Math.max(2, Math.floor(wanted.length / 4)) + 1
  for (const candidate of names) {
    const far = distance(wanted, plain(candidate), least)
    if (far < least) {
      least = far
      best = candidate
    }
  }
  return best
}

/**
 * @param {'kafka' | 'producer' | 'consumer' | 'admin'} scope
 * @param {any} block
 * @param {{ properties(): Record<string, string> }} native
 * @returns {Record<string, string>} under the names that librdkafka prefers, all values as text
 */
function checkProperties(scope, block, native) {
  if (block === undefined || block === null) return {}
  if (typeof block !== 'object' || Array.isArray(block)) {
    throw new KafkaJSNonRetriableError(
      'Option "rdkafka" must be an object such as { \'socket.keepalive.enable\': true }',
    )
  }
  const known = native.properties()
  /** @type {Record<string, string>} */
  const properties = {}
  for (const [name, value] of Object.entries(block)) {
    if (value === undefined || value === null) continue
    if (!Object.hasOwn(known, name) && !KNOWN_ALIASES.has(name)) {
      const like = nearest(name, [...Object.keys(known), ...KNOWN_ALIASES])
      throw new KafkaJSNonRetriableError(
        `Unknown librdkafka property "${name}"${like ? `, did you mean "${like}"?` : ' (see its CONFIGURATION.md)'}`,
      )
    }
    const instead = scope === 'kafka' ? OURS.consumer[name] || OURS.producer[name] : OURS[scope] && OURS[scope][name]
    if (instead) {
      throw new KafkaJSNonRetriableError(`librdkafka property "${name}" is set by this client: use ${instead} instead`)
    }
    if (!['string', 'number', 'boolean'].includes(typeof value) || Number.isNaN(value)) {
      throw new KafkaJSNonRetriableError(
        `librdkafka property "${name}" must be a string, a number or a boolean, ` +
          `not ${Array.isArray(value) ? 'an array' : typeof value}`,
      )
    }
    properties[ALIASES[name] || name] = String(value)
  }
  return properties
}

/** Properties whose values are in no error. */
const SECRET = /password|secret|key|pem|token|assertion|credentials|sasl\.oauthbearer\.config/

/**
 * librdkafka's words about a property whose value it refuses, with the name under which this client gave it (librdkafka
 * may answer with another name of the same property) and the value.
 * @param {string} message
 * @param {Record<string, string>} properties those given to librdkafka
 */
function refusal(message, properties) {
  const text = message.trim()
  const [, told] = /property "([^"]+)"/.exec(text) || []
  if (told === undefined) return text
  const name = ALIASES[told] || told
  const value = properties[name]
  const named = text.replace(`"${told}"`, `"${name}"`)
  if (value === undefined || named.includes(value) || SECRET.test(name)) return named
  return `${named}: ${JSON.stringify(value)}`
}

module.exports = { checkProperties, nearest, refusal }
