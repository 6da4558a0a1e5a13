'use strict'
/** Runs workloads on clients: interleaved rounds on one broker, each run a process of its own, arrival checked. */
const { fork } = require('node:child_process')
const path = require('node:path')
const { clientOf } = require('./clients')
const { MOST, WORKLOADS, isConsuming, maxBytesOf, messagesOf } = require('./workloads')

/** The longest that one run may take, ms. */
const RUN_LIMIT = 180_000
/** How much longer than that a program may take that run.js does not start itself, ms. */
const GRACE = 10_000
/** Looks at what the others produced: not the client whose speed this package praises, but for codecs it lacks. */
const CHECKER = 'kafkajs'
const FILLER = 'kafka-oxide'
/** A share of the largest run that goes through the broker first, which begins as slow as any program on a JVM. */
const WARM_UP = 0.5

/** @typedef {import('./child').Task} Task */
/** @typedef {import('./child').Answer} Answer */
/** @typedef {import('./child').TallyResult} TallyResult */
/** @typedef {import('./clients').Client} Client */
/** @typedef {import('./workloads').Workload} Workload */

class Session {
  #options
  #brokers
  #admin
  #progress
  #topics = 0
  /** @type {Map<string, Promise<{ topic: string, tally: TallyResult }>>} topics to read from, by what is in them */
  #filled = new Map()
  /** @type {Set<import('node:child_process').ChildProcess>} */
  #children = new Set()

  /** @type {Record<string, Record<string, any[]>>} figures of the rounds, by workload and client */
  rounds = {}
  /** @type {string[]} what went wrong */
  failures = []

  /** @param {import('./options').Options} options @param {string[]} brokers @param {(text: string) => void} progress */
  constructor(options, brokers, progress) {
    this.#options = options
    this.#brokers = brokers
    this.#progress = progress
    const { Kafka, logLevel } = require('..')
    this.#admin = new Kafka({ clientId: 'bench', brokers, logLevel: logLevel.NOTHING }).admin()
  }

  async run() {
    const { rounds, workloads, clients } = this.#options
    await this.#admin.connect()
    try {
      await this.#warmUp()
      for (const { name } of workloads) this.rounds[name] = Object.fromEntries(clients.map((one) => [one.name, []]))
      /** What has failed once is not tried again. @type {Set<string>} */
      const failed = new Set()
      for (let round = 0; round < rounds; round++) {
        const order = round % 2 === 0 ? clients : [...clients].reverse()
        for (const workload of workloads) {
          for (const client of order) {
            const what = `${workload.name} with ${client.name}`
            if (client.limits?.(workload) || failed.has(what)) continue
            try {
              const figures = await this.#one(workload, client)
              this.rounds[workload.name][client.name].push(figures)
              this.#progress(`round ${round + 1}/${rounds}  ${workload.name}  ${client.name}  ${brief(figures)}`)
            } catch (error) {
              failed.add(what)
              const failure = `${what}: ${/** @type {Error} */ (error).message}`
              this.failures.push(failure)
              this.#progress(`round ${round + 1}/${rounds}  FAILED ${failure.split('\n')[0]}`)
            }
          }
        }
      }
    } finally {
      await this.#admin.disconnect()
    }
  }

