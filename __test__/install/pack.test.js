'use strict'

const { test, before, after } = require('node:test')
const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const zlib = require('node:zlib')
const { packMain, packPlatform } = require('../../scripts/pack')
const { hostPlatform, optionalDependencies, platformById } = require('../../scripts/platforms')

const root = path.join(__dirname, '../..')
const source = require('../../package.json')
let out

before(() => { out = fs.mkdtempSync(path.join(os.tmpdir(), 'kafka-oxide-out-')) })
after(() => fs.rmSync(out, { recursive: true }))

/** The names and texts in a tarball: headers of 512 bytes, each followed by its file, padded to the same. */
function untar (file) {
  const bytes = zlib.gunzipSync(fs.readFileSync(file))
  const entries = new Map()
  for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0;) {
    const name = bytes.toString('utf8', at, bytes.indexOf(0, at))
    const size = parseInt(bytes.toString('latin1', at + 124, at + 135), 8)
    entries.set(name.replace(/^package\//, ''), bytes.subarray(at + 512, at + 512 + size))
    at += 512 + Math.ceil(size / 512) * 512
  }
  return entries
}

test('the main package carries the JavaScript, the typings and the documents, and nothing else', () => {
  const { file, contents } = packMain(out)
  assert.equal(path.basename(file), `kafka-oxide-${source.version}.tgz`)
  const top = ['package.json', 'index.js', 'index.d.ts', 'README.md', 'CHANGELOG.md', 'LICENSE']
  const others = contents.filter(name => !top.includes(name))
  assert.deepEqual(others.filter(name => !/^(lib\/.+\.(js|d\.ts)|types\/.+\.d\.ts)$/.test(name)), [])
  const needed = ['lib/native.js', 'lib/native.d.ts', 'lib/load-native.js', 'lib/testing.js', 'types/testing.d.ts']
  for (const name of [...top, ...needed]) {
    assert.ok(contents.includes(name), `${name} is missing`)
  }
  assert.deepEqual([...untar(file).keys()].sort(), contents)
})

test('the packed main manifest pins every platform package, has no dependency, and runs nothing on install', () => {
  const packed = JSON.parse(untar(packMain(out).file).get('package.json').toString())
  assert.deepEqual(packed.optionalDependencies, optionalDependencies(source.version))
  for (const name of ['scripts', 'dependencies', 'devDependencies', 'peerDependencies', 'gypfile', 'private']) {
    assert.ok(!(name in packed), `${name} is in the packed manifest`)
  }
  for (const name of ['name', 'version', 'license', 'main', 'types', 'exports', 'engines']) {
    assert.deepEqual(packed[name], source[name])
  }
})

test('every file that the packed manifest exports is in the package', () => {
  const entries = untar(packMain(out).file)
  const { exports: paths } = JSON.parse(entries.get('package.json').toString())
  const targets = Object.values(paths).flatMap(target => typeof target === 'string' ? [target] : Object.values(target))
  for (const target of targets) assert.ok(entries.has(target.replace(/^\.\//, '')), `${target} is missing`)
})

test('the repository itself asks for no platform package, which npm ci in a clone would look for in vain', () => {
  assert.ok(!('optionalDependencies' in source))
  assert.doesNotMatch(fs.readFileSync(path.join(root, 'package-lock.json'), 'utf8'), /kafka-oxide-/)
})

test('a platform package carries its binary unchanged, a manifest, a licence and a word of explanation', () => {
  const platform = hostPlatform()
  const { file, contents } = packPlatform(out)
  assert.equal(path.basename(file), `${platform.packageName}-${source.version}.tgz`)
  assert.deepEqual(contents, ['LICENSE', 'README.md', platform.file, 'package.json'].sort())
  assert.ok(untar(file).get(platform.file).equals(fs.readFileSync(path.join(root, platform.file))))
})

test('a platform package can be packed from a binary made elsewhere', () => {
  const binary = path.join(out, 'elsewhere.node')
  fs.writeFileSync(binary, 'not really')
  const platform = platformById('win32-x64-msvc')
  const entries = untar(packPlatform(out, { platform, binary }).file)
  assert.equal(entries.get(platform.file).toString(), 'not really')
  assert.deepEqual(JSON.parse(entries.get('package.json').toString()).os, ['win32'])
})

test('packing without a binary says how to get one', () => {
  const pack = () => packPlatform(out, { binary: path.join(out, 'gone.node') })
  assert.throws(pack, /there is no .*gone\.node; run: npm run build/)
})

test('the pack script prints the two tarballs, and refuses an unknown platform', () => {
  const script = path.join(root, 'scripts/pack.js')
  const run = spawnSync(process.execPath, [script, '--out', out], { encoding: 'utf8' })
  assert.equal(run.status, 0, run.stderr)
  const files = run.stdout.trim().split('\n').map(line => path.basename(line.replace(/ \(.*/, '')))
  assert.deepEqual(files, [`kafka-oxide-${source.version}.tgz`, `${hostPlatform().packageName}-${source.version}.tgz`])
  const refused = spawnSync(process.execPath, [script, '--out', out, '--platform', 'vax'], { encoding: 'utf8' })
  assert.equal(refused.status, 1)
  assert.match(refused.stderr, /^unknown platform "vax"; one of: /)
})
