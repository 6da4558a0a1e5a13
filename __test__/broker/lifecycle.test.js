'use strict'

const assert = require('node:assert/strict')
const { execFile } = require('node:child_process')
const path = require('node:path')
const { test } = require('node:test')
const { promisify } = require('node:util')
const { bootstrap } = require('../helpers/broker')

const CYCLES = path.join(__dirname, '../helpers/lifecycle-cycles.js')

/** Bytes: what 150 cycles may add to what 50 had needed. A handle of librdkafka alone is some 100 KB. */
const RSS_MARGIN = 12 * 1024 * 1024

test('200 times connect, send, consume, disconnect leave threads, files, handles and memory as they were', async t => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--expose-gc', CYCLES, bootstrap()], {
    timeout: 115_000, killSignal: 'SIGKILL'
  })
  assert.equal(stderr, '')
  const { first, last, cycles } = JSON.parse(stdout)
  t.diagnostic(`after 50: ${JSON.stringify(first)}, after ${cycles}: ${JSON.stringify(last)}`)
  assert.equal(cycles, 200)
  assert.deepEqual(last.resources, first.resources)
  if (process.platform === 'linux') {
    assert.ok(first.threads > 1 && first.files > 1)
    assert.ok(last.threads <= first.threads, `${first.threads} threads became ${last.threads}`)
    assert.ok(last.files <= first.files, `${first.files} open files became ${last.files}`)
  }
  assert.ok(last.rss - first.rss < RSS_MARGIN, `${first.rss} bytes of memory became ${last.rss}`)
})
