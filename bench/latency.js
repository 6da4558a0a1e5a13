'use strict'
/** How long a message takes from send() to the handler, when a given number is sent a second. */
const { performance } = require('node:perf_hooks')
const { setTimeout: delay } = require('node:timers/promises')
const consuming = require('./consume')
const { Meter } = require('./meter')
const { messageOf, percentile, Tally } = require('./payload')
const producing = require('./produce')

/** Messages before the clock starts, one after the other. */
const WARM_UP = 20

/**
 * Producer and consumer are in this process, so one clock tells. What is due since the last look, which is every
 * millisecond, goes out in one send(). The time counts from there: a client that keeps the event loop from sending is
 * seen in the loop's delay and in the rate, which is lower than asked for then.
 * @param {import('./clients').Client} client @param {import('./child').Task} task
 */
async function latency(client, task) {
  const { messages, rate = 1 } = task
  const total = messages + WARM_UP
  const { done, resolve, reject, count, end } = consuming.arrival({ ...task, messages: total })
  const meter = new Meter()
  const sentAt = new Float64Array(total)
  const times = new Float64Array(messages)
  const tally = new Tally()
  let taken = 0
  /** @type {() => void} */
  let onTaken = () => {}
  const opened = await consuming.open(client, task, {
    taken: (_, number) => {
      if (number >= WARM_UP && number < total) times[number - WARM_UP] = performance.now() - sentAt[number]
      taken = count()
      onTaken()
      if (taken === total) resolve(meter.stop(messages))
    },
    failed: reject,
  })
  const producer = await producing.open(client, task)
  /** @param {number} from @param {number} to */
  const send = (from, to) => {
    const batch = []
    for (let number = from; number < to; number++) {
      const message = messageOf(number, task)
      tally.add(/** @type {Buffer} */ (message.value))
      batch.push(message)
    }
    sentAt.fill(performance.now(), from, to)
    producer.send(batch).catch(reject)
  }
  try {
    for (let number = 0; number < WARM_UP; number++) {
      const arrived = new Promise((yes) => { onTaken = () => yes(undefined) })
      send(number, number + 1)
      await Promise.race([arrived, done])
    }
    onTaken = () => {}
    meter.start()
    const start = performance.now()
    for (let next = WARM_UP; next < total;) {
      const due = Math.min(total, WARM_UP + 1 + Math.floor((performance.now() - start) / 1000 * rate))
      if (due > next) send(next, due)
      next = due
      await Promise.race([delay(1), done])
    }
    const figures = await done
    consuming.judge(opened.tally, false) // nobody but us promises the order of sends that were not awaited
    times.sort()
    return {
      figures: { ...figures, p50: percentile(times, 0.5), p99: percentile(times, 0.99) },
      tally: opened.tally.result,
      sent: tally.result,
    }
  } finally {
    end()
    await Promise.all([opened.consumer.close(), producer.close()])
  }
}

module.exports = { latency }
