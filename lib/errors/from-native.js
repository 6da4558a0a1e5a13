'use strict'
const { types } = require('node:util')
const {
  KafkaJSError,
  KafkaJSNonRetriableError,
  KafkaJSProtocolError,
  KafkaJSOffsetOutOfRange,
  KafkaJSConnectionError,
  KafkaJSRequestTimeoutError,
  KafkaJSSASLAuthenticationError,
  KafkaJSNotImplemented,
  KafkaJSGroupCoordinatorNotFound,
} = require('./classes')
const { protocolCode, byType, UNKNOWN_CODE } = require('./protocol-codes')

/**
 * What the native side says of a failure: plain data, see "The boundary" in DESIGN.md.
 * @typedef {{ code: number, name: string, message: string, fatal?: boolean, retriable?: boolean, abortable?: boolean }}
 * NativeErrorData
 */

/**
 * @typedef {{ topic?: string, partition?: number, broker?: string, mechanism?: string }} ErrorContext
 * what the call was about, for the fields of the classes that have them
 */

/** The local codes (negative) which this table tells apart; all others become the base class. */
const LOCAL = {
  DESTROY: -197,
  TRANSPORT: -195,
  RESOLVE: -193,
  MSG_TIMED_OUT: -192,
  UNKNOWN_PARTITION: -190,
  UNKNOWN_TOPIC: -188,
  ALL_BROKERS_DOWN: -187,
  INVALID_ARG: -186,
  TIMED_OUT: -185,
  SSL: -181,
  WAIT_COORD: -180,
  CONFLICT: -173,
  STATE: -172,
  UNKNOWN_PROTOCOL: -171,
  NOT_IMPLEMENTED: -170,
  AUTHENTICATION: -169,
  TIMED_OUT_QUEUE: -166,
  UNSUPPORTED_FEATURE: -165,
  PURGE_QUEUE: -152,
  PURGE_INFLIGHT: -151,
  FATAL: -150,
  GAPLESS_GUARANTEE: -148,
  MAX_POLL_EXCEEDED: -147,
  UNKNOWN_BROKER: -146,
  NOT_CONFIGURED: -145,
  FENCED: -144,
  APPLICATION: -143,
  ASSIGNMENT_LOST: -142,
}

/** The system's name for what librdkafka says in words; connection errors of kafkajs carry such names. */
const SYSTEM_CODES = /** @type {[RegExp, string][]} */ ([
  [/connection refused/i, 'ECONNREFUSED'],
  [/connection reset|connection closed by peer/i, 'ECONNRESET'],
  [/broken pipe/i, 'EPIPE'],
  [/network is unreachable/i, 'ENETUNREACH'],
  [/no route to host|host is unreachable/i, 'EHOSTUNREACH'],
  [/connection (setup )?timed out|timed out/i, 'ETIMEDOUT'],
  [/failed to resolve|name or service not known|nodename nor servname|no such host|name resolution/i, 'ENOTFOUND'],
])

