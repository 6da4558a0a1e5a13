'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const layout = require('../../lib/frame/layout')
const native = require('../../lib/native')

test('both sides of the boundary have the same frame layout', () => {
  const theirs = native.frameConstants()
  const numbers = Object.entries(layout).filter(([, value]) => typeof value === 'number')
  assert.deepEqual(Object.fromEntries(numbers), theirs)
})

test('everything that a Kafka client needs is linked in', () => {
  const features = native.features()
  const wanted = [
    'gzip',
    'snappy',
    'lz4',
    'zstd',
    'ssl',
    'sasl_plain',
    'sasl_scram',
    'sasl_gssapi',
    'sasl_oauthbearer',
    'oidc',
  ]
  assert.deepEqual(
    wanted.filter((name) => !features.includes(name)),
    [],
    `linked: ${features}`,
  )
})
