'use strict'

// Finds the addon that fits this machine, or says why none does. Nothing here touches the machine but `describeHost`,
// so that tests can play any machine.

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const NEEDED_NODE = 20

/** The glibc that the published packages are built against; the release checks it. Node 20 itself needs the same. */
const NEEDED_GLIBC = '2.28'

/** npm's name of each platform that has a package, without the libc. */
const SUPPORTED = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'win32-x64']

/**
 * @typedef {object} Host what matters of the machine and the runtime
 * @property {string} platform `process.platform`
 * @property {string} arch `process.arch`
 * @property {string} endianness `LE` or `BE`
 * @property {string} node version without the `v`
 * @property {'glibc' | 'musl' | null} libc null where there is no such question, or no answer
 * @property {() => string | null} glibcVersion of the running process; costs milliseconds, so asked only for an error
 */

/**
 * @typedef {object} Sources where addons come from
 * @property {string} root the package's folder
 * @property {string} version the package's version
 * @property {Record<string, string | undefined>} environment
 * @property {(file: string) => any} requireFile
 * @property {(platformId: string) => any} requirePackage
 * @property {(request: string) => string} resolve as `require.resolve`
 * @property {(file: string) => boolean} [exists]
 */

/** @typedef {{ target: string, reason: string, kind: 'absent' | 'version' | 'broken', error: any }} Attempt */

/** Thrown by `require('kafka-oxide')` when no addon can be loaded. `cause` is the failure that says most. */
class KafkaOxideLoadError extends Error {
  /**
   * @param {string} message
   * @param {Attempt[]} [attempts]
   */
  constructor (message, attempts = []) {
    const telling = attempts.filter(({ kind }) => kind !== 'absent').pop() || attempts[attempts.length - 1]
    super(message, telling && { cause: telling.error })
    this.name = 'KafkaOxideLoadError'
    this.code = 'ERR_KAFKA_OXIDE_LOAD'
    /** What was tried, in order. */
    this.attempts = attempts.map(({ target, reason }) => ({ target, reason }))
  }
}

/**
 * Loads the addon: the file that `KAFKA_OXIDE_NATIVE` names, else the local build in the package's folder, else the
 * platform's package. A variable that is set is meant, so nothing else is tried then.
 *
 * @param {Host} host
 * @param {Sources} sources
 * @returns {any} the addon
 * @throws {KafkaOxideLoadError}
 */
function loadNative (host, sources) {
  if (parseInt(host.node, 10) < NEEDED_NODE) {
    throw failure(host, `This is Node ${host.node}; kafka-oxide needs Node ${NEEDED_NODE} or later.`, [],
      [`nvm install ${NEEDED_NODE}    (or any other way to a newer Node)`])
  }
  if (host.endianness === 'BE') {
    throw failure(host, 'This machine is big-endian; messages cross into JavaScript as little-endian words.', [],
      ['none on this machine: run it on a little-endian one (x64, arm64)'])
  }

  /** @type {Attempt[]} */
  const attempts = []
  const attempt = (/** @type {string} */ target, /** @type {() => any} */ load) => {
    try {
      const addon = load()
      const found = typeof addon.version === 'function' ? addon.version() : 'none that it tells'
      if (found === sources.version) return addon
      const reason = `its version is ${found}, but this is kafka-oxide ${sources.version}`
      attempts.push({ target, reason, kind: 'version', error: new Error(`${target}: ${reason}`) })
    } catch (error) {
      attempts.push({ target, error, ...explain(error) })
    }
    return null
  }

  const chosen = sources.environment.KAFKA_OXIDE_NATIVE
  if (chosen) {
    const addon = attempt(chosen, () => {
      // Node takes a file of any other name for JavaScript.
      if (!chosen.endsWith('.node')) throw new Error('its name does not end in .node')
      return sources.requireFile(path.resolve(chosen))
    })
    if (addon) return addon
    throw failure(host, 'KAFKA_OXIDE_NATIVE names a file that does not load.', attempts, [
      `set KAFKA_OXIDE_NATIVE to a kafka-oxide.*.node file of version ${sources.version} made for this machine`,
      'unset KAFKA_OXIDE_NATIVE    (to use the installed package)'
    ])
  }

  const ids = platformIds(host)
  for (const id of ids) {
    const file = path.join(sources.root, `kafka-oxide.${id}.node`)
    const addon = attempt(file, () => sources.requireFile(file)) ||
      attempt(`kafka-oxide-${id}`, () => sources.requirePackage(id))
    if (addon) return addon
  }
  throw diagnose(host, sources, ids, attempts)
}

