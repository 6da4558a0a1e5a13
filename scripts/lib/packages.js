'use strict'

// The npm packages of a clone: installed when absent, renewed when package-lock.json asks for others.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { ROOT } = require('./paths')

/**
 * Why `npm` has to run, or undefined when node_modules holds what package-lock.json says.
 * @param {string} [root]
 * @returns {'absent' | 'outdated' | undefined}
 */
function packagesNeeded (root = ROOT) {
  const read = (/** @type {string} */ file) => JSON.parse(fs.readFileSync(path.join(root, file), 'utf8')).packages
  let installed
  try {
    installed = read('node_modules/.package-lock.json')
  } catch {
    return 'absent'
  }
  for (const [name, wanted] of Object.entries(read('package-lock.json'))) {
    // Optional packages may belong to another platform.
    if (!name.startsWith('node_modules/') || wanted.optional || wanted.peer) continue
    if (!installed[name] || installed[name].version !== wanted.version) return 'outdated'
  }
}

/**
 * Installs what is needed; a no-op otherwise. Throws with npm's own words above when npm fails.
 * `npm ci` for a fresh clone, `npm install` later, which does not pull node_modules from under other processes.
 */
function ensurePackages () {
  const needed = packagesNeeded()
  if (!needed) return
  const command = needed === 'absent' ? 'ci' : 'install'
  console.log(`npm ${command}: node_modules is ${needed}`)
  const npm = process.env.npm_execpath && /\.c?js$/.test(process.env.npm_execpath)
    ? [process.execPath, process.env.npm_execpath]
    : ['npm']
  const { status, error } = spawnSync(npm[0], [...npm.slice(1), command, '--no-audit', '--no-fund'], {
    cwd: ROOT, stdio: 'inherit', shell: process.platform === 'win32' && npm.length === 1
  })
  if (error) throw new Error(`npm ${command} failed: ${error.message}`)
  if (status !== 0) throw new Error(`npm ${command} failed with code ${status}`)
}

module.exports = { packagesNeeded, ensurePackages }