  /** So that whoever comes first does not pay for it. */
  async #warmUp() {
    const [workload] = WORKLOADS
    const topic = await this.#createTopic(workload)
    const messages = Math.ceil((this.#options.messages ?? MOST) * WARM_UP)
    this.#progress('warming up the broker')
    await this.#child(this.#task(workload, FILLER, { topic, messages, kind: 'fill' }))
    await this.#read(workload, topic, messages)
    await this.#admin.deleteTopics({ topics: [topic] })
  }

  /** Ends the run that is under way. */
  stop() {
    for (const child of this.#children) child.kill('SIGKILL')
  }

  /** @param {Workload} workload @param {Client} client */
  async #one(workload, client) {
    const messages = messagesOf(workload, client, this.#options.messages)
    const figures = isConsuming(workload)
      ? await this.#consume(workload, client, messages)
      : await this.#produce(workload, client, messages)
    if (figures.rate) figures.mb = figures.rate * workload.valueBytes / 1e6
    return figures
  }

  /** @param {Workload} workload @param {Client} client @param {number} messages */
  async #consume(workload, client, messages) {
    const { topic, tally } = await this.#fill(workload, messages)
    const answer = await this.#measure(workload, client, { topic, messages, ordered: true })
    const { consumers = 1 } = workload
    compare(answer.tally, {
      count: tally.count * consumers, bytes: tally.bytes * consumers, sum: ((tally.sum ?? 0) * consumers) | 0,
    })
    return answer.figures
  }

  /** One topic for all runs that read the same. @param {Workload} workload @param {number} messages */
  #fill(workload, messages) {
    const { valueBytes, partitions, codec, headers } = workload
    const contents = JSON.stringify([messages, valueBytes, partitions, codec, headers])
    let filling = this.#filled.get(contents)
    if (!filling) {
      filling = this.#createTopic(workload).then(async (topic) => {
        this.#progress(`filling ${topic} with ${messages} messages`)
        const task = this.#task(workload, FILLER, { topic, messages, kind: /** @type {const} */ ('fill') })
        const { tally } = await this.#child(task)
        await this.#checkCount(topic, tally.count)
        return { topic, tally }
      })
      this.#filled.set(contents, filling)
    }
    return filling
  }

  /** @param {Workload} workload @param {Client} client @param {number} messages */
  async #produce(workload, client, messages) {
    const topic = await this.#createTopic(workload)
    try {
      const { figures, tally, sent } = await this.#measure(workload, client, { topic, messages })
      const total = sent ?? tally
      await this.#checkCount(topic, total.count)
      if (sent) compare(tally, sent)
      else compare((await this.#read(workload, topic, total.count)).tally, tally)
      return figures
    } finally {
      await this.#admin.deleteTopics({ topics: [topic] })
    }
  }

  /**
   * What lies in a topic, seen by another client.
   * @param {Workload} workload @param {string} topic @param {number} messages
   */
  #read(workload, topic, messages) {
    const checker = clientOf(CHECKER).limits?.(workload) ? FILLER : CHECKER
    const task = { topic, messages, kind: /** @type {const} */ ('eachBatch'), style: /** @type {const} */ ('eachBatch') }
    return this.#child(this.#task(workload, checker, { ...task, reads: false }))
  }

  /**
   * A consumer stops at the last message it expects: what lies behind it is seen here.
   * @param {string} topic @param {number} sent
   */
  async #checkCount(topic, sent) {
    const partitions = await this.#admin.fetchTopicOffsets(topic)
    const stored = partitions.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0)
    if (stored !== sent) throw new Error(`${stored} messages were stored, ${sent} were sent`)
  }

  /** @param {Workload} workload */
  async #createTopic(workload) {
    const topic = `bench-${process.pid}-${++this.#topics}`
    const configEntries = [{ name: 'max.message.bytes', value: String(maxBytesOf(workload) * 2) }]
    const topics = [{ topic, numPartitions: workload.partitions, replicationFactor: 1, configEntries }]
    await this.#admin.createTopics({ waitForLeaders: true, topics })
    return topic
  }

  /**
   * @param {Workload} workload
   * @param {string} client
   * @param {Partial<Task> & { topic: string, messages: number }} more
   * @returns {Task}
   */
  #task({ suites, title, ...workload }, client, more) {
    const { files, patience } = this.#options
    const maxBytes = maxBytesOf({ suites, title, ...workload })
    return {
      ...workload, client, file: files[client], brokers: this.#brokers, maxBytes, ordered: false, patience, ...more,
    }
  }

  /**
   * @param {Workload} workload @param {Client} client
   * @param {{ topic: string, messages: number, ordered?: boolean }} more
   * @returns {Promise<Answer>}
   */
  #measure(workload, client, more) {
    const task = this.#task(workload, client.name, more)
    return client.run ? within(client.run(task), RUN_LIMIT + GRACE) : this.#child(task, client.node?.(), true)
  }

  /**
   * @param {Task} task
   * @param {string} [execPath] the Node.js to use
   * @param {boolean} [measured]
   * @returns {Promise<Answer>}
   */
  #child(task, execPath = process.execPath, measured = false) {
    const { profile } = this.#options
    const file = `${task.name}-${task.client}-${task.topic}.cpuprofile`.replaceAll('/', '-')
    const execArgv = profile && measured
      ? ['--cpu-prof', `--cpu-prof-dir=${path.resolve(profile)}`, `--cpu-prof-name=${file}`]
      : []
    return new Promise((resolve, reject) => {
      const child = fork(path.join(__dirname, 'child.js'), {
        execPath, execArgv, stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      })
      this.#children.add(child)
      let written = ''
      child.stderr?.setEncoding('utf8').on('data', (text) => { written = (written + text).slice(-2000) })
      /** @type {any} */
      let answer
      const limit = setTimeout(() => child.kill('SIGKILL'), RUN_LIMIT)
      child.on('message', (message) => { answer = message })
      child.on('error', reject)
      child.on('close', (code, signal) => {
        clearTimeout(limit)
        this.#children.delete(child)
        if (answer?.error) reject(new Error(answer.error))
        else if (code !== 0 || !answer) reject(new Error(`ended with ${signal ?? `code ${code}`}: ${written.trim()}`))
        else resolve(answer)
      })
      child.send(task, (error) => { if (error) reject(error) })
    })
  }
}

/** @param {TallyResult} arrived @param {TallyResult} sent */
function compare(arrived, sent) {
  if (arrived.count !== sent.count) throw new Error(`${arrived.count} messages arrived, ${sent.count} were sent`)
  const same = arrived.bytes === sent.bytes &&
    (arrived.sum === undefined || sent.sum === undefined || arrived.sum === sent.sum)
  if (!same) throw new Error('the bytes that arrived are not those that were sent')
}

/** @template T @param {Promise<T>} promise @param {number} limit ms @returns {Promise<T>} */
function within(promise, limit) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`did not end within ${limit / 1000} s`)), limit)
  })
  return Promise.race([promise, /** @type {Promise<never>} */ (late)]).finally(() => clearTimeout(timer))
}

/** @param {Record<string, number | null>} figures */
function brief({ rate, p50, p99, took, idleCpu }) {
  if (p50 != null && p99 != null) return `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`
  if (took != null) return `${took.toFixed(0)} ms`
  return idleCpu != null ? `${(idleCpu * 1000).toFixed(1)} ms of CPU a second` : `${Math.round(rate ?? 0)} messages/s`
}

module.exports = { Session }
