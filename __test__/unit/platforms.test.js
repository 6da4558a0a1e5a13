'use strict'

const { test } = require('node:test')
const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { allPlatformIds, NEEDED_GLIBC } = require('../../lib/load-native')
const { platforms, manifest, optionalDependencies, differences, hostPlatform, platformById } =
  require('../../scripts/platforms')

const root = path.join(__dirname, '../..')
const main = require('../../package.json')

test('npm/ holds exactly what the platform table says', () => {
  assert.deepEqual(differences(), [], 'run: node scripts/platforms.js --write')
})

test('the loader and the platform table know the same platforms', () => {
  assert.deepEqual(allPlatformIds().sort(), platforms.map(({ id }) => id).sort())
})

test('the loader requires each platform package by a literal name, which bundlers can follow', () => {
  const source = fs.readFileSync(path.join(root, 'lib/native.js'), 'utf8')
  const literal = [...source.matchAll(/case '([^']+)': return require\('([^']+)'\)/g)].map(([, id, name]) => [id, name])
  assert.deepEqual(literal, platforms.map(({ id, packageName }) => [id, packageName]))
})

test('the release builds each platform of the table, for the glibc that the loader names', () => {
  const workflow = fs.readFileSync(path.join(root, '.github/workflows/release.yml'), 'utf8')
  const built = [...workflow.matchAll(/- \{ id: ([\w-]+), runner: /g)].map(([, id]) => id)
  assert.deepEqual(built, platforms.map(({ id }) => id))
  assert.deepEqual(workflow.match(/--max-glibc (\S+)/)?.[1], NEEDED_GLIBC)
})

test('a platform package can neither be left out for the Node version nor needs a script to work', () => {
  for (const platform of platforms) {
    const made = manifest(platform, main)
    assert.ok(!('engines' in made), 'npm leaves out an optional package with engines that do not match')
    assert.ok(!('scripts' in made))
    assert.ok(!('dependencies' in made))
    assert.equal(made.version, main.version)
    assert.deepEqual(made.files, [made.main])
  }
})

test('npm can tell Linux platforms apart by libc, and nothing else names one', () => {
  const libcs = platforms.map(platform => [platform.id, manifest(platform, main).libc])
  assert.deepEqual(libcs, [
    ['linux-x64-gnu', ['glibc']],
    ['linux-arm64-gnu', ['glibc']],
    ['linux-x64-musl', ['musl']],
    ['linux-arm64-musl', ['musl']],
    ['darwin-x64', undefined],
    ['darwin-arm64', undefined],
    ['win32-x64-msvc', undefined]
  ])
})

test('optional dependencies are pinned to the exact version', () => {
  assert.deepEqual(optionalDependencies('1.2.3'),
    Object.fromEntries(platforms.map(({ packageName }) => [packageName, '1.2.3'])))
})

test('an unknown platform id is refused with the ids there are', () => {
  assert.throws(() => platformById('amiga-m68k'), /unknown platform "amiga-m68k"; one of: linux-x64-gnu, /)
})

test('this machine is in the table', () => {
  const host = hostPlatform()
  assert.equal(host.os, process.platform)
  assert.equal(host.cpu, process.arch)
})
