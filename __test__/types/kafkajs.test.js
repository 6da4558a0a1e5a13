'use strict'

// The typings beside kafkajs's: what compiles with those has to compile with ours.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const ts = require('typescript')
const { compileText, moduleExports } = require('../helpers/typings')

const { SymbolFlags } = ts

/**
 * Where our type is another than kafkajs's. `narrower`: ours does not go where theirs is asked for; `wider`: theirs does not go
 * where ours is asked for, which matters for what programs make themselves: options, handlers, stand-ins for clients.
 * @type {Record<string, { narrower?: string, wider?: string }>}
 */
const EXCEPTIONS = {
  KafkaJSStaleTopicMetadataAssignment: { narrower: 'kafkajs declares unknownPartitions as a number and has a list' },
  DeleteGroupsResult: { wider: 'its error has the fields that all our errors have besides' },
  Kafka: { wider: 'kafka.producer() has flush() besides' },
  Admin: { wider: 'deleteGroups() gives DeleteGroupsResult' },
}
/** Errors are made by us. They have more fields than kafkajs's, so theirs do not go where ours are asked for. */
const isError = (/** @type {string} */ name) => name.startsWith('KafkaJS')

const IMPORTS = "import * as ours from '../..'\nimport * as theirs from 'kafkajs'\nexport { ours, theirs }\n"

/** Both modules' exports, and their types: generic ones with arguments. */
function bothTypings() {
  const first = compileText(IMPORTS)
  const [ours, theirs] = [moduleExports(first, 0), moduleExports(first, 1)]
  const names = [...theirs].filter(([name, { flags }]) => flags & SymbolFlags.Type && ours.has(name)).map(([name]) => name)
  const argumentsOf = (/** @type {string} */ name) => {
    const [declaration] = /** @type {any[]} */ (theirs.get(name)?.declarations)
    const given = ['{ a: string; b: number }', '{ b: number; c: string }']
    const count = (declaration.typeParameters || []).length
    return count === 0 ? '' : `<${name === 'SASLMechanismOptions' ? "'plain'" : given.slice(0, count).join(', ')}>`
  }
  const aliases = names.map((name) =>
    ['ours', 'theirs'].map((side) => `export type ${side}_${name} = ${side}.${name}${argumentsOf(name)}\n`).join(''))
  const compiled = compileText(IMPORTS + aliases.join(''))
  assert.deepEqual(compiled.complaints, [])
  const { checker, source } = compiled
  const made = new Map(checker.getExportsOfModule(/** @type {ts.Symbol} */ (checker.getSymbolAtLocation(source)))
    .map((symbol) => [symbol.name, symbol]))
  const typeOf = (/** @type {string} */ name) => checker.getDeclaredTypeOfSymbol(/** @type {ts.Symbol} */ (made.get(name)))
  return {
    ours: moduleExports(compiled, 0),
    theirs: moduleExports(compiled, 1),
    checker,
    types: names.map((name) => ({ name, ours: typeOf(`ours_${name}`), theirs: typeOf(`theirs_${name}`) })),
  }
}

const both = bothTypings()

test('every name that can be imported from the typings of kafkajs is there', () => {
  assert.deepEqual([...both.theirs.keys()].filter((name) => !both.ours.has(name)), [])
})

test('every type goes where kafkajs\'s is asked for, and the other way round, but for what is explained', () => {
  const differing = new Map()
  for (const { name, ours, theirs } of both.types) {
    const difference = [
      both.checker.isTypeAssignableTo(ours, theirs) ? '' : 'narrower',
      both.checker.isTypeAssignableTo(theirs, ours) || isError(name) ? '' : 'wider',
    ].filter(Boolean)
    if (difference.length > 0) differing.set(name, difference)
  }
  const explained = Object.entries(EXCEPTIONS).map(([name, reasons]) => [name, Object.keys(reasons)])
  assert.deepEqual(Object.fromEntries(differing), Object.fromEntries(explained))
})

test('every value, and so every constructor, goes where kafkajs\'s is asked for', () => {
  const { checker } = both
  const values = [...both.theirs].filter(([, { flags }]) => flags & SymbolFlags.Value)
  assert.ok(values.length > 30, `${values.length} values`)
  const narrower = values.filter(([name, theirs]) => {
    const ours = /** @type {ts.Symbol} */ (both.ours.get(name))
    return !checker.isTypeAssignableTo(checker.getTypeOfSymbol(ours), checker.getTypeOfSymbol(theirs))
  })
  // The one is explained above; the other is made of errors, and has to be given ours.
  const explained = ['KafkaJSStaleTopicMetadataAssignment', 'KafkaJSDeleteTopicRecordsError']
  assert.deepEqual(narrower.map(([name]) => name).sort(), explained.sort())
})

test('where kafkajs has a type alias, so have we: only such a type goes where any record is asked for', () => {
  const isInterface = (/** @type {ts.Type} */ type) =>
    type.getSymbol()?.declarations?.[0]?.kind === ts.SyntaxKind.InterfaceDeclaration
  const interfaces = both.types.filter(({ ours, theirs }) => isInterface(ours) && !isInterface(theirs))
  assert.deepEqual(interfaces.map(({ name }) => name), [])
})
