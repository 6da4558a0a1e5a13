'use strict'

// The position that librdkafka tells, which stands in for control records, and logs that begin anew. Found by review.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { connectConsumer, connectProducer, gate, grown, kafkaOf, mockCluster } = require('../helpers/clients')
const { waitFor } = require('../helpers/wait')

// librdkafka's position never goes back but by a seek: it was still that of the log before, and was taken for control records
// that had been passed. What had not even been fetched counted as handled, and was committed.
test('when a log begins anew nothing is committed beyond what was handled', async t => {
  const cluster = await mockCluster(t)
  await cluster.createTopic({ topic: 'topic', partitions: 1 })
  const kafka = kafkaOf(cluster.brokers)
  const producer = await connectProducer(t, kafka)
  const count = 12
  // Each a batch of its own, so that a fetch gives a few of them.
  for (let i = 0; i < count; i++) await producer.send({ topic: 'topic', messages: [{ value: Buffer.alloc(20_000) }] })
  const consumer = await connectConsumer(t, kafka, { topic: 'topic', maxBytesPerPartition: 50_000 })
  /** @type {number[]} */
  const handled = []
  /** @type {[number, number][]} committed, and what was handled last by then */
  const commits = []
  consumer.on(consumer.events.COMMIT_OFFSETS, (/** @type {any} */ { payload }) => {
    commits.push([Number(payload.topics[0].partitions[0].offset), /** @type {number} */ (handled.at(-1)) + 1])
  })
  const hold = gate(t)
  await consumer.run({
    eachMessage: async (/** @type {any} */ { message }) => {
      handled.push(Number(message.offset))
      if (handled.length === count + 2) await hold.promise
    }
  })
  await grown(handled, count)
  await waitFor(() => commits.at(-1)?.[0] === count)
  // From the beginning once more, slowly: a few messages come at a time.
  await cluster.setLatency(1, 700)
  await cluster.pushRequestErrors('Fetch', ['OFFSET_OUT_OF_RANGE'])
  await grown(handled, count + 2)
  hold.resolve()
  await grown(handled, 2 * count)
  await waitFor(() => commits.at(-1)?.[0] === count)
  const again = commits.slice(commits.findIndex(([, next]) => next < count))
  assert.deepEqual(again.filter(([offset, next]) => offset > next), [], JSON.stringify(commits))
})
