'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { SubscriptionState } = require('../../lib/kafkajs/subscription-state')

test('a partition is paused by its name or by its topic, and resumed alike', () => {
  const state = new SubscriptionState()
  assert.equal(state.isPaused('t', 0), false)
  state.pause('t', [0, 1])
  assert.deepEqual(
    [0, 1, 2].map((partition) => state.isPaused('t', partition)),
    [true, true, false],
  )
  state.resume('t', [1])
  assert.deepEqual(
    [0, 1].map((partition) => state.isPaused('t', partition)),
    [true, false],
  )
  state.pause('t')
  assert.deepEqual(
    [0, 1, 7].map((partition) => state.isPaused('t', partition)),
    [true, true, true],
  )
  state.resume('t')
  assert.deepEqual(
    [0, 1, 7].map((partition) => state.isPaused('t', partition)),
    [false, false, false],
  )
  assert.equal(state.isPaused('other', 0), false)
})

test('partitions resumed one by one stay resumed while their topic is paused', () => {
  const state = new SubscriptionState()
  state.pause('t')
  state.resume('t', [2])
  assert.deepEqual(
    [1, 2, 3].map((partition) => state.isPaused('t', partition)),
    [true, false, true],
  )
  state.pause('t')
  assert.equal(state.isPaused('t', 2), true)
})

test('resuming what is not paused is nothing', () => {
  const state = new SubscriptionState()
  state.resume('t')
  state.resume('t', [1])
  assert.equal(state.isPaused('t', 1), false)
})
