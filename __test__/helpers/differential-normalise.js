'use strict'

// Outcomes of two runs made comparable: what must differ (names, ids, times) becomes a placeholder, errors become data.

/** Fields that differ from run to run. Their kind of value is compared: `<digits>`, `<number>`, `<text>`. */
const VOLATILE = new Set([
  'timestamp', 'firstTimestamp', 'maxTimestamp', 'memberId', 'leaderId', 'duration', 'createdAt', 'sentAt', 'pendingDuration',
  'host', 'port', 'clientHost', 'correlationId', 'broker', 'retryTime', 'stack', 'clusterId', 'producerId',
])

/** @param {any} value */
function placeholder(value) {
  if (typeof value === 'string') return /^\d+$/.test(value) ? '<digits>' : value === '' ? '' : '<text>'
  if (typeof value === 'number') return Number.isNaN(value) ? NaN : '<number>'
  return value
}

/**
 * @param {any} value
 * @param {{ names: Map<string, string>, lib: any }} run  names: what a name that was made for this run is called in outcomes
 * @returns {any}
 */
function normalise(value, run) {
  const replacements = [...run.names].sort(([a], [b]) => b.length - a.length)
  const text = (/** @type {string} */ string) =>
    replacements.reduce((result, [name, called]) => result.split(name).join(called), string)

  /** @param {any} one @param {any[]} above @returns {any} */
  const walk = (one, above) => {
    if (typeof one === 'string') return text(one)
    if (typeof one === 'function') return '<function>'
    if (typeof one !== 'object' || one === null) return one
    if (above.includes(one)) return '<circular>'
    const path = [...above, one]
    if (Buffer.isBuffer(one)) return { $buffer: text(one.toString('latin1')) }
    if (isError(one)) return error(one, path)
    if (one instanceof Exactly) return one.value
    if (Array.isArray(one)) return one.map((entry) => walk(entry, path))
    if (one instanceof Map) return { $map: walk([...one], path) }
    if (one instanceof Set) return { $set: walk([...one], path) }
    return Object.fromEntries(Object.keys(one).map((key) => [
      text(key), VOLATILE.has(key) ? placeholder(one[key]) : walk(one[key], path),
    ]))
  }

  /** @param {any} one @param {any[]} path */
  const error = (one, path) => {
    /** @type {Record<string, any>} */
    const data = {
      $error: one.constructor && one.constructor.name,
      classes: classesOf(one),
      exported: run.lib[one.constructor && one.constructor.name] === one.constructor,
      name: one.name,
      message: walk(one.message, path),
      retriable: one.retriable,
    }
    for (const key of ['type', 'code', 'topic', 'partition', 'partitions', 'groups', 'errors', 'retryCount', 'apiKey', 'apiName']) {
      if (one[key] !== undefined) data[key] = walk(one[key], path)
    }
    if (one.cause !== undefined) data.cause = walk(one.cause, path)
    return data
  }
  return walk(value, [])
}

/** Also one of another realm. @param {any} value */
function isError(value) {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]'
}

/** Its class and those above it, the most special one first. @param {any} error */
function classesOf(error) {
  const names = []
  for (let at = Object.getPrototypeOf(error); at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    names.push(at.constructor.name)
  }
  return names
}

/** A value that is compared as it is, whatever its field is called. */
class Exactly {
  /** @param {any} value plain data */
  constructor(value) {
    this.value = value
  }
}

module.exports = { normalise, Exactly }
