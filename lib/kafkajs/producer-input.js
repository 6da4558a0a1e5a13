'use strict'
/** What programs give to send(), sendBatch() and sendOffsets(), checked in kafkajs's order. */
const { KafkaJSNonRetriableError, KafkaJSProtocolError } = require('../errors')
const { noValue, notAMessage } = require('../frame/message-input')
const { MEMBER } = require('./group-offsets')
const { show } = require('./options')

/** By CompressionTypes. */
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** @typedef {import('./producer-channel').TopicSend} TopicSend */
/** @typedef {{ topics: TopicSend[], acks: any, timeout: any, compression: any }} SendRequest */

/** @param {any} record @returns {SendRequest} */
function readSend(record) {
  const { topic, messages, acks, timeout, compression } = checkRecord(record)
  return { topics: [{ topic, messages }], acks, timeout, compression }
}

/** @param {any} record what send() was given @returns {any} the same */
function checkRecord(record) {
  if (typeof record === 'object' && record !== null) return record
  throw notARecord(record, "send({ topic: 't', messages: [{ value: 'v' }] })")
}

/** @param {any} batch @returns {SendRequest} a topic may be there twice, see `merged` */
function readBatch(batch) {
  const example = 'sendBatch({ topicMessages: [{ topic, messages }] })'
  if (typeof batch !== 'object' || batch === null) throw notARecord(batch, example)
  const { topicMessages = [], acks, timeout, compression } = batch
  if (!Array.isArray(topicMessages) || topicMessages.some((entry) => typeof entry !== 'object' || entry === null)) {
    throw new KafkaJSNonRetriableError(`Invalid topicMessages: write ${example}`)
  }
  return { topics: topicMessages, acks, timeout, compression }
}

/** One entry for each topic. Only after `checkSend`. @param {TopicSend[]} topics @returns {TopicSend[]} */
function merged(topics) {
  /** @type {Map<string, any[]>} */
  const all = new Map()
  for (const { topic, messages } of topics) {
    const before = all.get(topic)
    all.set(topic, before === undefined ? messages : before.concat(messages))
  }
  return Array.from(all, ([topic, messages]) => ({ topic, messages }))
}

/** @param {any} given @param {string} example */
function notARecord(given, example) {
  return new KafkaJSNonRetriableError(`Invalid argument ${show(given)}: write ${example}`)
}

/**
 * kafkajs's checks, in its order: what was asked for first, the connection (which the caller looks at) last.
 * @param {{ topic: any, messages: any }[]} topics
 * @param {any} acks
 * @param {{ idempotent: boolean, connected: boolean }} state
 */
function checkSend(topics, acks, { idempotent, connected }) {
  for (const { topic } of topics) {
    if (!topic) throw new KafkaJSNonRetriableError('Invalid topic')
    if (typeof topic !== 'string') {
      throw new KafkaJSNonRetriableError(`Invalid topic ${show(topic)} (${typeof topic}): a topic is a string`)
    }
  }
  if (idempotent && acks !== undefined && acks !== -1) {
    throw new KafkaJSNonRetriableError(
      "Not requiring ack for all messages invalidates the idempotent producer's EoS guarantees",
    )
  }
  for (const { topic, messages } of topics) {
    if (!messages) throw new KafkaJSNonRetriableError(`Invalid messages array [${messages}] for topic "${topic}"`)
    if (!Array.isArray(messages)) {
      throw new KafkaJSNonRetriableError(
        `Invalid messages for topic "${topic}": ` +
          `messages must be an array such as [{ value: 'v' }], not ${show(messages)}`,
      )
    }
    // The frame writer checks the rest; this one has to come before the connection is looked at.
    if (!connected) {
      for (const message of messages) {
        if (typeof message !== 'object' || message === null) throw notAMessage(message, topic)
        if (message.value === undefined) throw noValue(message, topic)
      }
    }
  }
}

/**
 * @param {any} acks @param {any} timeout @param {any} compression
 * @returns {Record<string, string>} the librdkafka properties that these ask for
 */
