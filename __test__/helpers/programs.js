'use strict'

// Packages from npm that only some tests need, with pinned versions: kept in .cache/, so only the first run asks the registry.

const { spawnSync } = require('node:child_process')
const { createHash } = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')
const { npmCommand } = require('../../scripts/pack')

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

/**
 * Installs what is not installed yet.
 * @param {string} manifests  the folder of a package.json and its package-lock.json
 * @param {string} name  for the folder in .cache/
 * @returns {string} the folder whose node_modules has the packages
 */
function installPrograms (manifests, name) {
  const cache = path.join(root, '.cache', 'programs')
  const texts = MANIFESTS.map(file => fs.readFileSync(path.join(manifests, file), 'utf8'))
  const folder = path.join(cache, `${name}-${hash(texts.join())}`)
  const done = path.join(folder, 'installed')
  if (fs.existsSync(done)) return folder
  for (const old of fs.existsSync(cache) ? fs.readdirSync(cache) : []) {
    if (old.startsWith(`${name}-`)) fs.rmSync(path.join(cache, old), { recursive: true, force: true })
  }
  fs.mkdirSync(folder, { recursive: true })
  MANIFESTS.forEach((file, at) => fs.writeFileSync(path.join(folder, file), texts[at]))
  if (JSON.parse(texts[0]).dependencies.kafkajs === 'file:kafkajs') standIn(folder)
  const { command, first, shell } = npmCommand()
  run(command, [...first, 'ci', '--ignore-scripts', '--no-audit', '--no-fund'], folder, shell)
  fs.writeFileSync(done, '')
  return folder
}

/** npm compares this version with what the programs ask for; the package itself comes later. @param {string} folder */
function standIn (folder) {
  const { name, version } = require('../../package.json')
  fs.mkdirSync(path.join(folder, 'kafkajs'))
  fs.writeFileSync(path.join(folder, 'kafkajs', 'package.json'), JSON.stringify({ name, version }))
}

module.exports = { hash, installPrograms, run }
