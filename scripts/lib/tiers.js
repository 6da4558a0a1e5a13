'use strict'

// The tiers of `npm test`, in the order in which they run: what needs least first.

const fs = require('node:fs')
const path = require('node:path')
const readline = require('node:readline')
const { ROOT } = require('./paths')
const { runTestFile } = require('./test-file')
const { cargoEnvironment } = require('../build')

/** @typedef {import('./test-file').Result} Result */

/**
 * @typedef {object} Run
 * @property {import('./jobs').Jobs} jobs
 * @property {NodeJS.ProcessEnv} env
 * @property {string[]} files  when not empty: only these test files
 */

/**
 * @typedef {object} Tier
 * @property {string} name
 * @property {string} about
 * @property {boolean} [addon]   needs the built addon
 * @property {boolean} [broker]  needs a running Apache Kafka, whose address is in KAFKA_BOOTSTRAP
 * @property {boolean} [mayBeEmpty]
 * @property {(run: Run) => Promise<Result>} run
 */

/** @type {Tier[]} */
const TIERS = [
  { name: 'rust', about: 'cargo test', run: runCargo },
  { name: 'unit', about: 'JavaScript alone, with the addon at most loaded', addon: true, run: folder('unit', 2) },
  { name: 'mock', about: 'librdkafka\'s mock cluster in the process', addon: true, run: folder('mock', 2) },
  { name: 'types', about: 'the typings, and tsc --checkJs over lib, scripts and bench', addon: true, run: runTypes },
  { name: 'broker', about: 'a real Apache Kafka', addon: true, broker: true, run: folder('broker', 2) },
  {
    name: 'differential', about: 'the same programs on kafkajs and on kafka-oxide', addon: true, broker: true,
    run: folder('differential', 1)
  },
  { name: 'install', about: 'the packed packages in an empty folder', addon: true, run: folder('install', 1) },
  {
    name: 'ecosystem', about: 'programs from npm that use kafkajs, on kafka-oxide under its name', addon: true,
    broker: true, run: folder('ecosystem', 1)
  },
  {
    name: 'issues', about: 'bugs that were reported', addon: true, broker: true, mayBeEmpty: true,
    run: folder('issues', 1)
  }
]

/**
 * Test files at or under a folder of __test__.
 * @param {string} name
 * @returns {string[]} sorted absolute paths
 */
function testFiles (name) {
  const root = path.join(ROOT, '__test__', name)
  if (!fs.existsSync(root)) return []
  return fs.readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.test.js') && !file.includes('node_modules'))
    .map(file => path.join(root, file)).sort()
}

/**
 * @param {string} name of the folder and the tier
 * @param {number} concurrency  processes at a time
 * @returns {Tier['run']}
 */
function folder (name, concurrency) {
  return ({ jobs, env, files }) => runFiles(jobs, files.length > 0 ? files : testFiles(name), env, concurrency)
}

/**
 * @param {Run['jobs']} jobs
 * @param {string[]} files
 * @param {NodeJS.ProcessEnv} env
 * @param {number} concurrency
 * @returns {Promise<Result>}
 */
async function runFiles (jobs, files, env, concurrency) {
  /** @type {Result} */
  const total = { passed: 0, failures: [] }
  const queue = [...files]
  const worker = async () => {
    for (let file = queue.shift(); file && !jobs.stopped; file = queue.shift()) {
      const title = `\n${path.relative(ROOT, file)}\n`
      // Side by side, the output of a file comes in one piece at its end; else as it is written.
      let output = title
      if (concurrency === 1) process.stdout.write(title)
      const print = (/** @type {string} */ text) => { concurrency === 1 ? process.stdout.write(text) : output += text }
      const { passed, failures } = await runTestFile(jobs, file, { env, print })
      if (concurrency > 1) process.stdout.write(output)
      total.passed += passed
      total.failures.push(...failures)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  return total
}

/** @type {Tier['run']} */
async function runCargo ({ jobs, env }) {
  /** @type {Result} */
  const result = { passed: 0, failures: [] }
  // The release profile, like the addon: the C libraries, which take minutes, are compiled only once.
  const args = ['test', '--release', '--no-fail-fast']
  const { code } = await runLines(jobs, 'cargo', args, { ...env, ...cargoEnvironment() }, line => {
    const totals = /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored/.exec(line)
    if (totals) result.passed += Number(totals[1])
    const failed = /^test (.+) \.\.\. (FAILED|ignored)/.exec(line)
    if (!failed) return
    const what = failed[2] === 'FAILED' ? 'failed' : 'was ignored, which is not allowed'
    result.failures.push(`cargo: ${failed[1]} ${what}`)
  })
  if (code !== 0 && result.failures.length === 0) result.failures.push(`cargo test ended with code ${code}`)
  return result
}

/** @type {Tier['run']} */
async function runTypes ({ jobs, env, files }) {
  const tsc = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
  const total = await runFiles(jobs, files.length > 0 ? files : testFiles('types'), env, 1)
  if (files.length > 0) return total
  const own = path.join(ROOT, '__test__', 'types', 'run.js')
  const programs = [
    ...(fs.existsSync(own) ? [[own]] : projects('__test__/types').map(project => [tsc, '-p', project])),
    ...projects('.').map(project => [tsc, '-p', project])
  ]
  for (const args of programs) {
    if (jobs.stopped) break
    const short = (/** @type {string} */ arg) => (path.isAbsolute(arg) ? path.relative(ROOT, arg) : arg)
    const title = args.map(arg => (arg === tsc ? 'tsc' : short(arg))).join(' ')
    process.stdout.write(`\n${title}\n`)
    /** @type {RegExpExecArray | undefined} */
    let counts
    const { code } = await runLines(jobs, process.execPath, args, env, line => {
      counts = /^(\d+) passed, (\d+) failed$/.exec(line) || counts
    })
    // A program of our own that says how many it ran is believed; tsc is one test per project.
    total.passed += counts ? Number(counts[1]) : Number(code === 0)
    if (code !== 0) total.failures.push(`${title}: ended with code ${code}`)
    else process.stdout.write('ok\n')
  }
  return total
}

/** @param {string} name of a folder @returns {string[]} its tsconfig.json, if there is one */
function projects (name) {
  const file = path.join(ROOT, name, 'tsconfig.json')
  return fs.existsSync(file) ? [file] : []
}

/**
 * Runs a program, shows what it writes and hands out its lines.
 * @param {Run['jobs']} jobs
 * @param {string} command
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @param {(line: string) => void} onLine
 */
async function runLines (jobs, command, args, env, onLine) {
  const { child, ended } = jobs.start(command, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit'] })
  const stdout = /** @type {import('node:stream').Readable} */ (child.stdout)
  stdout.on('data', data => process.stdout.write(data))
  readline.createInterface({ input: stdout }).on('line', onLine)
  const { code, signal, error } = await ended
  if (error) process.stdout.write(`${command} could not be run: ${error.message}\n`)
  return { code: error || signal ? 1 : code }
}

module.exports = { TIERS, testFiles }
