'use strict'

// A registry of npm packages on the loopback, for packages that are on no other.

const { createHash } = require('node:crypto')
const fs = require('node:fs')
const http = require('node:http')
const path = require('node:path')

/**
 * @typedef {object} Published
 * @property {any} manifest  its package.json
 * @property {string} file   the tarball
 */

/**
 * Serves one version of each package, and nothing of others.
 * @param {Published[]} packages
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
async function startRegistry (packages) {
  let url = ''
  const server = http.createServer((request, response) => {
    const name = decodeURIComponent((request.url || '').slice(1))
    const found = packages.find(({ manifest, file }) => name === manifest.name || name === path.basename(file))
    if (!found) return response.writeHead(404).end('{}')
    const { manifest, file } = found
    if (name !== manifest.name) return response.end(fs.readFileSync(file))
    const integrity = `sha512-${createHash('sha512').update(fs.readFileSync(file)).digest('base64')}`
    const version = { ...manifest, dist: { integrity, tarball: `${url}/${path.basename(file)}` } }
    response.setHeader('content-type', 'application/json')
    const { version: latest } = manifest
    response.end(JSON.stringify({ name, 'dist-tags': { latest }, versions: { [latest]: version } }))
  })
  await new Promise(resolve => { server.listen(0, '127.0.0.1', () => resolve(undefined)) })
  url = `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`
  return {
    url,
    close: () => new Promise(resolve => {
      server.close(() => resolve(undefined))
      server.closeAllConnections()
    })
  }
}

module.exports = { startRegistry }
