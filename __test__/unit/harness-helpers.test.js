'use strict'

const assert = require('node:assert/strict')
const { EventEmitter } = require('node:events')
const { test } = require('node:test')
const { bootstrap } = require('../helpers/broker')
const { topicName } = require('../helpers/topic')
const { once, waitFor, within } = require('../helpers/wait')

test('waitFor returns what the predicate returned at last', async () => {
  let calls = 0
  assert.equal(await waitFor(() => ++calls === 3 && 'three'), 'three')
})

test('waitFor fails at its deadline, says what it waited for and why it did not come', async () => {
  await assert.rejects(
    waitFor(() => { throw new Error('still down') }, { timeout: 20, message: 'the broker' }),
    error => /waited 20 ms in vain for the broker/.test(error.message) && error.cause.message === 'still down')
})

test('once resolves with the arguments of the event that fits and stops listening', async () => {
  const emitter = new EventEmitter()
  const event = once(emitter, 'x', { where: value => value > 1 })
  emitter.emit('x', 1)
  emitter.emit('x', 2)
  assert.deepEqual(await event, [2])
  assert.equal(emitter.listenerCount('x'), 0)
})

test('once stops listening through what `on` returned, as with kafkajs', async () => {
  let removed = 0
  const listeners = []
  const event = once({ on: (_, listener) => { listeners.push(listener); return () => removed++ } }, 'x')
  listeners[0]('y')
  assert.deepEqual(await event, ['y'])
  assert.equal(removed, 1)
})

test('once and within fail at their deadline', async () => {
  await assert.rejects(once(new EventEmitter(), 'x', { timeout: 20 }), /waited 20 ms in vain for the event 'x'/)
  await assert.rejects(within(new Promise(() => {}), 'the reply', 20), /waited 20 ms in vain for the reply/)
})

test('topicName carries the name of the test in legal characters and differs each time', t => {
  const name = topicName(t)
  assert.match(name, /^topicname-carries-the-name-of-the-test[a-z0-9-]*-[0-9a-f]{12}$/)
  assert.notEqual(topicName(t), name)
  assert.match(topicName('ünï / ...'), /^n-[0-9a-f]{12}$/)
  assert.ok(topicName('x'.repeat(500)).length <= 100)
})

test('bootstrap says how to get a broker when there is none', t => {
  const address = process.env.KAFKA_BOOTSTRAP
  t.after(() => { if (address !== undefined) process.env.KAFKA_BOOTSTRAP = address })
  delete process.env.KAFKA_BOOTSTRAP
  assert.throws(bootstrap, /npm test -- broker/)
  process.env.KAFKA_BOOTSTRAP = '127.0.0.1:9092'
  assert.equal(bootstrap(), '127.0.0.1:9092')
  delete process.env.KAFKA_BOOTSTRAP
})
