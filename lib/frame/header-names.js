'use strict'

/** Names are few and come again with each message: what is remembered at most, and of which length. Powers of two. */
const PLACES = 256
const LONGEST = 64

/** @typedef {{ bytes: Uint8Array, text: string }} Known */
/** By a hash of the bytes; the last one of a place wins. @type {(Known | undefined)[]} */
const known = new Array(PLACES).fill(undefined)

/**
 * A header's name. Made once as long as it stays the last one of its place: making text costs five times as much as finding it.
 * @param {Buffer} frame @param {number} from @param {number} length
 * @returns {string}
 */
function headerName(frame, from, length) {
  if (length === 0 || length > LONGEST) return frame.utf8Slice(from, from + length)
  const place = (length * 7 + frame[from] * 31 + frame[from + (length >> 1)] * 5 + frame[from + length - 1]) & (PLACES - 1)
  const found = known[place]
  if (found !== undefined && found.bytes.length === length) {
    const { bytes } = found
    let i = 0
    while (i < length && bytes[i] === frame[from + i]) i++
    if (i === length) return found.text
  }
  const bytes = Uint8Array.prototype.slice.call(frame, from, from + length)
  // The one that V8 keeps for property names, which it finds quicker.
  const [text] = Object.keys({ [frame.utf8Slice(from, from + length)]: 0 })
  known[place] = { bytes, text }
  return text
}

module.exports = { headerName }
