'use strict'

// A reporter for node:test that says each result twice: to people on stdout, as the built-in `spec` reporter does,
// and to the test runner as JSON lines on file descriptor 3, from which it counts.

const fs = require('node:fs')
const { Readable } = require('node:stream')
const { spec: Spec } = require('node:test/reporters')

/** The descriptor that scripts/lib/test-file.js opens for the lines. */
const DESCRIPTOR = 3

const TOTAL = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) /

/** @param {AsyncIterable<{ type: string, data: any }>} source */
module.exports = async function * report (source) {
  const reporter = /** @type {any} */ (Spec)
  // `spec` is a class, and in some versions of Node.js a function that wants no `new`.
  const toPeople = reporter.prototype ? new reporter() : reporter()
  yield * Readable.from(count(source)).compose(toPeople)
}

/** @param {AsyncIterable<{ type: string, data: any }>} source */
async function * count (source) {
  for await (const event of source) {
    const { type, data } = event
    if (type === 'test:pass' || type === 'test:fail' || type === 'test:dequeue' || type === 'test:complete') {
      const failure = data.details && data.details.error && data.details.error.failureType
      fs.writeSync(DESCRIPTOR, JSON.stringify({
        type: type.slice('test:'.length),
        name: data.name,
        suite: data.details && data.details.type === 'suite',
        skip: isSet(data.skip),
        todo: isSet(data.todo),
        failure
      }) + '\n')
    }
    // The totals of each single file are noise; the runner prints those of the tier.
    const isTotal = type === 'test:diagnostic' && data.nesting === 0 && TOTAL.test(data.message)
    if (!isTotal && type !== 'test:summary') yield event
  }
}

/** @param {unknown} mark  true, a reason, or absent */
function isSet (mark) {
  return mark !== undefined && mark !== false
}
