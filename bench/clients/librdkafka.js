'use strict'
/** Settings in librdkafka's words, for the clients that are built on it. */

/** What librdkafka itself allows a message to be. */
const DEFAULT_MAX_BYTES = 1_000_000

/**
 * @param {import('./index').Settings} settings
 * @returns {Record<string, string | number>}
 */
function producerConfig({ kind, codec = 'none', maxBytes }) {
  return {
    'compression.codec': codec,
    ...maxBytes > DEFAULT_MAX_BYTES ? { 'message.max.bytes': maxBytes } : {},
    // The default, 5 ms, is for many messages at once; whoever awaits each is told to linger for 0 or 1.
    ...kind === 'awaited' || kind === 'latency' ? { 'linger.ms': 0 } : {},
  }
}

/**
 * A fetch grows by itself for a message that is larger than its limit.
 * @returns {Record<string, string | number>}
 */
function consumerConfig() {
  return { 'auto.offset.reset': 'earliest' }
}

/** @param {string | Buffer} value */
const toBuffer = (value) => typeof value === 'string' ? Buffer.from(value) : value

module.exports = { producerConfig, consumerConfig, toBuffer }
