'use strict'
/**
 * What kafkajs's options mean in librdkafka's properties: ONE TABLE (`OPTIONS`), the checks of each value, and the
 * rules that hold between properties. An option that kafkajs does not know is ignored, as kafkajs does; a property that
 * librdkafka does not know, in an `rdkafka: { … }` block, is refused (`properties.js`).
 */
const { KafkaJSNonRetriableError, KafkaJSNotImplemented } = require('../errors')
const { logLevel } = require('./enums')
const { groupProperties } = require('./group-options')
const { environmentLevel, syslogOfLevel } = require('./logger')
const { totalDelay, withDefaults } = require('./retry')
const { securityProperties, tokenProvider } = require('./security')
const { NO_TLS_1_2 } = require('./tls')
const { checkProperties } = require('./properties')

/** @typedef {Record<string, string>} Properties librdkafka properties, all values as text */
/** @typedef {'kafka' | 'producer' | 'consumer' | 'admin'} Scope */

/**
 * @typedef {object} OptionRow
 * @property {Scope[]} on which options object has it
 * @property {string} option
 * @property {'number' | 'boolean' | 'string' | 'function' | 'retry'} type
 * @property {any} [initial] kafkajs's default
 * @property {string} [property] the librdkafka property that carries it
 * @property {[number, number]} [range] what librdkafka accepts: a value outside is moved to the nearest end
 * @property {(value: any) => string} [text] the property's text
 */

const INT_MAX = 2147483647
/** syslog's. */
const LOG_INFO = 6

/** @type {OptionRow[]} */
const OPTIONS = [
  { on: ['kafka'], option: 'clientId', type: 'string', initial: 'kafkajs', property: 'client.id' },
  {
    on: ['kafka'],
    option: 'connectionTimeout',
    type: 'number',
    initial: 1000,
    property: 'socket.connection.setup.timeout.ms',
    range: [1000, INT_MAX],
  },
  { on: ['kafka'], option: 'authenticationTimeout', type: 'number', initial: 10000 },
  { on: ['kafka'], option: 'reauthenticationThreshold', type: 'number', initial: 10000 },
  {
    on: ['kafka'],
    option: 'requestTimeout',
    type: 'number',
    initial: 30000,
    property: 'socket.timeout.ms',
    range: [10, 300000],
  },
  { on: ['kafka'], option: 'enforceRequestTimeout', type: 'boolean', initial: true },
  { on: ['kafka'], option: 'logLevel', type: 'number', initial: logLevel.INFO },
  { on: ['kafka'], option: 'logCreator', type: 'function' },
  { on: ['kafka', 'producer', 'consumer', 'admin'], option: 'retry', type: 'retry' },

  {
    on: ['producer', 'consumer'],
    option: 'metadataMaxAge',
    type: 'number',
    initial: 300000,
    property: 'topic.metadata.refresh.interval.ms',
    range: [10, 3600000],
  },
  {
    on: ['producer', 'consumer'],
    option: 'allowAutoTopicCreation',
    type: 'boolean',
    initial: true,
    property: 'allow.auto.create.topics',
  },
  {
    on: ['producer', 'consumer'],
    option: 'maxInFlightRequests',
    type: 'number',
    property: 'max.in.flight',
    range: [1, 1000000],
  },

  { on: ['producer'], option: 'createPartitioner', type: 'function' },
  { on: ['producer'], option: 'idempotent', type: 'boolean' },
  { on: ['producer'], option: 'transactionalId', type: 'string' },
  { on: ['producer'], option: 'transactionTimeout', type: 'number', initial: 60000 },

  { on: ['consumer'], option: 'groupId', type: 'string', property: 'group.id' },
  {
    on: ['consumer'],
    option: 'sessionTimeout',
    type: 'number',
    initial: 30000,
    property: 'session.timeout.ms',
    range: [1, 3600000],
  },
  {
    on: ['consumer'],
    option: 'rebalanceTimeout',
    type: 'number',
    initial: 60000,
    property: 'max.poll.interval.ms',
    range: [1, 86400000],
  },
  {
    on: ['consumer'],
    option: 'heartbeatInterval',
    type: 'number',
    initial: 3000,
    property: 'heartbeat.interval.ms',
    range: [1, 3600000],
  },
  {
    on: ['consumer'],
    option: 'maxBytesPerPartition',
    type: 'number',
    initial: 1048576,
    property: 'max.partition.fetch.bytes',
    range: [1, 1000000000],
  },
  {
    on: ['consumer'],
    option: 'minBytes',
    type: 'number',
    initial: 1,
    property: 'fetch.min.bytes',
    range: [1, 100000000],
  },
  {
    on: ['consumer'],
    option: 'maxBytes',
    type: 'number',
    initial: 10485760,
    property: 'fetch.max.bytes',
    range: [1000, 2147483135],
  },
  // kafkajs's default is 5000. librdkafka asks anew for a broker's partitions only when the outstanding fetch came
  // back, so that a partition just assigned, sought or resumed would wait for those 5 s: without a wish of the user it
  // is 500, librdkafka's own.
  {
    on: ['consumer'],
    option: 'maxWaitTimeInMs',
    type: 'number',
    initial: 500,
    property: 'fetch.wait.max.ms',
    range: [0, 300000],
  },
  {
    on: ['consumer'],
    option: 'readUncommitted',
    type: 'boolean',
    initial: false,
    property: 'isolation.level',
    text: (value) => (value ? 'read_uncommitted' : 'read_committed'),
  },
  { on: ['consumer'], option: 'rackId', type: 'string', property: 'client.rack' },
  // Beyond kafkajs: what may be fetched and not yet handled at a time, static membership (KIP-345) and the group protocol of Kafka 4 (KIP-848).
  { on: ['consumer'], option: 'maxBufferedBytes', type: 'number' },
  { on: ['consumer'], option: 'groupInstanceId', type: 'string', property: 'group.instance.id' },
  { on: ['consumer'], option: 'groupProtocol', type: 'string', property: 'group.protocol' },
]

