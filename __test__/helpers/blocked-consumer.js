'use strict'

// A consumer whose event loop is blocked in the middle: node blocked-consumer.js <brokers> <topic> <groupId> <ms> <poll ms>. It
// tells its parent of each message handled ({ offset }), of the block ({ blocked }) and of each time it joined ({ joined }).

const { kafkaOf } = require('./clients')

const [brokers, topic, groupId, blockMs, pollMs] = process.argv.slice(2)
const tell = (/** @type {object} */ what) => /** @type {Required<NodeJS.Process>} */ (process).send(what)

async function main() {
  const consumer = kafkaOf(brokers).consumer({
    groupId,
    sessionTimeout: 6000,
    heartbeatInterval: 500,
    rebalanceTimeout: Number(pollMs),
  })
  consumer.on(consumer.events.GROUP_JOIN, () => tell({ joined: true }))
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  let blocked = false
  await consumer.run({
    eachMessage: async (/** @type {any} */ { message }) => {
      if (message.offset === '50' && !blocked) {
        blocked = true
        tell({ blocked: true })
        // No timer, no socket, no native event gets a turn meanwhile.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(blockMs))
        tell({ blocked: false })
      }
      tell({ offset: Number(message.offset) })
    },
  })
  process.once('message', async () => {
    await consumer.disconnect()
    process.disconnect()
  })
}

main()
