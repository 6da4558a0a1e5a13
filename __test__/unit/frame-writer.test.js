'use strict'
const assert = require('node:assert/strict')
const { test } = require('node:test')
const vm = require('node:vm')
const { FrameWriter } = require('../../lib/frame/writer')
const { readDeliveries, offsetText } = require('../../lib/frame/deliveries')
const { readProduceFrame, writeDeliveries } = require('../helpers/fake-native')

/** @param {FrameWriter} writer */
function take(writer) {
  const { buffer, length } = writer.take()
  return readProduceFrame(buffer, length)
}

/** @param {any[]} messages @param {ArrayLike<number>} [partitions] */
function pack(messages, partitions) {
  const writer = new FrameWriter()
  writer.add(7, 3, messages, 't', partitions)
  return take(writer)[0].records
}

test('what is packed is what is read back', () => {
  const [record] = pack([
    {
      key: 'clé',
      value: Buffer.from([0, 255, 10]),
      partition: 4,
      timestamp: '1700000000123',
      headers: { a: 'x', many: ['1', Buffer.from('2')], empty: '', none: null, missing: undefined, nothing: [] },
    },
  ])
  assert.deepEqual(record, {
    partition: 4,
    timestamp: 1700000000123,
    key: Buffer.from('clé'),
    value: Buffer.from([0, 255, 10]),
    headers: [
      ['a', 'x'],
      ['many', '1'],
      ['many', '2'],
      ['empty', ''],
      ['none', null],
      ['missing', null],
    ],
  })
})

test('what is left out is null, anywhere and now', () => {
  assert.deepEqual(pack([{ value: null }]), [{ partition: -1, timestamp: 0, key: null, value: null, headers: [] }])
  assert.deepEqual(pack([{ value: '', key: '' }])[0].key, Buffer.alloc(0))
})

test('text of every length and alphabet is UTF-8', () => {
  for (const unit of ['a', 'é', '日', '😀', 'aé日😀']) {
    for (const count of [1, 5, 23, 24, 25, 26, 200, 70000]) {
      const text = unit.repeat(count)
      assert.equal(pack([{ value: text, key: text }])[0].value.toString(), text, `${unit} ${count}`)
    }
  }
  assert.deepEqual(pack([{ value: 'a\ud800' }])[0].value, Buffer.from('a\ud800'))
})

test('bytes of every length, class and realm are taken', () => {
  for (const length of [0, 1, 15, 16, 17, 100, 200000]) {
    const value = Buffer.alloc(length, 'xyz')
    assert.deepEqual(pack([{ value }])[0].value, value)
  }
  assert.deepEqual(pack([{ value: new Uint8Array([1, 2]) }])[0].value, Buffer.from([1, 2]))
  assert.deepEqual(pack([{ value: vm.runInNewContext('new Uint8Array([3, 4])') }])[0].value, Buffer.from([3, 4]))
})

test('many sends share a frame, which is empty after it was taken', () => {
  const writer = new FrameWriter()
  for (let id = 1; id <= 100; id++) writer.add(id, id % 3, [{ value: `v${id}` }, { value: 'x'.repeat(id * 50) }], 't')
  assert.equal(writer.sends, 100)
  const sends = take(writer)
  assert.deepEqual(
    sends.map(({ id }) => id),
    Array.from({ length: 100 }, (_, i) => i + 1),
  )
  assert.deepEqual(
    sends.map(({ topic }) => topic),
    Array.from({ length: 100 }, (_, i) => (i + 1) % 3),
  )
  assert.deepEqual(
    sends[99].records.map((/** @type {any} */ { value }) => value.length),
    [4, 5000],
  )
  assert.deepEqual(take(writer), [])
})

test('partitions that were chosen in JavaScript replace those of the messages', () => {
  assert.deepEqual(
    pack([{ value: 'a', partition: 9 }, { value: 'b' }], [1, 2]).map((/** @type {any} */ record) => record.partition),
    [1, 2],
  )
})

test('the messages are left as they were', () => {
  const message = Object.freeze({ key: 'k', value: 'v', headers: Object.freeze({ a: Object.freeze(['1', '2']) }) })
  const before = JSON.stringify(message)
  pack([message])
  assert.equal(JSON.stringify(message), before)
})

