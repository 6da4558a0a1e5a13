'use strict'

// node --expose-gc lifecycle-cycles.js <brokers>: connects, sends, consumes and disconnects 200 times and prints, as
// JSON, what the process holds after 50 and after 200 of them.

const fs = require('node:fs')
const { Kafka, logLevel } = require('../..')
const { topicName } = require('./topic')
const { waitFor, within } = require('./wait')

const CYCLES = 200
const FIRST_LOOK = 50
/** Cycles at a time, each lane with a topic and a group of its own: half the time on two cores. */
const LANES = 2

/** Our own output, and a turn of the event loop that is just about to come. */
const PASSING = new Set(['PipeWrap', 'TTYWrap', 'Immediate'])

const kafka = new Kafka({ brokers: process.argv[2].split(','), logLevel: logLevel.NOTHING })

/**
 * The group reads exactly what this cycle sends: what was read before was committed by the disconnect before.
 * @param {string} topic
 * @param {string} value
 */
async function cycle (topic, value) {
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic, messages: [{ key: 'key', value, headers: { header: 'x' } }] })
  await producer.disconnect()

  const consumer = kafka.consumer({ groupId: `${topic}-group` })
  /** @type {string[]} */
  const values = []
  const received = new Promise(resolve => {
    consumer.on(consumer.events.END_BATCH_PROCESS, resolve)
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({ eachMessage: async ({ message }) => { values.push(String(message.value)) } })
  await within(received, `the message ${value}`)
  await consumer.disconnect()
  if (values.join() !== value) throw new Error(`sent was ${value}, consumed ${values.join()}`)
}

/** What the process holds. */
function held () {
  globalThis.gc?.()
  const count = (/** @type {string} */ folder) => (fs.existsSync(folder) ? fs.readdirSync(folder).length : undefined)
  return {
    threads: count('/proc/self/task'),
    files: count('/proc/self/fd'),
    resources: process.getActiveResourcesInfo().filter(name => !PASSING.has(name)).sort(),
    rss: process.memoryUsage().rss
  }
}

async function main () {
  const topics = Array.from({ length: LANES }, (_, lane) => topicName(`lifecycle-${lane}`))
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: topics.map(topic => ({ topic, numPartitions: 1 })) })
  await admin.disconnect()

  let first
  for (let done = 0; done < CYCLES; done += LANES) {
    if (done === FIRST_LOOK) first = held()
    await Promise.all(topics.map((topic, lane) => cycle(topic, `cycle ${done + lane}`)))
  }
  // Threads that wait for work leave after a while: no fewer than at the first look, where some waited as well.
  await waitFor(() => (held().threads ?? 0) <= (first?.threads ?? 0), { interval: 500, timeout: 20_000 }).catch(() => {})
  console.log(JSON.stringify({ first, last: held(), cycles: CYCLES }))
}

main().catch(error => {
  console.error(error)
  process.exitCode = 1
})