/** Properties that do not come from an option. */
const COMMON = Object.freeze({
  'socket.nagle.disable': 'true',
  'socket.keepalive.enable': 'true',
  // Half of it is also how long librdkafka waits between two first connections: the bootstrap address, then a broker.
  'reconnect.backoff.ms': '20',
  'reconnect.backoff.max.ms': '1000',
  // Client metrics for the broker (KIP-714), which kafkajs has not: the histograms are half of what an idle client takes.
  'enable.metrics.push': 'false',
})
/** The largest message that librdkafka reads again (`receive.message.max.bytes`). How large one may be is said by the broker. */
const LARGEST_MESSAGE = 100_000_000
const PRODUCER = Object.freeze({
  'linger.ms': '0',
  'acks': '-1',
  'partitioner': 'murmur2_random',
  'queue.buffering.max.messages': '1000000',
  'queue.buffering.max.kbytes': '1048576',
  'request.timeout.ms': '30000',
})
const CONSUMER = Object.freeze({
  // Only processed offsets are committed, and it is we who commit them.
  'enable.auto.commit': 'false',
  'enable.auto.offset.store': 'false',
  // `fromBeginning` is per topic and done natively; this is for an offset out of range.
  'auto.offset.reset': 'latest',
  'partition.assignment.strategy': 'roundrobin',
  // With batched draining librdkafka takes the end of a partition for a message: its position is then one too far.
  'enable.partition.eof': 'false',
  // The default of 1000 lets the fetcher sleep up to a second whenever the local queue was full.
  'fetch.queue.backoff.ms': '10',
  'queued.min.messages': '100000',
})
/** What may be fetched and not yet handled, where the program says nothing. */
const BUFFERED_BYTES = 48 * 1024 * 1024
/** What librdkafka accepts as `queued.max.messages.kbytes`. */
const QUEUED_KBYTES = [1, 2097151]

