'use strict'

const net = require('node:net')

/** A socket that speaks just enough of the Kafka protocol to ask one thing after another. */
class RawConnection {
  /** @param {net.Socket} socket */
  constructor (socket) {
    this._socket = socket
    this._received = Buffer.alloc(0)
    this._correlation = 0
    /** @type {Map<number, { resolve: (body: Buffer) => void, reject: (error: Error) => void }>} */
    this._waiting = new Map()
    /** Resolves when the connection is gone, for whatever reason. @type {Promise<void>} */
    this.closed = new Promise(resolve => socket.once('close', () => resolve()))
    socket.on('error', () => {}) // 'close' follows
    socket.on('close', () => {
      for (const { reject } of this._waiting.values()) reject(new Error('the connection was closed'))
      this._waiting.clear()
    })
    socket.on('data', chunk => this._receive(chunk))
  }

  /**
   * @param {string} address `host:port`
   * @returns {Promise<RawConnection>} rejects with the socket's error
   */
  static open (address) {
    const [host, port] = address.split(':')
    return new Promise((resolve, reject) => {
      const socket = net.connect(Number(port), host)
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new RawConnection(socket))
      })
    })
  }

  /**
   * @param {number} apiKey
   * @param {number} [version] one with the old, inflexible header
   * @param {Buffer} [body]
   * @returns {Promise<Buffer>} the answer's body; rejects when the connection closes first
   */
  request (apiKey, version = 0, body = Buffer.alloc(0)) {
    const correlation = ++this._correlation
    const header = Buffer.alloc(8)
    header.writeInt16BE(apiKey, 0)
    header.writeInt16BE(version, 2)
    header.writeInt32BE(correlation, 4)
    const message = Buffer.concat([header, RawConnection.string('raw'), body])
    const answer = new Promise((resolve, reject) => this._waiting.set(correlation, { resolve, reject }))
    this._socket.write(Buffer.concat([RawConnection.int32(message.length), message]))
    return /** @type {Promise<Buffer>} */ (answer)
  }

  close () {
    this._socket.destroy()
  }

  /** @param {Buffer} chunk */
  _receive (chunk) {
    this._received = Buffer.concat([this._received, chunk])
    while (this._received.length >= 4 && this._received.length >= 4 + this._received.readInt32BE(0)) {
      const end = 4 + this._received.readInt32BE(0)
      const correlation = this._received.readInt32BE(4)
      const body = this._received.subarray(8, end)
      this._received = this._received.subarray(end)
      this._waiting.get(correlation)?.resolve(body)
      this._waiting.delete(correlation)
    }
  }

  /** @param {string} text */
  static string (text) {
    const bytes = Buffer.from(text)
    const length = Buffer.alloc(2)
    length.writeInt16BE(bytes.length)
    return Buffer.concat([length, bytes])
  }

  /** @param {number} value */
  static int32 (value) {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(value)
    return bytes
  }
}

module.exports = { RawConnection }
