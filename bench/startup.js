'use strict'
/** From require() in a process that knows nothing yet to the first message, acknowledged or in the handler. */
const { performance } = require('node:perf_hooks')
const consuming = require('./consume')
const { messageOf } = require('./payload')
const producing = require('./produce')

/** @param {import('./clients').Client} client @param {import('./child').Task} task */
async function startup(client, task) {
  const message = messageOf(0, task)
  const start = performance.now() // the library is loaded by the adapter's first call
  if (task.side === 'produce') {
    const producer = await producing.open(client, task)
    await producer.send([message])
    const took = performance.now() - start
    await producer.close()
    return { figures: { took }, tally: producing.tallyOf([[message]], 1) }
  }
  const { done, resolve, reject, end } = consuming.arrival(task)
  const { consumer, tally } = await consuming.open(client, task, {
    taken: () => resolve(performance.now() - start), failed: reject,
  })
  try {
    return { figures: { took: await done }, tally: tally.result }
  } finally {
    end()
    await consumer.close()
  }
}

module.exports = { startup }
