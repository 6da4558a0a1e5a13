'use strict'

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { test } = require('node:test')
const { TOOLS, missing } = require('../../scripts/prerequisites')

const SCRIPTS = path.resolve(__dirname, '../../scripts')

/**
 * An empty folder to serve as PATH.
 * @param {import('node:test').TestContext} t
 */
function fakePath (t) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'kafka-oxide-path-'))
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }))
  return folder
}

/**
 * @param {string} folder
 * @param {string} name
 * @param {string} output of the program, whatever its arguments
 */
function fakeProgram (folder, name, output) {
  fs.writeFileSync(path.join(folder, name), `#!/bin/sh\necho '${output}'\n`, { mode: 0o755 })
}

test('on a machine without any tool every tool is named at once, each with how to install it', t => {
  const lines = missing(['native', 'broker'], { PATH: fakePath(t) })
  const expected = TOOLS.filter(tool => !(tool.unixOnly && process.platform === 'win32'))
  assert.equal(lines.length, expected.length)
  for (const [index, { name, debian, macos }] of expected.entries()) {
    assert.ok(lines[index].startsWith(name), lines[index])
    assert.ok(lines[index].includes(debian) && lines[index].includes(macos), lines[index])
  }
})

test('building asks for no JDK and no Maven', t => {
  const lines = missing(['native'], { PATH: fakePath(t) })
  assert.ok(lines.some(line => line.startsWith('Rust')))
  assert.ok(!lines.some(line => /JDK|Maven/.test(line)), lines.join('\n'))
})

test('a tool that is too old is named with its version and the version needed', t => {
  const folder = fakePath(t)
  fakeProgram(folder, 'java', 'openjdk version "11.0.2" 2019-01-15')
  fakeProgram(folder, 'mvn', '')
  const env = { PATH: `${folder}${path.delimiter}${process.env.PATH}` }
  const lines = missing(['broker'], env)
  assert.equal(lines.length, 1, lines.join('\n'))
  assert.match(lines[0], /^JDK 17 .*is version 11\.0, needed is 17\.0 or newer/)
})

test('a java of JAVA_HOME counts though it is not on the PATH', t => {
  const folder = fakePath(t)
  const home = fakePath(t)
  fs.mkdirSync(path.join(home, 'bin'))
  fakeProgram(path.join(home, 'bin'), 'java', 'openjdk version "21" 2023-09-19')
  fs.symlinkSync('/bin/sh', path.join(folder, 'sh'))
  const lines = missing(['broker'], { PATH: folder, JAVA_HOME: home })
  assert.ok(!lines.some(line => line.startsWith('JDK')), lines.join('\n'))
})

for (const [script, args] of /** @type {[string, string[]][]} */ ([
  ['prerequisites.js', []], ['build.js', ['--force']], ['test.js', []]
])) {
  test(`scripts/${script} ends with exit code 1 and names Rust when nothing is installed`, t => {
    const { status, stderr } = spawnSync(process.execPath, [path.join(SCRIPTS, script), ...args], {
      env: { PATH: fakePath(t) }, encoding: 'utf8'
    })
    assert.equal(status, 1)
    assert.match(stderr, /Missing on this machine:\n {2}- Rust /)
  })
}
