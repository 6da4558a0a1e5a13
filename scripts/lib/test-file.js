'use strict'

// One file of node:test tests in a process of its own. Not `node --test`: its --test-timeout is a limit for the whole
// file in Node.js 20, and a file without tests passes there.

const path = require('node:path')
const readline = require('node:readline')
const { ROOT } = require('./paths')

const REPORTER = path.join(__dirname, 'test-events.js')

/** Longest time in ms between two ends of tests (and between the last one and the end of the process). */
const SILENCE_MS = 120_000

/**
 * @typedef {object} Result
 * @property {number} passed
 * @property {string[]} failures  one line for each failed, skipped or unfinished test
 */

/**
 * @param {import('./jobs').Jobs} jobs
 * @param {string} file
 * @param {{ env: NodeJS.ProcessEnv, print: (text: string) => void, silence?: number }} options  silence in ms
 * @returns {Promise<Result>} never rejects
 */
async function runTestFile (jobs, file, { env, print, silence = SILENCE_MS }) {
  const label = path.relative(ROOT, file)
  /** @type {Result} */
  const result = { passed: 0, failures: [] }
  /** @type {string[]} names of tests that began and have not ended, for the message about a silence */
  const begun = []
  let silent = false
  let seen = 0

  const { child, ended } = jobs.start(process.execPath, [
    `--test-reporter=${REPORTER}`, '--test-reporter-destination=stdout', file
  ], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] })

  const onSilence = () => {
    silent = true
    jobs.kill(child)
  }
  let timer = setTimeout(onSilence, silence)

  const streams = /** @type {import('node:stream').Readable[]} */ (child.stdio)
  for (const stream of [streams[1], streams[2]]) stream.setEncoding('utf8').on('data', print)
  readline.createInterface({ input: streams[3] }).on('line', line => {
    clearTimeout(timer)
    timer = setTimeout(onSilence, silence)
    const event = JSON.parse(line)
    if (event.type === 'dequeue') begun.push(event.name)
    if (event.type === 'complete' && begun.includes(event.name)) begun.splice(begun.lastIndexOf(event.name), 1)
    if (event.type === 'pass' || event.type === 'fail') judge(event)
  })

  /** @param {{ type: string, name: string, suite: boolean, skip: boolean, todo: boolean, failure?: string }} event */
  function judge ({ type, name, suite, skip, todo, failure }) {
    // A suite fails with its tests, which are counted; one whose hook failed has none that say so.
    if (suite && (type === 'pass' || failure === 'subtestsFailed') && !skip && !todo) return
    seen++
    if (skip) result.failures.push(`${label}: "${name}" was skipped, which is not allowed`)
    else if (todo) result.failures.push(`${label}: "${name}" is only a todo, which is not allowed`)
    else if (type === 'fail') result.failures.push(`${label}: "${name}" failed`)
    else result.passed++
  }

  const { code, signal, error } = await ended
  clearTimeout(timer)
  const inTest = begun.length > 0 ? ` in "${begun.join('" > "')}"` : ''
  if (error) result.failures.push(`${label}: could not be run: ${error.message}`)
  else if (silent) {
    const where = begun.length > 0 ? inTest : ' after its last test: something keeps the process alive'
    result.failures.push(`${label}: nothing happened for ${silence / 1000} s${where}`)
  } else if (signal) result.failures.push(`${label}: the process was ended by ${signal}${inTest}`)
  else if (code !== 0 && result.failures.length === 0) {
    result.failures.push(`${label}: the process ended with code ${code}`)
  } else if (seen === 0) result.failures.push(`${label}: holds no test`)
  return result
}

module.exports = { runTestFile }
