'use strict'

const net = require('node:net')

// Below the ephemeral range of Linux (32768) and macOS (49152) on purpose. A client that keeps trying to reach a killed
// broker in that range can be given the broker's own port as its source port and connect to itself, and the broker then
// cannot be started again on its port.
const LOWEST = 12_000
const HIGHEST = 31_000

/**
 * @param {number} port
 * @returns {Promise<boolean>} whether it can be bound on 127.0.0.1 now
 */
function isFree (port) {
  return new Promise(resolve => {
    const server = net.createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/**
 * Different TCP ports, free on 127.0.0.1 at the moment. Chosen at random, so that runs side by side rarely meet.
 * @param {number} count
 * @returns {Promise<number[]>}
 */
async function freePorts (count) {
  const ports = new Set()
  for (let tries = 0; ports.size < count; tries++) {
    if (tries > 1000) {
      throw new Error(`found only ${ports.size} of ${count} free ports in ${LOWEST}-${HIGHEST} on 127.0.0.1`)
    }
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST))
    if (!ports.has(port) && await isFree(port)) ports.add(port)
  }
  return [...ports]
}

module.exports = { freePorts, isFree }
