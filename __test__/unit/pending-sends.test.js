'use strict'
const assert = require('node:assert/strict')
const { test } = require('node:test')
const { PendingSends, WholeSend } = require('../../lib/kafkajs/pending-sends')

/** @param {PendingSends} sends @param {number} count @returns {number[]} ids */
function add(sends, count) {
  return Array.from({ length: count }, (_, i) => {
    const id = sends.nextId
    sends.add(new WholeSend(String(i)))
    return id
  })
}

test('no two pending sends have the same id, and ids are used again', () => {
  const sends = new PendingSends()
  assert.deepEqual(add(sends, 3), [1, 2, 3])
  assert.equal(sends.take(2)?.topic, '1')
  assert.equal(sends.take(2), undefined)
  assert.equal(sends.take(99), undefined)
  assert.deepEqual([...add(sends, 2), sends.size], [2, 4, 4])
})

test('after a flood the table is small again', () => {
  const sends = new PendingSends()
  for (const id of add(sends, 100_000)) sends.take(id)
  assert.deepEqual([sends.size, sends.nextId], [0, 1])
})

test('all that are pending can be taken at once', () => {
  const sends = new PendingSends()
  add(sends, 3)
  sends.take(1)
  assert.deepEqual(sends.takeAll().map(({ topic }) => topic), ['1', '2'])
  assert.deepEqual([sends.size, ...add(sends, 1)], [0, 1])
})
