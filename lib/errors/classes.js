'use strict'
/**
 * The error family, under kafkajs's names and parents. Three fields are on every KafkaJSError:
 *
 * - `code`: the Kafka protocol code for a broker's refusal, librdkafka's (negative) code for a local one, the system's
 * name
 *   (`ECONNREFUSED`) for a connection, and otherwise the class name in capitals (`NOT_IMPLEMENTED`).
 * - `retriable`: the same call may work when made again.
 * - `fatal`: the client can do nothing more and must be made anew.
 *
 * `abortable: true` is on those that a transaction failed by which can be aborted.
 *
 * An error that came from librdkafka also has `librdkafka: { code, name }`.
 */

/**
 * @typedef {object} ErrorOptions
 * @property {boolean} [retriable]
 * @property {boolean} [fatal]
 * @property {boolean} [abortable]
 * @property {unknown} [cause]
 * @property {string | number} [code]
 * @property {{ code: number, name: string }} [librdkafka]
 */

/** @param {string} name `KafkaJSNotImplemented` → `NOT_IMPLEMENTED` */
function codeOfName(name) {
  return name
    .replace(/^KafkaJS/, '')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toUpperCase()
}

class KafkaJSError extends Error {
  /**
   * @param {string | Error | { message: string }} e
   * @param {ErrorOptions} [options]
   */
  constructor(e, { retriable = true, fatal, abortable, cause, code, librdkafka } = {}) {
    const source = /** @type {any} */ (typeof e === 'object' && e !== null ? e : {})
    super(typeof e === 'object' && e !== null ? source.message : String(e), { cause })
    this.name = new.target.name
    /** @type {boolean} */
    this.retriable = retriable
    /** @type {boolean} */
    this.fatal = fatal === undefined ? source.fatal === true : fatal
    /** @type {string | number} */
    this.code = code !== undefined ? code : source.code !== undefined ? source.code : codeOfName(new.target.name)
    if (abortable || source.abortable === true) {
      /** @type {boolean | undefined} */
      this.abortable = true
    }
    /** @type {string | undefined} */
    this.helpUrl = source.helpUrl
    /** Not enumerable, as with every Error. @type {any} */
    this.cause = cause
    const origin = librdkafka || source.librdkafka
    if (origin !== undefined) {
      /** @type {{ code: number, name: string } | undefined} */
      this.librdkafka = origin
    }
  }
}

class KafkaJSNonRetriableError extends KafkaJSError {
  /**
   * @param {string | Error} e
   * @param {ErrorOptions} [options]
   */
  constructor(e, options = {}) {
    super(e, { ...options, retriable: false })
  }
}

/** A broker answered with an error code. `type` is its name, see `protocol-codes.js`. */
class KafkaJSProtocolError extends KafkaJSError {
  /**
   * @param {{ type: string, code: number, message: string, retriable: boolean }} e
   * @param {ErrorOptions} [options]
   */
  constructor(e, options = {}) {
    super(e, { ...options, retriable: options.retriable === undefined ? e.retriable : options.retriable })
    this.type = e.type
  }
}

class KafkaJSOffsetOutOfRange extends KafkaJSProtocolError {
  /** @param {any} e @param {{ topic: string, partition: number } & ErrorOptions} where */
  constructor(e, { topic, partition, ...options }) {
    super(e, options)
    this.topic = topic
    this.partition = partition
  }
}

class KafkaJSMemberIdRequired extends KafkaJSProtocolError {
  /** @param {any} e @param {{ memberId: string } & ErrorOptions} where */
  constructor(e, { memberId, ...options }) {
    super(e, options)
    this.memberId = memberId
  }
}

class KafkaJSCreateTopicError extends KafkaJSProtocolError {
  /** @param {any} e @param {string} topic @param {ErrorOptions} [options] */
  constructor(e, topic, options) {
    super(e, options)
    this.topic = topic
  }
}

class KafkaJSAlterPartitionReassignmentsError extends KafkaJSProtocolError {
  /** @param {any} e @param {string} [topic] @param {number} [partition] @param {ErrorOptions} [options] */
  constructor(e, topic, partition, options) {
    super(e, options)
    this.topic = topic
    this.partition = partition
  }
}

/** Every attempt failed; the last failure is the `cause` and gives the message. */
class KafkaJSNumberOfRetriesExceeded extends KafkaJSNonRetriableError {
  /**
   * @param {any} e the last failure
   * @param {{ retryCount: number, retryTime: number } & ErrorOptions} details attempts beyond the first, last delay in
   * ms
   */
  constructor(e, { retryCount, retryTime, ...options }) {
    super(e, { cause: e, ...options })
    this.stack = `${this.stack}\n  Caused by: ${e && e.stack ? e.stack : String(e)}`
    this.retryCount = retryCount
    this.retryTime = retryTime
  }
}

class KafkaJSConnectionError extends KafkaJSError {
  /** @param {any} e @param {{ broker?: string } & ErrorOptions} [where] */
  constructor(e, { broker, ...options } = {}) {
    super(e, options)
    this.broker = broker
  }
}

class KafkaJSConnectionClosedError extends KafkaJSConnectionError {
  /** @param {any} e @param {{ host?: string, port?: number } & ErrorOptions} [where] */
  constructor(e, { host, port, ...options } = {}) {
    super(e, { broker: `${host}:${port}`, ...options })
    this.host = host
    this.port = port
  }
}

