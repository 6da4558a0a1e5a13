'use strict'

// @opentelemetry/instrumentation-kafkajs wraps the clients and traces every message.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { bootstrap } = require('../helpers/broker')
const { connectConsumer, connectProducer, createTopic } = require('../helpers/clients')
const { waitFor } = require('../helpers/wait')
const { installation } = require('./installation')

const installed = installation()
const { context, propagation, trace } = installed.require('@opentelemetry/api')
const { AsyncLocalStorageContextManager } = installed.require('@opentelemetry/context-async-hooks')
const { W3CTraceContextPropagator } = installed.require('@opentelemetry/core')
const { KafkaJsInstrumentation } = installed.require('@opentelemetry/instrumentation-kafkajs')
const { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } = installed.require(
  '@opentelemetry/sdk-trace-base',
)

const exporter = new InMemorySpanExporter()
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
trace.setGlobalTracerProvider(provider)
context.setGlobalContextManager(new AsyncLocalStorageContextManager())
propagation.setGlobalPropagator(new W3CTraceContextPropagator())
const instrumentation = new KafkaJsInstrumentation({
  producerHook: (/** @type {any} */ span, /** @type {any} */ { message }) => span.setAttribute('sent', message.value),
  consumerHook: (/** @type {any} */ span, /** @type {any} */ { message }) =>
    span.setAttribute('read', String(message.value)),
})
instrumentation.setTracerProvider(provider)

// After the instrumentation, as in every program that is traced.
const { Kafka, logLevel } = installed.require('kafkajs')

const tracer = trace.getTracer('test')
const kafkaOf = () => new Kafka({ brokers: [bootstrap()], logLevel: logLevel.NOTHING })

/** Finished spans of a topic. @param {string} name @param {string} topic */
const spansOf = (name, topic) =>
  exporter.getFinishedSpans().filter((/** @type {any} */ span) => span.name === `${name} ${topic}`)

/** @param {string} name @param {string} topic @param {number} count @returns {Promise<any[]>} */
async function spans(name, topic, count) {
  await waitFor(() => spansOf(name, topic).length >= count, {
    message: () => `${count} spans "${name}"; there are ${exporter.getFinishedSpans().map((/** @type {any} */ s) => s.name)}`,
  })
  return spansOf(name, topic)
}

test('a message that is sent and handled is one trace, also around what the handler does', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka)
  const producer = await connectProducer(t, kafka)
  const consumer = await connectConsumer(t, kafka, { topic })
  await consumer.run({
    eachMessage: async () => {
      await new Promise(setImmediate)
      tracer.startSpan(`work ${topic}`).end()
    },
  })
  await tracer.startActiveSpan('request', async (/** @type {any} */ request) => {
    await producer.send({ topic, messages: [{ key: 'k', value: 'one', partition: 0 }, { key: 'k', value: null }] })
    request.end()
  })
  const sent = await spans('send', topic, 2)
  const processed = await spans('process', topic, 1)
  const [work] = await spans('work', topic, 1)
  const [request] = exporter.getFinishedSpans().filter((/** @type {any} */ span) => span.name === 'request')
  const one = processed[0]
  assert.equal(sent[0].parentSpanContext.spanId, request.spanContext().spanId)
  assert.equal(one.parentSpanContext.spanId, sent[0].spanContext().spanId)
  assert.equal(work.parentSpanContext.spanId, one.spanContext().spanId)
  assert.equal(work.spanContext().traceId, request.spanContext().traceId)
  assert.equal(sent[0].attributes.sent, 'one')
  assert.equal(one.attributes.read, 'one')
  assert.equal(one.attributes['messaging.kafka.message.key'], 'k')
  assert.equal(one.attributes['messaging.kafka.offset'], '0')
  assert.equal(one.attributes['messaging.destination.partition.id'], '0')
})

test('the headers of the program stay beside those of the trace', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka)
  const producer = await connectProducer(t, kafka)
  const consumer = await connectConsumer(t, kafka, { topic })
  /** @type {any[]} */
  const received = []
  await consumer.run({ eachMessage: async ({ message }) => { received.push(message.headers) } })
  await producer.send({ topic, messages: [{ value: 'v', headers: { mine: 'x' } }] })
  await waitFor(() => received.length === 1, { message: 'the message' })
  assert.deepEqual(Object.keys(received[0]).sort(), ['mine', 'traceparent'])
  assert.equal(received[0].mine.toString(), 'x')
})