/** Node's names for why a certificate is refused, by OpenSSL's words, which the native side appends. */
const CERTIFICATE_CODES = /** @type {[RegExp, string][]} */ ([
  [/(hostname|IP address) mismatch/i, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  [/certificate has expired$/i, 'CERT_HAS_EXPIRED'],
  [/certificate is not yet valid$/i, 'CERT_NOT_YET_VALID'],
  [/self[- ]signed certificate in certificate chain$/i, 'SELF_SIGNED_CERT_IN_CHAIN'],
  [/self[- ]signed certificate$/i, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  [/unable to get local issuer certificate$/i, 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
  [/unable to get issuer certificate$/i, 'UNABLE_TO_GET_ISSUER_CERT'],
  [/unable to verify the first certificate$/i, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  [/certificate revoked$/i, 'CERT_REVOKED'],
])

/** Kafka's code for a mechanism that the broker does not have. */
const UNSUPPORTED_SASL_MECHANISM = 33

/** What Node would say of a certificate, with OpenSSL's reason. @param {string} message */
function certificateWords(message) {
  const [, reason] = /certificate verify failed: (.+)$/.exec(message) || []
  if (reason === undefined) return message
  return / mismatch/.test(reason) ? `Hostname/IP does not match certificate's altnames: ${reason}` : reason
}

/** What to do about what a broker says by a TLS alert, or by hanging up. @param {string} message */
function tlsAdvice(message) {
  if (/alert (bad certificate|certificate required|unknown ca|certificate unknown)/i.test(message)) {
    return ': the broker wants a client certificate that it trusts, see the options "ssl.cert" and "ssl.key"'
  }
  if (/alert (handshake failure|protocol version)/i.test(message)) {
    return ': client and broker have no version or cipher of TLS in common, see "ssl.minVersion" and "ssl.ciphers"'
  }
  const hungUp = /Disconnected.* in state SSL_HANDSHAKE/.test(message)
  return hungUp ? ': the listener may speak no TLS, see the option "ssl"' : ''
}

/** @param {NativeErrorData} data */
function tlsCode({ message }) {
  const found = CERTIFICATE_CODES.find(([pattern]) => pattern.test(message))
  return found ? found[1] : 'EPROTO'
}

/** @param {NativeErrorData} data */
function connectionCode(data) {
  if (/SSL alert number/.test(data.message)) return 'EPROTO'
  const found = SYSTEM_CODES.find(([pattern]) => pattern.test(data.message))
  if (found) return found[1]
  return data.code === LOCAL.RESOLVE ? 'ENOTFOUND' : data.code
}

/**
 * What Node would say when a connection cannot be made: programs look for `ECONNREFUSED` in messages.
 * @param {NativeErrorData} data
 */
function systemWords(data) {
  const [, address] = /Connect to ipv[46]#(\S+) failed: /.exec(data.message) || []
  if (address !== undefined) {
    const code = connectionCode(data)
    if (typeof code === 'string') return `connect ${code} ${address.replace(/[[\]]/g, '')}`
  }
  const [, host] = /Failed to resolve '(.+):\d+'/.exec(data.message) || []
  return host === undefined ? data.message : `getaddrinfo ${connectionCode(data)} ${host.replace(/[[\]]/g, '')}`
}

/** @param {NativeErrorData} data @returns {string | undefined} `host:port` when the text names one */
function brokerIn(data) {
  const found = /(?:^|[\s/])(\[[0-9a-f:.]+\]|[\w.-]+):(\d{1,5})(?=[/:\s,)]|$)/i.exec(data.message)
  return found ? `${found[1]}:${found[2]}` : undefined
}

/**
 * A protocol error by number, with librdkafka's sentence (or the type in words when there is none).
 * @param {number} code
 * @param {string} [message]
 * @param {string} [nativeName] names codes newer than our table
 */
function protocolErrorData(code, message, nativeName) {
  const known = protocolCode(code)
  if (known === UNKNOWN_CODE) {
    const type = nativeName && /^ERR_[A-Z]/.test(nativeName) ? nativeName.slice(4) : known.type
    return {
      type,
      code: type === known.type ? known.code : code,
      retriable: false,
      message: message || `Unknown error code ${code}`,
    }
  }
  const words = known.type.toLowerCase().replace(/_/g, ' ')
  return {
    type: known.type,
    code: known.code,
    retriable: known.retriable,
    message: message || `The broker answered: ${words}`,
  }
}

/**
 * Makes the error of the kafkajs family for what the native side reported. Call it where the user awaits, so that the
 * stack leads to the user's code.
 * @param {NativeErrorData | Error} data an Error is returned as it is
 * @param {ErrorContext} [context]
 * @returns {Error}
 */
function fromNative(data, context = {}) {
  // An Error of another realm (vm, jest) is one all the same.
  if (isError(data)) return data
  if (data === null || typeof data !== 'object' || typeof data.code !== 'number') {
    return new KafkaJSError(`Unexpected native failure: ${describe(data)}`, { retriable: false })
  }
  const { code, message, name } = data
  const fatal = data.fatal === true
  const common = { fatal, abortable: data.abortable === true, librdkafka: { code, name } }
  const retriable = data.retriable === true && !fatal
  if (code > 0 || code === -1) {
    const answer = protocolErrorData(code, message, name)
    const options = fatal ? { ...common, retriable: false } : common
    return code === 1 && context.topic !== undefined
      ? new KafkaJSOffsetOutOfRange(answer, { topic: context.topic, partition: context.partition ?? -1, ...options })
      : new KafkaJSProtocolError(answer, options)
  }
  switch (code) {
    case LOCAL.TRANSPORT:
    case LOCAL.RESOLVE:
    case LOCAL.ALL_BROKERS_DOWN:
      return new KafkaJSConnectionError(`Connection error: ${systemWords(data)}${tlsAdvice(message)}`, {
        ...common,
        retriable: !fatal,
        broker: context.broker || brokerIn(data),
        code: connectionCode(data),
      })
    case LOCAL.SSL:
      return new KafkaJSConnectionError(`Connection error: ${certificateWords(message)}${tlsAdvice(message)}`, {
        ...common,
        retriable: false,
        broker: context.broker || brokerIn(data),
        code: tlsCode(data),
      })
    case LOCAL.AUTHENTICATION:
      // A request that was under way when its connection failed to authenticate anew: the next one has another connection.
      // That authentication fails is told by the connection, in more words.
      if (message === 'Local: Authentication failure') {
        return new KafkaJSConnectionError('Connection error: the connection failed to authenticate', {
          ...common,
          retriable: !fatal,
          code: 'ECONNRESET',
        })
      }
      return saslError(data, context, common)
    case LOCAL.TIMED_OUT:
    case LOCAL.TIMED_OUT_QUEUE:
    case LOCAL.MSG_TIMED_OUT:
      return new KafkaJSRequestTimeoutError(message, {
        ...common,
        retriable: !fatal,
        code,
        broker: context.broker,
      })
    case LOCAL.UNKNOWN_TOPIC:
    case LOCAL.UNKNOWN_PARTITION:
      return new KafkaJSProtocolError(protocolErrorData(3, message), common)
    case LOCAL.FENCED:
      return new KafkaJSProtocolError(
        protocolErrorData(
          byTypeCode('INVALID_PRODUCER_EPOCH'),
          `${message}: another producer with this transactional id has taken over, or a transaction took longer than ` +
            'transactionTimeout. disconnect() and connect() make a producer that can go on',
        ),
        { ...common, retriable: false },
      )
    case LOCAL.WAIT_COORD:
      return retriable
        ? new KafkaJSError(message, { ...common, code })
        : new KafkaJSGroupCoordinatorNotFound(message, common)
    case LOCAL.UNSUPPORTED_FEATURE:
    case LOCAL.NOT_IMPLEMENTED:
      return new KafkaJSNotImplemented(message, { ...common, code })
    default:
      return retriable
        ? new KafkaJSError(message, { ...common, code })
        : new KafkaJSNonRetriableError(message, { ...common, code })
  }
}

/**
 * kafkajs's words for a failed authentication: the mechanism, and what the broker said.
 * @param {NativeErrorData} data
 * @param {ErrorContext} context
 * @param {{ fatal: boolean, librdkafka: { code: number, name: string } }} common
 */
function saslError({ code, message }, context, common) {
  const handshake = /SASL (\S+) mechanism handshake failed: .*unsupported sasl mechanism.*supported mechanisms: (\S*)/i
  const [, refused, supported] = handshake.exec(message) || []
  if (refused !== undefined) {
    const error = new KafkaJSSASLAuthenticationError(
      `SASL ${refused} mechanism is not supported by the server, which supports ${supported.replace(/,/g, ', ')}`,
      { ...common, code: UNSUPPORTED_SASL_MECHANISM },
    )
    // What kafkajs 2.2.4 says of it with brokers that answer the handshake by this error.
    return Object.assign(error, { type: protocolCode(UNSUPPORTED_SASL_MECHANISM).type })
  }
  if (/mechanism handshake failed: .*not valid in current SASL state/i.test(message)) {
    message += ': the listener may not want SASL, see the options "sasl" and "ssl"'
  }
  const mechanism = context.mechanism ? ` ${context.mechanism.replace(/^SCRAM-SHA-/, 'SCRAM SHA')}` : ''
  const [, said] = /SASL authentication error: (.*?)(?: \(after \d+ms in state [^)]*\))?$/s.exec(message) || []
  return new KafkaJSSASLAuthenticationError(`SASL${mechanism} authentication failed: ${said || message}`, {
    ...common,
    code,
  })
}

/** @param {any} value @returns {value is Error} */
function isError(value) {
  return value instanceof Error || types.isNativeError(value)
}

/** @param {string} type */
function byTypeCode(type) {
  const entry = byType.get(type)
  return entry ? entry.code : UNKNOWN_CODE.code
}

/** @param {unknown} value */
function describe(value) {
  try {
    return typeof value === 'string' ? value : JSON.stringify(value)
  } catch {
    return String(value)
  }
}

module.exports = { fromNative, protocolErrorData, LOCAL }
