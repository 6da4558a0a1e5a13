'use strict'

// `npm run demo`: a real data set goes through a Kafka cluster and back, and every byte is compared. On a fresh clone
// it first installs the npm packages and builds the addon.

const { parseArgs } = require('node:util')
const { ensurePackages } = require('./lib/packages')
const { ensureBuilt } = require('./build')
const { demand } = require('./prerequisites')
const { DemoFailure } = require('./demo/failure')

const USAGE = `Usage: npm run demo [-- --brokers host:port[,host:port]...]
Produces the cities of the world (some 170,000 records, keyed by country, with headers) to a topic with 24 partitions,
consumes them in a group, and compares count, order per key and every byte of key, value and headers.
  --brokers  a Kafka cluster to do it on: makes a topic of its own there, and deletes it when all went well.
             Without it a cluster of three brokers runs inside the demo's process.
  --help     prints this
Exit code 0 when everything came back as it went in, else 1 with the records that did not.`

/**
 * @param {string[]} args
 * @returns {{ help: boolean, brokers?: string[] }}
 * @throws {DemoFailure} for what cannot be understood
 */
function readArguments (args) {
  let values
  try {
    values = parseArgs({ args, options: { brokers: { type: 'string' }, help: { type: 'boolean', short: 'h' } } }).values
  } catch (error) {
    throw new DemoFailure(`${/** @type {Error} */ (error).message}\n${USAGE}`)
  }
  if (values.help) return { help: true }
  if (values.brokers === undefined) return { help: false }
  const brokers = values.brokers.split(',').map(address => address.trim())
  for (const address of brokers) {
    const port = Number(/^(?:\[[^\]]+\]|[^\s:/]+):(\d+)$/.exec(address)?.[1])
    if (!(port >= 1 && port <= 65535)) {
      throw new DemoFailure(`--brokers: '${address}' is no address. Write host:port, several joined by commas, ` +
        'as in --brokers localhost:9092')
    }
  }
  return { help: false, brokers }
}

/** @param {string[]} args */
async function main (args) {
  const { help, brokers } = readArguments(args)
  if (help) return console.log(USAGE)
  demand([], 'npm run demo')
  ensurePackages()
  ensureBuilt()
  // Only now: it needs the packages and the addon.
  const { runDemo } = require('./demo/run')
  await runDemo({ brokers })
}

if (require.main === module) {
  main(process.argv.slice(2)).catch(error => {
    console.error(error instanceof DemoFailure ? `\n${error.message}` : error)
    process.exitCode = 1
  })
}

module.exports = { readArguments }
