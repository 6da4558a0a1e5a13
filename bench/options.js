'use strict'
/** The command line of the benchmark. */
const { parseArgs } = require('node:util')
const { CLIENTS } = require('./clients')
const { MOST, WORKLOADS } = require('./workloads')

const HELP = `Usage: npm run bench -- [options]

Runs kafka-oxide and kafkajs side by side on an Apache Kafka that is started for it, and checks all that arrives.

  --rounds N      how often each workload runs on each client; the median counts (3)
  --messages N    messages of the largest runs (${MOST}); all others shrink or grow with them
  --only A,B      these only: names of workloads (${WORKLOADS.map(({ name }) => name).join(', ')})
                  and of clients (${Object.keys(CLIENTS).join(', ')})
  --values TYPE   what is sent: buffer or string (buffer)
  --json          the figures as JSON on stdout, everything else on stderr
  --profile DIR   writes a CPU profile of each run into DIR; the profiler itself costs time
  --help`

/**
 * @typedef {object} Options
 * @property {number} rounds
 * @property {number | undefined} messages
 * @property {import('./workloads').Workload[]} workloads
 * @property {string[]} clients
 * @property {boolean} strings
 * @property {boolean} json
 * @property {string | undefined} profile
 */

/**
 * @param {string[]} argv
 * @returns {Options | undefined} undefined when help was asked for
 * @throws {Error} that says what to write instead
 */
function readOptions(argv) {
  const { values } = parseArgs({
    args: argv,
    options: {
      rounds: { type: 'string', default: '3' },
      messages: { type: 'string' },
      only: { type: 'string', multiple: true, default: [] },
      values: { type: 'string', default: 'buffer' },
      json: { type: 'boolean', default: false },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  if (values.values !== 'buffer' && values.values !== 'string') {
    throw new Error(`--values must be buffer or string, not ${values.values}`)
  }
  const { workloads, clients } = selection(values.only.flatMap((list) => list.split(',')))
  return {
    rounds: positive('--rounds', values.rounds),
    messages: values.messages === undefined ? undefined : positive('--messages', values.messages),
    workloads,
    clients,
    strings: values.values === 'string',
    json: values.json,
    profile: values.profile,
  }
}

/** @param {string} flag @param {string} text */
function positive(flag, text) {
  const number = Number(text.replaceAll('_', ''))
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`${flag} must be a whole number from 1, not ${text}`)
  return number
}

/** @param {string[]} names */
function selection(names) {
  const clients = Object.keys(CLIENTS)
  for (const name of names) {
    if (!clients.includes(name) && !WORKLOADS.some((workload) => workload.name === name)) {
      const known = [...WORKLOADS.map((workload) => workload.name), ...clients]
      throw new Error(`--only does not know ${name}; the names are ${known.join(', ')}`)
    }
  }
  const workloads = WORKLOADS.filter(({ name }) => names.includes(name))
  const chosen = clients.filter((name) => names.includes(name))
  return {
    workloads: workloads.length > 0 ? workloads : WORKLOADS,
    clients: chosen.length > 0 ? chosen : clients,
  }
}

module.exports = { readOptions, HELP }
