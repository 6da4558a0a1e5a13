'use strict'

// A process beside ours that cleans up after us even when we are killed with SIGKILL: it reads our side of a pipe,
// which the kernel closes when we end in whatever way, and then ends the processes and removes the folders it was
// told about. This file is both the client (class Watchdog) and, run as a program, the process itself.

const { spawn } = require('node:child_process')
const fs = require('node:fs')
const readline = require('node:readline')

class Watchdog {
  constructor () {
    // Its own process group: Ctrl-C reaches every process of the terminal's group, and this one has to outlive us.
    const child = spawn(process.execPath, [__filename], {
      detached: true, stdio: ['pipe', 'ignore', 'ignore'], windowsHide: true
    })
    child.unref()
    const socket = /** @type {import('node:net').Socket} */ (child.stdin)
    socket.unref()
    child.on('error', () => {})
    socket.on('error', () => {}) // it may have been killed; we then do without
    this._pipe = socket
  }

  /**
   * @param {number} pid  to be killed after us; negative: the whole process group
   */
  watch (pid) { this._write(`+${pid}`) }

  /** @param {number} pid  has ended, its number may be given to another process */
  forget (pid) { this._write(`-${pid}`) }

  /** @param {string} folder  to be removed after us */
  watchFolder (folder) { this._write(`f${folder}`) }

  /** Ends the watchdog without any cleaning: what was watched is gone, or is meant to stay. */
  release () {
    this._write('release')
    this._pipe.end()
  }

  /** @param {string} line */
  _write (line) {
    if (this._pipe.writable) this._pipe.write(line + '\n')
  }
}

module.exports = { Watchdog }

function main () {
  const pids = new Set()
  const folders = new Set()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})
  const lines = readline.createInterface({ input: process.stdin })
  lines.on('line', line => {
    const rest = line.slice(1)
    if (line === 'release') process.exit(0)
    else if (line[0] === '+') pids.add(Number(rest))
    else if (line[0] === '-') pids.delete(Number(rest))
    else if (line[0] === 'f') folders.add(rest)
  })
  lines.on('close', () => {
    for (const pid of pids) {
      try { process.kill(pid, 'SIGKILL') } catch {}
    }
    // A dying JVM may still write for a moment; rm retries by itself.
    for (const folder of folders) {
      try { fs.rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }) } catch {}
    }
  })
}

if (require.main === module) main()
