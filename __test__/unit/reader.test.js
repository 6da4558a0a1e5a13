'use strict'

// Consume frames, and the messages and batches that read them.

const assert = require('node:assert/strict')
const { inspect } = require('node:util')
const { test } = require('node:test')
const { ConsumeFrame } = require('../../lib/frame/reader')
const { MESSAGE_WORDS } = require('../../lib/frame/layout')
const { Batch } = require('../../lib/kafkajs/batch')
const { readMessage } = require('../../lib/kafkajs/message')
const { PartitionQueue } = require('../../lib/kafkajs/partition-queue')
const { consumeFrame } = require('../helpers/consume-frame')
const { range } = require('../helpers/clients')

const FIELDS = [
  'magicByte',
  'attributes',
  'timestamp',
  'offset',
  'key',
  'value',
  'headers',
  'isControlRecord',
  'batchContext',
]

/** @param {any[]} messages @param {object} [section] */
function read(messages, section = {}) {
  const frame = new ConsumeFrame(consumeFrame([{ topic: 0, partition: 3, messages, ...section }]))
  return { frame, section: frame.sections()[0] }
}

/** @param {any} message */
function messageOf(message) {
  const { frame, section } = read([message])
  return readMessage(frame, section.at)
}

test('sections name topic, partition, epoch and watermark, and their messages follow each other', () => {
  const frame = new ConsumeFrame(
    consumeFrame(
      [
        { topic: 2, partition: 0, epoch: 7, highWatermark: 2 ** 40, messages: [{ offset: 1 }, { offset: 2 }] },
        { topic: 5, partition: 9, messages: [{ offset: 2 ** 45 }] },
      ],
      { generation: 4 },
    ),
  )
  const [a, b] = frame.sections()
  assert.deepEqual([frame.generation, frame.messages, frame.remaining], [4, 3, 3])
  assert.deepEqual([a.topic, a.partition, a.epoch, a.highWatermark], [2, 0, 7, 2 ** 40])
  assert.deepEqual([b.topic, b.partition, b.epoch, b.highWatermark], [5, 9, 0, -1001])
  assert.equal(a.end, b.at)
  assert.equal(frame.offset(b.at), 2 ** 45)
})

test('what is no consume frame is refused', () => {
  assert.throws(() => new ConsumeFrame(new Uint8Array(64)), TypeError)
})

test('key, value and headers are read byte for byte; null and empty are told apart', () => {
  const full = messageOf({
    offset: 5,
    key: 'k',
    value: Buffer.from([0, 255]),
    headers: [
      ['a', 'x'],
      ['b', null],
      ['a', 'y'],
      ['ü', ''],
    ],
  })
  assert.deepEqual([full.key, full.value], [Buffer.from('k'), Buffer.from([0, 255])])
  assert.deepEqual(full.headers, { a: [Buffer.from('x'), Buffer.from('y')], b: null, ü: Buffer.alloc(0) })
  const nothing = messageOf({ offset: 5 })
  assert.deepEqual([nothing.key, nothing.value, nothing.headers], [null, null, {}])
  const empty = messageOf({ offset: 5, key: '', value: '' })
  assert.deepEqual([empty.key, empty.value], [Buffer.alloc(0), Buffer.alloc(0)])
})

test('headers are told apart by all of their names, however many, alike and long they are', () => {
  // More names than are remembered at a time, so that some take each other's place; then the same once more.
  const names = Array.from({ length: 600 }, (_, i) => `${'x'.repeat(i % 80)}-${i}-${'é'.repeat(i % 3)}`)
  const headers = names.map((name, i) => /** @type {[string, string]} */ ([name, String(i)]))
  for (let round = 0; round < 2; round++) {
    const message = messageOf({ offset: 0, headers: [...headers, [names[3], 'again'], [names[500], 'again']] })
    const expected = Object.fromEntries(headers.map(([name, value]) => [name, /** @type {any} */ (Buffer.from(value))]))
    for (const twice of [3, 500]) expected[names[twice]] = [Buffer.from(String(twice)), Buffer.from('again')]
    assert.deepEqual(message.headers, expected)
    assert.deepEqual(Object.keys(message.headers), names)
  }
  for (const name of ['ab', 'ac', 'bb', 'a', '', 'ab', '7', '7']) {
    assert.deepEqual(messageOf({ offset: 0, headers: [[name, 'v']] }).headers, { [name]: Buffer.from('v') })
  }
})

test('headers called like members of Object are headers', () => {
  const { headers } = messageOf({
    offset: 0,
    headers: [
      ['__proto__', 'p'],
      ['constructor', 'c'],
      ['hasOwnProperty', 'h'],
      ['__proto__', 'q'],
    ],
  })
  assert.deepEqual(Object.keys(headers).sort(), ['__proto__', 'constructor', 'hasOwnProperty'])
  assert.equal(Object.getPrototypeOf(headers), Object.prototype)
  assert.deepEqual(Object.getOwnPropertyDescriptor(headers, '__proto__')?.value, [Buffer.from('p'), Buffer.from('q')])
})

