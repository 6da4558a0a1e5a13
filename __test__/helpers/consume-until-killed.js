'use strict'

// A consumer that is to be killed: node consume-until-killed.js <brokers> <topic> <groupId>. It tells its parent the offset of
// each message once that is handled.

const { kafkaOf } = require('./clients')

const [brokers, topic, groupId] = process.argv.slice(2)

async function main() {
  const consumer = kafkaOf(brokers).consumer({ groupId, sessionTimeout: 6000, heartbeatInterval: 1000 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    autoCommitInterval: 20,
    eachMessage: async (/** @type {any} */ { message }) => {
      await new Promise((resolve) => setTimeout(resolve, 1))
      if (process.send) process.send(Number(message.offset))
    },
  })
}

main()