/** How long a message may stay undelivered when the program gives no `retry`, ms: Java's `delivery.timeout.ms`. */
const DELIVERY_TIMEOUT = 120000
const LEAST_DELIVERY_TIMEOUT = 30000

/** What librdkafka accepts as `transaction.timeout.ms`. */
const TRANSACTION_TIMEOUT = [1000, INT_MAX]

/** How long all brokers may take to hear of a topic that was made just now, ms. */
const TOPIC_PROPAGATION = '5000'

/** @param {unknown} value @returns {string} for messages */
function show(value) {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'bigint') return `${value}n`
  if (value instanceof Date) return 'a Date'
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object'
  return String(value)
}

/** @param {string} where @param {OptionRow} row @param {any} value */
function checkValue(where, row, value) {
  const name = `${where}: option "${row.option}"`
  switch (row.type) {
    case 'number':
      if (typeof value !== 'number' || Number.isNaN(value) || value < 0) {
        throw new KafkaJSNonRetriableError(
          `${name} must be a number that is not negative, e.g. ${row.initial ?? 1}, not ${show(value)}`,
        )
      }
      return value
    case 'boolean':
      if (typeof value !== 'boolean')
        throw new KafkaJSNonRetriableError(`${name} must be true or false, not ${show(value)}`)
      return value
    case 'string':
      if (typeof value !== 'string') throw new KafkaJSNonRetriableError(`${name} must be a string, not ${show(value)}`)
      return value
    case 'function':
      if (typeof value !== 'function')
        throw new KafkaJSNonRetriableError(`${name} must be a function, not ${show(value)}`)
      return value
    case 'retry':
      return checkRetry(name, value)
  }
}

/** @param {string} name @param {any} retry */
function checkRetry(name, retry) {
  if (typeof retry !== 'object' || retry === null || Array.isArray(retry)) {
    throw new KafkaJSNonRetriableError(
      `${name} must be an object such as { retries: 5, initialRetryTime: 300 }, not ${show(retry)}`,
    )
  }
  for (const key of ['maxRetryTime', 'initialRetryTime', 'factor', 'multiplier', 'retries']) {
    const value = retry[key]
    if (value === undefined || value === null) continue
    if (typeof value !== 'number' || Number.isNaN(value) || value < 0) {
      throw new KafkaJSNonRetriableError(`${name}: "${key}" must be a number that is not negative, not ${show(value)}`)
    }
  }
  if (
    retry.restartOnFailure !== undefined &&
    retry.restartOnFailure !== null &&
    typeof retry.restartOnFailure !== 'function'
  ) {
    throw new KafkaJSNonRetriableError(
      `${name}: "restartOnFailure" must be a function, not ${show(retry.restartOnFailure)}`,
    )
  }
  return retry
}

const EXAMPLES = {
  kafka: "new Kafka({ brokers: ['localhost:9092'] })",
  producer: 'kafka.producer({ … })',
  consumer: "kafka.consumer({ groupId: 'my-group' })",
  admin: 'kafka.admin({ … })',
}

/**
 * Checks the options of one object and fills in the defaults. Null counts as absent.
 * @param {Scope} scope
 * @param {any} given
 * @returns {Record<string, any>} the given object's keys, with defaults
 */
function readOptions(scope, given) {
  const source = given === undefined || given === null ? {} : given
  if (typeof source !== 'object' || Array.isArray(source)) {
    throw new KafkaJSNonRetriableError(`Options must be an object, not ${show(source)}: write ${EXAMPLES[scope]}`)
  }
  /** @type {Record<string, any>} */
  const values = { ...source }
  for (const row of OPTIONS) {
    if (!row.on.includes(scope)) continue
    const value = source[row.option]
    values[row.option] = value === undefined || value === null ? row.initial : checkValue(scope, row, value)
  }
  return values
}

/** @param {OptionRow} row @param {any} value @returns {string} */
function propertyText(row, value) {
  if (row.text) return row.text(value)
  if (row.type !== 'number') return String(value)
  const [low, high] = row.range || [0, INT_MAX]
  return String(Math.min(Math.max(Math.ceil(value), low), high))
}

