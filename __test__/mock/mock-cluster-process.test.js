'use strict'

// A mock cluster is a guest in somebody's test process: it must not hold it, end it, print in it or vanish from it.

const assert = require('node:assert/strict')
const { execFile } = require('node:child_process')
const path = require('node:path')
const { test } = require('node:test')
const { promisify } = require('node:util')
const { setFlagsFromString } = require('node:v8')
const { Worker } = require('node:worker_threads')
const { RawConnection } = require('../helpers/raw-connection')
const { FLAGS } = require('../helpers/steady-workers')
const { once, waitFor } = require('../helpers/wait')

const TESTING = path.join(__dirname, '../../lib/testing.js')
const HELPERS = path.join(__dirname, '../helpers')

/**
 * Runs a script in a Node of its own, in which `MockCluster` and `RawConnection` are defined.
 * @param {string} body of an async function
 * @param {string[]} [flags]
 * @returns {Promise<{ stdout: string, stderr: string }>} rejects when the script does not end by itself with 0
 */
function run (body, flags = []) {
  const script = `
    const { MockCluster } = require(${JSON.stringify(TESTING)})
    const { RawConnection } = require(${JSON.stringify(path.join(HELPERS, 'raw-connection'))})
    const { waitFor } = require(${JSON.stringify(path.join(HELPERS, 'wait'))})
    ;(async () => { ${body} })().catch(error => { console.error(error); process.exit(3) })`
  return promisify(execFile)(process.execPath, [...flags, '-e', script], { timeout: 60_000 })
}

setFlagsFromString(FLAGS.join(' '))

test('a cluster that is not closed does not keep the process alive, nor trouble its end', async () => {
  assert.deepEqual(await run('await MockCluster.start(); await MockCluster.start()'), { stdout: '', stderr: '' })
})

test('process.exit ends a process with a busy cluster cleanly', async () => {
  const { stdout, stderr } = await run(`
    const cluster = await MockCluster.start()
    const connections = await Promise.all(cluster.brokers.map(RawConnection.open))
    for (const connection of connections) {
      const ask = () => connection.request(18).then(ask, () => {})
      ask()
    }
    await connections[0].request(18)
    process.exit(0)`)
  assert.deepEqual({ stdout, stderr }, { stdout: '', stderr: '' })
})

test('requests that the brokers cannot serve are not printed about', async () => {
  const output = await run(`
    const cluster = await MockCluster.start({ brokers: 1 })
    for (const [api, version] of [[19, 0], [999, 0], [-5, 0], [0, 99], [1, 0]]) {
      const connection = await RawConnection.open(cluster.brokers[0])
      await connection.request(api, version, Buffer.alloc(3)).catch(() => {})
      connection.close()
    }
    await cluster.createTopic({ topic: 'still-there' })
    await cluster.close()`)
  assert.deepEqual(output, { stdout: '', stderr: '' })
})

test('a cluster lives on when only its address was kept', async () => {
  const output = await run(`
    const { bootstrapServers } = await MockCluster.start({ brokers: 1 })
    for (let i = 0; i < 3; i++) {
      await new Promise(setImmediate)
      globalThis.gc()
    }
    const connection = await RawConnection.open(bootstrapServers)
    await connection.request(18)
    connection.close()`, ['--expose-gc'])
  assert.deepEqual(output, { stdout: '', stderr: '' })
})

test('a cluster survives signals', { skip: process.platform === 'win32' && 'no signals there' }, async () => {
  const { stdout } = await run(`
    const cluster = await MockCluster.start({ brokers: 1 })
    const connection = await RawConnection.open(cluster.brokers[0])
    let received = 0
    process.on('SIGUSR2', () => { received++ })
    for (let i = 0; i < 50; i++) {
      const before = received
      process.kill(process.pid, 'SIGUSR2')
      await waitFor(() => received > before, { interval: 1 })
      await connection.request(18)
    }
    await cluster.createTopic({ topic: 'after' })
    connection.close()
    console.log(received)`)
  assert.equal(Number(stdout), 50)
})

test('workers that end with a live cluster take it with them, and nothing else', async () => {
  for (let round = 0; round < 5; round++) {
    const worker = new Worker(`
      const { parentPort } = require('node:worker_threads')
      const { MockCluster } = require(${JSON.stringify(TESTING)})
      setInterval(() => {}, 1e9)
      MockCluster.start({ brokers: 2 }).then(cluster => {
        parentPort.postMessage(cluster.brokers)
        const again = () => cluster.setLatency(1, 0).then(() => setImmediate(again))
        again()
      })`, { eval: true })
    const [brokers] = await once(worker, 'message')
    const connection = await RawConnection.open(brokers[0])
    await connection.request(18)
    await worker.terminate()
    await connection.closed
    await waitFor(() => RawConnection.open(brokers[1]).then(
      open => open.close(),
      error => error.code === 'ECONNREFUSED'), { message: 'the ports to be closed' })
  }
})
