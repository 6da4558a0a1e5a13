'use strict'

// The demo as people start it, on its own embedded cluster, and what it says when it cannot succeed.

const assert = require('node:assert/strict')
const net = require('node:net')
const { test } = require('node:test')
const { runDemoProcess } = require('../helpers/demo-process')
const { once } = require('../helpers/wait')

test('the demo brings every record back from its embedded cluster, and says so', async () => {
  const { code, stdout, stderr } = await runDemoProcess()
  assert.equal(stderr, '')
  assert.equal(code, 0)
  assert.match(stdout, /^cluster +embedded, 3 brokers/m)
  assert.match(stdout, /^produced +171,075 messages in [\d.]+ s: [\d,]+ messages\/s, [\d.]+ MB\/s$/m)
  assert.match(stdout, /^consumed +171,075 messages in [\d.]+ s: [\d,]+ messages\/s, [\d.]+ MB\/s$/m)
  assert.match(stdout, /^verified +171,075 of 171,075 records, none lost, none stored twice; in order for each of /m)
  const [, sent] = /sent +([0-9a-f]{64})$/m.exec(stdout) ?? []
  const [, received] = /came back +([0-9a-f]{64})$/m.exec(stdout) ?? []
  assert.ok(sent)
  assert.equal(received, sent)

  // Not a terminal: a line for every tenth instead of a bar.
  assert.doesNotMatch(stdout, /[\r\x1b]/)
  for (const phase of ['produce', 'consume']) {
    const lines = stdout.split('\n').filter(line => line.startsWith(`${phase} `))
    assert.equal(lines.length, 10)
    assert.match(lines[9], /100 % {2}171,075 of 171,075/)
  }
})

test('the demo ends with code 1 and names the record whose value did not come back as it was', async () => {
  const { code, stdout, stderr } = await runDemoProcess([], { tamper: 'alter' })
  assert.equal(code, 1)
  assert.match(stderr, /Not everything came back as it went in \(171,075 of 171,075 records did come\):\n/)
  assert.match(stderr, /- record 3007 \(partition \d+, offset \d+\): the value came back as .*"lot/)
  assert.doesNotMatch(stdout, /^verified/m)
})

test('the demo ends with code 1 and names the record that did not come back', async () => {
  const { code, stdout, stderr } = await runDemoProcess([], { tamper: 'lose' })
  assert.equal(code, 1)
  assert.match(stderr, /\(171,074 of 171,075 records did come\):\n {2}- record 3007 \(key \w\w\) is missing: /)
  assert.doesNotMatch(stdout, /^verified/m)
})

test('the demo ends with code 1 and the reason when the brokers do not answer, or never speak', async t => {
  const server = net.createServer(socket => socket.on('error', () => {})).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = /** @type {net.AddressInfo} */ (server.address())
  const [closed, silent] = await Promise.all([
    runDemoProcess(['--brokers', `127.0.0.1:${await closedPort()}`]),
    runDemoProcess(['--brokers', `127.0.0.1:${port}`])
  ])
  assert.deepEqual([closed.code, silent.code], [1, 1])
  assert.match(closed.stderr, /The demo cannot use the brokers 127\.0\.0\.1:\d+: .*ECONNREFUSED/)
  assert.match(silent.stderr, new RegExp(`The demo cannot use the brokers 127\\.0\\.0\\.1:${port}: `))
  for (const { stderr } of [closed, silent]) assert.doesNotMatch(stderr, /\n +at /)
})

test('the demo says what to write when it does not understand its arguments', async () => {
  const noPort = await runDemoProcess(['--brokers', 'localhost'])
  assert.equal(noPort.code, 1)
  assert.match(noPort.stderr, /'localhost' is no address\. Write host:port/)
  const unknown = await runDemoProcess(['--broker', 'localhost:9092'])
  assert.equal(unknown.code, 1)
  assert.match(unknown.stderr, /Unknown option '--broker'[^]*Usage: npm run demo/)
})

test('--help prints the usage and does nothing else', async () => {
  const { code, stdout } = await runDemoProcess(['--help'])
  assert.equal(code, 0)
  assert.match(stdout, /^Usage: npm run demo/)
  assert.doesNotMatch(stdout, /embedded, 3 brokers/)
})

/** A port of this machine on which nobody listens. @returns {Promise<number>} */
async function closedPort () {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {net.AddressInfo} */ (server.address())
  server.close()
  await once(server, 'close')
  return port
}
