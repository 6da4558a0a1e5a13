'use strict'
/** The command line of the benchmark. */
const path = require('node:path')
const { parseArgs } = require('node:util')
const { CLIENTS } = require('./clients')
const { MOST, SUITES, WORKLOADS } = require('./workloads')

const suites = Object.entries(SUITES).map(([name, about]) => `    ${name.padEnd(12)} ${about}`).join('\n')

const HELP = `Usage: npm run bench -- [options]

Runs kafka-oxide and its peers side by side on an Apache Kafka that is started for it, and checks all that arrives.
Clients that are not there are named and left out; node bench/install.js installs them.

  --suite A,B     which workloads (core), or all:
${suites}
  --only A,B      these only: names of workloads of any suite, and of clients
                  (${CLIENTS.map(({ name }) => name).join(', ')})
  --rounds N      how often each workload runs on each client; the median counts (3)
  --messages N    messages of the largest runs (${MOST}); all others shrink or grow with them
  --list          the names of the chosen workloads
  --brokers A,B   an Apache Kafka that runs already
  --client FILE   one more client: a module like those in bench/clients
  --patience S    a run fails when no message comes for so many seconds (20)
  --json          all figures as JSON on stdout, everything else on stderr
  --from FILE     measures nothing: reports what --json has written, several files (--from A --from B) as one
  --svg FILE      writes a chart
  --docs FILE     puts the tables into a Markdown file, between the comments there that name a suite
  --profile DIR   writes a CPU profile of each run into DIR; the profiler itself costs time
  --help`

/**
 * @typedef {object} Options
 * @property {number} rounds
 * @property {number | undefined} messages
 * @property {import('./workloads').Workload[]} workloads
 * @property {import('./clients').Client[]} clients
 * @property {boolean} named whether the clients were asked for by name
 * @property {Record<string, string>} files of clients that are not in bench/clients
 * @property {string[] | undefined} brokers
 * @property {number} patience s
 * @property {boolean} list
 * @property {boolean} json
 * @property {string[]} from
 * @property {string | undefined} svg
 * @property {string | undefined} docs
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
      suite: { type: 'string', multiple: true, default: [] },
      only: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string', default: '3' },
      messages: { type: 'string' },
      list: { type: 'boolean', default: false },
      brokers: { type: 'string' },
      client: { type: 'string', multiple: true, default: [] },
      patience: { type: 'string', default: '20' },
      json: { type: 'boolean', default: false },
      from: { type: 'string', multiple: true, default: [] },
      svg: { type: 'string' },
      docs: { type: 'string' },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  const own = values.client.map((file) => ({ file: path.resolve(file), client: require(path.resolve(file)) }))
  const known = [...CLIENTS, ...own.map(({ client }) => client)]
  const only = values.only.flatMap((list) => list.split(','))
  const chosen = known.filter(({ name }) => only.includes(name))
  return {
    rounds: positive('--rounds', values.rounds),
    messages: values.messages === undefined ? undefined : positive('--messages', values.messages),
    workloads: chooseWorkloads(only.filter((name) => !known.some((one) => one.name === name)), values.suite, known),
    clients: chosen.length > 0 ? chosen : known,
    named: chosen.length > 0,
    files: Object.fromEntries(own.map(({ file, client }) => [client.name, file])),
    brokers: values.brokers?.split(','),
    patience: positive('--patience', values.patience),
    list: values.list,
    json: values.json,
    from: values.from,
    svg: values.svg,
    docs: values.docs,
    profile: values.profile,
  }
}

/** @param {string} flag @param {string} text */
function positive(flag, text) {
  const number = Number(text.replaceAll('_', ''))
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`${flag} must be a whole number from 1, not ${text}`)
  return number
}

/** @param {string[]} names @param {string[]} lists of suites @param {import('./clients').Client[]} clients */
function chooseWorkloads(names, lists, clients) {
  const strange = names.find((name) => !WORKLOADS.some((workload) => workload.name === name))
  if (strange !== undefined) {
    const known = [...WORKLOADS, ...clients].map(({ name }) => name)
    throw new Error(`--only does not know ${strange}; the names are ${known.join(', ')}`)
  }
  const suites = lists.flatMap((list) => list.split(','))
  const unknown = suites.find((name) => name !== 'all' && !Object.hasOwn(SUITES, name))
  if (unknown !== undefined) {
    throw new Error(`--suite does not know ${unknown}; it is ${Object.keys(SUITES).join(', ')} or all`)
  }
  if (suites.length === 0 && names.length === 0) suites.push('core')
  return WORKLOADS.filter((workload) => names.includes(workload.name) || suites.includes('all') ||
    (names.length === 0 && workload.suites.some((suite) => suites.includes(suite))))
}

module.exports = { readOptions, HELP }