/**
 * The packages that may fit, best first: one, none when the platform has no package, two when the libc is unknown.
 * @param {Pick<Host, 'platform' | 'arch' | 'libc'>} host
 * @returns {string[]}
 */
function platformIds ({ platform, arch, libc }) {
  const id = `${platform}-${arch}`
  if (!SUPPORTED.includes(id)) return []
  if (platform === 'win32') return [`${id}-msvc`]
  if (platform !== 'linux') return [id]
  if (libc) return [libc === 'musl' ? `${id}-musl` : `${id}-gnu`]
  return [`${id}-gnu`, `${id}-musl`]
}

/**
 * @param {any} error what `require` threw
 * @returns {{ reason: string, kind: 'absent' | 'broken' }}
 */
function explain (error) {
  const message = String((error && error.message) || error)
  if (error && error.code === 'MODULE_NOT_FOUND') return { reason: 'not found', kind: 'absent' }
  return { reason: message.split('\n')[0], kind: 'broken' }
}

/**
 * Nothing loaded: finds the likeliest cause and the command that removes it.
 * @param {Host} host
 * @param {Sources} sources
 * @param {string[]} ids
 * @param {Attempt[]} attempts
 */
function diagnose (host, sources, ids, attempts) {
  const exists = sources.exists || fs.existsSync
  const isClone = exists(path.join(sources.root, 'Cargo.toml'))
  const build = 'npm run build    (compiles the addon, in this clone)'

  if (ids.length === 0) {
    return failure(host, `There is no package for ${host.platform} ${host.arch}; there are: ${SUPPORTED.join(', ')}.`,
      attempts, ['compile kafka-oxide on this machine with cargo build --release, copy the library to a file that ' +
        'ends in .node, and set KAFKA_OXIDE_NATIVE to its path'])
  }

  const packageName = `kafka-oxide-${ids[0]}`
  const install = [
    `npm install ${packageName}@${sources.version}`,
    'npm install --include=optional    (when optional dependencies were left out, as --omit=optional does)'
  ]
  const told = attempts.filter(({ kind }) => kind !== 'absent').pop()

  const glibc = told && /GLIBC_(\d+\.\d+(?:\.\d+)?)['’`]? not found/.exec(told.reason)
  if (glibc) {
    const found = host.glibcVersion() || 'an older one'
    return failure(host, `The addon needs glibc ${glibc[1]}, this machine has ${found}.`, attempts, [
      `use an operating system or image with glibc ${glibc[1]} or later`,
      isClone ? build : `npm install ${packageName}@${sources.version}    (published packages need ${NEEDED_GLIBC})`
    ])
  }
  if (told && told.kind === 'version') {
    return failure(host, 'The addon and the JavaScript are of different versions.', attempts,
      isClone ? [build] : install)
  }
  if (told) {
    return failure(host, 'The addon is there but does not load.', attempts,
      isClone ? ['npm run build -- --force'] : [`npm install --force ${packageName}@${sources.version}`])
  }
  if (isClone) return failure(host, 'The addon has not been compiled yet.', attempts, [build])

  const resolves = (/** @type {string} */ request) => {
    try {
      return Boolean(sources.resolve(request))
    } catch {
      return false
    }
  }
  if (ids.some(id => resolves(`kafka-oxide-${id}/package.json`))) {
    return failure(host, `${packageName} is installed without its binary.`, attempts,
      [`npm install --force ${packageName}@${sources.version}`])
  }
  const others = allPlatformIds().filter(id => !ids.includes(id) && resolves(`kafka-oxide-${id}/package.json`))
  if (others.length > 0) {
    const cause = `${packageName} is not installed, but the package of another platform is (${others.join(', ')}): ` +
      'node_modules was made on another machine or for another libc.'
    return failure(host, cause, attempts, ['npm ci    (on this machine, instead of copying node_modules)', ...install])
  }
  return failure(host, `${packageName} is not installed.`, attempts, install)
}

/** Every platform that has a package. */
function allPlatformIds () {
  return SUPPORTED.flatMap(id => {
    const [platform, arch] = id.split('-')
    return platformIds({ platform, arch, libc: null })
  })
}

/**
 * @param {Host} host
 * @param {string} cause one sentence
 * @param {Attempt[]} attempts
 * @param {string[]} remedies commands, best first
 */
function failure (host, cause, attempts, remedies) {
  const lines = ['kafka-oxide cannot load its native addon. ' + cause, '']
  if (attempts.length > 0) {
    lines.push('Looked for:', ...attempts.map(({ target, reason }) => `  ${target}: ${reason}`))
  }
  lines.push(`Found:   ${host.platform} ${host.arch}${describeLibc(host)}, Node ${host.node}`)
  const libc = host.platform === 'linux' ? `, glibc ${NEEDED_GLIBC} or musl 1.2` : ''
  lines.push(`Needed:  ${SUPPORTED.join(', ')}${libc}, Node ${NEEDED_NODE} or later`)
  lines.push('Fix:     ' + remedies.join('\n     or: '))
  return new KafkaOxideLoadError(lines.join('\n'), attempts)
}

/** @param {Host} host */
function describeLibc (host) {
  if (host.platform !== 'linux') return ''
  if (host.libc === 'musl') return ' with musl'
  const version = host.glibcVersion()
  if (version) return ` with glibc ${version}`
  return host.libc === 'glibc' ? ' with glibc' : ' with an unknown libc'
}

/**
 * This machine.
 * @returns {Host}
 */
function describeHost () {
  return {
    platform: process.platform,
    arch: process.arch,
    endianness: os.endianness(),
    node: process.versions.node,
    libc: process.platform === 'linux' ? detectLibc() : null,
    glibcVersion: () => report().header.glibcVersionRuntime || null
  }
}

/**
 * The libc of the running executable, without starting a process. The loader named in the executable's first bytes is
 * the libc that the addon will meet, whatever else is installed (a glibc Node on Alpine); the rest serves executables
 * without one.
 *
 * @param {object} [seams] for tests
 * @param {() => string} [seams.executable] the first bytes of the running executable, as latin1
 * @param {() => { header: { glibcVersionRuntime?: string }, sharedObjects: string[] }} [seams.report]
 * @param {(file: string) => string} [seams.read]
 * @returns {'glibc' | 'musl' | null}
 */
function detectLibc ({ executable = executableHead, report: getReport = report, read = readText } = {}) {
  const head = executable()
  if (head.includes('/ld-musl-')) return 'musl'
  if (head.includes('/ld-linux')) return 'glibc'
  const { header, sharedObjects } = getReport()
  if (header.glibcVersionRuntime) return 'glibc'
  if (sharedObjects.some(name => /libc\.musl-|ld-musl-/.test(name))) return 'musl'
  const ldd = read('/usr/bin/ldd')
  if (ldd.includes('musl')) return 'musl'
  if (ldd.includes('GNU C Library') || ldd.includes('GLIBC')) return 'glibc'
  return read('/etc/alpine-release') ? 'musl' : null
}

function executableHead () {
  const head = Buffer.alloc(4096)
  try {
    const file = fs.openSync(process.execPath, 'r')
    try {
      return head.latin1Slice(0, fs.readSync(file, head, 0, head.length, 0))
    } finally {
      fs.closeSync(file)
    }
  } catch {
    return ''
  }
}

/** Node's diagnostic report; empty on runtimes that have none. */
function report () {
  const empty = { header: {}, sharedObjects: [] }
  const source = /** @type {any} */ (process.report)
  if (!source || typeof source.getReport !== 'function') return empty
  const before = source.excludeNetwork
  source.excludeNetwork = true // otherwise it looks up the host name of every open socket, which can take seconds
  try {
    const made = source.getReport()
    return { header: made.header || {}, sharedObjects: made.sharedObjects || [] }
  } catch {
    return empty
  } finally {
    source.excludeNetwork = before
  }
}

/** @param {string} file */
function readText (file) {
  try {
    return fs.readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}

module.exports = {
  loadNative, describeHost, detectLibc, platformIds, allPlatformIds, KafkaOxideLoadError, NEEDED_GLIBC, NEEDED_NODE
}
