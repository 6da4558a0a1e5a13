'use strict'
/**
 * `node bench/install.js`: everything that the benchmark compares with. Installs what is not there, says of each
 * whether it is there, and of what is not, why. Ends with code 1 when something is missing; the benchmark runs without.
 */
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { parseArgs } = require('node:util')
const { ROOT } = require('../scripts/lib/paths')
const { cargoEnvironment } = require('../scripts/build')
const { GROUPS, folderOf, installedVersion, missing, missingProgram, nodeOf } = require('./peers')

const HELP = `Usage: node bench/install.js [options] [names]

Installs the clients that the benchmark compares with into bench/peers, and builds librdkafka's own benchmark program.
What is there already is left alone. Names: ${[...GROUPS.map(({ folder }) => folder), 'native'].join(', ')} (all)

  --check   installs nothing, says only what is there
  --help`

/** Lines of a failed installation that are shown. */
const LAST_LINES = 15

/**
 * Whether the compiler finds the headers that a group's build asks for.
 * @param {import('./peers').Group} group
 * @returns {string | undefined} what is missing and how to get it
 */
function missingHeaders({ headers = [], debian }) {
  const absent = headers.filter((header) => {
    const { status, error } = spawnSync('cc', ['-E', '-x', 'c', '-'], { input: `#include <${header}>\n` })
    return error || status !== 0
  })
  if (absent.length === 0) return undefined
  return `its build needs ${absent.join(', ')}, which the C compiler does not find; on Debian: ${debian}`
}

/**
 * Why a client does not work. Loads it in a process of its own, with the Node.js that it is going to run on.
 * @param {import('./peers').Group} group @param {string} client
 * @returns {string | undefined}
 */
function broken(group, client) {
  const reason = missing(client)
  if (reason) return reason
  const script = `require(${JSON.stringify(path.join(__dirname, 'peers'))}).load(${JSON.stringify(client)}); process.exit()`
  const { status, stderr, error } = spawnSync(nodeOf(group) ?? process.execPath, ['-e', script], { encoding: 'utf8' })
  if (!error && status === 0) return undefined
  const said = error ? error.message : stderr.split('\n').find((line) => /^\w*Error\b/.test(line)) ?? stderr.trim()
  return `${client} does not load: ${said}`
}

/**
 * @param {import('./peers').Group} group
 * @returns {string | undefined} why it failed
 */
function install(group) {
  const headers = missingHeaders(group)
  if (headers) return headers
  const folder = folderOf(group)
  // A former version's build, or half of one, is not what is measured.
  fs.rmSync(path.join(folder, 'node_modules'), { recursive: true, force: true })
  /** @type {NodeJS.ProcessEnv} */
  const env = { ...process.env, ...group.env }
  delete env.JOBS // node-gyp takes it for -j, and `make` of Confluent's librdkafka fails on its value
  const flags = ['install', '--no-package-lock', '--no-audit', '--no-fund', ...group.flags ?? []]
  const { status, stdout, stderr, error } = spawnSync('npm', flags, {
    cwd: folder, env, encoding: 'utf8', maxBuffer: 2 ** 28, shell: process.platform === 'win32',
  })
  if (!error && status === 0) return undefined
  const last = `${stdout}\n${stderr}`.trim().split('\n').slice(-LAST_LINES).join('\n  ')
  return error ? error.message : `npm install ended with code ${status}:\n  ${last}`
}

/** @returns {string | undefined} why it failed */
function buildPrograms() {
  const args = ['build', '--release', '--package', 'kafka-oxide-bench-native']
  const { status, error } = spawnSync('cargo', args, {
    cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'], env: cargoEnvironment(),
  })
  if (error) return error.message
  return status === 0 ? undefined : `cargo build ended with code ${status}`
}

/** @param {string} text */
const say = (text) => console.log(text)

/** @param {import('./peers').Group} group @param {boolean} check @returns {boolean} whether all of it works */
function provide(group, check) {
  /** @type {string | undefined} */
  let failure
  if (!check && group.clients.some((client) => broken(group, client))) {
    say(`installing ${group.clients.join(', ')}${group.headers ? '; it compiles a librdkafka, which takes minutes' : ''}`)
    failure = install(group)
  }
  let works = true
  for (const client of group.clients) {
    const reason = failure ?? broken(group, client)
    if (reason) works = false
    say(reason ? `${client}: MISSING. ${reason}` : `${client} ${installedVersion(group, client)}: there`)
  }
  return works
}

/** @param {boolean} check @returns {boolean} */
function provideNative(check) {
  // Always asked for: cargo itself knows what is up to date.
  const failure = check ? undefined : buildPrograms()
  let works = true
  for (const program of /** @type {const} */ (['rdkafka_performance', 'awaited'])) {
    const reason = failure ?? missingProgram(program)
    if (reason) works = false
    say(reason ? `${program}: MISSING. ${reason}` : `${program}: there`)
  }
  return works
}

function main() {
  const { values, positionals } = parseArgs({
    options: { check: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
    allowPositionals: true,
  })
  if (values.help) return say(HELP)
  const known = [...GROUPS.map(({ folder }) => folder), 'native']
  const strange = positionals.find((name) => !known.includes(name))
  if (strange) throw new Error(`${strange} is not one of ${known.join(', ')}`)
  const chosen = positionals.length > 0 ? positionals : known
  const { kafkajs } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8')).devDependencies
  say(`kafkajs ${kafkajs}: a development dependency of the package, there after npm install`)
  let works = true
  for (const group of GROUPS) {
    if (chosen.includes(group.folder) && !provide(group, values.check)) works = false
  }
  if (chosen.includes('native') && !provideNative(values.check)) works = false
  if (!works) process.exitCode = 1
}

if (require.main === module) {
  try {
    main()
  } catch (error) {
    console.error(/** @type {Error} */ (error).message)
    process.exitCode = 1
  }
}

module.exports = { missingHeaders }