class KafkaJSRequestTimeoutError extends KafkaJSError {
  /**
   * @param {any} e
   * @param {{ broker?: string, correlationId?: number, createdAt?: number, sentAt?: number, pendingDuration?: number }
   *   & ErrorOptions} [request]
   */
  constructor(e, { broker, correlationId, createdAt, sentAt, pendingDuration, ...options } = {}) {
    super(e, options)
    this.broker = broker
    this.correlationId = correlationId
    this.createdAt = createdAt
    this.sentAt = sentAt
    this.pendingDuration = pendingDuration
  }
}

class KafkaJSMetadataNotLoaded extends KafkaJSError {}

class KafkaJSTopicMetadataNotLoaded extends KafkaJSMetadataNotLoaded {
  /** @param {any} e @param {{ topic?: string } & ErrorOptions} [where] */
  constructor(e, { topic, ...options } = {}) {
    super(e, options)
    this.topic = topic
  }
}

class KafkaJSStaleTopicMetadataAssignment extends KafkaJSError {
  /** @param {any} e @param {{ topic?: string, unknownPartitions?: any[] } & ErrorOptions} [where] */
  constructor(e, { topic, unknownPartitions, ...options } = {}) {
    super(e, options)
    this.topic = topic
    this.unknownPartitions = unknownPartitions
  }
}

/** `groups` holds only those that could not be deleted. */
class KafkaJSDeleteGroupsError extends KafkaJSError {
  /**
   * @param {any} e
   * @param {{ groupId: string, errorCode: number, error: Error }[]} [groups]
   * @param {ErrorOptions} [options]
   */
  constructor(e, groups = [], options) {
    super(e, options)
    this.groups = groups
  }
}

/** Retriable when every partition's error is. */
class KafkaJSDeleteTopicRecordsError extends KafkaJSError {
  /** @param {{ partitions: { partition: number, offset: string, error: KafkaJSError }[] }} failed */
  constructor({ partitions }) {
    const retriable = partitions.every(({ error }) => !error || error.retriable === true)
    super('Error while deleting records', { retriable })
    this.partitions = partitions
  }
}

class KafkaJSServerDoesNotSupportApiKey extends KafkaJSNonRetriableError {
  /** @param {any} e @param {{ apiKey?: number, apiName?: string } & ErrorOptions} [api] */
  constructor(e, { apiKey, apiName, ...options } = {}) {
    super(e, options)
    this.apiKey = apiKey
    this.apiName = apiName
  }
}

class KafkaJSBrokerNotFound extends KafkaJSError {}
class KafkaJSNoBrokerAvailableError extends KafkaJSError {
  constructor() {
    super('No broker available')
  }
}
class KafkaJSPartialMessageError extends KafkaJSNonRetriableError {}
class KafkaJSSASLAuthenticationError extends KafkaJSNonRetriableError {}
class KafkaJSGroupCoordinatorNotFound extends KafkaJSNonRetriableError {}
class KafkaJSNotImplemented extends KafkaJSNonRetriableError {}
class KafkaJSTimeout extends KafkaJSNonRetriableError {}
class KafkaJSLockTimeout extends KafkaJSTimeout {}
class KafkaJSUnsupportedMagicByteInMessageSet extends KafkaJSNonRetriableError {}

/** Something that cannot happen did: a bug of this client, not of the program that uses it. */
class KafkaJSInvariantViolation extends KafkaJSNonRetriableError {
  /** @param {any} e */
  constructor(e) {
    super(`Invariant violated: ${e && e.message ? e.message : e} (a bug in kafka-oxide, please report it)`)
  }
}

class KafkaJSInvalidVarIntError extends KafkaJSNonRetriableError {
  /** @param {any} e */
  constructor(e) {
    super(e)
    this.name = 'KafkaJSNonRetriableError'
  }
}
class KafkaJSInvalidLongError extends KafkaJSNonRetriableError {
  /** @param {any} e */
  constructor(e) {
    super(e)
    this.name = 'KafkaJSNonRetriableError'
  }
}

/** Several failures of one call. As in kafkajs it is a plain Error. */
class KafkaJSAggregateError extends Error {
  /** @param {any} message @param {Error[]} errors */
  constructor(message, errors) {
    super(message)
    this.name = 'KafkaJSAggregateError'
    this.errors = errors
  }
}

/** As in kafkajs a plain Error, and called so. */
class KafkaJSFetcherRebalanceError extends Error {}

module.exports = {
  KafkaJSError,
  KafkaJSNonRetriableError,
  KafkaJSPartialMessageError,
  KafkaJSBrokerNotFound,
  KafkaJSProtocolError,
  KafkaJSConnectionError,
  KafkaJSConnectionClosedError,
  KafkaJSRequestTimeoutError,
  KafkaJSSASLAuthenticationError,
  KafkaJSNumberOfRetriesExceeded,
  KafkaJSOffsetOutOfRange,
  KafkaJSMemberIdRequired,
  KafkaJSGroupCoordinatorNotFound,
  KafkaJSNotImplemented,
  KafkaJSMetadataNotLoaded,
  KafkaJSTopicMetadataNotLoaded,
  KafkaJSStaleTopicMetadataAssignment,
  KafkaJSTimeout,
  KafkaJSLockTimeout,
  KafkaJSServerDoesNotSupportApiKey,
  KafkaJSUnsupportedMagicByteInMessageSet,
  KafkaJSInvariantViolation,
  KafkaJSInvalidVarIntError,
  KafkaJSInvalidLongError,
  KafkaJSDeleteGroupsError,
  KafkaJSDeleteTopicRecordsError,
  KafkaJSCreateTopicError,
  KafkaJSAlterPartitionReassignmentsError,
  KafkaJSAggregateError,
  KafkaJSFetcherRebalanceError,
  KafkaJSNoBrokerAvailableError,
}