/** @param {Scope} scope @param {Record<string, any>} values @returns {Properties} */
function propertiesOf(scope, values) {
  /** @type {Properties} */
  const properties = {}
  for (const row of OPTIONS) {
    const value = values[row.option]
    if (row.property === undefined || !row.on.includes(scope) || value === undefined) continue
    properties[row.property] = propertyText(row, value)
  }
  return properties
}

/**
 * The options of `new Kafka(…)`, read once.
 * @param {any} given
 * @param {{ properties(): Record<string, string> }} native
 * @returns {Record<string, any>} the options, `properties` made of them, the user's own in `rdkafka`, and `tokens`
 */
function kafkaOptions(given, native) {
  const values = readOptions('kafka', given)
  if (values.socketFactory !== undefined && values.socketFactory !== null) {
    throw new KafkaJSNotImplemented(
      'Option "socketFactory" is not implemented: the native client opens its own sockets',
    )
  }
  /** @type {Properties} */
  const properties = { ...COMMON, ...propertiesOf('kafka', values), ...securityProperties(values, native) }
  // librdkafka's time for a connection includes authentication, for which kafkajs has one of its own.
  if (properties['sasl.mechanism'] !== undefined) {
    const setup = Math.max(values.connectionTimeout, 1000) + values.authenticationTimeout
    properties['socket.connection.setup.timeout.ms'] = String(Math.min(Math.ceil(setup), INT_MAX))
  }
  // Never below info: the logger leaves out what is not wanted, and setLogLevel() may want it later; and why a broker
  // hangs up during connect() is told by the log alone.
  properties['log_level'] = String(Math.max(LOG_INFO, syslogOfLevel(environmentLevel() ?? values.logLevel)))
  if (values.enforceRequestTimeout === false) properties['socket.timeout.ms'] = '300000'
  const tokens = tokenProvider(/** @type {any} */ (values))
  return { ...values, properties, tokens, rdkafka: checkProperties('kafka', values.rdkafka, native) }
}

/**
 * @param {any} kafka what `kafkaOptions` gave
 * @param {any} own
 * @returns {any} the retry options, the client's over Kafka's
 */
function mergedRetry(kafka, own) {
  return { ...(kafka.retry || {}), ...(own.retry || {}) }
}

/**
 * @typedef {object} ClientOptions
 * @property {Properties} properties without `bootstrap.servers` (see brokers.js), unless the user's block has it
 * @property {any} retry merged
 * @property {number} connectTimeout how long connect() may take, ms
 * @property {import('./token').TokenProvider} [tokens] for OAUTHBEARER
 */

/**
 * @param {any} kafka what `kafkaOptions` gave
 * @param {any} given
 * @param {{ properties(): Record<string, string> }} native
 * @returns {ClientOptions & Record<string, any>}
 */
function producerOptions(kafka, given, native) {
  const values = readOptions('producer', given)
  const retry = mergedRetry(kafka, values)
  if (values.idempotent === true && retry.retries !== undefined && retry.retries < 1) {
    throw new KafkaJSNonRetriableError('Idempotent producer must allow retries to protect against transient errors')
  }
  const user = { ...kafka.rdkafka, ...checkProperties('producer', values.rdkafka, native) }
  /** @type {Properties} */
  const properties = { ...kafka.properties, ...PRODUCER, ...propertiesOf('producer', values) }
  properties['message.timeout.ms'] = String(deliveryTimeout(kafka, retry))
  // A topic that is not there and may not be made is none; librdkafka would hope for it for 30 s, which is as long as a
  // message may take.
  if (values.allowAutoTopicCreation === false) properties['topic.metadata.propagation.max.ms'] = TOPIC_PROPAGATION
  // Never lose, never double: idempotent unless the user says no, in our words or in librdkafka's (`idempotence`
  // below).
  properties['enable.idempotence'] = String(values.idempotent !== false)
  return {
    ...values,
    retry,
    tokens: kafka.tokens,
    properties: settle('producer', properties, user),
    transactional: values.transactionalId ? transactionalProperties(values, properties, user) : undefined,
    connectTimeout: connectBudget({ retry, connectionTimeout: kafka.connectionTimeout }),
  }
}

