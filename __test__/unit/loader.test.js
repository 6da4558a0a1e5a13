'use strict'

const { test } = require('node:test')
const assert = require('node:assert/strict')
const path = require('node:path')
const { loadNative, detectLibc, describeHost, platformIds, KafkaOxideLoadError } = require('../../lib/load-native')

const version = '2.5.0'
const addon = (of = version) => ({ version: () => of })

/** A machine that can load the addon, unless told otherwise. */
function host (differs = {}) {
  return {
    platform: 'linux',
    arch: 'x64',
    endianness: 'LE',
    node: '20.20.2',
    libc: 'glibc',
    glibcVersion: () => '2.36',
    ...differs
  }
}

function notFound (what) {
  const message = `Cannot find module '${what}'\nRequire stack:\n- /app/x.js`
  return Object.assign(new Error(message), { code: 'MODULE_NOT_FOUND' })
}

/**
 * An installation: `files` and `packages` map a path or platform id to the addon there, or to the error that loading it
 * throws; `present` are paths and package names that exist on disk. Records what was loaded.
 */
function sources ({ files = {}, packages = {}, present = [], environment = {} } = {}) {
  const loaded = []
  const take = (from, key) => {
    loaded.push(key)
    if (!(key in from)) throw notFound(key)
    if (from[key] instanceof Error) throw from[key]
    return from[key]
  }
  return {
    loaded,
    root: path.resolve('/app/node_modules/kafka-oxide'),
    version,
    environment,
    requireFile: file => take(files, file),
    requirePackage: id => take(packages, id),
    resolve: request => {
      if (!present.includes(request)) throw notFound(request)
      return request
    },
    exists: file => present.includes(path.basename(file))
  }
}

/** Loads, expects the failure, and gives the error. */
function refusal (machine, from) {
  try {
    loadNative(machine, from)
  } catch (error) {
    assert.ok(error instanceof KafkaOxideLoadError)
    assert.equal(error.code, 'ERR_KAFKA_OXIDE_LOAD')
    return error
  }
  throw assert.fail('it loaded')
}

const localFile = path.join(path.resolve('/app/node_modules/kafka-oxide'), 'kafka-oxide.linux-x64-gnu.node')

test('the package of the platform is loaded', () => {
  const expected = addon()
  assert.equal(loadNative(host(), sources({ packages: { 'linux-x64-gnu': expected } })), expected)
})

test('a local build goes before the package', () => {
  const local = addon()
  const from = sources({ files: { [localFile]: local }, packages: { 'linux-x64-gnu': addon() } })
  assert.equal(loadNative(host(), from), local)
  assert.deepEqual(from.loaded, [localFile])
})

test('KAFKA_OXIDE_NATIVE goes before everything', () => {
  const chosen = addon()
  const file = path.resolve('/opt/mine.node')
  const from = sources({
    files: { [file]: chosen, [localFile]: addon() }, environment: { KAFKA_OXIDE_NATIVE: '/opt/mine.node' }
  })
  assert.equal(loadNative(host(), from), chosen)
})

test('KAFKA_OXIDE_NATIVE works on a platform without a package', () => {
  const chosen = addon()
  const file = path.resolve('/opt/mine.node')
  const from = sources({ files: { [file]: chosen }, environment: { KAFKA_OXIDE_NATIVE: file } })
  assert.equal(loadNative(host({ platform: 'freebsd', libc: null }), from), chosen)
})

test('KAFKA_OXIDE_NATIVE that does not load is an error, not a reason to take another addon', () => {
  const from = sources({ packages: { 'linux-x64-gnu': addon() }, environment: { KAFKA_OXIDE_NATIVE: 'gone.node' } })
  const error = refusal(host(), from)
  assert.match(error.message, /KAFKA_OXIDE_NATIVE names a file that does not load/)
  assert.match(error.message, /gone\.node: not found/)
  assert.match(error.message, /unset KAFKA_OXIDE_NATIVE/)
  assert.deepEqual(from.loaded, [path.resolve('gone.node')])
})

test('KAFKA_OXIDE_NATIVE that is no .node file is not run as JavaScript', () => {
  const from = sources({ environment: { KAFKA_OXIDE_NATIVE: '/opt/libkafka_oxide.so' } })
  assert.match(refusal(host(), from).message, /libkafka_oxide\.so: its name does not end in \.node/)
  assert.deepEqual(from.loaded, [])
})

