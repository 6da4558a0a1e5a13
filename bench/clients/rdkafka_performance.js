'use strict'
/**
 * What librdkafka does without JavaScript: its own benchmark program, and for awaited sends one of ours (bench/native),
 * linked with the librdkafka of the addon.
 *
 * It consumes message by message in both of the table's columns. It has an option for batches, but waits up to a second
 * for the last one to become full, which doubles the time of a short run.
 *
 * It sends the same bytes over and over, under one key, to random partitions: it chooses none by its keys, which costs
 * it less than it costs the others. Its clock starts with the first message, those of the others with the joining of
 * the group. Its CPU is that of the whole process, connecting included.
 */
const { spawn } = require('node:child_process')
const { missingProgram, programFile } = require('../peers')

/** The longest that one run may take, ms. */
const RUN_LIMIT = 300_000
/** Before the clock of awaited sends starts, as for the others. */
const WARM_UP = 500
/** librdkafka's own limit of a message. */
const DEFAULT_MAX_BYTES = 1_000_000

/** @typedef {import('../child').Task} Task */

/** @param {Record<string, string | number>} properties of librdkafka @returns {string[]} */
const given = (properties) => Object.entries(properties).flatMap(([name, value]) => ['-X', `${name}=${value}`])

/** @param {Task} task */
const where = ({ brokers, topic }) => ['-b', brokers.join(','), '-t', topic]

/** @param {number} maxBytes @returns {Record<string, number>} */
const limitOf = (maxBytes) => maxBytes > DEFAULT_MAX_BYTES ? { 'message.max.bytes': maxBytes } : {}

/**
 * Runs one of the programs to its end.
 * @param {import('../peers').Program} program @param {string[]} args
 * @returns {Promise<{ output: string, cpu?: number, rss?: number }>} cpu in s, rss in bytes
 */
function start(program, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(programFile(program), args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: RUN_LIMIT })
    let output = ''
    let errors = ''
    child.stdout.setEncoding('utf8').on('data', (text) => { output += text })
    child.stderr.setEncoding('utf8').on('data', (text) => { errors += text })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      const last = errors.trimEnd().split('\n').at(-1) ?? ''
      if (code !== 0) return reject(new Error(`${program} ended with ${signal ?? `code ${code}`}: ${last}\n${output}`))
      if (!last.startsWith('{')) return reject(new Error(`${program} did not say what it cost: ${last}`))
      resolve({ output, ...JSON.parse(last) })
    })
  })
}

/** @param {{ cpu?: number, rss?: number }} costs @param {number} messages */
const costsOf = ({ cpu, rss }, messages) => ({
  ...cpu === undefined ? {} : { cpu: cpu * 1e6 / messages },
  ...rss === undefined ? {} : { rss: rss / 2 ** 20 },
})

/**
 * @param {{ output: string, cpu?: number, rss?: number }} result
 * @param {RegExp} line with the groups count, bytes and ms
 * @returns {import('./index').External}
 */
function figuresOf(result, line) {
  // Now and then it says how far it is; the last one counts.
  const found = [...result.output.matchAll(line)].at(-1)?.groups
  if (!found) throw new Error(`rdkafka_performance said something new:\n${result.output}`)
  const [count, bytes, ms] = [Number(found.count), Number(found.bytes), Math.max(1, Number(found.ms))]
  return {
    figures: { seconds: ms / 1000, rate: count * 1000 / ms, ...costsOf(result, count) },
    tally: { count, bytes },
  }
}

/** @param {Task} task */
async function produce(task) {
  const { messages, valueBytes, codec = 'none', headers, maxBytes } = task
  const result = await start('rdkafka_performance', [
    '-P', ...where(task), '-c', String(messages), '-s', String(valueBytes), '-k', 'kkkkk', '-a', '-1', '-z', codec,
    ...headers ? ['-H', 'content-type=application/json', '-H', 'trace-id=0123456789abcdef'] : [],
    // Of its own it lingers for a second, which makes full batches and a slow end. This is as fast and ends at once.
    ...given({ 'partitioner': 'random', 'linger.ms': 5, 'batch.num.messages': 100_000, ...limitOf(maxBytes) }),
  ])
  return figuresOf(result, /% \d+ messages produced \((?<bytes>\d+) bytes\), (?<count>\d+) delivered .* in (?<ms>\d+)ms/g)
}

/** @param {Task} task */
async function consume(task) {
  const { messages, headers } = task
  const result = await start('rdkafka_performance', [
    '-G', `bench-${task.topic}-${process.pid}-${Date.now()}`, ...where(task), '-c', String(messages),
    // No line every second.
    '-i', String(RUN_LIMIT),
    ...headers ? ['-H', 'parse'] : [],
    // By default it may wait for a second before it fetches again, once its queue was full.
    ...given({ 'fetch.queue.backoff.ms': 10 }),
  ])
  return figuresOf(result, /% (?<count>\d+) messages \((?<bytes>\d+) bytes\) consumed in (?<ms>\d+)ms/g)
}

/** @param {Task} task @returns {Promise<import('./index').External>} */
async function awaited(task) {
  const { messages, valueBytes, maxBytes } = task
  const result = await start('awaited', [
    ...where(task), '-c', String(messages), '-w', String(WARM_UP), '-s', String(valueBytes), ...given(limitOf(maxBytes)),
  ])
  const { seconds, p50, p99 } = JSON.parse(result.output)
  const count = messages + WARM_UP
  return {
    figures: { seconds, rate: messages / seconds, p50, p99, ...costsOf(result, count) },
    tally: { count, bytes: count * valueBytes },
  }
}

/** @type {import('./index').Client} */
module.exports = {
  name: 'rdkafka_performance',
  missing: () => missingProgram('rdkafka_performance') ?? missingProgram('awaited'),
  rates: { produce: 1_300_000, awaited: 4000, eachMessage: 1_600_000, eachBatch: 1_600_000 },

  limits({ kind, perSend, inFlight = 1, reads }) {
    if (reads) return 'looks at no key and at no value'
    if (kind === 'produce' && perSend === 1 && inFlight > 20) {
      return 'knows no sends, only messages: its figure is the one of 1,000 a send'
    }
    return ['produce', 'awaited', 'eachMessage', 'eachBatch'].includes(kind) ? undefined : 'has nothing like it'
  },

  run(task) {
    if (task.kind === 'produce') return produce(task)
    return task.kind === 'awaited' ? awaited(task) : consume(task)
  },
}