test('a message that cannot be sent is refused with what to write, and leaves no trace of its send', () => {
  const bad = /** @type {[any, RegExp][]} */ ([
    [{ key: 'k' }, /^Invalid message without value for topic "t": \{"key":"k"\}$/],
    [null, /a message is an object such as .* not null/],
    ['text', /not a string/],
    [{ value: 5 }, /value must be a string, a Buffer or null, not a number: write String/],
    [{ value: { a: 1 } }, /not an object: write JSON\.stringify/],
    [{ value: new Float64Array(1) }, /write Buffer\.from/],
    [{ value: 'v', key: true }, /key must be a string, a Buffer or null, not a boolean/],
    [{ value: 'v', headers: 'a' }, /headers must be an object such as/],
    [{ value: 'v', headers: ['a'] }, /headers must be an object .* not an array/],
    [{ value: 'v', headers: new Map() }, /headers must be an object .* not a Map/],
    [{ value: 'v', headers: { a: 1 } }, /header "a" must be a string, a Buffer or null, not a number/],
    [{ value: 'v', headers: { a: [['b']] } }, /header "a" must be .* not an array/],
    [{ value: 'v', partition: '1' }, /partition must be a whole number from 0, not a string/],
    [{ value: 'v', partition: -1 }, /not -1/],
    [{ value: 'v', partition: 1.5 }, /not 1\.5/],
    [{ value: 'v', partition: 2 ** 31 }, /partition must be/],
    [{ value: 'v', timestamp: new Date(0) }, /timestamp must be milliseconds after 1970 as text, .* not a Date/],
    [{ value: 'v', timestamp: '0' }, /timestamp must be milliseconds after 1970 as text, .* not "0"/],
    [{ value: 'v', timestamp: 'yesterday' }, /not "yesterday"/],
    [{ value: 'v', timestamp: -5 }, /not -5/],
  ])
  const writer = new FrameWriter()
  writer.add(1, 0, [{ value: 'good' }], 't')
  const { length } = writer
  for (const [message, pattern] of bad) {
    assert.throws(
      () => writer.add(2, 0, [{ value: 'x'.repeat(100000) }, message], 't'),
      (/** @type {any} */ error) => error.name === 'KafkaJSNonRetriableError' && pattern.test(error.message),
      String(pattern),
    )
    assert.equal(writer.length, length)
  }
  assert.deepEqual(
    take(writer).map(({ records }) => records.length),
    [1],
  )
})

test('a getter that throws in the middle leaves no trace either', () => {
  const writer = new FrameWriter()
  const trap = {
    get value() {
      throw new Error('trap')
    },
  }
  assert.throws(() => writer.add(1, 0, [{ value: 'a' }, trap], 't'), { message: 'trap' })
  assert.deepEqual(take(writer), [])
})

test('several sends are taken back together', () => {
  const writer = new FrameWriter()
  writer.add(1, 0, [{ value: 'keep' }], 't')
  const mark = writer.mark()
  writer.add(2, 0, [{ value: 'drop' }], 't')
  writer.rollback(mark)
  assert.deepEqual(
    take(writer).map(({ id }) => id),
    [1],
  )
})

test('deliveries are read send by send, offsets beyond 2^53 included', () => {
  const frame = writeDeliveries([
    {
      id: 4,
      partitions: [
        { partition: 2, offset: 9007199254740993n, logAppendTime: 1700000000001n },
        { partition: 0, offset: 4294967295n },
      ],
    },
    { id: 5, error: 10, failed: 3 },
    { id: 6, partitions: [{ partition: 1, offset: -1n }] },
  ])
  const seen = /** @type {any[]} */ ([])
  readDeliveries(frame, ['t'], (...send) => seen.push(send))
  const result = (/** @type {number} */ partition, /** @type {string} */ baseOffset, logAppendTime = '-1') =>
    ({ topicName: 't', partition, errorCode: 0, baseOffset, logAppendTime, logStartOffset: '0' })
  assert.deepEqual(seen, [
    [4, 0, [result(2, '9007199254740993', '1700000000001'), result(0, '4294967295')]],
    [5, 10, []],
    [6, 0, [result(1, '-1')]],
  ])
  assert.equal(offsetText(0, -0x80000000), String(-(2n ** 63n)))
})
