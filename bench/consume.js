'use strict'
/** The consuming workloads; they also check what the producing ones left in their topics. */
const { Meter } = require('./meter')
const { OrderedTally } = require('./payload')

/** A run without a single message for this long has lost some, ms. */
const PATIENCE = 20_000

/** @param {any} kafka @param {import('./child').Task} task */
async function consume(kafka, { kind, topic, messages, ordered }) {
  const consumer = kafka.consumer({ groupId: `bench-${topic}-${process.pid}` })
  const meter = new Meter()
  const tally = new OrderedTally()
  /** @type {(figures: any) => void} */
  let arrived = () => {}
  /** @type {(error: Error) => void} */
  let fail = () => {}
  const done = new Promise((resolve, reject) => { arrived = resolve; fail = reject })

  /** @param {number} partition @param {{ value: Buffer }} message */
  const take = (partition, { value }) => {
    tally.addOf(partition, value)
    if (tally.count === messages) arrived(meter.stop(messages))
  }
  const handler = kind === 'eachBatch'
    ? {
      eachBatch: async (/** @type {any} */ { batch }) => {
        const { partition } = batch
        for (const message of batch.messages) take(partition, message)
      },
    }
    : { eachMessage: async (/** @type {any} */ { partition, message }) => { take(partition, message) } }

  // From joining on, so that what a client fetches and unpacks ahead of the first message is counted.
  consumer.on(consumer.events.GROUP_JOIN, () => { if (tally.count === 0) meter.start() })
  // A new broker's coordinator may still be loading: kafkajs calls that a crash, and then joins again.
  consumer.on(consumer.events.CRASH, (/** @type {any} */ { payload }) => {
    if (!payload.restart || tally.count > 0) fail(payload.error)
  })
  let before = 0
  const watch = setInterval(() => {
    if (tally.count === before) fail(new Error(`only ${before} of ${messages} arrived in ${PATIENCE / 1000} s`))
    before = tally.count
  }, PATIENCE)
  try {
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run(handler)
    const figures = await done
    if (ordered && tally.disorder > 0) throw new Error(`${tally.disorder} messages came out of their partition's order`)
    return { figures, tally: tally.result }
  } finally {
    clearInterval(watch)
    await consumer.disconnect()
  }
}

module.exports = { consume }
