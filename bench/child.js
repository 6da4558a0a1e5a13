'use strict'
/**
 * One client, one workload, one round, in a process of its own. Receives a Task from bench/run.js and answers
 * `{ figures, tally }` (see `Answer`) or `{ error }`.
 */
const { clientOf } = require('./clients')
const { consume, consumers } = require('./consume')
const { latency } = require('./latency')
const { fill, produce, awaited } = require('./produce')
const { startup } = require('./startup')

/** @typedef {import('./clients').Client} Client */

/**
 * @typedef {Omit<import('./workloads').Workload, 'kind' | 'suites' | 'title'> & TaskOnly} Task
 * @typedef {object} TaskOnly
 * @property {import('./clients').Kind | 'fill'} kind
 * @property {string} client its name
 * @property {string} [file] of a client that is not in bench/clients
 * @property {string[]} brokers
 * @property {string} topic
 * @property {number} messages
 * @property {number} maxBytes
 * @property {boolean} ordered the topic's messages come from `fill`, so their order is known
 * @property {number} patience s that may pass without a message
 *
 * @typedef {{ count: number, bytes: number, sum?: number }} TallyResult
 * @typedef {{ figures: Record<string, number | null>, tally: TallyResult, sent?: TallyResult }} Answer
 *   `tally` is what was sent or what arrived; `sent` stands beside it when the run did both
 */

/** @type {Record<Task['kind'], (client: Client, task: Task) => Promise<any>>} */
const KINDS = { fill, produce, awaited, latency, startup, consumers, eachMessage: consume, eachBatch: consume }

/** @param {object} answer */
function reply(answer) {
  // The profile is written when the process ends by itself; whoever hangs is killed by run.js.
  process.send?.(answer, () => process.disconnect())
}

process.once('message', async (/** @type {Task} */ task) => {
  try {
    reply(await KINDS[task.kind](clientOf(task.client, task.file), task))
  } catch (error) {
    reply({ error: error instanceof Error ? error.stack : String(error) })
  }
})