test('sendBatch: a span for each message of each topic', async (t) => {
  const kafka = kafkaOf()
  const [a, b] = [await createTopic(t, kafka), await createTopic(t, kafka)]
  const producer = await connectProducer(t, kafka)
  await producer.sendBatch({
    topicMessages: [
      { topic: a, messages: [{ value: '1' }, { value: '2' }] },
      { topic: b, messages: [{ value: '3' }] },
    ],
  })
  assert.equal(spansOf('send', a).length, 2)
  assert.equal(spansOf('send', b).length, 1)
})

test('eachBatch: a span for the batch, and under it one for each message, linked to the one that sent it', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka)
  const producer = await connectProducer(t, kafka)
  await producer.send({ topic, messages: [{ value: '1' }, { value: '2' }] })
  const sent = await spans('send', topic, 2)
  const consumer = await connectConsumer(t, kafka, { topic })
  await consumer.run({ eachBatch: async () => {} })
  const polled = await spans('poll', topic, 1)
  const processed = await spans('process', topic, 2)
  assert.equal(polled[0].attributes['messaging.batch.message_count'], 2)
  assert.deepEqual(
    processed.map((span) => span.parentSpanContext.spanId),
    [polled[0].spanContext().spanId, polled[0].spanContext().spanId],
  )
  assert.deepEqual(
    processed.map((span) => span.links[0].context.spanId),
    sent.map((span) => span.spanContext().spanId),
  )
})

test('a transaction is a span around those of its messages', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka)
  const producer = await connectProducer(t, kafka, { transactionalId: topic, maxInFlightRequests: 1, idempotent: true })
  const before = exporter.getFinishedSpans().length
  const committed = await producer.transaction()
  await committed.send({ topic, messages: [{ value: '1' }] })
  await committed.sendBatch({ topicMessages: [{ topic, messages: [{ value: '2' }] }] })
  await committed.commit()
  const aborted = await producer.transaction()
  await aborted.send({ topic, messages: [{ value: '3' }] })
  await aborted.abort()
  const made = exporter.getFinishedSpans().slice(before)
  const [first, second] = made.filter((/** @type {any} */ span) => span.name === 'transaction')
  assert.deepEqual(
    spansOf('send', topic).map((/** @type {any} */ span) => span.parentSpanContext.spanId),
    [first, first, second].map((span) => span.spanContext().spanId),
  )
  assert.deepEqual([first.status.code, second.status.code], [1, 0])
  const consumer = await connectConsumer(t, kafka, { topic })
  /** @type {any[]} */
  const received = []
  await consumer.run({ eachMessage: async ({ message }) => { received.push(message.value.toString()) } })
  await waitFor(() => received.length === 2, { message: 'what was committed' })
  assert.deepEqual(received, ['1', '2'])
})

test('a send that fails and a handler that throws give spans with the error', async (t) => {
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka)
  const producer = await connectProducer(t, kafka)
  await assert.rejects(producer.send({ topic, messages: [{}] }), { name: 'KafkaJSNonRetriableError' })
  const [failed] = spansOf('send', topic)
  assert.equal(failed.status.code, 2)
  assert.match(failed.status.message, /Invalid message without value/)
  assert.equal(failed.attributes['error.type'], 'KafkaJSNonRetriableError')

  await producer.send({ topic, messages: [{ value: 'v' }] })
  const consumer = await connectConsumer(t, kafka, { topic })
  let calls = 0
  await consumer.run({
    eachMessage: async () => {
      if (++calls === 1) throw new Error('not this time')
    },
  })
  const processed = await spans('process', topic, 2)
  assert.deepEqual(processed.map((span) => span.status.code), [2, 0])
  assert.equal(processed[0].status.message, 'not this time')
})

test('after disable() nothing is traced', async (t) => {
  instrumentation.disable()
  t.after(() => instrumentation.enable())
  const kafka = kafkaOf()
  const topic = await createTopic(t, kafka)
  const producer = await connectProducer(t, kafka)
  await producer.send({ topic, messages: [{ value: 'v' }] })
  assert.equal(spansOf('send', topic).length, 0)
})
