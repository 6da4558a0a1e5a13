'use strict'

// Requests of the admin client that the cluster does not answer.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { connectAdmin, kafkaOf, mockCluster } = require('../helpers/clients')

test('a request that times out is no fatal error: the admin client goes on', async t => {
  const { bootstrapServers } = await mockCluster(t)
  const admin = await connectAdmin(t, kafkaOf(bootstrapServers))
  // librdkafka's mock brokers do not serve CreateTopics.
  for (let round = 0; round < 5; round++) {
    await assert.rejects(admin.createTopics({ topics: [{ topic: 'topic' }], timeout: 50 }), {
      name: 'KafkaJSRequestTimeoutError', fatal: false, retriable: true
    })
  }
  assert.deepEqual(await admin.listTopics(), [])
})