test('a missing package names the machine, what is needed, what was looked for and the install command', () => {
  const error = refusal(host(), sources())
  assert.match(error.message, /kafka-oxide-linux-x64-gnu is not installed/)
  assert.match(error.message, /Looked for:\n {2}.*kafka-oxide\.linux-x64-gnu\.node: not found\n/)
  assert.match(error.message, /\n {2}kafka-oxide-linux-x64-gnu: not found\n/)
  assert.match(error.message, /Found: {3}linux x64 with glibc 2\.36, Node 20\.20\.2/)
  assert.match(error.message, /Needed: .*glibc 2\.28.*Node 20 or later/)
  assert.match(error.message, /npm install kafka-oxide-linux-x64-gnu@2\.5\.0/)
  assert.match(error.message, /npm install --include=optional/)
  assert.equal(error.cause.code, 'MODULE_NOT_FOUND')
  assert.equal(error.attempts.length, 2)
})

test('a missing addon in a clone asks for a build', () => {
  const error = refusal(host(), sources({ present: ['Cargo.toml'] }))
  assert.match(error.message, /has not been compiled yet/)
  assert.match(error.message, /npm run build/)
  assert.doesNotMatch(error.message, /npm install/)
})

test('node_modules of another machine are recognized', () => {
  const error = refusal(host({ libc: 'musl' }), sources({ present: ['kafka-oxide-linux-x64-gnu/package.json'] }))
  assert.match(error.message, /musl is not installed, but the package of another platform is \(linux-x64-gnu\)/)
  assert.match(error.message, /npm ci/)
  assert.match(error.message, /linux x64 with musl/)
})

test('a package without its binary asks for a forced install', () => {
  const error = refusal(host(), sources({ present: ['kafka-oxide-linux-x64-gnu/package.json'] }))
  assert.match(error.message, /is installed without its binary/)
  assert.match(error.message, /npm install --force kafka-oxide-linux-x64-gnu@2\.5\.0/)
})

test('a glibc that is too old is told with the version found and the version needed', () => {
  const message = "/lib/x86_64-linux-gnu/libm.so.6: version `GLIBC_2.38' not found (required by x.node)"
  const thrown = Object.assign(new Error(message), { code: 'ERR_DLOPEN_FAILED' })
  const error = refusal(host({ glibcVersion: () => '2.31' }), sources({ packages: { 'linux-x64-gnu': thrown } }))
  assert.match(error.message, /The addon needs glibc 2\.38, this machine has 2\.31\./)
  assert.match(error.message, /image with glibc 2\.38 or later/)
  assert.equal(error.cause, thrown)
})

test('an addon that does not load keeps the reason and asks for a forced install', () => {
  const thrown = Object.assign(new Error('invalid ELF header\nmore'), { code: 'ERR_DLOPEN_FAILED' })
  const error = refusal(host(), sources({ packages: { 'linux-x64-gnu': thrown } }))
  assert.match(error.message, /is there but does not load/)
  assert.match(error.message, /kafka-oxide-linux-x64-gnu: invalid ELF header\n/)
  assert.match(error.message, /npm install --force kafka-oxide-linux-x64-gnu@2\.5\.0/)
  assert.equal(error.cause, thrown)
})

test('an addon that throws something odd is still one clear error', () => {
  const from = sources()
  from.requirePackage = () => { throw null } // eslint-disable-line no-throw-literal
  assert.match(refusal(host(), from).message, /kafka-oxide-linux-x64-gnu: null/)
})

test('an addon of another version is refused', () => {
  const error = refusal(host(), sources({ packages: { 'linux-x64-gnu': addon('2.4.9') } }))
  assert.match(error.message, /of different versions/)
  assert.match(error.message, /kafka-oxide-linux-x64-gnu: its version is 2\.4\.9, but this is kafka-oxide 2\.5\.0/)
  assert.match(error.message, /npm install kafka-oxide-linux-x64-gnu@2\.5\.0/)
  assert.match(error.cause.message, /2\.4\.9/)
})

test('a stale local build is passed over for a package of the right version', () => {
  const right = addon()
  const from = sources({ files: { [localFile]: addon('2.4.9') }, packages: { 'linux-x64-gnu': right } })
  assert.equal(loadNative(host(), from), right)
})

