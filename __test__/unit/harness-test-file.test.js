'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { test } = require('node:test')
const { Jobs } = require('../../scripts/lib/jobs')
const { runTestFile } = require('../../scripts/lib/test-file')

/**
 * Runs this text as a test file, as `npm test` would.
 * @param {import('node:test').TestContext} t
 * @param {string} text
 * @param {number} [silence] ms
 */
async function run (t, text, silence = 60_000) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'kafka-oxide-runner-'))
  const jobs = new Jobs()
  t.after(() => {
    jobs.stop()
    fs.rmSync(folder, { recursive: true, force: true })
  })
  const file = path.join(folder, 'x.test.js')
  fs.writeFileSync(file, `const { test, describe, it, before } = require('node:test')\n${text}\n`)
  const env = { ...process.env }
  delete env.NODE_TEST_CONTEXT
  let output = ''
  const result = await runTestFile(jobs, file, { env, silence, print: text => { output += text } })
  return { ...result, output }
}

test('the runner counts tests, subtests and tests in suites, but not suites', async t => {
  const { passed, failures, output } = await run(t, `
    test('one', async t => { await t.test('two', () => {}) })
    describe('a suite', () => { it('three', () => {}) })`)
  assert.deepEqual({ passed, failures }, { passed: 3, failures: [] })
  assert.match(output, /three/)
})

test('a failing test is a failure and its error is shown', async t => {
  const { passed, failures, output } = await run(t, `
    test('good', () => {})
    test('bad', () => { throw new Error('the reason') })`)
  assert.equal(passed, 1)
  assert.equal(failures.length, 1)
  assert.match(failures[0], /"bad" failed$/)
  assert.match(output, /the reason/)
})

test('a skipped test and a todo are failures', async t => {
  const { passed, failures } = await run(t, `
    test('left out', { skip: true }, () => {})
    test('left out with a reason', t => t.skip('no broker'))
    test.todo('some day')`)
  assert.equal(passed, 0)
  assert.equal(failures.length, 3)
  assert.match(failures[0], /"left out" was skipped/)
  assert.match(failures[1], /"left out with a reason" was skipped/)
  assert.match(failures[2], /"some day" is only a todo/)
})

test('a failing hook of a suite is a failure', async t => {
  const { failures } = await run(t, `
    describe('a suite', () => {
      before(() => { throw new Error('x') })
      it('one', () => {})
    })`)
  assert.notEqual(failures.length, 0)
})

test('a file without tests is a failure', async t => {
  const { failures } = await run(t, '')
  assert.equal(failures.length, 1)
  assert.match(failures[0], /holds no test$/)
})

test('a file that cannot be loaded is a failure', async t => {
  const { passed, failures, output } = await run(t, 'throw new Error(\'cannot load\')')
  assert.equal(passed, 0)
  assert.equal(failures.length, 1)
  assert.match(output, /cannot load/)
})

test('a process that crashes is a failure that names the signal', async t => {
  const { failures } = await run(t, `
    test('good', () => {})
    test('crashing', () => process.kill(process.pid, 'SIGKILL'))`)
  assert.equal(failures.length, 1)
  assert.match(failures[0], /ended by SIGKILL/)
})

test('a test that hangs is ended and named', async t => {
  const { failures } = await run(t, 'test(\'hanging\', () => new Promise(() => setInterval(() => {}, 1000)))', 2000)
  assert.equal(failures.length, 1)
  assert.match(failures[0], /nothing happened for 2 s in "hanging"/)
})

test('a process that does not end after its tests is ended, and that is a failure', async t => {
  const { passed, failures } = await run(t, 'test(\'good\', () => { setInterval(() => {}, 1000) })', 2000)
  assert.equal(passed, 1)
  assert.equal(failures.length, 1)
  assert.match(failures[0], /after its last test: something keeps the process alive/)
})
