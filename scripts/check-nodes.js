'use strict'

/**
 * Runs the packed and installed package under other versions of Node: one Node-API binary has to serve them all.
 *
 * `node scripts/check-nodes.js [20 22 24]` takes those Nodes from npm's `node-<platform>-<arch>` packages, about 100 MB
 * each, into `.cache/nodes/`, and gives each the programs of `__test__/install/app`. It needs a network the first time,
 * which is why `npm test` does not run it.
 */

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { Installation } = require('../__test__/install/installation')
const { CACHE } = require('./lib/paths')
const { npmCommand, packMain, packPlatform } = require('./pack')

const PROGRAMS = ['commonjs.cjs', 'module.mjs', 'worker.cjs']

/**
 * The executable of a Node version, fetched when it is not there.
 * @param {string} wanted `22` or `22.14.0`
 */
function nodeOf (wanted) {
  if (!/^\d+(\.\d+){0,2}$/.test(wanted)) throw new Error(`"${wanted}" is no Node version; write 22 or 22.14.0`)
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  const folder = path.join(CACHE, 'nodes', wanted)
  const executable = path.join(folder, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  if (!fs.existsSync(executable)) {
    const { command, first, shell } = npmCommand()
    fs.mkdirSync(folder, { recursive: true })
    const args = [...first, 'install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', `${name}@${wanted}`]
    const { status, stderr, error } = spawnSync(command, args, { cwd: folder, encoding: 'utf8', shell })
    if (error || status !== 0) throw new Error(`cannot fetch ${name}@${wanted}: ${error ? error.message : stderr.trim()}`)
  }
  return executable
}

async function main (/** @type {string[]} */ wanted) {
  const executables = (wanted.length > 0 ? wanted : ['20', '22', '24']).map(nodeOf)
  const installation = new Installation()
  try {
    await installation.install([packMain(installation.folder).file, packPlatform(installation.folder).file])
    for (const executable of executables) {
      const { stdout } = await installation.run(executable, ['-p', 'process.version'])
      for (const program of PROGRAMS) {
        const result = await installation.run(executable, [program])
        const passed = result.code === 0 && result.stderr === '' && JSON.parse(result.stdout).length === 3
        console.log(`Node ${stdout.trim()} ${program}: ${passed ? 'ok' : 'FAILED'}`)
        if (passed) continue
        console.log(`  exit ${result.code ?? result.signal}\n${result.stdout}${result.stderr}`.replace(/\n/g, '\n  '))
        process.exitCode = 1
      }
    }
  } finally {
    installation.remove()
  }
}

main(process.argv.slice(2)).catch(error => {
  console.error(error.message)
  process.exitCode = 1
})
