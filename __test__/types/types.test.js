'use strict'
const assert = require('node:assert/strict')
const { execFile } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { promisify } = require('node:util')
const { exportsOf } = require('../helpers/typings')

const root = path.join(__dirname, '..', '..')
const programs = path.join(__dirname, 'programs')

/** @param {string} project @returns {Promise<string>} what tsc complains about, '' when nothing */
async function tsc(project) {
  const compiler = require.resolve('typescript/bin/tsc')
  try {
    await promisify(execFile)(process.execPath, [compiler, '--pretty', 'false', '-p', project], { cwd: root })
    return ''
  } catch (/** @type {any} */ error) {
    return error.stdout || error.message
  }
}

test('programs written for kafkajs compile, and mistakes do not', async () => {
  assert.equal(await tsc(programs), '')
})

test('the mistakes are found because of the typings, not because the import failed', async () => {
  const text = fs.readFileSync(path.join(programs, 'mistakes.ts'), 'utf8')
  const marks = text.match(/@ts-expect-error/g) || []
  assert.ok(marks.length >= 20, `${marks.length} mistakes`)
  assert.match(fs.readFileSync(path.join(programs, 'tsconfig.json'), 'utf8'), /"skipLibCheck": false/)
})

test('the JavaScript agrees with its JSDoc', async () => {
  assert.equal(await tsc(root), '')
})

test('every value that is exported is declared, and every value that is declared is exported', () => {
  const runtime = Object.keys(require(root)).sort()
  const values = [...exportsOf('../..')].filter(([, { value }]) => value)
  assert.deepEqual(values.map(([name]) => name).sort(), runtime)
})
