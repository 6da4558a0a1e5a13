'use strict'

// Child processes of the test runner, each with its own process group, so that everything they started ends with them.

const { spawn } = require('node:child_process')
const { Watchdog } = require('./watchdog')

/** @typedef {{ code: number | null, signal: NodeJS.Signals | null, error?: Error }} End */

class Jobs {
  constructor () {
    /** @type {Set<import('node:child_process').ChildProcess>} */
    this._running = new Set()
    this._watchdog = new Watchdog()
    this.stopped = false
  }

  /**
   * Starts a program in a process group of its own.
   * @param {string} command
   * @param {string[]} args
   * @param {import('node:child_process').SpawnOptions} options
   * @returns {{ child: import('node:child_process').ChildProcess, ended: Promise<End> }}
   *   ended never rejects; it resolves when the process has ended and all of its output was read
   */
  start (command, args, options) {
    if (this.stopped) throw new Error('stopped')
    const child = spawn(command, args, { ...options, detached: process.platform !== 'win32', windowsHide: true })
    const group = child.pid === undefined ? undefined : -child.pid
    this._running.add(child)
    if (group) this._watchdog.watch(group)
    const ended = new Promise(resolve => {
      const done = (/** @type {object} */ result) => {
        this._running.delete(child)
        if (group) this._watchdog.forget(group)
        resolve(/** @type {any} */ (result))
      }
      child.once('close', (code, signal) => done({ code, signal }))
      child.once('error', error => done({ code: null, signal: null, error }))
      // A grandchild may hold our pipes open after the child's end; 'close' would then never come.
      child.once('exit', () => this.kill(child))
    })
    return { child, ended }
  }

  /**
   * Ends a process and everything in its group.
   * @param {import('node:child_process').ChildProcess} child
   */
  kill (child) {
    try {
      if (process.platform === 'win32') child.kill('SIGKILL')
      else if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {} // it has ended
  }

  /** Ends everything; nothing can be started afterwards. */
  stop () {
    this.stopped = true
    for (const child of this._running) this.kill(child)
    this._watchdog.release()
  }
}

module.exports = { Jobs }
