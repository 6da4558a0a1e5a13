'use strict'

// What a clone needs beside npm packages, checked before anything starts, so that a missing tool is one clear sentence
// and not the fiftieth line of a compiler's complaint. Run alone: `node scripts/prerequisites.js`.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

/**
 * @typedef {'node' | 'native' | 'broker'} Group  node: always; native: building the addon; broker: running Apache Kafka
 * @typedef {object} Tool
 * @property {Group} group
 * @property {string} name       what is missing, in the reader's words
 * @property {string} why
 * @property {string[]} commands any one of them will do
 * @property {RegExp} [version]  finds the version in the output of `<command> <versionArgument>`
 * @property {string} [versionArgument]
 * @property {[number, number]} [atLeast] major and minor version
 * @property {string} debian     how to install it there
 * @property {string} macos
 * @property {boolean} [unixOnly] on Windows the compiler is found by cargo itself (Visual Studio Build Tools)
 */

/** @type {Tool[]} */
const TOOLS = [
  {
    group: 'native', name: 'Rust', why: 'the addon is written in it', commands: ['cargo'],
    version: /cargo (\d+)\.(\d+)/, versionArgument: '--version', atLeast: [1, 88],
    debian: 'install rustup: see rustup.rs', macos: 'brew install rustup && rustup default stable'
  },
  {
    group: 'native', name: 'CMake', why: 'it builds librdkafka', commands: ['cmake'],
    debian: 'apt-get install cmake', macos: 'brew install cmake'
  },
  {
    group: 'native', name: 'a C compiler', why: 'librdkafka and its libraries are C', commands: ['cc', 'gcc', 'clang'],
    debian: 'apt-get install build-essential', macos: 'xcode-select --install', unixOnly: true
  },
  {
    group: 'native', name: 'a C++ compiler', why: 'the CMake build of librdkafka asks for one',
    commands: ['c++', 'g++', 'clang++'],
    debian: 'apt-get install build-essential', macos: 'xcode-select --install', unixOnly: true
  },
  {
    group: 'native', name: 'make', why: 'OpenSSL and Kerberos are built with it', commands: ['make', 'gmake'],
    debian: 'apt-get install build-essential', macos: 'xcode-select --install', unixOnly: true
  },
  {
    group: 'native', name: 'Perl', why: 'OpenSSL is configured with it', commands: ['perl'],
    debian: 'apt-get install perl', macos: 'it is part of macOS; or: brew install perl'
  },
  {
    group: 'broker', name: 'JDK 17 or newer', why: 'the tests run a real Apache Kafka', commands: ['java'],
    version: /version "(\d+)(?:\.(\d+))?/, versionArgument: '-version', atLeast: [17, 0],
    debian: 'apt-get install openjdk-17-jdk-headless', macos: 'brew install openjdk@17'
  },
  {
    group: 'broker', name: 'Maven', why: 'it fetches the Apache Kafka that pom.xml names', commands: ['mvn'],
    debian: 'apt-get install maven', macos: 'brew install maven'
  }
]

/** The oldest Node.js that the package supports (package.json, engines). */
const NODE_MAJOR = 20

/**
 * Where a command would be found, as a shell would look for it.
 * @param {string} command
 * @param {NodeJS.ProcessEnv} env
 * @returns {string | undefined} an absolute path
 */
function find (command, env) {
  const extensions = process.platform === 'win32' ? (env.PATHEXT || '.EXE;.CMD;.BAT').split(';') : ['']
  const folders = (env.PATH || env.Path || '').split(path.delimiter).filter(Boolean)
  // A JDK that is not on the PATH but named by JAVA_HOME is the usual way on macOS; scripts/kafka uses it as well.
  if (command === 'java' && env.JAVA_HOME) folders.unshift(path.join(env.JAVA_HOME, 'bin'))
  for (const folder of folders) {
    for (const extension of extensions) {
      const file = path.resolve(folder, command + extension)
      try {
        fs.accessSync(file, fs.constants.X_OK)
        if (fs.statSync(file).isFile()) return file
      } catch {}
    }
  }
}

/**
 * What is wrong with one tool, or undefined when it is there and new enough.
 * @param {Tool} tool
 * @param {NodeJS.ProcessEnv} env
 * @returns {string | undefined}
 */
function problem (tool, env) {
  const file = tool.commands.map(command => find(command, env)).find(Boolean)
  if (!file) return `no ${tool.commands.map(name => `'${name}'`).join(', ')} on the PATH`
  if (!tool.version || !tool.atLeast) return undefined
  const { stdout, stderr, error } = spawnSync(file, [tool.versionArgument || '--version'], {
    env, encoding: 'utf8', timeout: 60_000
  })
  const match = tool.version.exec(`${stdout || ''}\n${stderr || ''}`)
  // A rustup shim without a toolchain and macOS's java stub are files that run but are not the tool.
  if (error || !match) return `'${file}' does not tell its version${error ? `: ${error.message}` : ''}`
  const [major, minor] = [Number(match[1]), Number(match[2] || 0)]
  const [wantMajor, wantMinor] = tool.atLeast
  if (major > wantMajor || (major === wantMajor && minor >= wantMinor)) return undefined
  return `'${file}' is version ${major}.${minor}, needed is ${wantMajor}.${wantMinor} or newer`
}

/**
 * Everything that is missing for these groups.
 * @param {Group[]} groups  'node' is always checked
 * @param {NodeJS.ProcessEnv} [env] whose PATH is searched
 * @returns {string[]} one ready sentence for each; empty when all is there
 */
function missing (groups, env = process.env) {
  const lines = []
  if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR) {
    lines.push(`Node.js ${NODE_MAJOR} or newer (this is ${process.versions.node}). Install it from nodejs.org.`)
  }
  for (const tool of TOOLS) {
    if (!groups.includes(tool.group) || (tool.unixOnly && process.platform === 'win32')) continue
    const wrong = problem(tool, env)
    if (wrong) lines.push(`${tool.name} (${tool.why}): ${wrong}. Debian: ${tool.debian}. macOS: ${tool.macos}.`)
  }
  return lines
}

/**
 * Ends the process with exit code 1, naming everything that is missing, unless all is there.
 * @param {Group[]} groups
 * @param {string} purpose  what cannot be done without, as in 'npm test'
 */
function demand (groups, purpose) {
  const lines = missing(groups)
  if (lines.length === 0) return
  console.error(`${purpose} cannot start. Missing on this machine:\n${lines.map(line => `  - ${line}`).join('\n')}`)
  process.exit(1)
}

module.exports = { TOOLS, missing, demand, find }

if (require.main === module) {
  demand(['native', 'broker'], 'Building and testing kafka-oxide')
  console.log('Everything needed to build and test kafka-oxide is here.')
}
