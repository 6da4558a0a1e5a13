'use strict'

// `npm run kafka -- start | stop | status`: an Apache Kafka to play with, that keeps running until it is stopped.

const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { parseArgs } = require('node:util')
const { setTimeout: delay } = require('node:timers/promises')
const { CACHE } = require('./lib/paths')
const { demand } = require('./prerequisites')
const { KafkaBroker } = require('./kafka/broker')
const { probe } = require('./kafka/probe')

const STATE = path.join(CACHE, 'kafka', 'running.json')

const USAGE = `Usage: npm run kafka -- <command>
  start [--version 4.1.0] [--brokers 1] [--property name=value]...
             fetches Apache Kafka (first time only), starts it on free loopback ports and prints its address;
             4.1.0 and 3.9.1 are the versions the tests use
  stop       stops it and removes its data
  status     says whether it runs, its address and where its logs are`

/** @typedef {{ version: string, bootstrapServers: string, pids: number[], folder: string }} State */

/** @returns {State | undefined} of the cluster that was started and not stopped */
function readState () {
  try {
    return JSON.parse(fs.readFileSync(STATE, 'utf8'))
  } catch {
    return undefined
  }
}

/**
 * Whether this process is still the Kafka server we started there, and not a later one with the same number.
 * @param {number} pid
 * @param {string} folder
 */
function isOurs (pid, folder) {
  try {
    process.kill(pid, 0)
    if (process.platform === 'win32') return true
    return execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { encoding: 'utf8' }).includes(folder)
  } catch {
    return false
  }
}

/** @param {State} state @returns {number[]} */
const alive = state => state.pids.filter(pid => isOurs(pid, state.folder))

/** @param {{ version?: string, brokers?: string, property?: string[] }} options */
async function start ({ version = '4.1.0', brokers = '1', property = [] }) {
  const running = readState()
  if (running && alive(running).length > 0) {
    throw new Error(`Apache Kafka ${running.version} runs already at ${running.bootstrapServers}; ` +
      'stop it with: npm run kafka -- stop')
  }
  if (running) removeState(running)
  demand(['broker'], 'npm run kafka')
  const properties = Object.fromEntries(property.map(text => {
    const [name, ...value] = text.split('=')
    if (!name || value.length === 0) throw new Error(`--property ${text}: write it as name=value`)
    return [name, value.join('=')]
  }))
  console.log(`Starting Apache Kafka ${version} ...`)
  const cluster = await KafkaBroker.start({ version, brokers: Number(brokers), properties })
  /** @type {State} */
  const state = { version, bootstrapServers: cluster.bootstrapServers, pids: cluster.pids, folder: cluster.folder }
  fs.writeFileSync(STATE, JSON.stringify(state, null, 2) + '\n')
  cluster.release()
  console.log(`Apache Kafka ${version} runs at ${state.bootstrapServers}\n` +
    `logs: ${path.join(state.folder, 'node-*.log')}\nstop it with: npm run kafka -- stop`)
}

async function stop () {
  const state = readState()
  if (!state) return console.log('Apache Kafka does not run.')
  for (const pid of alive(state)) process.kill(pid, 'SIGKILL')
  const deadline = Date.now() + 20_000
  while (alive(state).length > 0) {
    if (Date.now() > deadline) throw new Error(`processes ${alive(state)} do not end`)
    await delay(50)
  }
  removeState(state)
  console.log(`Stopped Apache Kafka ${state.version} and removed its data.`)
}

async function status () {
  const state = readState()
  const pids = state ? alive(state) : []
  if (!state || pids.length === 0) {
    console.log('Apache Kafka does not run. Start it with: npm run kafka -- start')
    process.exitCode = 3 // as `service x status` does for a service that is not running
    return
  }
  console.log(`Apache Kafka ${state.version} runs at ${state.bootstrapServers} ` +
    `(${pids.length} of ${state.pids.length} processes: ${pids.join(', ')})`)
  for (const address of state.bootstrapServers.split(',')) {
    const answer = await probe(Number(address.split(':')[1])).then(ids => `answers, knows brokers ${ids.join(', ')}`,
      error => `does not answer: ${error.message}`)
    console.log(`  ${address} ${answer}`)
  }
  console.log(`logs: ${path.join(state.folder, 'node-*.log')}`)
}

/** @param {State} state */
function removeState (state) {
  fs.rmSync(state.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  fs.rmSync(STATE, { force: true })
}

/** @param {string[]} args */
async function main (args) {
  const { values, positionals: [command, ...rest] } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      version: { type: 'string' }, brokers: { type: 'string' }, property: { type: 'string', multiple: true },
      help: { type: 'boolean', short: 'h' }
    }
  })
  if (values.help || command === 'help') return console.log(USAGE)
  if (rest.length > 0) throw new Error(`unexpected ${rest.join(' ')}\n${USAGE}`)
  switch (command) {
    case 'start': return start(values)
    case 'stop': return stop()
    case 'status': return status()
    default: throw new Error(`${command ? `unknown command '${command}'` : 'a command is missing'}\n${USAGE}`)
  }
}

main(process.argv.slice(2)).catch(error => {
  console.error(error.message)
  process.exitCode = 1
})
