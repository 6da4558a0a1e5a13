'use strict'

// What every group protocol has to do; one file of the broker tier runs it for each.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { bootstrap } = require('./broker')
const {
  collect,
  committedOffsets,
  connectConsumer,
  connectProducer,
  createTopic,
  grown,
  kafkaOf,
  numbered,
  plain,
  range,
} = require('./clients')
const { topicName } = require('./topic')
const { waitFor, within } = require('./wait')

/**
 * @param {string} name  of the protocol
 * @param {{ groupProtocol?: string, partitionAssigners?: any[] }} options  that choose it
 */
function groupTests(name, options) {
  test(`under ${name} members come and go while records flow, and every record is handled`, async (t) => {
    const kafka = kafkaOf()
    const partitions = 6
    const topic = await createTopic(t, kafka, partitions)
    const groupId = topicName(t)
    const producer = await connectProducer(t, kafka)
    /** @type {Map<string, number>} */
    const seen = new Map()
    /** @type {string[]} */
    const disorder = []
    let members = 0
    const join = async () => {
      const consumer = await connectConsumer(t, kafka, { topic, groupId, ...options })
      const member = ++members
      /** @type {Map<number, number>} */
      const last = new Map()
      consumer.on(consumer.events.REBALANCING, () => last.clear())
      consumer.on(consumer.events.GROUP_JOIN, () => last.clear())
      await consumer.run({
        partitionsConsumedConcurrently: 3,
        autoCommitThreshold: 10,
        eachMessage: async (/** @type {any} */ payload) => {
          const { partition, offset, value } = plain(payload)
          const before = last.get(partition)
          if (before !== undefined && offset !== before + 1)
            disorder.push(`member ${member}, partition ${partition}: ${offset} after ${before}`)
          last.set(partition, offset)
          seen.set(value, (seen.get(value) || 0) + 1)
          if (offset % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
        },
      })
      return consumer
    }

    let sent = 0
    let producing = true
    const production = (async () => {
      while (producing) {
        await producer.send({
          topic,
          messages: range(60).map((i) => ({ value: `${sent + i}`, partition: (sent + i) % partitions })),
        })
        sent += 60
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    })()
    t.after(() => {
      producing = false
    })

    const more = async () => {
      const from = seen.size
      await waitFor(() => seen.size >= from + 600, { message: () => `600 more than ${from}; there are ${seen.size}` })
    }
    const first = await join()
    await more()
    const second = await join()
    await more()
    await join()
    await more()
    await second.disconnect()
    await more()
    await first.stop()
    await more()
    producing = false
    await production
    await waitFor(() => seen.size === sent, { message: () => `all ${sent}; there are ${seen.size}` })
    assert.deepEqual(disorder, [])
    const ends = Object.fromEntries(range(partitions).map((partition) => [partition, sent / partitions]))
    await waitFor(
      async () => JSON.stringify(await committedOffsets(bootstrap(), groupId, topic)) === JSON.stringify(ends),
      { interval: 200, message: 'everything to be committed' },
    )
  })

  test(`under ${name} run() resolves for a member that gets no partition`, async (t) => {
    const kafka = kafkaOf()
    const topic = await createTopic(t, kafka, 1)
    const groupId = topicName(t)
    const producer = await connectProducer(t, kafka)
    await producer.send({ topic, messages: numbered(1) })
    const [a, b] = [
      await connectConsumer(t, kafka, { topic, groupId, ...options }),
      await connectConsumer(t, kafka, { topic, groupId, ...options }),
    ]
    const received = await within(collect(a), 'the first member', 30000)
    const others = await within(collect(b), 'the second member', 30000)
    await waitFor(() => received.length + others.length >= 1)
  })

  test(`under ${name} disconnect() leaves the group at once`, async (t) => {
    const kafka = kafkaOf()
    const topic = await createTopic(t, kafka, 1)
    const groupId = topicName(t)
    const producer = await connectProducer(t, kafka)
    await producer.send({ topic, messages: numbered(1) })
    // A member that only vanished would hold its partition for its session: 10 minutes here, 45 s by the broker's setting.
    const own = options.groupProtocol
      ? {}
      : { sessionTimeout: 600_000, heartbeatInterval: 3000, rebalanceTimeout: 600_000 }
    const first = await connectConsumer(t, kafka, { topic, groupId, ...options, ...own })
    await grown(await collect(first, { autoCommit: false }), 1)
    await first.disconnect()
    const second = await connectConsumer(t, kafka, { topic, groupId, ...options })
    const received = await within(collect(second), 'the partition of the member that left', 30000)
    await grown(received, 1)
  })

  test(`under ${name} a pause survives a rebalance, and resume() after it brings the messages`, async (t) => {
    const kafka = kafkaOf()
    const topic = await createTopic(t, kafka, 2)
    const groupId = topicName(t)
    const producer = await connectProducer(t, kafka)
    await producer.send({ topic, messages: [...numbered(5, { partition: 0 }), ...numbered(5, { partition: 1 })] })
    const consumer = await connectConsumer(t, kafka, { topic, groupId, ...options })
    const received = await collect(consumer)
    await grown(received, 10)
    consumer.pause([{ topic }])
    const other = await connectConsumer(t, kafka, { topic, groupId, ...options })
    await other.run({ eachMessage: async () => {} })
    await waitFor(() => consumer.paused().length === 1 && consumer.paused()[0].partitions.length === 1, {
      message: 'one partition to be given up',
    })
    await other.disconnect()
    await waitFor(() => consumer.paused().length === 1 && consumer.paused()[0].partitions.length === 2, {
      message: 'both partitions again',
    })
    await producer.send({ topic, messages: [...numbered(1, { partition: 0 }), ...numbered(1, { partition: 1 })] })
    assert.equal(received.length, 10)
    consumer.resume([{ topic }])
    await grown(received, 12)
  })
}

module.exports = { groupTests }
