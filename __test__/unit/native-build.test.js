'use strict'

// What the built addon is made of: the right versions, everything linked in, and the same frame layout as JavaScript.

const { test } = require('node:test')
const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { version } = require('../../package.json')
const layout = require('../../lib/frame/layout')
const native = require('../../lib/native')

test('the addon has the version of the package', () => {
  assert.equal(native.version(), version)
})

test('the addon holds the librdkafka that Cargo.lock names', () => {
  const lock = fs.readFileSync(path.join(__dirname, '..', '..', 'Cargo.lock'), 'utf8')
  // The crate's version ends in that of the library: 4.10.0+2.12.1.
  const locked = /name = "rdkafka-sys"\nversion = "[^"+]+\+([^"]+)"/.exec(lock.replaceAll('\r\n', '\n'))
  assert.ok(locked, 'Cargo.lock names no rdkafka-sys')
  assert.equal(native.librdkafkaVersion(), locked[1])
})

for (const feature of [
  'gzip', 'snappy', 'lz4', 'zstd', 'ssl', 'sasl_plain', 'sasl_scram', 'sasl_gssapi', 'sasl_oauthbearer', 'oidc'
]) {
  test(`librdkafka is built with ${feature}`, () => {
    assert.ok(native.features().includes(feature), `builtin.features are ${native.features()}`)
  })
}

test('both sides read and write frames of the same layout', () => {
  const numbers = Object.entries(layout).filter(([, value]) => typeof value === 'number')
  assert.deepEqual(Object.fromEntries(numbers), native.frameConstants())
})

test('every field of the layout is a word of its own, inside what it belongs to', () => {
  const parts = Object.entries(layout).filter(([, value]) => typeof value === 'object')
  assert.ok(parts.length >= 8)
  for (const [name, fields] of parts) {
    const words = Object.values(fields)
    assert.equal(new Set(words).size, words.length, `two fields of ${name} share a word`)
    const size = layout[`${name}_WORDS`]
    for (const word of words) assert.ok(word >= 0 && word < size, `${name} has ${size} words, no word ${word}`)
  }
})
