'use strict'

// `npm run build`: compiles the addon, puts it into the package's root as kafka-oxide.<platform>.node and writes
// lib/native.d.ts from what napi-derive saw. Does nothing when the addon is newer than everything it is made from;
// `npm run build -- --force` compiles anyway.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { ROOT } = require('./lib/paths')
const { declarations } = require('./lib/declarations')
const { demand } = require('./prerequisites')

/** What the addon is made from. */
const SOURCES = ['src', 'Cargo.toml', 'Cargo.lock', 'build.rs']

/** Where cargo puts its output; CARGO_TARGET_DIR as cargo itself understands it. */
const TARGET = path.resolve(ROOT, process.env.CARGO_TARGET_DIR || 'target')

/** napi-derive writes one JSON line for each exported item into the file of this folder that has the crate's name. */
const TYPE_DEFINITIONS = path.join(TARGET, 'type-definitions')

/**
 * The environment in which cargo has to run, here and for `cargo test`: the same for both, because the build script
 * asks to run again whenever the variable changes, which compiles the crate anew.
 * @returns {NodeJS.ProcessEnv}
 */
function cargoEnvironment () {
  fs.mkdirSync(TYPE_DEFINITIONS, { recursive: true })
  return { ...process.env, NAPI_TYPE_DEF_TMP_FOLDER: TYPE_DEFINITIONS }
}

/** The addon's file in the package's root. */
function addonFile () {
  const { hostPlatform } = require('./platforms') // late: it looks at the machine, and `demand` has to speak first
  return path.join(ROOT, hostPlatform().file)
}

/**
 * The time of the youngest file at or under a path.
 * @param {string} name
 * @returns {number} ms since 1970
 */
function youngest (name) {
  const stat = fs.statSync(name)
  if (!stat.isDirectory()) return stat.mtimeMs
  return Math.max(0, ...fs.readdirSync(name).map(entry => youngest(path.join(name, entry))))
}

/** Whether the addon is absent or older than something it is made from. */
function isStale () {
  const file = addonFile()
  if (!fs.existsSync(file)) return true
  return Math.max(...SOURCES.map(name => youngest(path.join(ROOT, name)))) >= fs.statSync(file).mtimeMs
}

/** What cargo calls the library it makes of the crate `kafka_oxide`. */
function libraryName () {
  if (process.platform === 'win32') return 'kafka_oxide.dll'
  return process.platform === 'darwin' ? 'libkafka_oxide.dylib' : 'libkafka_oxide.so'
}

/** Compiles and installs the addon. Throws when cargo fails; what it had to say is on stderr by then. */
function build () {
  demand(['native'], 'Building kafka-oxide')
  // The time of the sources as cargo found them: what is edited while it compiles leaves the addon stale.
  const begun = new Date()
  const { status, error } = spawnSync('cargo', ['build', '--release', '--lib'], {
    cwd: ROOT, stdio: 'inherit', env: cargoEnvironment()
  })
  if (error) throw new Error(`cargo build failed: ${error.message}`)
  if (status !== 0) throw new Error(`cargo build failed with code ${status}`)
  const file = addonFile()
  // Copied beside and renamed: processes that have the former addon loaded keep it.
  const partial = `${file}.${process.pid}.partial`
  fs.copyFileSync(path.join(TARGET, 'release', libraryName()), partial)
  fs.utimesSync(partial, begun, begun)
  fs.renameSync(partial, file)
  writeDeclarations()
  return file
}

/** Renews lib/native.d.ts when its text is another one. */
function writeDeclarations () {
  const source = path.join(TYPE_DEFINITIONS, 'kafka-oxide')
  if (!fs.existsSync(source)) return // the crate exports nothing
  const file = path.join(ROOT, 'lib', 'native.d.ts')
  const text = declarations(fs.readFileSync(source, 'utf8'))
  if (fs.existsSync(file) && fs.readFileSync(file, 'utf8') === text) return
  fs.writeFileSync(file, text)
  console.log('wrote lib/native.d.ts')
}

/** Builds when the addon is stale. Says on stdout which of both it does. */
function ensureBuilt () {
  if (!isStale()) return
  const first = fs.existsSync(path.join(TARGET, 'release')) ? '' : '; the C libraries take some minutes the first time'
  console.log(`Building ${path.basename(addonFile())}${first}`)
  build()
}

module.exports = { build, ensureBuilt, isStale, cargoEnvironment }

if (require.main === module) {
  try {
    if (process.argv.includes('--force') || isStale()) console.log(`built ${path.relative(ROOT, build())}`)
    else console.log(`${path.basename(addonFile())} is up to date`)
  } catch (error) {
    console.error(/** @type {Error} */ (error).message)
    process.exitCode = 1
  }
}