function sendProperties(acks, timeout, compression) {
  /** @type {Record<string, string>} */
  const wanted = {}
  if (acks !== undefined && acks !== null) {
    if (!Number.isInteger(acks) || acks < -1 || acks > 1000) {
      throw new KafkaJSNonRetriableError(
        `Invalid acks ${show(acks)}: write -1 (all replicas), 1 (the leader) or 0 (none)`,
      )
    }
    if (acks > 1) {
      throw new KafkaJSProtocolError({
        type: 'INVALID_REQUIRED_ACKS',
        code: 21,
        retriable: false,
        message: `Invalid acks ${acks}: write -1, 1 or 0`,
      })
    }
    wanted.acks = String(acks)
  }
  if (timeout !== undefined && timeout !== null) {
    if (typeof timeout !== 'number' || !(timeout >= 0)) {
      throw new KafkaJSNonRetriableError(`Invalid timeout ${show(timeout)}: write milliseconds, e.g. 30000`)
    }
    wanted['request.timeout.ms'] = String(Math.min(Math.max(1, Math.ceil(timeout)), 900000))
  }
  if (compression !== undefined && compression !== null) {
    const codec = CODECS[compression]
    if (codec === undefined) {
      throw new KafkaJSNonRetriableError(
        `Invalid compression ${show(compression)}: write one of CompressionTypes, e.g. CompressionTypes.GZIP`,
      )
    }
    wanted['compression.codec'] = codec
  }
  return wanted
}

const OFFSETS_EXAMPLE =
  "sendOffsets({ consumerGroupId: 'my-group', topics: [{ topic, partitions: [{ partition: 0, offset: '42' }] }] })"

/**
 * @param {any} given
 * @returns {{ groupId: string | undefined, consumer: any,
 *   offsets: { topic: string, partition: number, offset: string, metadata?: string }[] }} one of the first two
 */
function readOffsets(given) {
  if (typeof given !== 'object' || given === null) throw notARecord(given, OFFSETS_EXAMPLE)
  const { consumerGroupId, consumer, topics } = given
  if (consumer !== undefined && consumer !== null) {
    if (typeof consumer[MEMBER] !== 'function') {
      throw new KafkaJSNonRetriableError(
        `Invalid consumer ${show(consumer)}: write the consumer that kafka.consumer() gave`,
      )
    }
  } else if (!consumerGroupId) {
    throw new KafkaJSNonRetriableError(`Missing consumerGroupId: write ${OFFSETS_EXAMPLE}`)
  } else if (typeof consumerGroupId !== 'string') {
    throw new KafkaJSNonRetriableError(`Invalid consumerGroupId ${show(consumerGroupId)}: a group id is a string`)
  }
  if (!topics) throw new KafkaJSNonRetriableError(`Missing offset topics: write ${OFFSETS_EXAMPLE}`)
  const wrong = () => new KafkaJSNonRetriableError(`Invalid offset topics: write ${OFFSETS_EXAMPLE}`)
  if (!Array.isArray(topics)) throw wrong()
  const offsets = []
  for (const entry of topics) {
    if (typeof entry !== 'object' || entry === null || !Array.isArray(entry.partitions)) throw wrong()
    const { topic, partitions } = entry
    if (typeof topic !== 'string' || topic === '') {
      throw new KafkaJSNonRetriableError(`Invalid topic ${show(topic)}: a topic is a string`)
    }
    for (const one of partitions) {
      if (typeof one !== 'object' || one === null) throw wrong()
      const { partition, offset, metadata } = one
      offsets.push({
        topic,
        partition: partitionNumber(partition),
        offset: wholeNumber('offset', offset),
        ...(typeof metadata === 'string' ? { metadata } : {}),
      })
    }
  }
  return { groupId: consumer ? undefined : consumerGroupId, consumer, offsets }
}

/** kafkajs's own batches give a partition's number as text. @param {string} what @param {any} given */
function wholeNumber(what, given) {
  const text = typeof given === 'number' || typeof given === 'bigint' ? String(given) : given
  if (typeof text === 'string' && /^\d{1,19}$/.test(text)) return text
  throw new KafkaJSNonRetriableError(`Invalid ${what}, expected a whole number from 0, received ${show(given)}`)
}

/** Beyond 32 bits it would be another partition in native code. @param {any} given */
function partitionNumber(given) {
  const partition = Number(wholeNumber('partition', given))
  if (partition <= 2147483647) return partition
  throw new KafkaJSNonRetriableError(`Invalid partition ${show(given)}: a partition is 0, 1, 2 …`)
}

module.exports = { readSend, checkRecord, readBatch, merged, checkSend, sendProperties, readOffsets }
