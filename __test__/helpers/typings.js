'use strict'

// Reading declaration files with the compiler.

const path = require('node:path')
const ts = require('typescript')

const OPTIONS = {
  module: ts.ModuleKind.Node16,
  moduleResolution: ts.ModuleResolutionKind.Node16,
  target: ts.ScriptTarget.ES2022,
  strict: true,
  types: ['node'],
}

/**
 * Compiles a program that is in no file.
 * @param {string} text
 * @returns {{ checker: ts.TypeChecker, source: ts.SourceFile, complaints: string[] }}
 */
function compileText(text) {
  const file = path.join(__dirname, 'program.ts')
  const host = ts.createCompilerHost(OPTIONS)
  const { fileExists, getSourceFile } = host
  host.fileExists = (name) => name === file || fileExists.call(host, name)
  host.getSourceFile = (name, ...more) =>
    name === file ? ts.createSourceFile(name, text, OPTIONS.target, true) : getSourceFile.call(host, name, ...more)
  const program = ts.createProgram([file], OPTIONS, host)
  return {
    checker: program.getTypeChecker(),
    source: /** @type {ts.SourceFile} */ (program.getSourceFile(file)),
    complaints: ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')),
  }
}

/** The exports of a module that a program imports. @param {ReturnType<typeof compileText>} compiled @param {number} [statement] */
function moduleExports({ checker, source }, statement = 0) {
  const { moduleSpecifier } = /** @type {any} */ (source.statements[statement])
  const module = /** @type {ts.Symbol} */ (checker.getSymbolAtLocation(moduleSpecifier))
  return new Map(checker.getExportsOfModule(module).map((symbol) =>
    [symbol.name, symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol]))
}

/**
 * The names that can be imported from a module, and as what.
 * @param {string} module
 * @returns {Map<string, { type: boolean, value: boolean }>}
 */
function exportsOf(module) {
  const compiled = compileText(`import * as m from '${module}'\nexport { m }\n`)
  return new Map([...moduleExports(compiled)].map(([name, { flags }]) =>
    [name, { type: (flags & ts.SymbolFlags.Type) !== 0, value: (flags & ts.SymbolFlags.Value) !== 0 }]))
}

module.exports = { compileText, exportsOf, moduleExports }
