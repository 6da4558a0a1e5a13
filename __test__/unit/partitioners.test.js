'use strict'
const assert = require('node:assert/strict')
const { test } = require('node:test')
const theirDefault = require('kafkajs/src/producer/partitioners/default/murmur2')
const theirLegacy = require('kafkajs/src/producer/partitioners/legacy/murmur2')
const { Partitioners: theirs } = require('kafkajs')
const { manyKeys } = require('../helpers/keys')
const { Partitioners, murmur2, legacyMurmur2 } = require('../../lib/kafkajs/partitioners')

test("murmur2 gives Java's numbers", () => {
  // org.apache.kafka.common.utils.UtilsTest
  const vectors = {
    21: -973932308,
    foobar: -790332482,
    'a-little-bit-long-string': -985981536,
    'a-little-bit-longer-string': -1486304829,
    'lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8': -58897971,
    abc: 479470107,
  }
  for (const [text, hash] of Object.entries(vectors)) assert.equal(murmur2(Buffer.from(text)), hash, text)
})

test("both hashes are kafkajs's for keys of every length", () => {
  let seed = 1
  const byte = () => (seed = (seed * 48271) % 2147483647) & 0xff
  for (let length = 0; length < 200; length++) {
    const key = Buffer.from(Array.from({ length }, byte))
    assert.equal(murmur2(key), theirDefault(key), key.toString('hex'))
    assert.equal(legacyMurmur2(key), theirLegacy(key), key.toString('hex'))
  }
})

const partitionMetadata = [0, 1, 2, 3].map((partitionId) => ({
  partitionErrorCode: 0,
  partitionId,
  leader: partitionId === 2 ? -1 : 1,
  replicas: [1],
  isr: [1],
}))

test('an explicit partition wins, then the key, then each partition that has a leader in turn', () => {
  const partitioner = Partitioners.DefaultPartitioner()
  const choose = (/** @type {any} */ message) => partitioner({ topic: 't', partitionMetadata, message })
  assert.equal(choose({ partition: 2, key: 'a', value: '' }), 2)
  assert.equal(choose({ key: 'foobar', value: '' }), (-790332482 & 0x7fffffff) % 4)
  assert.equal(choose({ key: Buffer.from('foobar'), value: '' }), choose({ key: 'foobar', value: '' }))
  const turns = [0, 1, 2].map(() => choose({ value: '' }))
  assert.deepEqual([...turns].sort(), [0, 1, 3])
  assert.equal(choose({ key: null, value: '' }), turns[0])
  assert.equal(Partitioners.JavaCompatiblePartitioner, Partitioners.DefaultPartitioner)
})

for (const name of /** @type {const} */ (['DefaultPartitioner', 'LegacyPartitioner', 'JavaCompatiblePartitioner'])) {
  test(`${name} puts thousands of keys of all kinds where kafkajs's puts them`, () => {
    for (const count of [1, 2, 3, 7, 12, 100]) {
      const metadata = Array.from({ length: count }, (_, partitionId) => ({ ...partitionMetadata[0], partitionId }))
      const [our, their] = [Partitioners[name](), theirs[name]()]
      for (const key of manyKeys(5000)) {
        const asked = { topic: 't', partitionMetadata: metadata, message: { key, value: '' } }
        assert.equal(our(asked), their(/** @type {any} */ (asked)), `${count} partitions, key ${JSON.stringify(key)}`)
      }
    }
  })
}
