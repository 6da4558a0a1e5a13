'use strict'
/**
 * One client, one workload, one round, in a process of its own. Receives a Task from bench/run.js and answers
 * `{ figures, tally }` or `{ error }`.
 */
const { CLIENTS } = require('./clients')
const { consume } = require('./consume')
const { fill, produce, produceAwaited } = require('./produce')

/**
 * @typedef {object} Task
 * @property {'fill' | 'produce' | 'latency' | 'eachMessage' | 'eachBatch'} kind
 * @property {string} client
 * @property {string[]} brokers
 * @property {string} topic
 * @property {number} messages
 * @property {boolean} strings
 * @property {number} [perSend]
 * @property {number} [inFlight]
 * @property {boolean} [waves]
 * @property {boolean} [ordered] the topic's messages come from `fill`, so their order is known
 */

/** @type {Record<Task['kind'], (kafka: any, task: Task) => Promise<any>>} */
const KINDS = { fill, produce, latency: produceAwaited, eachMessage: consume, eachBatch: consume }

/** @param {object} answer */
function reply(answer) {
  // The profile is written when the process ends by itself; whoever hangs is killed by run.js.
  process.send?.(answer, () => process.disconnect())
}

process.once('message', async (/** @type {Task} */ task) => {
  try {
    reply(await KINDS[task.kind](CLIENTS[task.client](task.brokers), task))
  } catch (error) {
    reply({ error: error instanceof Error ? error.stack : String(error) })
  }
})
