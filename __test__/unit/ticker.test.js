'use strict'

const assert = require('node:assert/strict')
const { AsyncLocalStorage, createHook } = require('node:async_hooks')
const { test } = require('node:test')
const { every } = require('../../lib/kafkajs/ticker')
const { waitFor } = require('../helpers/wait')

/** Counts the timers that `work` makes. @param {() => void} work */
function timersOf(work) {
  let timers = 0
  const hook = createHook({ init: (_id, type) => { if (type === 'Timeout') timers++ } }).enable()
  work()
  hook.disable()
  return timers
}

/** The tickers themselves keep no process alive. @param {import('node:test').TestContext} t */
function stayAlive(t) {
  const timer = setInterval(() => {}, 1000)
  t.after(() => clearInterval(timer))
}

test('fifty tasks with the same period need one timer', async (t) => {
  stayAlive(t)
  const calls = new Array(50).fill(0)
  let timers = timersOf(() => {
    for (let i = 0; i < 50; i++) t.after(every(7, () => { calls[i]++ }))
  })
  assert.equal(timers, 1)
  timers = timersOf(() => t.after(every(9, () => {})))
  assert.equal(timers, 1)
  await waitFor(() => calls.every((count) => count >= 2), { message: 'each task to be called twice' })
})

test('a task that was ended is not called any more, the others are, and the same function counts twice', async (t) => {
  stayAlive(t)
  let [ended, going] = [0, 0]
  const endless = () => { going++ }
  const end = every(5, () => { ended++ })
  const ends = [every(5, endless), every(5, endless)]
  t.after(() => ends[1]())
  await waitFor(() => ended > 0 && going > 1)
  end()
  end()
  ends[0]()
  const before = { ended, going }
  await waitFor(() => going > before.going + 2)
  assert.equal(ended, before.ended)
})

test('after the last task its timer is gone, and the next one makes another', (t) => {
  every(11, () => {})()
  assert.equal(timersOf(() => t.after(every(11, () => {}))), 1)
})

test('a task that another one ended in the same tick is not called', async (t) => {
  stayAlive(t)
  let [first, second] = [0, 0]
  const ends = /** @type {(() => void)[]} */ ([])
  ends.push(every(6, () => { if (first++ === 0) ends[1]() }), every(6, () => { second++ }))
  t.after(ends[0])
  await waitFor(() => first > 1)
  assert.equal(second, 0)
})

test('each task runs in the context that it was given in', async (t) => {
  stayAlive(t)
  const storage = new AsyncLocalStorage()
  const seen = /** @type {Record<string, any>} */ ({})
  for (const name of ['a', 'b']) storage.run(name, () => t.after(every(8, () => { seen[name] = storage.getStore() })))
  await waitFor(() => seen.a && seen.b)
  assert.deepEqual(seen, { a: 'a', b: 'b' })
})
