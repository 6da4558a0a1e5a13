'use strict'

// The benchmark, short: that every kind of workload ends well, and that it fails when something arrives wrong.

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { test } = require('node:test')
const { SUITES, WORKLOADS } = require('../../bench/workloads')
const { bootstrap } = require('../helpers/broker')

const ROOT = path.resolve(__dirname, '..', '..')
const DOUBLE = path.join(__dirname, '..', 'helpers', 'bench-double.js')

/**
 * @param {string[]} args
 * @param {string} [fault] of the double
 * @returns {Promise<{ code: number | null, stdout: string, stderr: string }>}
 */
function bench (args, fault) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [path.join(ROOT, 'bench', 'run.js'), '--brokers', bootstrap(), ...args], {
      cwd: ROOT, env: { ...process.env, BENCH_FAULT: fault }, stdio: ['ignore', 'pipe', 'pipe']
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', text => { stdout += text })
    child.stderr.setEncoding('utf8').on('data', text => { stderr += text })
    child.on('error', reject)
    child.on('close', code => resolve({ code, stdout, stderr }))
  })
}

/** @param {string} place */
const between = (place, text) => new RegExp(`<!-- bench: ${place} -->\n([^]*?)<!-- bench end -->`).exec(text)?.[1] ?? ''

test('every kind of workload ends with verified arrival on kafka-oxide and on kafkajs', async t => {
  const clients = ['kafka-oxide', 'kafkajs']
  const { code, stdout, stderr } = await bench(
    ['--suite', 'short', '--only', clients.join(), '--messages', '5000', '--rounds', '1', '--json'])
  assert.equal(code, 0, stderr)
  const { rounds, failures } = JSON.parse(stdout)
  assert.deepEqual(failures, [])
  const short = WORKLOADS.filter(({ suites }) => suites.includes('short'))
  assert.deepEqual(new Set(short.map(({ kind }) => kind)), new Set(WORKLOADS.map(({ kind }) => kind)))
  for (const { name, kind, idle } of short) {
    for (const client of clients) {
      const figures = rounds[name][client]
      assert.equal(figures.length, 1, `${name} with ${client}`)
      const keys = { startup: ['took'], awaited: ['rate', 'p50', 'p99'], latency: ['rate', 'p50', 'p99'] }[kind] ??
        (idle ? ['rssNow', 'idleCpu'] : ['rate', 'mb', 'cpu', 'rss'])
      for (const key of keys) assert.ok(figures[0][key] > 0, `${name} with ${client}: ${key} is ${figures[0][key]}`)
    }
  }

  // What was measured becomes tables and a chart without measuring again.
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'kafka-oxide-bench-'))
  t.after(() => fs.rmSync(folder, { recursive: true }))
  const [json, svg, docs] = ['figures.json', 'chart.svg', 'page.md'].map(name => path.join(folder, name))
  fs.writeFileSync(json, stdout)
  fs.writeFileSync(docs, ['core', 'partitions', 'goals'].map(name => `<!-- bench: ${name} -->\nold\n<!-- bench end -->`).join('\n'))
  const report = await bench(['--from', json, '--svg', svg, '--docs', docs])
  assert.equal(report.code, 0, report.stderr)
  for (const { title } of short) assert.ok(report.stdout.includes(title), title)
  const page = fs.readFileSync(docs, 'utf8')
  assert.match(between('core', page), /^\| +\| kafka-oxide +\| kafkajs +\|\n[^]*consume, eachBatch/)
  assert.match(between('goals', page), /produce: messages\/s against the best peer +\| at least 5× +\| [\d.]+× +\| (NOT )?met/)
  assert.equal(between('partitions', page), 'old\n')
  assert.match(fs.readFileSync(svg, 'utf8'), /^<svg [^]*<rect class="bar ours"[^]*<\/svg>\n$/)
})

const FAULTS = {
  'send-drop': ['produce', /4999 messages were stored, 5000 were sent/],
  'send-double': ['produce', /5001 messages were stored, 5000 were sent/],
  'send-alter': ['produce', /the bytes that arrived are not those that were sent/],
  'take-drop': ['eachMessage', /only 4999 of 5000 messages arrived, none for 2 s/],
  'take-double': ['eachMessage', /came out of their partition's order/],
  'take-alter': ['eachBatch', /the bytes that arrived are not those that were sent/],
  'take-swap': ['eachBatch', /1 messages came out of their partition's order/],
  'take-alter-text': ['eachMessage-read', /1 messages were altered/]
}

for (const [fault, [workload, message]] of Object.entries(FAULTS)) {
  test(`the bench fails when a client does that: ${fault}`, async () => {
    const { code, stderr } = await bench(['--client', DOUBLE, '--only', `double,${workload}`, '--messages', '5000',
      '--rounds', '1', '--patience', '2'], fault)
    assert.equal(code, 1, stderr)
    assert.match(stderr, new RegExp(`^FAILED ${workload} with double: `, 'm'))
    assert.match(stderr, message)
  })
}

test('the double without a fault passes', async () => {
  const { code, stdout, stderr } = await bench(
    ['--client', DOUBLE, '--only', 'double,produce,eachMessage-read', '--messages', '5000', '--rounds', '1'])
  assert.equal(code, 0, stderr)
  assert.match(stdout, /Everything that was sent arrived\.$/m)
})

test('a name that does not exist is refused with those that do', async () => {
  const { code, stderr } = await bench(['--suite', 'everything'])
  assert.equal(code, 1)
  assert.match(stderr, new RegExp(`--suite does not know everything; it is ${Object.keys(SUITES).join(', ')} or all`))
})
