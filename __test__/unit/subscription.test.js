'use strict'

// Topics that a RegExp finds while a consumer runs, over metadata made of JavaScript.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Subscription } = require('../../lib/kafkajs/subscription')
const { waitFor } = require('../helpers/wait')

const QUIET = /** @type {any} */ ({ warn() {} })

/** @param {import('node:test').TestContext} t @param {number} metadataMaxAge */
function watched(t, metadataMaxAge) {
  const topics = ['a-1']
  let asked = 0
  const subscription = new Subscription({
    options: { groupId: 'g', metadataMaxAge },
    metadata: async () => {
      asked++
      return { topics: topics.map((name) => ({ name, error: null })) }
    },
    logger: QUIET,
  })
  subscription.addPattern(/^a-/, true)
  // The timers of a subscription keep no process alive.
  const alive = setInterval(() => {}, 1000)
  t.after(() => {
    clearInterval(alive)
    subscription.unwatch()
  })
  return { subscription, topics, asked: () => asked }
}

// They counted as subscribed from then on, and were never asked for again.
test('topics whose subscription failed are subscribed to at the next look', async (t) => {
  const { subscription, topics } = watched(t, 20)
  await subscription.match()
  /** @type {string[][]} */
  const joins = []
  subscription.watch(async () => {
    joins.push(subscription.names)
    if (joins.length === 1) throw new Error('not now')
  })
  topics.push('a-2')
  await waitFor(() => joins.length === 2, { message: () => `a second attempt; ${joins.length}` })
  assert.deepEqual(joins, [['a-1', 'a-2'], ['a-1', 'a-2']])
  const looks = joins.length
  topics.push('b')
  topics.push('a-3')
  await waitFor(() => joins.length === looks + 1)
  assert.deepEqual(joins.at(-1), ['a-1', 'a-2', 'a-3'])
})

// With 0 it asked for all topics of the cluster again and again, without a pause.
test('metadataMaxAge: 0 does not make looking for new topics a loop without a pause', async (t) => {
  const { subscription, asked } = watched(t, 0)
  await subscription.match()
  subscription.watch(async () => {})
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(asked(), 1)
  await waitFor(() => asked() > 1)
})

// Each look counted what it had looked for, also what another one looked for at the same time: the next RegExp was taken for matched.
test('RegExps that are subscribed to at once do not keep a later one from being matched', async (t) => {
  const { subscription, topics } = watched(t, 1000)
  topics.push('b', 'c')
  subscription.addPattern(/^b/, true)
  const first = subscription.match()
  subscription.addPattern(/^nothing/, true)
  await Promise.all([first, subscription.match()])
  subscription.addPattern(/^c/, true)
  await subscription.match()
  assert.deepEqual(subscription.names, ['a-1', 'b', 'c'])
})
