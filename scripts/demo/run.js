'use strict'

// The demo from start to end: cluster, data set, produce, consume, compare.

const { DemoCluster } = require('./cluster')
const { consume } = require('./consume')
const { loadDataset } = require('./dataset')
const { DemoFailure } = require('./failure')
const { produce } = require('./produce')
const { CLEAR_LINE, Progress, thousands } = require('./progress')
const { lengthOf, verify } = require('./verify')

/** How many of the records that are not right get a line. */
const MAX_PROBLEMS = 10

/**
 * @typedef {object} Options
 * @property {string[]} [brokers]  without it an embedded cluster
 * @property {NodeJS.WritableStream & { isTTY?: boolean }} [out]
 * @property {(acknowledged: number) => void} [onProduced]  called as the brokers confirm records
 * @property {(position: number) => void} [onConsumed]      called as records come back
 */

/**
 * @param {Options} [options]
 * @returns {Promise<import('./verify').Verdict>}
 * @throws {DemoFailure} when the brokers cannot be used, and when not everything came back as it went in
 */
async function runDemo ({ brokers, out = process.stdout, onProduced, onConsumed } = {}) {
  const clear = out.isTTY ? CLEAR_LINE : ''
  const say = (/** @type {string} */ label, /** @type {string} */ text) => {
    out.write(`${clear}${label.padEnd(9)} ${text}\n`)
  }
  const { records, source } = loadDataset()
  const bytes = records.reduce((sum, record) => sum + sizeOf(record), 0)
  say('data', `${thousands(records.length)} cities, ${megabytes(bytes)} of keys, values and headers (${source})`)

  const cluster = await DemoCluster.open(brokers, line => say('note', line))
  const { kafka, topic } = cluster
  try {
    const embedded = cluster.isEmbedded ? `embedded, ${cluster.brokers.length} brokers: ` : ''
    say('cluster', embedded + cluster.brokers.join(', '))
    const groupId = `${topic}-group`
    say('topic', `${topic}, ${cluster.partitions} partitions, read with eachMessage in group ${groupId}`)

    const sending = new Progress('produce', records.length, out)
    const sendSeconds = await produce({
      kafka,
      topic,
      records,
      onProgress: count => {
        sending.update(count)
        onProduced?.(count)
      }
    }).finally(() => sending.end())
    say('produced', summary(records.length, bytes, sendSeconds))

    const ends = await cluster.ends()
    const total = [...ends.values()].reduce((sum, end) => sum + end, 0)
    const reading = new Progress('consume', total, out)
    const { messages, seconds: readSeconds } = await consume({
      kafka,
      topic,
      groupId,
      ends,
      onProgress: position => {
        reading.update(position)
        onConsumed?.(position)
      }
    }).finally(() => reading.end())
    say('consumed', summary(messages.length, bytes * messages.length / records.length, readSeconds))

    const verdict = verify(records, messages)
    report(verdict, records.length, say)
    await cluster.removeTopic()
    return verdict
  } catch (error) {
    const failure = DemoFailure.from('The demo failed', error)
    if (!cluster.isEmbedded) failure.message += `\nTopic ${topic} was left as it is.`
    throw failure
  } finally {
    await cluster.close()
  }
}

/**
 * @param {import('./verify').Verdict} verdict
 * @param {number} wanted  how many records were sent
 * @param {(label: string, text: string) => void} say
 * @throws {DemoFailure}
 */
function report ({ records, keys, redelivered, sent, received, problems }, wanted, say) {
  if (redelivered > 0) {
    say('note', `${thousands(redelivered)} messages were delivered again after a break (at least once is the promise)`)
  }
  say('SHA-256', `sent      ${sent}`)
  say('', `came back ${received}`)
  if (problems.length > 0) {
    const more = problems.length > MAX_PROBLEMS ? `\n  ... and ${thousands(problems.length - MAX_PROBLEMS)} more` : ''
    throw new DemoFailure(`Not everything came back as it went in (${thousands(records)} of ${thousands(wanted)} ` +
      `records did come):\n${problems.slice(0, MAX_PROBLEMS).map(line => `  - ${line}`).join('\n')}${more}`)
  }
  say('verified', `${thousands(records)} of ${thousands(wanted)} records, none lost, none stored twice; ` +
    `in order for each of ${keys} keys; every byte the same`)
}

/** @param {import('./dataset').DemoRecord} record @returns {number} bytes of key, value, header names and values */
function sizeOf ({ key, value, headers }) {
  let size = lengthOf(key) + lengthOf(value)
  for (const name of Object.keys(headers)) {
    for (const one of [headers[name]].flat()) size += lengthOf(name) + lengthOf(one)
  }
  return size
}

/** @param {number} bytes */
const megabytes = bytes => `${(bytes / 1e6).toFixed(1)} MB`

/** @param {number} count @param {number} bytes @param {number} seconds */
function summary (count, bytes, seconds) {
  const rate = (/** @type {number} */ amount) => amount / Math.max(seconds, 0.001)
  return `${thousands(count)} messages in ${seconds.toFixed(2)} s: ` +
    `${thousands(rate(count))} messages/s, ${megabytes(rate(bytes))}/s`
}

module.exports = { runDemo }