test('a stale local build in a clone asks for a build', () => {
  const error = refusal(host(), sources({ files: { [localFile]: addon('2.4.9') }, present: ['Cargo.toml'] }))
  assert.match(error.message, /of different versions/)
  assert.match(error.message, /Fix: {5}npm run build/)
})

test('a file that is some other addon is refused', () => {
  const error = refusal(host(), sources({ packages: { 'linux-x64-gnu': {} } }))
  assert.match(error.message, /its version is none that it tells/)
})

test('a platform without a package is told which there are, and what to do', () => {
  for (const [platform, arch] of [['freebsd', 'x64'], ['linux', 'ia32'], ['win32', 'arm64'], ['android', 'arm64']]) {
    const error = refusal(host({ platform, arch, libc: null }), sources())
    assert.match(error.message, new RegExp(`There is no package for ${platform} ${arch}; there are: linux-x64, `))
    assert.match(error.message, /KAFKA_OXIDE_NATIVE/)
  }
})

test('a big-endian machine is refused before anything is loaded', () => {
  const from = sources({ packages: { 'linux-x64-gnu': addon() } })
  assert.match(refusal(host({ endianness: 'BE' }), from).message, /big-endian/)
  assert.deepEqual(from.loaded, [])
})

test('an old Node is refused before anything is loaded', () => {
  const from = sources({ packages: { 'linux-x64-gnu': addon() } })
  const error = refusal(host({ node: '18.20.4' }), from)
  assert.match(error.message, /This is Node 18\.20\.4; kafka-oxide needs Node 20 or later\./)
  assert.deepEqual(from.loaded, [])
})

test('the glibc version, which is slow to ask, is asked only for an error', () => {
  const glibcVersion = () => assert.fail('asked')
  loadNative(host({ glibcVersion }), sources({ packages: { 'linux-x64-gnu': addon() } }))
})

test('each platform has its package', () => {
  const id = (platform, arch, libc = null) => platformIds({ platform, arch, libc })
  assert.deepEqual(id('linux', 'x64', 'glibc'), ['linux-x64-gnu'])
  assert.deepEqual(id('linux', 'arm64', 'musl'), ['linux-arm64-musl'])
  assert.deepEqual(id('darwin', 'arm64'), ['darwin-arm64'])
  assert.deepEqual(id('win32', 'x64'), ['win32-x64-msvc'])
})

test('where the libc is unknown both packages are tried', () => {
  const musl = addon()
  assert.equal(loadNative(host({ libc: null }), sources({ packages: { 'linux-x64-musl': musl } })), musl)
})

test('the libc is the one of the running executable, then of the report, then of the system', () => {
  const nothing = { executable: () => '', report: () => ({ header: {}, sharedObjects: [] }), read: () => '' }
  const files = texts => file => texts[file] || ''
  const report = (header, sharedObjects) => () => ({ header, sharedObjects })
  assert.equal(detectLibc({ ...nothing, executable: () => '\x7fELF…/lib64/ld-linux-x86-64.so.2\0' }), 'glibc')
  assert.equal(detectLibc({ ...nothing, executable: () => '\x7fELF…/lib/ld-musl-aarch64.so.1\0' }), 'musl')
  assert.equal(detectLibc({ ...nothing, report: report({ glibcVersionRuntime: '2.28' }, []) }), 'glibc')
  assert.equal(detectLibc({ ...nothing, report: report({}, ['/lib/libc.musl-x86_64.so.1']) }), 'musl')
  assert.equal(detectLibc({ ...nothing, read: files({ '/usr/bin/ldd': 'musl libc (x86_64)' }) }), 'musl')
  assert.equal(detectLibc({ ...nothing, read: files({ '/usr/bin/ldd': '# GNU C Library' }) }), 'glibc')
  assert.equal(detectLibc({ ...nothing, read: files({ '/etc/alpine-release': '3.20.0' }) }), 'musl')
  assert.equal(detectLibc(nothing), null)
})

test('asking for the glibc version leaves the report settings of the process as they were', () => {
  const before = process.report.excludeNetwork
  const found = describeHost().glibcVersion()
  assert.equal(process.report.excludeNetwork, before)
  assert.equal(found, process.report.getReport().header.glibcVersionRuntime ?? null)
})

test('the addon of this checkout loads and tells the version of package.json', () => {
  assert.equal(require('../../lib/native').version(), require('../../package.json').version)
})
