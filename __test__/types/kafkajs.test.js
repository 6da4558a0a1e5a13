'use strict'

// The typings beside kafkajs's: what compiles with those has to compile with ours.

const assert = require('node:assert/strict')
const path = require('node:path')
const { test } = require('node:test')
const ts = require('typescript')

const root = path.join(__dirname, '..', '..')
const { ModuleKind, ModuleResolutionKind, ScriptTarget, SymbolFlags } = ts

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

/** A program that imports both, with an alias for each type of kafkajs; generic ones with arguments. */
function bothTypings() {
  const file = path.join(__dirname, 'both.ts')
  const theirs = exportsOf(`import * as m from 'kafkajs'\nexport { m }\n`, file)
  const ours = exportsOf(`import * as m from '../..'\nexport { m }\n`, file)
  const names = [...theirs].filter(([name, { flags }]) => flags & SymbolFlags.Type && ours.has(name)).map(([name]) => name)
  const argumentsOf = (/** @type {string} */ name) => {
    const [declaration] = /** @type {any[]} */ (theirs.get(name)?.declarations)
    const given = ['{ a: string; b: number }', '{ b: number; c: string }']
    const count = (declaration.typeParameters || []).length
    return count === 0 ? '' : `<${name === 'SASLMechanismOptions' ? "'plain'" : given.slice(0, count).join(', ')}>`
  }
  const lines = names.flatMap((name) => [
    `export type ours_${name} = ours.${name}${argumentsOf(name)}`,
    `export type theirs_${name} = theirs.${name}${argumentsOf(name)}`,
  ])
  const text = [`import * as ours from '../..'`, `import * as theirs from 'kafkajs'`, 'export { ours, theirs }', ...lines]
  const { program, checker } = compile(text.join('\n'), file)
  const source = /** @type {any} */ (program.getSourceFile(file))
  const aliases = new Map(checker.getExportsOfModule(checker.getSymbolAtLocation(source)).map((one) => [one.name, one]))
  const typeOf = (/** @type {string} */ name) => checker.getDeclaredTypeOfSymbol(/** @type {any} */ (aliases.get(name)))
  return {
    theirs,
    ours,
    checker,
    types: names.map((name) => ({ name, ours: typeOf(`ours_${name}`), theirs: typeOf(`theirs_${name}`) })),
  }
}

/** @param {string} text @param {string} file a name for it, where its imports are looked up */
function compile(text, file) {
  const options = {
    module: ModuleKind.Node16,
    moduleResolution: ModuleResolutionKind.Node16,
    target: ScriptTarget.ES2022,
    strict: true,
    types: ['node'],
  }
  const host = ts.createCompilerHost(options)
  const { fileExists, getSourceFile } = host
  host.fileExists = (name) => name === file || fileExists.call(host, name)
  host.getSourceFile = (name, ...more) =>
    name === file ? ts.createSourceFile(name, text, ScriptTarget.ES2022, true) : getSourceFile.call(host, name, ...more)
  const program = ts.createProgram([file], options, host)
  const complaints = ts.getPreEmitDiagnostics(program)
  assert.deepEqual(complaints.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')), [])
  return { program, checker: program.getTypeChecker() }
}

/** @param {string} text imports a module as m @param {string} file @returns {Map<string, ts.Symbol>} */
function exportsOf(text, file) {
  const { program, checker } = compile(text, file)
  const [statement] = /** @type {any} */ (program.getSourceFile(file)).statements
  const module = /** @type {any} */ (checker.getSymbolAtLocation(statement.moduleSpecifier))
  return new Map(checker.getExportsOfModule(module).map((symbol) =>
    [symbol.name, symbol.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol]))
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
  assert.deepEqual(narrower.map(([name]) => name), Object.keys(EXCEPTIONS).filter((name) => isError(name)))
})

test('where kafkajs has a type alias, so have we: only such a type goes where any record is asked for', () => {
  const isInterface = (/** @type {ts.Type} */ type) =>
    type.getSymbol()?.declarations?.[0]?.kind === ts.SyntaxKind.InterfaceDeclaration
  const interfaces = both.types.filter(({ ours, theirs }) => isInterface(ours) && !isInterface(theirs))
  assert.deepEqual(interfaces.map(({ name }) => name), [])
})
