'use strict'

// The differential suite: the same program on kafkajs and on kafka-oxide, against the same broker, must come to the same
// outcome. A case is a program; this file runs it on both and compares.
//
//   differential('producer: results', [
//     {
//       name: 'one record metadata for each partition',
//       run: async (lib, context) => {
//         const topic = await context.topic({ partitions: 2 })
//         const producer = await context.producer()
//         return producer.send({ topic, messages: [{ partition: 0, value: 'a' }, { partition: 1, value: 'b' }] })
//       },
//     },
//   ])

const assert = require('node:assert/strict')
const { after, before, describe, test } = require('node:test')
const fs = require('node:fs')
const path = require('node:path')
const kafkajs = require('kafkajs')
const oxide = require('../..')
const { Context, shared, warm } = require('./differential-context')
const { normalise } = require('./differential-normalise')
const { within } = require('./wait')
const { KafkaBroker } = require('../../scripts/kafka/broker')

// NODE_ENV=test gives kafkajs other retry defaults, and KAFKAJS_* other logs.
for (const name of ['NODE_ENV', 'KAFKAJS_LOG_LEVEL']) delete process.env[name]
process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1'

/** How long one half of a case may take, ms. Below the runner's limit for silence. */
const LIMIT = 90_000

const GUIDE = path.join(__dirname, '../../docs/migrating-from-kafkajs.md')

/**
 * @typedef {object} Case
 * @property {string} name  the behaviour, as the name of a test
 * @property {(lib: typeof import('../..'), context: Context) => Promise<any>} run  resolves with plain data. Errors are best
 *   caught by `context.caught()`; one that `run` throws is an outcome as well
 * @property {'same' | 'longer' | 'any'} [messages]  how texts of errors compare: the same (the default), ours says kafkajs's
 *   and more, or another one on purpose. Class, name, type, code, retriable and causes are always the same
 * @property {boolean} [unordered]  the outcome is a list whose order does not matter
 * @property {boolean} [everywhere]  also runs on Kafka 3.9.1
 * @property {{ guide: string, kafkajs: any, oxide: any }} [differs]  a difference on purpose: both outcomes, each asserted,
 *   and the bold heading of its entry in docs/migrating-from-kafkajs.md
 */

/** Set while Kafka 3.9.1 takes what is marked `everywhere`. @type {{ version: string } | undefined} */
let elsewhere

/**
 * @param {string} area
 * @param {Case[]} cases
 * @param {object} [options]
 * @param {number} [options.concurrency]  cases at a time: they wait much more than they work
 * @param {() => Promise<void>} [options.begin]  before all cases, e.g. starts a broker
 * @param {() => Promise<void>} [options.end]  after all cases
 */
function differential(area, cases, { concurrency = 8, begin = async () => {}, end = async () => {} } = {}) {
  const chosen = elsewhere === undefined ? cases : cases.filter(({ everywhere }) => everywhere)
  if (chosen.length === 0) return
  const where = elsewhere === undefined ? '' : ` on Kafka ${elsewhere.version}`
  describe(`${area}${where}`, { concurrency }, () => {
    before(async () => {
      await warm()
      await begin()
    })
    after(async () => {
      await shared.close()
      await end()
    })
    for (const one of chosen) test(`${area}: ${one.name}${where}`, () => compare(one))
  })
}

/** @param {Case} one */
async function compare(one) {
  const [theirs, ours] = await Promise.all([half(one, kafkajs, 'kafkajs'), half(one, oxide, 'kafka-oxide')])
  if (one.differs) {
    assert.deepEqual(theirs, one.differs.kafkajs, `${one.name}: kafkajs does not do what the case says of it`)
    assert.deepEqual(ours, one.differs.oxide, `${one.name}: kafka-oxide does not do what the case says of it`)
    assert.ok(
      fs.readFileSync(GUIDE, 'utf8').includes(`**${one.differs.guide}`),
      `docs/migrating-from-kafkajs.md has no entry **${one.differs.guide}**`,
    )
    return
  }
  const [expected, actual] = [theirs, ours].map((outcome) => (one.unordered ? sorted(outcome) : outcome))
  align(expected, actual, one.messages)
  assert.deepEqual(actual, expected, `${one.name}: kafka-oxide (actual) is not like kafkajs (expected)`)
}

/** @param {any} outcome */
function sorted(outcome) {
  if (!Array.isArray(outcome)) return outcome
  const keyed = outcome.map((entry) => /** @type {[string, any]} */ ([JSON.stringify(entry), entry]))
  return keyed.sort(([a], [b]) => (a < b ? -1 : Number(a > b))).map(([, entry]) => entry)
}

/**
 * What kafkajs gives up on while a KRaft broker that has just started or made a topic still learns of it (its createTopics()
 * that waits for leaders, its fetchOffsets()). A case that ends by one of these, thrown by kafkajs, is run again.
 */
const RACES = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'NOT_COORDINATOR_FOR_GROUP', 'GROUP_COORDINATOR_NOT_AVAILABLE', 'GROUP_LOAD_IN_PROGRESS'])

/** @param {any} outcome */
const isRace = (outcome) => {
  const error = outcome && outcome.thrown
  return error instanceof kafkajs.KafkaJSProtocolError && RACES.has(error.type)
}

/**
 * Runs a case on one library.
 * @param {Case} one @param {any} lib @param {string} name @param {number} [attempt]
 */
async function half(one, lib, name, attempt = 1) {
  const context = new Context(lib, name, one.name)
  try {
    let outcome
    try {
      outcome = await within(one.run(lib, context), `"${one.name}" on ${name}`, LIMIT)
    } catch (/** @type {any} */ error) {
      if (error instanceof assert.AssertionError || /^waited \d+ ms in vain/.test(error && error.message)) {
        error.message = `${name}: ${error.message}`
        throw error
      }
      outcome = { thrown: error }
    }
    if (!isRace(outcome) || attempt === 10) return normalise(outcome, context)
  } finally {
    await within(context.close(), `the clients of "${one.name}" on ${name} to close`)
  }
  return half(one, lib, name, attempt + 1)
}

/**
 * Takes away what may differ in errors: their texts where the case allows another one, and the `code` of ours where kafkajs's
 * has none (every error of ours has one).
 * @param {any} theirs @param {any} ours @param {Case['messages']} messages
 */
function align(theirs, ours, messages = 'same') {
  if (typeof theirs !== 'object' || typeof ours !== 'object' || theirs === null || ours === null) return
  if ('$error' in theirs && '$error' in ours) {
    if (!('code' in theirs)) delete ours.code
    if (messages === 'any' || (messages === 'longer' && ours.message.includes(theirs.message))) ours.message = theirs.message
  }
  for (const key of Object.keys(theirs)) align(theirs[key], ours[key], messages)
}

/**
 * Runs what is marked `everywhere` in all files of the tier, on a broker of another version.
 * @param {string} version
 */
function runElsewhere(version) {
  elsewhere = { version }
  describe(`Kafka ${version}`, () => {
    /** @type {KafkaBroker} */
    let broker
    before(async () => {
      broker = await KafkaBroker.start({ version })
      process.env.KAFKA_BOOTSTRAP = broker.bootstrapServers
    })
    after(() => broker.stop())
    const folder = path.join(__dirname, '../differential')
    for (const file of fs.readdirSync(folder).sort()) {
      if (file.endsWith('.test.js') && !file.startsWith('kafka-')) require(path.join(folder, file))
    }
  })
}

module.exports = { differential, runElsewhere }
