'use strict'
/** What is measured. */

/**
 * @typedef {object} Workload
 * @property {string} name
 * @property {string} title
 * @property {'produce' | 'latency' | 'eachMessage' | 'eachBatch'} kind
 * @property {Record<string, number>} messages of one run, by client: past the warm-up, and within one's patience
 * @property {number} [perSend] messages in one call of send()
 * @property {number} [inFlight] calls of send() under way at a time
 * @property {boolean} [waves] the next `inFlight` calls begin when all of the last have ended, as with Promise.all
 */

const PARTITIONS = 6
const KEY_BYTES = 5
const VALUE_BYTES = 100

/** @type {Workload[]} */
const WORKLOADS = [
  {
    name: 'produce',
    title: 'produce, 1,000 messages a send, 20 sends in flight',
    kind: 'produce',
    messages: { 'kafka-oxide': 2_000_000, kafkajs: 500_000 },
    perSend: 1000,
    inFlight: 20,
  },
  {
    name: 'produce-singles',
    title: 'produce, one message a send, 10,000 sends at once',
    kind: 'produce',
    messages: { 'kafka-oxide': 500_000, kafkajs: 50_000 },
    perSend: 1,
    inFlight: 10_000,
    waves: true,
  },
  {
    name: 'produce-awaited',
    title: 'produce, one message at a time, awaited',
    kind: 'latency',
    messages: { 'kafka-oxide': 5000, kafkajs: 5000 },
  },
  {
    name: 'eachMessage',
    title: 'consume, eachMessage with an async handler',
    kind: 'eachMessage',
    messages: { 'kafka-oxide': 2_000_000, kafkajs: 2_000_000 },
  },
  {
    name: 'eachBatch',
    title: 'consume, eachBatch',
    kind: 'eachBatch',
    messages: { 'kafka-oxide': 2_000_000, kafkajs: 2_000_000 },
  },
]

/** @param {Workload} workload */
const isConsuming = ({ kind }) => kind === 'eachMessage' || kind === 'eachBatch'

/** What `--messages` is measured against: the largest run. */
const MOST = 2_000_000

/**
 * @param {Workload} workload
 * @param {string} client
 * @param {number} [most] messages of the largest run; the others shrink or grow with it
 * @returns {number}
 */
function messagesOf(workload, client, most = MOST) {
  const perSend = workload.perSend ?? 1
  return Math.max(1, Math.round(workload.messages[client] * most / MOST / perSend)) * perSend
}

module.exports = { WORKLOADS, PARTITIONS, KEY_BYTES, VALUE_BYTES, isConsuming, messagesOf, MOST }
