'use strict'

// The addon, loaded. The types are native.d.ts, generated from the Rust side. How it is found: load-native.js.

const { createRequire } = require('node:module')
const path = require('node:path')
const { describeHost, loadNative } = require('./load-native')

const root = path.join(__dirname, '..')

// Not this file's own `require`: a bundler would take a computed path for a mistake, or try to bundle it.
const requireFrom = createRequire(path.join(root, 'package.json'))

/**
 * One literal `require` for each platform: webpack, esbuild, rollup and nft follow these and nothing cleverer.
 * @param {string} id
 */
function requirePackage (id) {
  switch (id) {
    case 'linux-x64-gnu': return require('kafka-oxide-linux-x64-gnu')
    case 'linux-arm64-gnu': return require('kafka-oxide-linux-arm64-gnu')
    case 'linux-x64-musl': return require('kafka-oxide-linux-x64-musl')
    case 'linux-arm64-musl': return require('kafka-oxide-linux-arm64-musl')
    case 'darwin-x64': return require('kafka-oxide-darwin-x64')
    case 'darwin-arm64': return require('kafka-oxide-darwin-arm64')
    case 'win32-x64-msvc': return require('kafka-oxide-win32-x64-msvc')
    default: throw new Error(`no package for ${id}`)
  }
}

module.exports = loadNative(describeHost(), {
  root,
  version: require('../package.json').version,
  environment: process.env,
  requireFile: requireFrom,
  requirePackage,
  resolve: requireFrom.resolve
})
