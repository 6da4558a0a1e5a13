'use strict'

// Consume frames, and the messages and batches that read them.

const assert = require('node:assert/strict')
const { inspect } = require('node:util')
const { test } = require('node:test')
const { ConsumeFrame } = require('../../lib/frame/reader')
const { Batch } = require('../../lib/kafkajs/batch')
const { KafkaMessage } = require('../../lib/kafkajs/message')
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
  return new KafkaMessage(frame, section.at)
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

test("a message has kafkajs's fields in its order, also for JSON, for...in and the console", () => {
  const message = messageOf({ offset: 5, value: 'v' })
  assert.deepEqual(Object.keys(message.toJSON()), FIELDS)
  const seen = []
  for (const name in message) seen.push(name)
  for (const field of FIELDS) assert.ok(seen.includes(field), field)
  assert.match(inspect(message), /offset: '5'/)
  assert.equal(JSON.parse(JSON.stringify(message)).offset, '5')
})

test('a field may be replaced, for that message only', () => {
  const { frame, section } = read([{ offset: 1, value: 'v' }])
  const [a, b] = [new KafkaMessage(frame, section.at), new KafkaMessage(frame, section.at)]
  Object.assign(a, { value: { parsed: true } })
  assert.deepEqual(a.value, { parsed: true })
  assert.deepEqual(a.toJSON().value, { parsed: true })
  assert.deepEqual(b.value, Buffer.from('v'))
})

test('a batch tells its offsets and lag, and makes its messages once', () => {
  const { section } = read(
    range(10).map((i) => ({ offset: 100 + i })),
    { highWatermark: 200 },
  )
  const batch = new Batch('t', 3, [section])
  assert.deepEqual(
    [batch.firstOffset(), batch.lastOffset(), batch.highWatermark, batch.fetchedOffset],
    ['100', '109', '200', '100'],
  )
  assert.deepEqual([batch.offsetLag(), batch.offsetLagLow(), batch.size], ['90', '99', 10])
  assert.equal(batch.messages, batch.messages)
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

test('a partition queue counts its bytes, drops up to an offset, and tells which frames are done', () => {
  const queue = new PartitionQueue('t', 0)
  const first = read(range(4).map((offset) => ({ offset, value: Buffer.alloc(100) })))
  const second = read(range(2).map((i) => ({ offset: 4 + i, value: Buffer.alloc(100) })))
  queue.push(first.section)
  queue.push(second.section)
  const full = queue.bytes
  assert.equal(queue.drop(2), 0)
  assert.ok(queue.bytes < full && queue.bytes > 0)
  assert.equal(first.frame.remaining, 2)
  assert.equal(queue.drop(5), 1)
  assert.equal(queue.drop(), 1)
  assert.deepEqual([queue.isEmpty, queue.bytes, second.frame.remaining], [true, 0, 0])
})
