'use strict'

// `npm test`: everything that has to hold, in one command on a fresh clone. `npm test -- unit mock` runs single tiers
// and `npm test -- __test__/unit/x.test.js` single files. The last line is always `N passed, M failed`.

const path = require('node:path')
const { Jobs } = require('./lib/jobs')
const { ensurePackages } = require('./lib/packages')
const { TIERS, testFiles } = require('./lib/tiers')
const { ensureBuilt } = require('./build')
const { demand } = require('./prerequisites')
const { KafkaBroker } = require('./kafka/broker')

/** @typedef {import('./lib/tiers').Tier} Tier */
/** @typedef {{ tier: Tier, files: string[] }} Selection */

/**
 * Which tiers to run, and in each which files (none: all of them).
 * @param {string[]} args  tier names and test files
 * @returns {Selection[]}
 */
function select (args) {
  if (args.length === 0) return TIERS.map(tier => ({ tier, files: [] }))
  const names = new Set()
  /** @type {Map<string, string[]>} */
  const files = new Map()
  for (const arg of args) {
    const file = path.resolve(arg)
    const tier = TIERS.find(({ name }) => name === arg) || TIERS.find(({ name }) => testFiles(name).includes(file))
    if (!tier) {
      const list = TIERS.map(({ name, about }) => `  ${name.padEnd(14)} ${about}`).join('\n')
      throw new Error(`'${arg}' is neither a tier nor a test file of one. The tiers:\n${list}`)
    }
    names.add(tier.name)
    if (tier.name !== arg) files.set(tier.name, [...(files.get(tier.name) || []), file])
    else files.set(tier.name, [])
  }
  return TIERS.filter(({ name }) => names.has(name)).map(tier => ({ tier, files: files.get(tier.name) || [] }))
}

class Runner {
  constructor () {
    this._jobs = new Jobs()
    /** @type {Promise<KafkaBroker> | undefined} */
    this._broker = undefined
    /** @type {{ name: string, passed: number, failures: string[], note?: string, seconds: number }[]} */
    this._results = []
  }

  /** @param {Selection[]} selections */
  async run (selections) {
    for (const { tier, files } of selections) {
      if (this._jobs.stopped) return
      process.stdout.write(`\n== ${tier.name}: ${tier.about}\n`)
      const begun = Date.now()
      /** @type {{ passed: number, failures: string[], note?: string }} */
      let result
      try {
        result = await this._runTier(tier, files)
      } catch (error) {
        result = { passed: 0, failures: [`${tier.name}: ${/** @type {Error} */ (error).message}`] }
      }
      this._results.push({ name: tier.name, ...result, seconds: (Date.now() - begun) / 1000 })
    }
  }

  /**
   * @param {Tier} tier
   * @param {string[]} files
   */
  async _runTier (tier, files) {
    if (tier.mayBeEmpty && files.length === 0 && testFiles(tier.name).length === 0) {
      return { passed: 0, failures: [], note: 'there are none yet' }
    }
    const env = { ...process.env }
    delete env.NODE_TEST_CONTEXT // set when the runner is itself under test; its files would report to nobody
    delete env.KAFKA_BOOTSTRAP
    if (tier.broker) env.KAFKA_BOOTSTRAP = (await this._startBroker()).bootstrapServers
    const result = await tier.run({ jobs: this._jobs, env, files })
    if (result.passed + result.failures.length === 0) result.failures.push(`${tier.name}: ran no test`)
    return result
  }

  /** One broker for all tiers that need one, started by the first. */
  _startBroker () {
    this._broker ??= KafkaBroker.start().then(broker => {
      process.stdout.write(`Apache Kafka ${broker.version} at ${broker.bootstrapServers}\n`)
      return broker
    })
    return this._broker
  }

  /** Ends everything that was started. */
  async stop () {
    this._jobs.stop()
    if (!this._broker) return
    const broker = await this._broker.catch(() => undefined)
    if (broker) await broker.stop()
  }

  /**
   * Prints the totals.
   * @returns {boolean} whether all is well
   */
  report () {
    const failures = this._results.flatMap(result => result.failures)
    process.stdout.write('\ntier            passed  failed   seconds\n')
    for (const { name, passed, failures: { length }, seconds, note } of this._results) {
      process.stdout.write(`${name.padEnd(14)}${String(passed).padStart(8)}${String(length).padStart(8)}` +
        `${seconds.toFixed(1).padStart(10)}${note ? `  (${note})` : ''}\n`)
    }
    if (failures.length > 0) process.stdout.write(`\nFailures:\n${failures.map(text => `  - ${text}`).join('\n')}\n`)
    const passed = this._results.reduce((sum, result) => sum + result.passed, 0)
    process.stdout.write(`\n${passed} passed, ${failures.length} failed\n`)
    return failures.length === 0 && passed > 0
  }
}

/** @param {string[]} args */
async function main (args) {
  const selections = select(args)
  demand(selections.some(({ tier }) => tier.broker) ? ['native', 'broker'] : ['native'], 'npm test')
  ensurePackages()
  if (selections.some(({ tier }) => tier.addon)) ensureBuilt()

  const runner = new Runner()
  /** @type {[NodeJS.Signals, number][]} */
  const signals = [['SIGINT', 2], ['SIGTERM', 15], ['SIGHUP', 1]]
  for (const [signal, number] of signals) {
    process.once(signal, async () => {
      process.stdout.write(`\n${signal}: stopping\n`)
      await runner.stop()
      runner.report()
      process.exit(128 + number)
    })
  }
  try {
    await runner.run(selections)
  } finally {
    await runner.stop()
  }
  if (!runner.report()) process.exitCode = 1
}

if (require.main === module) {
  main(process.argv.slice(2)).catch(error => {
    console.error(error.message)
    console.log('0 passed, 1 failed')
    process.exitCode = 1
  })
}

module.exports = { select }