/**
 * Those of the client that carries the transactions, beside the one for plain sends.
 * @param {Record<string, any>} values @param {Properties} properties @param {Properties} user
 * @returns {Properties}
 */
function transactionalProperties(values, properties, user) {
  // A transaction cannot do without these, whatever plain sends have.
  const { acks, 'enable.idempotence': idempotence, ...rest } = user
  const [low, high] = TRANSACTION_TIMEOUT
  const timeout = rest['transaction.timeout.ms'] ?? Math.min(Math.max(Math.ceil(values.transactionTimeout), low), high)
  /** @type {Properties} */
  const ours = {
    ...properties,
    'acks': '-1',
    'enable.idempotence': 'true',
    'transactional.id': values.transactionalId,
    'transaction.timeout.ms': String(timeout),
  }
  // No message and no request may outlive its transaction.
  for (const name of ['message.timeout.ms', 'socket.timeout.ms']) {
    if (Number(ours[name]) > Number(timeout)) ours[name] = String(timeout)
  }
  return settle('producer', ours, rest)
}

/** @param {any} kafka @param {any} given @param {any} native @returns {ClientOptions & Record<string, any>} */
function consumerOptions(kafka, given, native) {
  const values = readOptions('consumer', given)
  if (!values.groupId) {
    throw new KafkaJSNonRetriableError('Consumer groupId must be a non-empty string.')
  }
  if (values.heartbeatInterval >= values.sessionTimeout) {
    throw new KafkaJSNonRetriableError(
      `Consumer heartbeatInterval (${values.heartbeatInterval}) must be lower than ` +
        `sessionTimeout (${values.sessionTimeout}). ` +
        'It is recommended to set heartbeatInterval to approximately a third of the sessionTimeout.',
    )
  }
  const retry = mergedRetry(kafka, values)
  const user = { ...kafka.rdkafka, ...checkProperties('consumer', values.rdkafka, native) }
  /** @type {Properties} */
  const properties = {
    ...kafka.properties, ...CONSUMER, ...propertiesOf('consumer', values), ...groupProperties(values),
  }
  const { maxBufferedBytes = BUFFERED_BYTES } = values
  const [low, high] = QUEUED_KBYTES
  const kbytes = Math.floor((maxBufferedBytes * 2) / 3 / 1024)
  properties['queued.max.messages.kbytes'] = String(Math.min(Math.max(kbytes, low), high))
  const settled = settle('consumer', properties, user)
  return {
    ...values,
    // A third of it; two batches at least, unless the program says how much it may be.
    handedBytes: values.maxBufferedBytes === undefined
      ? Math.max(maxBufferedBytes / 3, 2 * Number(settled['max.partition.fetch.bytes']))
      : Math.ceil(maxBufferedBytes / 3),
    retry,
    tokens: kafka.tokens,
    properties: settled,
    connectTimeout: connectBudget({ retry, connectionTimeout: kafka.connectionTimeout }),
  }
}

/** @param {any} kafka @param {any} given @param {any} native @returns {ClientOptions & Record<string, any>} */
function adminOptions(kafka, given, native) {
  const values = readOptions('admin', given)
  const retry = mergedRetry(kafka, values)
  const user = { ...kafka.rdkafka, ...checkProperties('admin', values.rdkafka, native) }
  const properties = { ...kafka.properties, 'allow.auto.create.topics': 'false' }
  return {
    ...values,
    retry,
    tokens: kafka.tokens,
    properties: settle('admin', properties, user),
    connectTimeout: connectBudget({ retry, connectionTimeout: kafka.connectionTimeout }),
  }
}

/**
 * Lays the user's properties over ours, then moves ours (never the user's) to where librdkafka accepts them together.
 * @param {Scope} scope
 * @param {Properties} ours
 * @param {Properties} user
 * @returns {Properties}
 */
