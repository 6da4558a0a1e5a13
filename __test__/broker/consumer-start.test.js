'use strict'

// Where a consumer begins that has committed nothing and does not read from the beginning.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { collect, connectConsumer, connectProducer, createTopic, grown, kafkaOf, range } = require('../helpers/clients')
const { topicName } = require('../helpers/topic')

for (const groupProtocol of ['classic', 'consumer']) {
  test(`what is sent after run() is read, what was there before is not (${groupProtocol} groups)`, async (t) => {
    const kafka = kafkaOf()
    const topic = await createTopic(t, kafka, 3)
    const producer = await connectProducer(t, kafka)
    const messages = (/** @type {string} */ value) => range(3).map((partition) => ({ partition, value }))
    await producer.send({ topic, messages: messages('before') })
    const rdkafka = { 'group.protocol': groupProtocol }
    const consumer = await connectConsumer(t, kafka, { topic, groupId: topicName(t), fromBeginning: false, rdkafka })
    const received = await collect(consumer)
    await producer.send({ topic, messages: messages('after') })
    await grown(received, 3)
    assert.deepEqual(received.map(({ partition, offset, value }) => [partition, offset, value]).sort(), [
      [0, 1, 'after'], [1, 1, 'after'], [2, 1, 'after'],
    ])
  })
}

test('what is committed is where a consumer goes on, also when it does not read from the beginning', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka)
  const producer = await connectProducer(t, kafka)
  await producer.send({ topic, messages: [{ value: '0' }, { value: '1' }, { value: '2' }] })
  const groupId = topicName(t)
  const first = await connectConsumer(t, kafka, { topic, groupId, fromBeginning: true, sessionTimeout: 6000 })
  await first.run({ autoCommit: false, eachMessage: async () => {} })
  await first.commitOffsets([{ topic, partition: 0, offset: '1' }])
  await first.disconnect()
  const second = await connectConsumer(t, kafka, { topic, groupId, fromBeginning: false })
  const received = await collect(second)
  await grown(received, 2)
  assert.deepEqual(received.map(({ value }) => value), ['1', '2'])
})
