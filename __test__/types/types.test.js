'use strict'
const assert = require('node:assert/strict')
const { execFile } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { promisify } = require('node:util')
const ts = require('typescript')

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

/** Names that a declaration file exports, by whether there is a value behind. @param {string} file */
function declared(file) {
  const program = ts.createProgram([file], {
    module: ts.ModuleKind.Node16,
    moduleResolution: ts.ModuleResolutionKind.Node16,
    types: ['node'],
  })
  const checker = program.getTypeChecker()
  const source = /** @type {any} */ (program.getSourceFile(file))
  const symbols = checker.getExportsOfModule(/** @type {any} */ (checker.getSymbolAtLocation(source)))
  const resolved = symbols.map((symbol) =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol,
  )
  return {
    all: resolved.map((symbol) => symbol.name).sort(),
    values: resolved
      .filter((symbol) => symbol.flags & ts.SymbolFlags.Value)
      .map((symbol) => symbol.name)
      .sort(),
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
  assert.deepEqual(declared(path.join(root, 'index.d.ts')).values, runtime)
})

test('every name of the typings of kafkajs is there', () => {
  const theirs = declared(require.resolve('kafkajs/types/index.d.ts')).all
  const ours = new Set(declared(path.join(root, 'index.d.ts')).all)
  const leftOut = [
    // its own protocol client, which this one does not have
    'ApiVersions',
    'Broker',
    'BrokerMetadata',
    'ConsumerGroup',
    'CoordinatorMetadata',
    // not marked as exports there: the pieces that its own declarations are built of
    'MessageSetEntry',
    'RecordBatchEntry',
    'SASLMechanismOptions',
    'SASLMechanismOptionsMap',
    'ValueOf',
    'Without',
    'XOR',
  ]
  assert.deepEqual(
    theirs.filter((name) => !ours.has(name)),
    leftOut.sort(),
  )
})
