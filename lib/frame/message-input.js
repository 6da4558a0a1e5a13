'use strict'
/** What is wrong with a message that a program wants to send, and what to write instead. */
const { KafkaJSNonRetriableError } = require('../errors')

/** @param {any} value */
function kind(value) {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (value instanceof Date) return 'a Date'
  if (typeof value === 'object') {
    const name = value.constructor && value.constructor.name
    return name && name !== 'Object' ? `${/^[AEIO]/.test(name) ? 'an' : 'a'} ${name}` : 'an object'
  }
  return value === undefined ? 'undefined' : `a ${typeof value}`
}

/** @param {any} value a message, for a message: shortened JSON, or what can be said when there is none */
function json(value) {
  try {
    const text = JSON.stringify(value)
    return text.length > 1000 ? `${text.slice(0, 1000)}…` : text
  } catch {
    return kind(value)
  }
}

/** @param {any} message @param {string} topic */
function notAMessage(message, topic) {
  return new KafkaJSNonRetriableError(
    `Invalid message for topic "${topic}": ` +
      `a message is an object such as { key: 'k', value: 'v' }, not ${kind(message)}`,
  )
}

/** @param {any} message @param {string} topic */
function noValue(message, topic) {
  return new KafkaJSNonRetriableError(`Invalid message without value for topic "${topic}": ${json(message)}`)
}

/** @param {string} part `key`, `value` or `header "name"` @param {any} value @param {string} topic */
function wrongBytes(part, value, topic) {
  const instead = typeof value === 'object' ? 'JSON.stringify(it)' : 'String(it)'
  const bytes = ArrayBuffer.isView(value) || value instanceof ArrayBuffer
  return new KafkaJSNonRetriableError(
    `Invalid message for topic "${topic}": ${part} must be a string, a Buffer or null, not ${kind(value)}: ` +
      `write ${bytes ? 'Buffer.from(…)' : instead}`,
  )
}

/** @param {any} headers @param {string} topic */
function wrongHeaders(headers, topic) {
  return new KafkaJSNonRetriableError(
    `Invalid message for topic "${topic}": headers must be an object such as { name: 'value' }, not ${kind(headers)}`,
  )
}

/** @param {any} partition @param {string} topic */
function wrongPartition(partition, topic) {
  const shown = typeof partition === 'number' ? partition : kind(partition)
  return new KafkaJSNonRetriableError(
    `Invalid message for topic "${topic}": partition must be a whole number from 0, not ${shown}`,
  )
}

/**
 * @param {any} timestamp digits or a number: milliseconds since 1970. 0 is refused: librdkafka takes it for "now" (the default of
 * `RD_KAFKA_V_TIMESTAMP`), which would silently store another time than was asked for
 * @param {string} topic
 * @returns {number}
 */
function timestampOf(timestamp, topic) {
  const ms = typeof timestamp === 'string' && /^\d{1,16}$/.test(timestamp) ? Number(timestamp) : timestamp
  if (typeof ms === 'number' && Number.isSafeInteger(ms) && ms > 0) return ms
  const shown =
    typeof timestamp === 'number' || typeof timestamp === 'string' ? JSON.stringify(timestamp) : kind(timestamp)
  throw new KafkaJSNonRetriableError(
    `Invalid message for topic "${topic}": ` +
      `timestamp must be milliseconds after 1970 as text, e.g. String(Date.now()), or absent for now, not ${shown}`,
  )
}

module.exports = { notAMessage, noValue, wrongBytes, wrongHeaders, wrongPartition, timestampOf }
