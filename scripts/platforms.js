'use strict'

/**
 * The one table of platforms that get a binary. The folders under `npm/`, the optional dependencies of the packed main
 * package, the release workflow and the switch in lib/native.js all follow it, and a unit test says so.
 *
 * `node scripts/platforms.js --write` writes the `npm/` folders from the table; without an argument it says what
 * differs and exits 1. `--matrix` prints the table as JSON, for the release workflow.
 */

const fs = require('node:fs')
const path = require('node:path')

const root = path.join(__dirname, '..')

/**
 * @typedef {object} Platform
 * @property {string} id as the file name carries it, `linux-x64-gnu`
 * @property {string} packageName `kafka-oxide-linux-x64-gnu`
 * @property {string} file `kafka-oxide.linux-x64-gnu.node`
 * @property {string} target Rust target triple
 * @property {'linux' | 'darwin' | 'win32'} os npm's `os`, Node's `process.platform`
 * @property {'x64' | 'arm64'} cpu npm's `cpu`, Node's `process.arch`
 * @property {'glibc' | 'musl'} [libc] npm's `libc`; Linux only
 * @property {string} label for people
 */

/** @type {[id: string, target: string, label: string][]} */
const rows = [
  ['linux-x64-gnu', 'x86_64-unknown-linux-gnu', 'Linux x64 with glibc'],
  ['linux-arm64-gnu', 'aarch64-unknown-linux-gnu', 'Linux arm64 with glibc'],
  ['linux-x64-musl', 'x86_64-unknown-linux-musl', 'Linux x64 with musl (Alpine)'],
  ['linux-arm64-musl', 'aarch64-unknown-linux-musl', 'Linux arm64 with musl (Alpine)'],
  ['darwin-x64', 'x86_64-apple-darwin', 'macOS on Intel'],
  ['darwin-arm64', 'aarch64-apple-darwin', 'macOS on Apple silicon'],
  ['win32-x64-msvc', 'x86_64-pc-windows-msvc', 'Windows x64']
]

/** @type {Platform[]} */
const platforms = rows.map(([id, target, label]) => {
  const [os, cpu, abi] = id.split('-')
  return /** @type {Platform} */ ({
    id,
    packageName: `kafka-oxide-${id}`,
    file: `kafka-oxide.${id}.node`,
    target,
    os,
    cpu,
    ...(os === 'linux' && { libc: abi === 'musl' ? 'musl' : 'glibc' }),
    label
  })
})

/**
 * @param {string} id
 * @returns {Platform}
 * @throws {Error} when no row has this id; names the ids there are
 */
function platformById (id) {
  const platform = platforms.find(one => one.id === id)
  if (!platform) throw new Error(`unknown platform "${id}"; one of: ${platforms.map(one => one.id).join(', ')}`)
  return platform
}

/** The platform this process runs on. @returns {Platform} */
function hostPlatform () {
  const { describeHost, platformIds } = require('../lib/load-native')
  const [id] = platformIds(describeHost())
  if (!id) throw new Error(`no platform of scripts/platforms.js fits ${process.platform} ${process.arch}`)
  return platformById(id)
}

/**
 * The manifest of a platform's package.
 *
 * It has no `engines`: npm leaves out an optional package whose engines do not match and still exits 0, so a narrow
 * range here turns a clear warning into a missing binary. It has no scripts: pnpm and
 * `--ignore-scripts` would not run them.
 *
 * @param {Platform} platform
 * @param {{ version: string, license: string, repository?: unknown }} main the main package.json
 */
function manifest (platform, main) {
  return {
    name: platform.packageName,
    version: main.version,
    description: `The native addon of kafka-oxide for ${platform.label}`,
    license: main.license,
    ...(main.repository !== undefined && { repository: main.repository }),
    main: platform.file,
    files: [platform.file],
    os: [platform.os],
    cpu: [platform.cpu],
    ...(platform.libc && { libc: [platform.libc] }),
    preferUnplugged: true // Yarn PnP: a shared library cannot be loaded out of a zip
  }
}

/** @param {Platform} platform */
function readme (platform) {
  return `# ${platform.packageName}\n\n` +
    `The native addon of kafka-oxide for ${platform.label}: \`${platform.target}\`.\n\n` +
    'Install `kafka-oxide`; it brings the package that fits your machine.\n'
}

/** The optional dependencies of the packed main package: each platform's package at exactly its version. */
function optionalDependencies (/** @type {string} */ version) {
  return Object.fromEntries(platforms.map(({ packageName }) => [packageName, version]))
}

/** What `npm/` must hold: path from the repository's root -> text. @returns {Map<string, string>} */
function derivedFiles () {
  const main = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'))
  const files = new Map()
  for (const platform of platforms) {
    files.set(`npm/${platform.id}/package.json`, JSON.stringify(manifest(platform, main), null, 2) + '\n')
    files.set(`npm/${platform.id}/README.md`, readme(platform))
  }
  return files
}

/** Derived files that are absent or differ, and folders under `npm/` that no row explains. @returns {string[]} */
function differences () {
  const derived = derivedFiles()
  const found = []
  for (const [name, text] of derived) {
    const file = path.join(root, name)
    if (!fs.existsSync(file)) found.push(`${name} is missing`)
    else if (fs.readFileSync(file, 'utf8').replace(/\r\n/g, '\n') !== text) found.push(`${name} differs from the table`)
  }
  for (const entry of fs.existsSync(path.join(root, 'npm')) ? fs.readdirSync(path.join(root, 'npm')) : []) {
    if (!platforms.some(({ id }) => id === entry)) found.push(`npm/${entry} belongs to no platform of the table`)
  }
  return found
}

function main (/** @type {string[]} */ args) {
  if (args[0] === '--matrix') {
    console.log(JSON.stringify(platforms))
  } else if (args[0] === '--write') {
    for (const [name, text] of derivedFiles()) {
      fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true })
      fs.writeFileSync(path.join(root, name), text)
    }
    console.log(`wrote npm/ for ${platforms.length} platforms`)
  } else if (args.length > 0) {
    console.error(`unknown argument "${args[0]}"; use --write, --matrix or none`)
    process.exitCode = 2
  } else {
    const found = differences()
    for (const line of found) console.error(line)
    if (found.length > 0) {
      console.error('run: node scripts/platforms.js --write')
      process.exitCode = 1
    }
  }
}

module.exports = { platforms, platformById, hostPlatform, manifest, optionalDependencies, derivedFiles, differences }

if (require.main === module) main(process.argv.slice(2))
