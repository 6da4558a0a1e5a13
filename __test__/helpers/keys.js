'use strict'

/**
 * Keys of all kinds: text and bytes, empty and long, of every alphabet, the same at each call.
 * @param {number} count
 * @returns {(string | Buffer)[]}
 */
function manyKeys(count) {
  let seed = 7
  const random = (/** @type {number} */ below) => (seed = (seed * 48271) % 2147483647) % below
  const units = ['a', 'Z', '0', '-', ' ', 'é', 'ß', 'ж', '鍵', '🦀', '\u0000', '\u007f', '\ud800']
  const text = (/** @type {number} */ length) => Array.from({ length }, () => units[random(units.length)]).join('')
  const bytes = (/** @type {number} */ length) => Buffer.from(Array.from({ length }, () => random(256)))
  /** @type {(string | Buffer)[]} */
  const keys = ['', Buffer.alloc(0), '0', 'null', text(3000), bytes(3000)]
  while (keys.length < count) keys.push([`user-${random(1e9)}`, text(random(40)), bytes(random(40))][random(3)])
  return keys
}

module.exports = { manyKeys }
