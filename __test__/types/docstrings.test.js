'use strict'

// Whoever points at a public name in an editor is told what it is.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const ts = require('typescript')

const folder = path.join(__dirname, '..', '..', 'types')

/**
 * Names that are declared without a docstring: declarations and their members, also those of object types within, but not what
 * functions take and give inline, nor types on one line, which the docstring of their name explains.
 * @param {string} file
 */
function undocumented(file) {
  const source = ts.createSourceFile(file, fs.readFileSync(path.join(folder, file), 'utf8'), ts.ScriptTarget.ES2022, true)
  /** @type {string[]} */
  const names = []
  /** @param {ts.Node} node @param {string} outer */
  const visit = (node, outer) => {
    const name = nameOf(node)
    const full = name === undefined ? outer : outer ? `${outer}.${name}` : name
    if (name !== undefined && ts.getJSDocCommentsAndTags(node).length === 0) names.push(full)
    if (ts.isParameter(node) || ts.isMethodSignature(node) || ts.isFunctionTypeNode(node)) return
    if (ts.isMethodDeclaration(node) || ts.isConstructorDeclaration(node)) return
    if (ts.isTypeLiteralNode(node) && lineOf(node.getStart()) === lineOf(node.end)) return
    ts.forEachChild(node, (child) => visit(child, full))
  }
  const lineOf = (/** @type {number} */ position) => source.getLineAndCharacterOfPosition(position).line
  ts.forEachChild(source, (child) => visit(child, ''))
  return names
}

/** The name that a node declares, if it declares one. @param {ts.Node} node */
function nameOf(node) {
  if (ts.isConstructorDeclaration(node)) return 'constructor'
  if (ts.isIndexSignatureDeclaration(node)) return '[]'
  if (ts.isVariableStatement(node)) return node.declarationList.declarations[0].name.getText()
  const declares = ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node) || ts.isTypeAliasDeclaration(node)
    || ts.isEnumDeclaration(node) || ts.isFunctionDeclaration(node) || ts.isEnumMember(node) || ts.isTypeElement(node)
    || ts.isClassElement(node)
  return declares && node.name !== undefined ? node.name.getText() : undefined
}

for (const file of fs.readdirSync(folder).sort()) {
  test(`${file}: every name and member has a docstring`, () => {
    assert.deepEqual(undocumented(file), [])
  })
}