function settle(scope, ours, user) {
  const all = { ...ours, ...user }
  /** @param {string} name */
  const number = (name) => Number(all[name])
  /** @param {string} name @param {number} value */
  const move = (name, value) => {
    if (!(name in user)) all[name] = String(value)
  }
  if (ours['ssl.cipher.suites'] === NO_TLS_1_2 && 'ssl.cipher.suites' in user) {
    throw new KafkaJSNonRetriableError(
      'librdkafka property "ssl.cipher.suites" and option "ssl.minVersion" ("TLSv1.3") cannot be given together',
    )
  }
  if (number('reconnect.backoff.max.ms') < number('reconnect.backoff.ms')) {
    if ('reconnect.backoff.max.ms' in user) move('reconnect.backoff.ms', number('reconnect.backoff.max.ms'))
    else move('reconnect.backoff.max.ms', number('reconnect.backoff.ms'))
  }
  if (scope === 'producer') {
    const queue = number('queue.buffering.max.kbytes') * 1024
    move('message.max.bytes', Math.min(LARGEST_MESSAGE, Math.max(1000, Number.isNaN(queue) ? LARGEST_MESSAGE : queue)))
    if (!['-1', 'all'].includes(all.acks) && !('enable.idempotence' in user)) all['enable.idempotence'] = 'false'
    if (/^(true|1|t)$/i.test(all['enable.idempotence']) && number('max.in.flight') > 5) move('max.in.flight', 5)
    // A message has to be given at least one chance after it waited for company.
    if (number('message.timeout.ms') !== 0 && number('linger.ms') >= number('message.timeout.ms')) {
      if ('message.timeout.ms' in user) move('linger.ms', Math.max(0, number('message.timeout.ms') - 1))
      else move('message.timeout.ms', number('linger.ms') + LEAST_DELIVERY_TIMEOUT)
    }
  }
  if (scope === 'consumer') {
    if (number('max.poll.interval.ms') < number('session.timeout.ms')) {
      if ('max.poll.interval.ms' in user) move('session.timeout.ms', number('max.poll.interval.ms'))
      else move('max.poll.interval.ms', number('session.timeout.ms'))
    }
    const largest = 'message.max.bytes' in all ? number('message.max.bytes') : 1000000
    if (number('fetch.max.bytes') < largest) {
      // A fetch always brings at least one message (KIP-74), however large: the smaller number may stand.
      if ('message.max.bytes' in user) move('fetch.max.bytes', largest)
      else all['message.max.bytes'] = String(Math.max(1000, number('fetch.max.bytes')))
    }
    if (all['group.protocol'] === 'consumer') {
      // These belong to the broker under KIP-848; librdkafka refuses a configuration that names them.
      for (const name of ['session.timeout.ms', 'heartbeat.interval.ms', 'partition.assignment.strategy']) {
        if (!(name in user)) delete all[name]
      }
    }
  }
  return all
}

/** @param {any} kafka @param {any} retry @returns {number} ms */
function deliveryTimeout(kafka, retry) {
  if (Object.keys(retry).length === 0) return DELIVERY_TIMEOUT
  const budget = connectBudget({ retry, connectionTimeout: kafka.connectionTimeout })
  return Math.min(INT_MAX, Math.max(LEAST_DELIVERY_TIMEOUT, budget))
}

/**
 * How long connect() may take, by kafkajs's rules: every attempt its `connectionTimeout`, and the waits between them.
 * In ms.
 * @param {{ retry?: import('./retry').RetryOptions, connectionTimeout?: number }} options
 */
function connectBudget({ retry = {}, connectionTimeout = 1000 } = {}) {
  const attempts = withDefaults(retry).retries + 1
  return Math.ceil(Math.min(INT_MAX, totalDelay(retry) + attempts * Math.max(connectionTimeout, 1)))
}

module.exports = { OPTIONS, kafkaOptions, producerOptions, consumerOptions, adminOptions, connectBudget, show }
