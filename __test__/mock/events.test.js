'use strict'

// Instrumentation events of brokers that are silent.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { connectProducer, kafkaOf, mockCluster } = require('../helpers/clients')
const { waitFor, within } = require('../helpers/wait')

/** A latency in ms that no test waits for. */
const SILENT = 10 * 60_000

test('a request without an answer is told as timed out, and leaves the queue', async (t) => {
  const cluster = await mockCluster(t)
  await cluster.createTopic({ topic: 't', partitions: 1 })
  const kafka = kafkaOf(cluster.brokers, { clientId: 'patient', requestTimeout: 300, retry: { retries: 0 } })
  const producer = await connectProducer(t, kafka)
  await producer.send({ topic: 't', messages: [{ value: 'first' }] })
  const timeouts = /** @type {any[]} */ ([])
  const sizes = /** @type {any[]} */ ([])
  const answered = /** @type {any[]} */ ([])
  producer.on(producer.events.REQUEST_TIMEOUT, (/** @type {any} */ { payload }) => { timeouts.push(payload) })
  producer.on(producer.events.REQUEST_QUEUE_SIZE, (/** @type {any} */ { payload }) => { sizes.push(payload) })
  producer.on(producer.events.REQUEST, (/** @type {any} */ { payload }) => { answered.push(payload) })
  await cluster.setLatency(1, SILENT)
  const began = Date.now()
  const sent = producer.send({ topic: 't', messages: [{ value: 'second' }] })
  sent.catch(() => {})
  await waitFor(() => timeouts.some(({ apiName }) => apiName === 'Produce'), { message: 'a timeout of Produce' })
  const { correlationId, createdAt, sentAt, apiVersion, ...rest } = timeouts.find(({ apiName }) => apiName === 'Produce')
  assert.deepEqual(rest, { broker: cluster.brokers[0], clientId: 'patient', pendingDuration: 0, apiName: 'Produce', apiKey: 0 })
  assert.ok(correlationId > 0 && apiVersion > 0 && sentAt >= began && createdAt === sentAt)
  assert.deepEqual(answered.filter(({ apiName }) => apiName === 'Produce'), [])
  assert.ok(sizes.some(({ queueSize }) => queueSize === 1))
  await waitFor(() => sizes.at(-1).queueSize === 0, { message: 'an empty queue' })
  await cluster.setLatency(1, 0)
  await within(Promise.allSettled([sent]), 'the send')
})
