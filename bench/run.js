'use strict'
/** `npm run bench`: see `--help`. Ends with code 1 when anything arrives wrong. */
const fs = require('node:fs')
const os = require('node:os')
const { KafkaBroker } = require('../scripts/kafka/broker')
const { chart } = require('./chart')
const { fill } = require('./docs')
const { goals } = require('./goals')
const { HELP, readOptions } = require('./options')
const { COLUMNS, Report } = require('./report')
const { Session } = require('./session')
const { KEY_BYTES, PARTITIONS, WORKLOADS } = require('./workloads')

const VERSION = '4.1.0'

/**
 * What --json writes and --from reads.
 * @typedef {{ machine: object, failures: string[], rounds: import('./session').Session['rounds'] }} Saved
 */

/** @param {string} text */
function progress(text) {
  process.stderr.write(`${text}\n`)
}

/** Those of the clients that can run here. @param {import('./options').Options} options */
function present({ clients, named }) {
  return clients.filter(({ name, missing }) => {
    const reason = missing?.()
    if (reason && named) throw new Error(reason)
    if (reason) progress(`without ${name}: ${reason}`)
    return !reason
  })
}

/** @param {import('./options').Options} options @returns {Promise<Session>} */
async function measure(options) {
  const broker = options.brokers
    ? undefined
    : await KafkaBroker.start({ version: VERSION, properties: { 'log.segment.delete.delay.ms': 1000 } })
  const session = new Session(options, options.brokers ?? broker?.bootstrapServers.split(',') ?? [], progress)
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    process.once(signal, () => {
      session.stop()
      Promise.resolve(broker?.stop()).finally(() => process.exit(1))
    })
  }
  try {
    await session.run()
    return session
  } finally {
    await broker?.stop()
  }
}

/** @param {string[]} files @returns {[Saved['rounds'], string[]]} of all of them, as if it had been one run */
function load(files) {
  /** @type {Saved['rounds']} */
  const all = {}
  /** @type {string[]} */
  const allFailures = []
  for (const file of files) {
    const { rounds, failures } = /** @type {Saved} */ (JSON.parse(fs.readFileSync(file, 'utf8')))
    allFailures.push(...failures)
    for (const [workload, clients] of Object.entries(rounds)) {
      all[workload] ??= {}
      for (const [client, figures] of Object.entries(clients)) (all[workload][client] ??= []).push(...figures)
    }
  }
  return [all, allFailures]
}

/** @param {Saved['rounds']} rounds @param {import('./clients').Client[]} known */
function reportOf(rounds, known) {
  return new Report({
    rounds,
    workloads: WORKLOADS.filter(({ name }) => Object.values(rounds[name] ?? {}).some(({ length }) => length > 0)),
    clients: known.filter(({ name }) => Object.values(rounds).some(({ [name]: figures }) => figures?.length > 0)),
  })
}

/** Messages a second of all clients, or how long things take. @param {Report} report */
function chartOf(report) {
  const figureOf = (/** @type {import('./workloads').Workload} */ { kind }) =>
    ({ awaited: 'p50', latency: 'p50', startup: 'took' }[/** @type {string} */ (kind)] ?? 'rate')
  const panels = report.workloads.flatMap((workload) => {
    const column = COLUMNS.find(({ key }) => key === figureOf(workload))
    const summaries = report.of(workload.name)
    const bars = report.clients.flatMap(({ name: label }) => {
      const value = column && summaries[label]?.[column.key]?.median
      return value ? [{ label, value, text: column.format(value) }] : []
    })
    return column && bars.length > 0 ? [{ title: `${workload.name}, ${column.title}`, bars }] : []
  })
  const programs = report.clients.filter(({ run }) => run).map(({ name }) => name)
  return chart('kafka-oxide and its peers', panels, (label) => {
    if (label === report.clients[0].name) return 'bar ours'
    return programs.includes(label) ? 'program' : 'bar'
  })
}

/** @param {Report} report */
function summaryOf(report) {
  const { length } = os.cpus()
  return `Node.js ${process.version}, ${process.platform}-${process.arch}, ${length} cores for clients and broker, ` +
    `Apache Kafka ${VERSION}, ${KEY_BYTES} B keys, ${PARTITIONS} partitions, acks all; rounds: ${report.rounds}, ` +
    'medians (least–most).'
}

async function main() {
  const options = readOptions(process.argv.slice(2))
  if (options === undefined) return console.log(HELP)
  if (options.list) {
    return console.log(options.workloads.map(({ name, title }) => `${name.padEnd(22)} ${title}`).join('\n'))
  }
  const [rounds, failures] = await results(options)
  if (options.json) {
    const machine = { node: process.version, platform: `${process.platform}-${process.arch}`, cpus: os.cpus().length }
    console.log(JSON.stringify({ machine, failures, rounds }, null, 1))
  } else if (Object.values(rounds).some((clients) => Object.values(clients).some(({ length }) => length > 0))) {
    write(reportOf(rounds, options.clients), options, failures)
  }
  for (const failure of failures) console.error(`FAILED ${failure}`)
  if (failures.length > 0) process.exitCode = 1
}

/** @param {import('./options').Options} options @returns {Promise<[Saved['rounds'], string[]]>} and what went wrong */
async function results(options) {
  if (options.from.length > 0) return load(options.from)
  const session = await measure({ ...options, clients: present(options) })
  return [session.rounds, session.failures]
}

/** @param {Report} report @param {import('./options').Options} options @param {string[]} failures */
function write(report, { svg, docs }, failures) {
  for (const workload of report.workloads) {
    console.log(`\n${workload.title} (${workload.name})\n\n${report.table(workload)}`)
  }
  const judged = goals(report)
  if (judged) console.log(`\nGoals\n\n${judged}`)
  console.log(`\n${summaryOf(report)}${failures.length > 0 ? '' : ' Everything that was sent arrived.'}`)
  if (svg) fs.writeFileSync(svg, chartOf(report))
  if (docs) fs.writeFileSync(docs, fill(fs.readFileSync(docs, 'utf8'), report, summaryOf(report), judged))
}

main().catch((error) => {
  console.error(error.message)
  process.exitCode = 1
})
