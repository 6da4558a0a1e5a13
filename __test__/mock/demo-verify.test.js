'use strict'

// What the demo's comparison finds. Its verdict is what every durability test stands on.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { verify } = require('../../scripts/demo/verify')

/** Six records of two keys, which live in two partitions. */
const RECORDS = [...'abbaba'].map((key, row) => ({
  key, value: `value ${row}`, headers: { row: String(row), pair: ['x', String(row)] }
}))

/** The records as they come back: copies, with places. @returns {import('../../scripts/demo/verify').Received[]} */
function received () {
  const next = { a: 0, b: 0 }
  return RECORDS.map(({ key, value, headers: { row, pair } }) => ({
    partition: key === 'a' ? 0 : 1,
    offset: String(next[/** @type {'a' | 'b'} */ (key)]++),
    key: Buffer.from(key),
    value: Buffer.from(value),
    headers: { row: Buffer.from(row), pair: pair.map(one => Buffer.from(one)) }
  }))
}

test('what came back as it was sent has no problems and the same digest, whatever the order of the keys', () => {
  const byKey = received().sort((a, b) => a.partition - b.partition)
  for (const messages of [received(), byKey]) {
    const verdict = verify(RECORDS, messages)
    assert.deepEqual(verdict.problems, [])
    assert.equal(verdict.received, verdict.sent)
    assert.match(verdict.sent, /^[0-9a-f]{64}$/)
    assert.deepEqual([verdict.records, verdict.keys, verdict.redelivered], [6, 2, 0])
  }
})

test('a record that is missing is named', () => {
  const messages = received()
  messages.splice(3, 1)
  const { problems, records, sent, received: digest } = verify(RECORDS, messages)
  assert.deepEqual(problems, ['record 3 (key a) is missing: "value 3"'])
  assert.equal(records, 5)
  assert.notEqual(digest, sent)
})

test('a wrong byte is named with its field: value, key, header, one value of several, null', () => {
  /** @type {[(message: any) => void, RegExp][]} */
  const ways = [
    [message => { message.value[0] ^= 1 }, /^record 3 \(partition 0, offset 1\): the value .*"walue 3", .*"value 3"/],
    [message => { message.value = null }, /^record 3 .*: the value came back as null/],
    [message => { message.key = Buffer.from('A') }, /^record 3 .*: the key came back as "A", sent was "a"/],
    [message => { message.key = null }, /^record 3 .*: the key came back as null/],
    [message => { message.headers.pair[1] = Buffer.from('4') }, /^record 3 .*: the headers came back as /],
    [message => { message.headers.pair.pop() }, /^record 3 .*: the headers came back as /],
    [message => { delete message.headers.pair }, /^record 3 .*: the headers came back as /],
    [message => { message.headers.more = Buffer.from('') }, /^record 3 .*: the headers came back as /]
  ]
  for (const [change, pattern] of ways) {
    const messages = received()
    change(messages[3])
    const { problems, sent, received: digest } = verify(RECORDS, messages)
    assert.equal(problems.length, 1)
    assert.match(problems[0], pattern)
    assert.notEqual(digest, sent)
  }
})

test('a record that the topic holds twice is named with both places', () => {
  const messages = received()
  messages.push({ ...messages[3], offset: '3' })
  assert.deepEqual(verify(RECORDS, messages).problems,
    ['record 3 (key a) is in the topic twice: partition 0, offset 1 and partition 0, offset 3'])
})

test('records of one key in another order are named', () => {
  const messages = received()
  const offsets = [messages[3].offset, messages[5].offset]
  ;[messages[3], messages[5]] = [messages[5], messages[3]]
  ;[messages[3].offset, messages[5].offset] = offsets
  const { problems, sent, received: digest } = verify(RECORDS, messages)
  assert.deepEqual(problems, ['record 3 (key a, partition 0, offset 2) came after record 5'])
  assert.notEqual(digest, sent)
})

test('messages that were never sent are named', () => {
  for (const row of ['6', '-1', '', 'x', '1e0']) {
    const messages = received()
    const headers = { row: Buffer.from(row) }
    messages.push({ partition: 0, offset: '3', key: null, value: Buffer.from('alien'), headers })
    const { problems } = verify(RECORDS, messages)
    assert.equal(problems.length, 1)
    assert.match(problems[0], /never sent: partition 0, offset 3, key null, row .*, value "alien"/)
  }
})

test('a second delivery of the same offsets is counted, and is no problem unless its bytes differ', () => {
  const messages = received()
  const again = received().slice(2, 4)
  messages.splice(4, 0, ...again)
  const verdict = verify(RECORDS, messages)
  assert.deepEqual([verdict.redelivered, verdict.records, verdict.problems], [2, 6, []])
  assert.equal(verdict.received, verdict.sent)
  again[1].value = Buffer.from('other')
  assert.match(verify(RECORDS, messages).problems.join(), /^record 3 .*: the value came back as "other"/)
})

test('a second delivery does not stand in for a record that never came', () => {
  const messages = received()
  messages[3] = received()[0]
  const { problems } = verify(RECORDS, messages)
  assert.deepEqual(problems, ['record 3 (key a) is missing: "value 3"'])
})
