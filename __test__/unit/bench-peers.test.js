'use strict'

// What the benchmark says of peers that are not installed, and how it reads librdkafka's own program. The peers
// themselves are installed by hand (bench/install.js), so nothing here needs one.

const { test } = require('node:test')
const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { ROOT } = require('../../scripts/lib/paths')

/** The benchmark as a fresh clone has it: without anything that was installed or built. */
function freshClone (t) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'kafka-oxide-bench-'))
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }))
  for (const name of ['bench', 'scripts', 'package.json']) {
    fs.cpSync(path.join(ROOT, name), path.join(folder, name), {
      recursive: true, filter: file => path.basename(file) !== 'node_modules'
    })
  }
  return folder
}

function clientsOf (folder) {
  return require(path.join(folder, 'bench', 'clients', 'index.js')).CLIENTS
}

/** Programs are looked for where cargo puts them. */
function setTarget (t, folder) {
  const before = process.env.CARGO_TARGET_DIR
  process.env.CARGO_TARGET_DIR = folder
  t.after(() => {
    if (before === undefined) delete process.env.CARGO_TARGET_DIR
    else process.env.CARGO_TARGET_DIR = before
  })
}

const PEERS = ['@confluentinc/kafka-javascript', 'node-rdkafka', 'kafka-crab-js', '@platformatic/kafka']

test('the benchmark knows every peer, and loading its clients loads none of them', () => {
  const script = `
    const { CLIENTS } = require('./bench/clients/index.js')
    const loaded = Object.keys(require.cache).filter(file => file.includes('node_modules'))
    console.log(JSON.stringify({ names: CLIENTS.map(({ name }) => name), loaded }))`
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { cwd: ROOT, encoding: 'utf8' })
  assert.equal(stderr, '')
  const { names, loaded } = JSON.parse(stdout)
  assert.deepEqual(names, ['kafka-oxide', 'kafkajs', ...PEERS, 'rdkafka_performance'])
  assert.deepEqual(loaded, [])
})

test('a peer that is not installed says so and how to install it', async t => {
  const clients = clientsOf(freshClone(t))
  for (const name of PEERS) {
    const client = clients.find(client => client.name === name)
    const reason = client.missing()
    assert.match(reason, /^\S+ [\d.]+ is not installed: run node bench\/install\.js$/)
    assert.ok(reason.startsWith(`${name} `), reason)
    const settings = { brokers: ['127.0.0.1:1'], topic: 't', kind: 'produce', maxBytes: 1e6 }
    await assert.rejects(client.producer(settings), { message: reason })
    await assert.rejects(client.consumer({ ...settings, kind: 'eachBatch', style: 'eachBatch' }), { message: reason })
  }
})

test('a peer of another version than the benchmark names is not measured', t => {
  const folder = freshClone(t)
  const peer = path.join(folder, 'bench', 'peers', 'node-rdkafka', 'node_modules', 'node-rdkafka')
  fs.mkdirSync(peer, { recursive: true })
  fs.writeFileSync(path.join(peer, 'package.json'), '{"version":"v0.0.1"}')
  const { missing } = clientsOf(folder).find(({ name }) => name === 'node-rdkafka')
  assert.match(missing(), /^node-rdkafka is there as 0\.0\.1, not as [\d.]+: run node bench\/install\.js$/)
})

test('the installer says of each peer that it is missing, and ends with code 1', t => {
  const folder = freshClone(t)
  const env = { ...process.env, CARGO_TARGET_DIR: path.join(folder, 'target') }
  const install = path.join(folder, 'bench', 'install.js')
  const { status, stdout } = spawnSync(process.execPath, [install, '--check'], { encoding: 'utf8', env })
  assert.equal(status, 1)
  for (const name of PEERS) assert.match(stdout, new RegExp(`^${name}: MISSING\\. .* is not installed`, 'm'))
  assert.match(stdout, /^rdkafka_performance: MISSING\. .* is not built/m)
})

