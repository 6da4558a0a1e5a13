'use strict'

// How far a phase is: a bar that is drawn anew on a terminal, a line for every tenth where the output goes elsewhere.

const { performance } = require('node:perf_hooks')

const WIDTH = 24
/** Whatever is drawn on this line of a terminal goes. */
const CLEAR_LINE = '\r\x1b[K'
/** Between two drawings, ms. */
const REDRAW = 50

/** @param {number} value @returns {string} 171,075 */
const thousands = value => Math.round(value).toLocaleString('en-US')

class Progress {
  /**
   * @param {string} label  what is being done
   * @param {number} total
   * @param {NodeJS.WritableStream & { isTTY?: boolean }} out
   */
  constructor (label, total, out) {
    this._label = label.padEnd(9)
    this._total = total
    this._out = out
    this._begun = performance.now()
    this._drawn = 0
    this._tenths = 0
    if (out.isTTY) this._draw(0)
  }

  /** @param {number} done of the total */
  update (done) {
    if (this._out.isTTY) {
      if (done < this._total && performance.now() - this._drawn < REDRAW) return
      this._draw(done)
      return
    }
    const tenths = Math.floor(done * 10 / this._total)
    if (tenths <= this._tenths) return
    this._tenths = tenths
    this._out.write(`${this._label} ${this._text(done)}\n`)
  }

  /** Takes the bar away; what is printed next says how it went. */
  end () {
    if (this._out.isTTY) this._out.write(CLEAR_LINE)
  }

  /** @param {number} done */
  _draw (done) {
    this._drawn = performance.now()
    const full = Math.floor(done * WIDTH / this._total)
    const bar = '#'.repeat(full) + '-'.repeat(WIDTH - full)
    this._out.write(`${CLEAR_LINE}${this._label} [${bar}] ${this._text(done)}`)
  }

  /** @param {number} done */
  _text (done) {
    const rate = done / Math.max(performance.now() - this._begun, 1) * 1000
    const percent = String(Math.floor(done * 100 / this._total)).padStart(3)
    return `${percent} %  ${thousands(done)} of ${thousands(this._total)}, ${thousands(rate)} messages/s`
  }
}

module.exports = { CLEAR_LINE, Progress, thousands }
