'use strict'

// What a program can see of a library, as facts that can be compared: `KafkaJSError("text").retriable` → `true`.

const fs = require('node:fs')
const path = require('node:path')

/** @typedef {Map<string, string>} Facts name to value, as text */

const GUIDE = path.join(__dirname, '../../docs/migrating-from-kafkajs.md')

/** @param {unknown} value */
function text(value) {
  if (typeof value === 'function') return 'function'
  if (value instanceof Error) return `${value.name}: ${value.message}`
  if (Buffer.isBuffer(value)) return 'Buffer'
  if (Array.isArray(value)) return `[${value.map(text).join(', ')}]`
  if (typeof value === 'object' && value !== null) return 'object'
  return JSON.stringify(value) ?? 'undefined'
}

/**
 * Every property that can be reached, but not those that all objects have.
 * @param {Facts} facts
 * @param {string} name
 * @param {any} value
 * @param {(key: string, value: unknown) => string} [show]
 */
function walkObject(facts, name, value, show = (_, property) => text(property)) {
  facts.set(name, text(value))
  for (let level = value; level !== null && !OBJECTS.has(level); level = Object.getPrototypeOf(level)) {
    for (const key of Object.getOwnPropertyNames(level)) {
      if (key === 'constructor' || facts.has(`${name}.${key}`)) continue
      facts.set(`${name}.${key}`, show(key, value[key]))
    }
  }
}

/** Where a walk ends. Objects of programs in other realms are not walked. */
const OBJECTS = new Set([Object.prototype, Array.prototype, Buffer.prototype])

/** Only what `Object.keys` gives: what a spread copies. @param {Facts} facts @param {string} name @param {any} value */
function walkKeys(facts, name, value) {
  facts.set(`keys of ${name}`, text(Object.keys(value).sort()))
}

/** The names of a class and its parents. @param {any} Class */
function chain(Class) {
  const names = []
  for (let level = Class; typeof level === 'function' && level.name !== ''; level = Object.getPrototypeOf(level)) {
    names.push(level.name)
  }
  return names.join(' < ')
}

/**
 * What an instance has of its own. The stack is left out.
 * @param {Facts} facts
 * @param {string} name
 * @param {() => any} make
 */
function walkError(facts, name, make) {
  let error
  try {
    error = make()
  } catch (thrown) {
    facts.set(name, `throws ${/** @type {Error} */ (thrown).name}`)
    return
  }
  for (const key of Object.getOwnPropertyNames(error)) {
    if (key === 'stack') continue
    const hidden = Object.prototype.propertyIsEnumerable.call(error, key) ? '' : ' (hidden)'
    facts.set(`${name}.${key}`, text(error[key]) + hidden)
  }
  facts.set(`${name} as text`, String(error))
}

/**
 * @param {Facts} ours
 * @param {Facts} theirs
 * @returns {{ name: string, theirs: string, ours: string }[]}
 */
function differences(ours, theirs) {
  return [...new Set([...theirs.keys(), ...ours.keys()])]
    .map((name) => ({ name, theirs: theirs.get(name) ?? 'absent', ours: ours.get(name) ?? 'absent' }))
    .filter((difference) => difference.theirs !== difference.ours)
}

/**
 * The guide's table of differences: which names, what kafkajs has there and what kafka-oxide has, each as patterns in backticks
 * in which `*` stands for any text, and why.
 * @typedef {{ names: string[], theirs: string[], ours: string[], why: string }} Explanation
 */

/** @returns {Explanation[]} */
function explanations() {
  const lines = fs.readFileSync(GUIDE, 'utf8').split('\n')
  const start = lines.findIndex((line) => line.startsWith('| names | in kafkajs | here |'))
  if (start === -1) throw new Error(`${GUIDE} has no table "| names | in kafkajs | here |"`)
  const length = lines.slice(start).findIndex((line) => !line.startsWith('|'))
  return lines.slice(start + 2, start + length).map((line) => {
    const [names, theirs, ours, why] = line.slice(2, -2).split(' | ')
    const patterns = (/** @type {string} */ cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, pattern]) => pattern)
    return { names: patterns(names), theirs: patterns(theirs), ours: patterns(ours), why: (why || '').trim() }
  })
}

/** @param {string[]} patterns @param {string} given */
function matches(patterns, given) {
  return patterns.some((pattern) => {
    const source = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')
    return new RegExp(`^${source}$`, 's').test(given)
  })
}

/**
 * Differences that no line of the guide explains, as text.
 * @param {ReturnType<typeof differences>} found
 * @param {Explanation[]} [given]
 */
function unexplained(found, given = explanations()) {
  return found.filter((one) => !given.some((line) => explains(line, one)))
    .map(({ name, theirs, ours }) => `${name}: ${theirs} in kafkajs, ${ours} here`)
}

/** @param {Explanation} line @param {ReturnType<typeof differences>[number]} found */
function explains(line, { name, theirs, ours }) {
  return matches(line.names, name) && matches(line.theirs, theirs) && matches(line.ours, ours)
}

module.exports = { chain, differences, explains, explanations, unexplained, walkError, walkKeys, walkObject }
