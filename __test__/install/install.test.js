'use strict'

const { test, before, after } = require('node:test')
const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { packMain, packPlatform } = require('../../scripts/pack')
const { hostPlatform } = require('../../scripts/platforms')
const { Installation } = require('./installation')

const { version } = require('../../package.json')
const records = ['en=hello 0', 'fr=salut 1', 'nl=hoi 2']

/** With the main package and this platform's package. @type {Installation} */
let complete
/** With the main package only, as an install that left the optional packages out. @type {Installation} */
let bare

before(async () => {
  complete = new Installation()
  bare = new Installation()
  const main = packMain(complete.folder).file
  const platform = packPlatform(complete.folder).file
  await complete.install([main, platform])
  await bare.install([main])
})
after(() => {
  complete?.remove()
  bare?.remove()
})

/** The program ended by itself, well, and without a word on stderr. */
function succeeded ({ code, signal, stderr, stdout }) {
  assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' }, stdout)
}

/** Every name that the package exports. */
async function exportedNames () {
  const result = await complete.node(['-p', 'JSON.stringify(Object.keys(require("kafka-oxide")))'])
  succeeded(result)
  const names = JSON.parse(result.stdout)
  assert.ok(names.includes('Kafka') && names.includes('KafkaJSError'))
  return names
}

test('the two tarballs are all that is installed', () => {
  const modules = fs.readdirSync(path.join(complete.app, 'node_modules')).filter(name => !name.startsWith('.'))
  assert.deepEqual(modules.sort(), ['kafka-oxide', hostPlatform().packageName])
})

test('CommonJS: records go through the embedded cluster and back', async () => {
  const result = await complete.node(['commonjs.cjs'])
  succeeded(result)
  assert.deepEqual(JSON.parse(result.stdout), records)
})

test('ES module: records go through the embedded cluster and back', async () => {
  const result = await complete.node(['module.mjs'])
  succeeded(result)
  assert.deepEqual(JSON.parse(result.stdout), records)
})

test('worker threads: records go through embedded clusters and back, in two at once', async () => {
  const result = await complete.node(['worker.cjs'])
  succeeded(result)
  assert.deepEqual(JSON.parse(result.stdout), records)
})

test('TypeScript: programs compile strictly against the installed typings, and run', async () => {
  const compiled = await complete.typescript('typed.mts', 'typed.cts')
  assert.deepEqual(compiled, { code: 0, signal: null, stdout: '', stderr: '' })
  const esm = await complete.node(['typed.mjs'])
  succeeded(esm)
  assert.deepEqual(JSON.parse(esm.stdout), records)
  const cjs = await complete.node(['typed.cjs'])
  succeeded(cjs)
  assert.deepEqual(JSON.parse(cjs.stdout), ['made'])
})

test('an ES module sees every exported name', async () => {
  const names = await exportedNames()
  fs.writeFileSync(path.join(complete.app, 'names.mjs'),
    `import whole, { ${names.join(', ')} } from 'kafka-oxide'\n` +
    `const named = { ${names.join(', ')} }\n` +
    'const differs = name => named[name] === undefined || named[name] !== whole[name]\n' +
    'console.log(JSON.stringify(Object.keys(named).filter(differs)))\n')
  const result = await complete.node(['names.mjs'])
  succeeded(result)
  assert.deepEqual(JSON.parse(result.stdout), [])
})

test('the typings know every exported name as a value', async () => {
  const names = await exportedNames()
  fs.writeFileSync(path.join(complete.app, 'names.mts'),
    `import { ${names.join(', ')} } from 'kafka-oxide'\nconsole.log([${names.join(', ')}].length)\n`)
  const compiled = await complete.typescript('names.mts')
  assert.deepEqual(compiled, { code: 0, signal: null, stdout: '', stderr: '' })
})

test('without the platform package, new Kafka says which one is missing and how to install it', async () => {
  const result = await bare.node(['-e', 'new (require("kafka-oxide").Kafka)({ brokers: ["localhost:9092"] })'])
  assert.equal(result.code, 1)
  assert.match(result.stderr, new RegExp(`KafkaOxideLoadError: .* ${hostPlatform().packageName} is not installed`))
  assert.match(result.stderr, new RegExp(`npm install ${hostPlatform().packageName}@${version.replaceAll('.', '\\.')}`))
  assert.match(result.stderr, /code: 'ERR_KAFKA_OXIDE_LOAD'/)
})

test('without the platform package, KAFKA_OXIDE_NATIVE names the addon to use', async () => {
  const binary = path.join(bare.folder, 'elsewhere.node')
  fs.copyFileSync(path.join(__dirname, '../..', hostPlatform().file), binary)
  const result = await bare.node(['commonjs.cjs'], { KAFKA_OXIDE_NATIVE: binary })
  succeeded(result)
  assert.deepEqual(JSON.parse(result.stdout), records)
})
