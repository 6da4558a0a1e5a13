'use strict'

// kafka-oxide under kafkajs's name, as npm installs it, beside packages that ask for kafkajs 2.

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { after, before, test } = require('node:test')
const { npmCommand, packMain, packPlatform } = require('../../scripts/pack')
const { hostPlatform } = require('../../scripts/platforms')
const { Installation } = require('./installation')
const { startRegistry } = require('./registry')

const { version } = require('../../package.json')

/** @type {Installation} */
let home
/** @type {Awaited<ReturnType<typeof startRegistry>>} */
let registry

before(async () => {
  home = new Installation()
  const read = (/** @type {string} */ file) => ({ file, manifest: JSON.parse(inTarball(file, 'package/package.json')) })
  registry = await startRegistry([
    read(packMain(home.folder).file),
    read(packPlatform(home.folder).file),
    read(packed({ name: 'peer-of-kafkajs', version: '1.0.0', peerDependencies: { kafkajs: '^2.2.0' } })),
    read(packed({ name: 'user-of-kafkajs', version: '1.0.0', dependencies: { kafkajs: '^2.2.4' } }))
  ])
})
after(async () => {
  await registry?.close()
  home?.remove()
})

/** @param {string} file @param {string} name */
function inTarball (file, name) {
  const { status, stdout, stderr } = spawnSync('tar', ['-xzOf', file, name], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return stdout
}

/** A package that tells which kafkajs it gets. @param {any} manifest @returns {string} the tarball */
function packed (manifest) {
  const stage = path.join(home.folder, manifest.name)
  fs.mkdirSync(path.join(stage, 'package'), { recursive: true })
  fs.writeFileSync(path.join(stage, 'package/package.json'), JSON.stringify(manifest))
  fs.writeFileSync(path.join(stage, 'package/index.js'), 'module.exports = require("kafkajs")\n')
  const file = path.join(home.folder, `${manifest.name}-${manifest.version}.tgz`)
  const { status, stderr } = spawnSync('tar', ['-czf', file, '-C', stage, 'package'], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return file
}

/** @param {import('node:test').TestContext} t @param {any} manifest of the program */
async function installed (t, manifest) {
  const app = new Installation()
  t.after(() => app.remove())
  fs.writeFileSync(path.join(app.app, 'package.json'), JSON.stringify({ private: true, ...manifest }))
  const { command, first } = npmCommand()
  const settings = [`--registry=${registry.url}`, '--ignore-scripts', '--no-audit', '--no-fund',
    `--cache=${path.join(app.folder, 'cache')}`, `--userconfig=${path.join(app.folder, 'empty-npmrc')}`]
  const npm = (/** @type {string[]} */ ...args) => app.run(command, [...first, ...args, ...settings])
  const install = await npm('install')
  assert.deepEqual({ code: install.code, stderr: install.stderr }, { code: 0, stderr: '' }, install.stdout)
  // It ends with an error when something that is asked for is missing or has a version that does not do.
  const list = await npm('ls', '--all', '--json')
  assert.equal(list.code, 0, list.stdout + list.stderr)
  return app
}

/** @param {Installation} app @param {string} code @returns {Promise<any>} */
async function evaluated (app, code) {
  const { code: status, stdout, stderr } = await app.node(['-p', `JSON.stringify(${code})`])
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' })
  return JSON.parse(stdout)
}

/** What node_modules holds. @param {Installation} app */
const modules = (app) => fs.readdirSync(path.join(app.app, 'node_modules')).filter((name) => !name.startsWith('.')).sort()

test('the version satisfies what packages ask of kafkajs 2', () => {
  assert.equal(version, '2.5.0')
})

test('"kafkajs": "npm:kafka-oxide" serves the program and the packages that have kafkajs as a peer or a dependency', async (t) => {
  const app = await installed(t, {
    dependencies: { kafkajs: `npm:kafka-oxide@${version}`, 'peer-of-kafkajs': '1.0.0', 'user-of-kafkajs': '1.0.0' }
  })
  assert.deepEqual(modules(app), ['kafkajs', hostPlatform().packageName, 'peer-of-kafkajs', 'user-of-kafkajs'].sort())
  for (const name of ['peer-of-kafkajs', 'user-of-kafkajs']) {
    assert.equal(await evaluated(app, `require('${name}') === require('kafkajs')`), true, name)
  }
  const answer = await evaluated(app,
    '[require("kafkajs/package.json").name, typeof new (require("kafkajs").Kafka)({ brokers: ["localhost:1"] }).producer().send]')
  assert.deepEqual(answer, ['kafka-oxide', 'function'])
})

test('"overrides" puts it under a package that brings its own kafkajs', async (t) => {
  const app = await installed(t, {
    dependencies: { 'user-of-kafkajs': '1.0.0' }, overrides: { kafkajs: `npm:kafka-oxide@${version}` }
  })
  assert.equal(await evaluated(app, 'typeof require("user-of-kafkajs").KafkaJSNonRetriableError'), 'function')
  const found = fs.readdirSync(app.app, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith(path.join('node_modules', 'kafkajs', 'package.json')))
  assert.deepEqual(found.map(file => JSON.parse(fs.readFileSync(path.join(app.app, file), 'utf8')).name), ['kafka-oxide'])
})
