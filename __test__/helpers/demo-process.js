'use strict'

const { execFile } = require('node:child_process')
const path = require('node:path')

const DEMO = path.join(__dirname, '../../scripts/demo.js')
const TAMPER = path.join(__dirname, 'demo-tamper.js')

/** How long a demo may take before it counts as hanging, ms. */
const LIMIT = 110_000

/**
 * Runs `npm run demo -- <args>` in a process of its own.
 * @param {string[]} [args]
 * @param {{ tamper?: 'lose' | 'alter' }} [options]  what to do to the records on their way
 * @returns {Promise<{ code: number | string, stdout: string, stderr: string }>} code: or the signal that ended it
 */
function runDemoProcess (args = [], { tamper } = {}) {
  const flags = tamper ? ['--require', TAMPER] : []
  const env = { ...process.env, DEMO_TAMPER: tamper }
  return new Promise(resolve => {
    const options = { env, timeout: LIMIT, killSignal: /** @type {NodeJS.Signals} */ ('SIGKILL'), maxBuffer: 2 ** 26 }
    execFile(process.execPath, [...flags, DEMO, ...args], options, (error, stdout, stderr) => {
      resolve({ code: error ? error.code ?? error.signal ?? 'unknown' : 0, stdout, stderr })
    })
  })
}

module.exports = { runDemoProcess }
