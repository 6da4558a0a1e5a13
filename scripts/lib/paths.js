'use strict'

const path = require('node:path')

/** The root of the checkout. */
const ROOT = path.resolve(__dirname, '..', '..')

module.exports = {
  ROOT,
  /** Downloads and state that survive between runs; git-ignored, safe to delete when no broker runs. */
  CACHE: path.join(ROOT, '.cache')
}
