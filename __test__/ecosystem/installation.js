'use strict'

// The programs of `programs/package.json` from npm, with kafka-oxide installed under the name kafkajs, as
// `"kafkajs": "npm:kafka-oxide"` does. The programs are kept in .cache/, so only the first run asks the registry;
// kafka-oxide is packed from the checkout whenever it has changed.

const { spawnSync } = require('node:child_process')
const { createHash } = require('node:crypto')
const fs = require('node:fs')
const { createRequire } = require('node:module')
const path = require('node:path')
const ts = require('typescript')
const { npmCommand, packMain, packPlatform } = require('../../scripts/pack')
const { hostPlatform } = require('../../scripts/platforms')

const root = path.join(__dirname, '../..')
const MANIFESTS = ['package.json', 'package-lock.json']

/** @param {string} text */
const hash = text => createHash('sha256').update(text).digest('hex').slice(0, 16)

/**
 * @param {string} command
 * @param {string[]} args
 * @param {string} cwd
 * @param {boolean} [shell]
 */
function run (command, args, cwd, shell = false) {
  const { status, error, stderr } = spawnSync(command, args, { cwd, shell, encoding: 'utf8', timeout: 300_000 })
  if (error || status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${error ? error.message : stderr}`)
}

/** Files of the package and when they changed. */
function fingerprint () {
  const { files } = require('../../package.json')
  const list = ['package.json', hostPlatform().file, ...files].map(name => path.join(root, name))
    .flatMap(file => fs.statSync(file).isDirectory()
      ? fs.readdirSync(file, { recursive: true, encoding: 'utf8' }).map(name => path.join(file, name))
      : [file])
  return hash(list.sort().map(file => `${file} ${fs.statSync(file).mtimeMs} ${fs.statSync(file).size}`).join('\n'))
}

/**
 * Takes a package's place in node_modules.
 * @param {string} tarball
 * @param {string} folder
 */
function unpack (tarball, folder) {
  fs.rmSync(folder, { recursive: true, force: true })
  fs.mkdirSync(folder, { recursive: true })
  run('tar', ['-xzf', tarball, '--strip-components=1'], folder)
}

/**
 * Installs what is not installed yet.
 * @param {string} programs  the folder of a package.json and its package-lock.json
 * @returns {string} the folder whose node_modules has the programs
 */
function installPrograms (programs) {
  const cache = path.join(root, '.cache', 'ecosystem')
  const texts = MANIFESTS.map(name => fs.readFileSync(path.join(programs, name), 'utf8'))
  const folder = path.join(cache, `${path.basename(programs)}-${hash(texts.join())}`)
  const done = path.join(folder, 'installed')
  if (fs.existsSync(done)) return folder
  fs.rmSync(folder, { recursive: true, force: true })
  for (const old of fs.existsSync(cache) ? fs.readdirSync(cache) : []) {
    if (old.startsWith(`${path.basename(programs)}-`)) fs.rmSync(path.join(cache, old), { recursive: true, force: true })
  }
  fs.mkdirSync(path.join(folder, 'kafkajs'), { recursive: true })
  MANIFESTS.forEach((name, at) => fs.writeFileSync(path.join(folder, name), texts[at]))
  // npm compares this version with what the programs ask for. It makes a link, which unpack() then replaces.
  const { name, version } = require('../../package.json')
  fs.writeFileSync(path.join(folder, 'kafkajs', 'package.json'), JSON.stringify({ name, version }))
  const { command, first, shell } = npmCommand()
  run(command, [...first, 'ci', '--ignore-scripts', '--no-audit', '--no-fund'], folder, shell)
  fs.writeFileSync(done, '')
  return folder
}

/**
 * @param {object} [options]
 * @param {string} [options.programs]
 * @param {string} [options.name] under which kafka-oxide is installed
 */
function installation ({ programs = path.join(__dirname, 'programs'), name = 'kafkajs' } = {}) {
  const folder = installPrograms(programs)
  const stamp = path.join(folder, 'packed')
  const current = fingerprint()
  if (!fs.existsSync(stamp) || fs.readFileSync(stamp, 'utf8') !== current) {
    const out = path.join(folder, 'tarballs')
    fs.rmSync(stamp, { force: true })
    unpack(packMain(out).file, path.join(folder, 'node_modules', name))
    unpack(packPlatform(out).file, path.join(folder, 'node_modules', hostPlatform().packageName))
    fs.writeFileSync(stamp, current)
  }
  return {
    folder,
    /** What a program in this folder gets by require(). */
    require: createRequire(path.join(folder, 'program.js')),
    /**
     * Loads a program written in TypeScript, with the decorators that NestJS uses.
     * @param {string} file
     */
    load (file) {
      const { outputText } = ts.transpileModule(fs.readFileSync(file, 'utf8'), {
        fileName: file,
        compilerOptions: {
          module: ts.ModuleKind.CommonJS,
          target: ts.ScriptTarget.ES2022,
          experimentalDecorators: true,
          emitDecoratorMetadata: true,
          esModuleInterop: true
        }
      })
      const compiled = path.join(folder, `${path.basename(file, '.ts')}.js`)
      fs.writeFileSync(compiled, outputText)
      return createRequire(compiled)(compiled)
    }
  }
}

module.exports = { installation, installPrograms }
