'use strict'
/**
 * `npm run bench`: clients side by side on one broker. Each run is a process of its own; rounds are interleaved, so
 * that a slow minute of the machine hits all of them. Ends with code 1 when anything arrives wrong.
 */
const { fork } = require('node:child_process')
const path = require('node:path')
const { KafkaBroker } = require('../scripts/kafka/broker')
const { CLIENTS } = require('./clients')
const { HELP, readOptions } = require('./options')
const { summarize, table } = require('./report')
const { PARTITIONS, KEY_BYTES, VALUE_BYTES, isConsuming, messagesOf } = require('./workloads')

/** The longest that one run may take, ms. */
const RUN_LIMIT = 300_000
/** Looks at what the others produced: not the client whose speed this package praises. */
const CHECKER = 'kafkajs'
const FILLER = 'kafka-oxide'

/** @typedef {import('./child').Task} Task */
/** @typedef {{ count: number, sum: number }} TallyResult */

class Bench {
  #options
  #brokers
  #admin
  #topics = 0

  /** @param {import('./options').Options} options @param {string} bootstrapServers */
  constructor(options, bootstrapServers) {
    this.#options = options
    this.#brokers = bootstrapServers.split(',')
    this.#admin = CLIENTS['kafka-oxide'](this.#brokers).admin()
  }

  /** @returns {Promise<Record<string, Record<string, any[]>>>} figures of the rounds, by workload and client */
  async run() {
    const { rounds, workloads, clients } = this.#options
    await this.#admin.connect()
    try {
      /** @type {Record<string, Record<string, any[]>>} */
      const results = {}
      for (const { name } of workloads) results[name] = Object.fromEntries(clients.map((client) => [client, []]))
      const filled = await this.#fill()
      for (let round = 0; round < rounds; round++) {
        const order = round % 2 === 0 ? clients : [...clients].reverse()
        for (const workload of workloads) {
          for (const client of order) {
            const figures = isConsuming(workload)
              ? await this.#consume(workload, client, filled)
              : await this.#produce(workload, client)
            results[workload.name][client].push(figures)
            const rate = Math.round(figures.rate)
            progress(`round ${round + 1}/${rounds}  ${workload.name}  ${client}  ${rate} messages/s`)
          }
        }
      }
      return results
    } finally {
      await this.#admin.disconnect()
    }
  }

  /** One topic for all consuming runs of a size. */
  async #fill() {
    const { workloads, clients, messages, strings } = this.#options
    /** @type {Map<number, { topic: string, tally: TallyResult }>} */
    const filled = new Map()
    for (const workload of workloads.filter(isConsuming)) {
      for (const client of clients) {
        const count = messagesOf(workload, client, messages)
        if (filled.has(count)) continue
        const topic = await this.#createTopic()
        progress(`filling ${topic} with ${count} messages`)
        const { tally } = await this.#child({ kind: 'fill', client: FILLER, topic, messages: count, strings })
        filled.set(count, { topic, tally })
      }
    }
    return filled
  }

  /**
   * @param {import('./workloads').Workload} workload @param {string} client
   * @param {Map<number, { topic: string, tally: TallyResult }>} filled
   */
  async #consume(workload, client, filled) {
    const messages = messagesOf(workload, client, this.#options.messages)
    const { topic, tally } = /** @type {{ topic: string, tally: TallyResult }} */ (filled.get(messages))
    const { kind } = workload
    const arrived = await this.#child({ kind, client, topic, messages, strings: false, ordered: true }, workload.name)
    check(`${workload.name} with ${client}`, arrived.tally, tally)
    return arrived.figures
  }

  /** @param {import('./workloads').Workload} workload @param {string} client */
  async #produce(workload, client) {
    const { kind, perSend, inFlight, waves } = workload
    const { strings } = this.#options
    const messages = messagesOf(workload, client, this.#options.messages)
    const topic = await this.#createTopic()
    const sent = await this.#child({ kind, client, topic, messages, strings, perSend, inFlight, waves }, workload.name)
    const { count } = sent.tally
    const arrived = await this.#child({ kind: 'eachBatch', client: CHECKER, topic, messages: count, strings })
    check(`${workload.name} with ${client}`, arrived.tally, sent.tally)
    await this.#admin.deleteTopics({ topics: [topic] })
    return sent.figures
  }

  async #createTopic() {
    const topic = `bench-${++this.#topics}`
    const topics = [{ topic, numPartitions: PARTITIONS, replicationFactor: 1 }]
    await this.#admin.createTopics({ waitForLeaders: true, topics })
    return topic
  }

  /**
   * @param {Omit<Task, 'brokers'>} task
   * @param {string} [workload] given when the run is measured
   * @returns {Promise<any>}
   */
  #child(task, workload) {
    const { profile } = this.#options
    const name = `${workload}-${task.client}-${task.topic}.cpuprofile`
    const execArgv = profile && workload
      ? ['--cpu-prof', `--cpu-prof-dir=${path.resolve(profile)}`, `--cpu-prof-name=${name}`]
      : []
    return new Promise((resolve, reject) => {
      const child = fork(path.join(__dirname, 'child.js'), { execArgv, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
      /** @type {any} */
      let answer
      const limit = setTimeout(() => child.kill('SIGKILL'), RUN_LIMIT)
      child.on('message', (message) => { answer = message })
      child.on('error', reject)
      child.on('exit', (code, signal) => {
        clearTimeout(limit)
        const what = `${workload ?? task.kind} with ${task.client}`
        if (answer?.error) reject(new Error(`${what} failed: ${answer.error}`))
        else if (code !== 0 || !answer) reject(new Error(`${what} ended with ${signal ?? `code ${code}`}`))
        else resolve(answer)
      })
      child.send({ ...task, brokers: this.#brokers })
    })
  }
}

/** @param {string} what @param {TallyResult} arrived @param {TallyResult} sent */
function check(what, arrived, sent) {
  if (arrived.count !== sent.count) throw new Error(`${what}: ${arrived.count} arrived, ${sent.count} were sent`)
  if (arrived.sum !== sent.sum) throw new Error(`${what}: the bytes that arrived are not those that were sent`)
}

/** @param {string} text */
function progress(text) {
  process.stderr.write(`${text}\n`)
}

/**
 * @template T, R
 * @param {Record<string, T>} object @param {(value: T) => R} map
 * @returns {Record<string, R>}
 */
function mapValues(object, map) {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, map(value)]))
}

async function main() {
  const options = readOptions(process.argv.slice(2))
  if (options === undefined) return console.log(HELP)
  progress('starting Apache Kafka 4.1.0')
  const broker = await KafkaBroker.start({ version: '4.1.0', properties: { 'log.segment.delete.delay.ms': 1000 } })
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    process.once(signal, () => broker.stop().finally(() => process.exit(1)))
  }
  try {
    const results = await new Bench(options, broker.bootstrapServers).run()
    const summaries = mapValues(results, (clients) => mapValues(clients, summarize))
    if (options.json) {
      const machine = { node: process.version, platform: `${process.platform}-${process.arch}` }
      console.log(JSON.stringify({ ...machine, summaries, results }, null, 2))
    } else {
      for (const { name, title } of options.workloads) console.log(`\n${title} (${name})\n\n${table(summaries[name])}`)
      console.log(`\n${VALUE_BYTES} B values, ${KEY_BYTES} B keys, ${PARTITIONS} partitions, acks all, ` +
        `${options.rounds} rounds: median (least–most). Everything that was sent arrived.`)
    }
  } finally {
    await broker.stop()
  }
}

main().catch((error) => {
  console.error(error.message)
  process.exitCode = 1
})
