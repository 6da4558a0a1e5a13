'use strict'

// Apache Kafka's jars, fetched once per version by Maven as pom.xml names them.

const { spawn } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { ROOT, CACHE } = require('../lib/paths')

/**
 * @param {string} version  of org.apache.kafka:kafka_2.13, as '4.1.0'
 * @returns {Promise<string>} the folder that holds the jars
 */
async function ensureJars (version) {
  if (!/^\d+\.\d+\.\d+$/.test(version)) {
    throw new TypeError(`Kafka version ${JSON.stringify(version)} is not one: write it in full, as '4.1.0'`)
  }
  const folder = path.join(CACHE, 'kafka', version)
  if (fs.existsSync(folder)) return folder
  const partial = `${folder}.${process.pid}.partial`
  fs.mkdirSync(partial, { recursive: true })
  try {
    await maven([
      '-q', '-B', '-f', path.join(ROOT, 'pom.xml'), 'dependency:copy-dependencies',
      `-Dkafka.version=${version}`, '-DincludeScope=runtime', `-DoutputDirectory=${partial}`
    ], version)
    // Renamed in one step when complete: an interrupted download never looks like a finished one.
    fs.renameSync(partial, folder)
  } catch (error) {
    fs.rmSync(partial, { recursive: true, force: true })
    if (!fs.existsSync(folder)) throw error // else another process was faster
  }
  return folder
}

/**
 * @param {string[]} args
 * @param {string} version for the message
 * @returns {Promise<void>}
 */
function maven (args, version) {
  return new Promise((resolve, reject) => {
    const child = spawn('mvn', args, { stdio: ['ignore', 'pipe', 'pipe'], shell: process.platform === 'win32' })
    let output = ''
    const keep = (/** @type {Buffer} */ chunk) => { output = (output + chunk).slice(-4000) }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', error => {
      reject(new Error(`Maven could not be started to fetch Apache Kafka ${version}: ${error.message}. ` +
        'Install it: see `node scripts/prerequisites.js`'))
    })
    child.on('close', code => {
      if (code === 0) return resolve()
      reject(new Error(`Maven could not fetch Apache Kafka ${version} (exit code ${code}):\n${output.trim()}`))
    })
  })
}

module.exports = { ensureJars }