test('a build that lacks headers says which ones and how to get them', () => {
  const { missingHeaders } = require('../../bench/install')
  const group = { folder: 'x', clients: ['x'], debian: 'apt-get install libx-dev' }
  assert.equal(missingHeaders({ ...group, headers: ['stdio.h'] }), undefined)
  assert.equal(missingHeaders({ ...group, headers: ['stdio.h', 'no/such/header.h'] }),
    'its build needs no/such/header.h, which the C compiler does not find; on Debian: apt-get install libx-dev')
})

const SECOND = '% 600 messages produced (60000 bytes), 500 delivered (offset 89, 0 failed) in 1002ms: 507 msgs/s and 50.75 ' +
  'MB/s, 56 produce failures, 91489 in queue, no compression'
const PRODUCED = '% 1000 messages produced (100000 bytes), 1000 delivered (offset 166, 0 failed) in 2000ms: 722473 msgs/s ' +
  'and 72.25 MB/s, 64 produce failures, 0 in queue, no compression'
const CONSUMED = '% 1000 messages (100000 bytes) consumed in 4000ms: 1765013 msgs/s (176.50 MB/s)'

/** Programs that say what they are told to. @returns the file that holds the arguments of the last call */
function fakePrograms (t, { output, code = 0, costs = '{"cpu":0.5,"rss":2097152}' }) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'kafka-oxide-bench-'))
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }))
  setTarget(t, folder)
  fs.mkdirSync(path.join(folder, 'release'))
  const args = path.join(folder, 'args')
  for (const name of ['rdkafka_performance', 'awaited']) {
    const text = `#!/bin/sh\necho "$@" > ${args}\ncat <<'END'\n${output.join('\n')}\nEND\necho '${costs}' >&2\nexit ${code}\n`
    fs.writeFileSync(path.join(folder, 'release', name), text, { mode: 0o755 })
  }
  return args
}

const TASK = {
  kind: 'produce', brokers: ['a:1', 'b:2'], topic: 't', messages: 1000, valueBytes: 100, codec: 'none', maxBytes: 1e6,
  perSend: 1000
}
const program = require('../../bench/clients/rdkafka_performance')

test("librdkafka's own program: its last line is the result, its CPU is counted a message", async t => {
  const args = fakePrograms(t, { output: [SECOND, PRODUCED] })
  assert.equal(program.missing(), undefined)
  assert.deepEqual(await program.run(TASK), {
    figures: { seconds: 2, rate: 500, cpu: 500, rss: 2 }, tally: { count: 1000, bytes: 100000 }
  })
  assert.match(fs.readFileSync(args, 'utf8'), /^-P -b a:1,b:2 -t t -c 1000 -s 100 .*-a -1 -z none/)
})

test("librdkafka's own program consumes message by message, as a group", async t => {
  const args = fakePrograms(t, { output: [CONSUMED] })
  const result = { figures: { seconds: 4, rate: 250, cpu: 500, rss: 2 }, tally: { count: 1000, bytes: 100000 } }
  assert.deepEqual(await program.run({ ...TASK, kind: 'eachMessage' }), result)
  assert.match(fs.readFileSync(args, 'utf8'), /^-G \S+ -b a:1,b:2 -t t -c 1000 .*fetch\.queue\.backoff\.ms=10/)
  assert.doesNotMatch(fs.readFileSync(args, 'utf8'), / -B /)
})

test('awaited sends without JavaScript: the warm-up counts as sent', async t => {
  fakePrograms(t, { output: ['{"messages":1000,"seconds":0.5,"p50":0.25,"p99":1.5}'] })
  const { figures, tally } = await program.run({ ...TASK, kind: 'awaited' })
  assert.equal(figures.rate, 2000)
  assert.equal(figures.p50, 0.25)
  assert.equal(figures.p99, 1.5)
  assert.deepEqual(tally, { count: 1500, bytes: 150000 })
})

test("librdkafka's own program fails with what it said when a message was not delivered", async t => {
  fakePrograms(t, { output: [PRODUCED], code: 1 })
  await assert.rejects(program.run(TASK), /rdkafka_performance ended with code 1.*\n% 1000 messages produced/)
})