test('offsets and timestamps are exact beyond 2^53', () => {
  const message = messageOf({ offset: 9007199254740993n, timestamp: -1 })
  assert.equal(message.offset, '9007199254740993')
  assert.equal(message.timestamp, '-1')
})

test('timestamps and offsets that take turns keep their own digits', () => {
  const offsets = [999, 1000, 1_000_999, 2_024_000, 1_024_000, 1_048_577_024, 2 ** 52, 0]
  const timestamps = [0, 1023, 1024, 2048, 1_700_000_000_000, 1_700_000_001_024, 2 ** 53 - 1, 5]
  const messages = range(64).map((i) => ({ offset: offsets[i % 8], timestamp: timestamps[(i * 3) % 8] }))
  const frame = new ConsumeFrame(consumeFrame([{ topic: 0, partition: 0, messages }]))
  const [{ at, end }] = frame.sections()
  const found = []
  for (let word = at; word < end; word += MESSAGE_WORDS) {
    const { offset, timestamp } = readMessage(frame, word)
    found.push({ offset: Number(offset), timestamp: Number(timestamp) })
    assert.equal(offset, String(Number(offset)))
  }
  assert.deepEqual(found, messages)
})

test("a message is a plain object with kafkajs's fields in its order, so that it can be spread, compared and serialised", () => {
  const message = messageOf({ offset: 5, value: 'v' })
  assert.deepEqual(Object.keys(message), FIELDS)
  assert.equal(Object.getPrototypeOf(message), Object.prototype)
  assert.deepEqual({ ...message }, message)
  assert.equal({ ...message, value: 'parsed' }.offset, '5')
  assert.match(inspect(message), /offset: '5'/)
  assert.deepEqual(JSON.parse(JSON.stringify(message)).value, { type: 'Buffer', data: [118] })
  assert.ok(Buffer.isBuffer(message.value))
  assert.equal(Object.getPrototypeOf(message.value), Buffer.prototype)
})

test('a field may be replaced, for that message only', () => {
  const { frame, section } = read([{ offset: 1, value: 'v' }])
  const [a, b] = [readMessage(frame, section.at), readMessage(frame, section.at)]
  Object.assign(a, { value: { parsed: true } })
  a.headers.added = 'x'
  assert.deepEqual([b.value, b.headers], [Buffer.from('v'), {}])
})

test('offsets and timestamps of neighbours are told apart', () => {
  const offsets = [0, 9, 10, 999, 1000, 1001, 1099, 1999, 2000, 999_999, 1_000_000, 2 ** 40, 2 ** 40 + 1, 5]
  const timestamps = [0, -1, 1700000000000, 1700000000000, 1700000000001, 2 ** 32, 2 ** 32 + 1, 1, 1, 0, -1, 7, 7, 8]
  const { frame, section } = read(offsets.map((offset, i) => ({ offset, timestamp: timestamps[i] })))
  const messages = offsets.map((_, i) => readMessage(frame, section.at + i * MESSAGE_WORDS))
  assert.deepEqual(messages.map(({ offset }) => offset), offsets.map(String))
  assert.deepEqual(messages.map(({ timestamp }) => timestamp), timestamps.map(String))
  assert.deepEqual(messages.map(({ batchContext }) => batchContext.maxTimestamp), timestamps.map(String))
})

test('a batch tells its offsets and lag', () => {
  const { section } = read(
    range(10).map((i) => ({ offset: 100 + i })),
    { highWatermark: 200 },
  )
  const batch = new Batch('t', 3, [section])
  assert.deepEqual(
    [batch.firstOffset(), batch.lastOffset(), batch.highWatermark, batch.fetchedOffset],
    ['100', '109', '200', '100'],
  )
  assert.deepEqual([batch.offsetLag(), batch.offsetLagLow(), batch.messages.length], ['90', '99', 10])
  assert.deepEqual(
    batch.messages.map(({ offset }) => Number(offset)),
    range(10).map((i) => 100 + i),
  )
})

test('a batch keeps its messages while the queue that it came from moves on', () => {
  const queue = new PartitionQueue('t', 0)
  queue.push(read(range(4).map((offset) => ({ offset }))).section)
  const batch = new Batch('t', 0, queue.sections)
  queue.drop(3)
  assert.equal(batch.messages.length, 4)
})

test('a partition queue drops up to an offset, and tells which frames are done', () => {
  const queue = new PartitionQueue('t', 0)
  const first = read(range(4).map((offset) => ({ offset, value: Buffer.alloc(100) })))
  const second = read(range(2).map((i) => ({ offset: 4 + i, value: Buffer.alloc(100) })))
  queue.push(first.section)
  queue.push(second.section)
  assert.equal(queue.drop(2), 0)
  assert.equal(first.frame.remaining, 2)
  assert.equal(queue.drop(5), 1)
  assert.equal(queue.drop(Infinity), 1)
  assert.deepEqual([queue.isEmpty, second.frame.remaining], [true, 0])
})
