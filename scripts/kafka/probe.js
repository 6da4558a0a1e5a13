'use strict'

// Asks a broker two questions of the Kafka protocol by hand, so that waiting for a broker needs no Kafka client.

const net = require('node:net')

const METADATA = 3
const API_VERSIONS = 18

/**
 * @param {number} apiKey
 * @param {number} apiVersion
 * @param {number} correlationId
 * @param {Buffer} body
 * @returns {Buffer} a request with header version 1: size, api key, version, correlation id, null client id
 */
function request (apiKey, apiVersion, correlationId, body) {
  const head = Buffer.alloc(14)
  head.writeInt32BE(10 + body.length, 0)
  head.writeInt16BE(apiKey, 4)
  head.writeInt16BE(apiVersion, 6)
  head.writeInt32BE(correlationId, 8)
  head.writeInt16BE(-1, 12)
  return Buffer.concat([head, body])
}

/**
 * The broker ids in a Metadata response of version 1.
 * @param {Buffer} body  after the correlation id
 * @returns {number[]}
 */
function brokerIds (body) {
  const ids = []
  let at = 4
  for (let count = body.readInt32BE(0); count > 0; count--) {
    ids.push(body.readInt32BE(at))
    at += 4
    at += 2 + body.readInt16BE(at) // host
    at += 4 // port
    at += 2 + Math.max(0, body.readInt16BE(at)) // rack, -1 for none
  }
  return ids
}

/**
 * Connects, asks ApiVersions and Metadata (of no topic).
 * @param {number} port  on 127.0.0.1
 * @param {number} timeout  ms for the whole exchange
 * @returns {Promise<number[]>} ids of the brokers that this one knows to be alive. Rejects when it does not answer.
 */
function probe (port, timeout = 2000) {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: '127.0.0.1', port })
    const timer = setTimeout(() => socket.destroy(new Error(`no answer within ${timeout} ms`)), timeout)
    let data = Buffer.alloc(0)
    socket.on('connect', () => socket.write(request(API_VERSIONS, 0, 1, Buffer.alloc(0))))
    socket.on('data', chunk => {
      data = Buffer.concat([data, chunk])
      while (data.length >= 4 && data.length >= 4 + data.readInt32BE(0)) {
        const response = data.subarray(4, 4 + data.readInt32BE(0))
        data = data.subarray(4 + response.length)
        const correlationId = response.readInt32BE(0)
        if (correlationId === 1) {
          const error = response.readInt16BE(4)
          if (error !== 0) return socket.destroy(new Error(`ApiVersions was answered with error ${error}`))
          socket.write(request(METADATA, 1, 2, Buffer.alloc(4))) // an empty list of topics
        } else {
          resolve(brokerIds(response.subarray(4)))
          socket.destroy()
        }
      }
    })
    socket.on('error', reject)
    socket.on('close', () => {
      clearTimeout(timer)
      reject(new Error('the connection was closed')) // without effect when resolved above
    })
  })
}

module.exports = { probe }
