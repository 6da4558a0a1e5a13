'use strict'

// Programs written for kafkajs compile with our typings under its name: with every TypeScript from 5.0 on, as CommonJS and as ES
// modules, with all that tsc looks at in libraries.

const assert = require('node:assert/strict')
const { execFile } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { after, test } = require('node:test')
const { promisify } = require('node:util')
const { installPrograms } = require('../helpers/programs')
const { exportsOf } = require('../helpers/typings')

const root = path.join(__dirname, '..', '..')
const installed = path.join(installPrograms(path.join(__dirname, 'compilers'), 'compilers'), 'node_modules')
const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'kafka-oxide-types-')))
after(() => fs.rmSync(folder, { recursive: true }))

const node = path.join(root, 'node_modules/@types/node')
const COMPILERS = [
  { version: '5.0', tsc: path.join(installed, 'typescript-5.0/bin/tsc'), node: path.join(installed, 'types-node-5.0') },
  { version: '5.4', tsc: path.join(installed, 'typescript-5.4/bin/tsc'), node },
  { version: '5.9', tsc: path.join(root, 'node_modules/typescript/bin/tsc'), node },
  { version: '6.0', tsc: path.join(installed, 'typescript-6.0/bin/tsc'), node },
  { version: '7.0', tsc: path.join(installed, 'typescript-7.0/bin/tsc'), node },
]
const MODULES = [
  { module: 'node16', moduleResolution: 'node16', files: ['service.cts', 'service.mts', 'names.cts', 'names.mts', 'whole.cts', 'whole.mts'] },
  { module: 'nodenext', moduleResolution: 'nodenext', files: ['service.cts', 'service.mts', 'whole.cts', 'whole.mts'] },
  { module: 'esnext', moduleResolution: 'bundler', files: ['service.mts', 'names.mts', 'whole.mts'] },
]

/** A program that uses every name of kafkajs's typings, each as what it is. */
function everyName() {
  const names = [...exportsOf('kafkajs')]
  const generics = /** @type {Record<string, string>} */ ({
    InstrumentationEvent: '<null>', RemoveInstrumentationEventListener: '<string>', ISerializer: '<string>', ValueOf: '<{ a: 1 }>',
    SaslAuthenticationResponse: '<number>', SaslAuthenticateArgs: '<number>', SASLMechanismOptions: "<'plain'>",
    Without: '<{ a: 1 }, { b: 2 }>', XOR: '<{ a: 1 }, { b: 2 }>',
  })
  return [
    'import {',
    ...names.map(([name, { value }]) => `  ${value ? '' : 'type '}${name},`),
    `} from 'kafkajs'`,
    ...names.filter(([, { type }]) => type).map(([name]) => `export type Same${name} = ${name}${generics[name] || ''}`),
    `export const values = { ${names.filter(([, { value }]) => value).map(([name]) => name).join(', ')} }`,
  ].join('\n')
}

const whole = `
export const kafka: kafkajs.Kafka = new kafkajs.Kafka({ brokers: [], logLevel: kafkajs.logLevel.ERROR })
export const producer: kafkajs.Producer = kafka.producer()
export const { CompressionTypes: { GZIP } } = kafkajs
`
const SOURCES = {
  service: fs.readFileSync(path.join(__dirname, 'kafkajs-programs/service.ts'), 'utf8'),
  names: everyName(),
}

/**
 * @param {string} name
 * @param {string} kafkajs  what programs get under this name
 * @param {typeof COMPILERS[number]} compiler
 * @param {typeof MODULES[number]} setting
 * @returns {Promise<string>} what tsc complains about
 */
async function compile(name, kafkajs, { tsc, node: typings }, { files, ...options }) {
  const app = path.join(folder, name)
  fs.mkdirSync(path.join(app, 'node_modules/@types'), { recursive: true })
  fs.symlinkSync(kafkajs, path.join(app, 'node_modules/kafkajs'), 'dir')
  fs.symlinkSync(typings, path.join(app, 'node_modules/@types/node'), 'dir')
  fs.writeFileSync(path.join(app, 'package.json'), '{}')
  for (const [file, text] of Object.entries(SOURCES)) {
    for (const extension of ['cts', 'mts']) fs.writeFileSync(path.join(app, `${file}.${extension}`), text)
  }
  fs.writeFileSync(path.join(app, 'whole.cts'), `import kafkajs = require('kafkajs')${whole}`)
  fs.writeFileSync(path.join(app, 'whole.mts'), `import kafkajs, { Kafka } from 'kafkajs'${whole}export const Same: typeof kafkajs.Kafka = Kafka\n`)
  const compilerOptions = {
    ...options, strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, skipLibCheck: false, noEmit: true,
    target: 'es2022', lib: ['es2022'], types: ['node'],
    // Without it, a package of CommonJS has a default export only for node16 and nodenext.
    allowSyntheticDefaultImports: true,
  }
  fs.writeFileSync(path.join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
  try {
    await promisify(execFile)(process.execPath, [tsc, '--pretty', 'false', '-p', app], { cwd: app })
    return ''
  } catch (/** @type {any} */ error) {
    return error.stdout || error.message
  }
}

test('the programs compile with kafkajs itself, so they are programs for it', async () => {
  assert.equal(await compile('kafkajs', path.join(root, 'node_modules/kafkajs'), COMPILERS[2], MODULES[0]), '')
})

for (const compiler of COMPILERS) {
  test(`TypeScript ${compiler.version}: they compile with our typings, however modules are resolved`, async () => {
    // In between, where node16 and nodenext are the same, one of the two does.
    const settings = ['5.4', '6.0'].includes(compiler.version) ? MODULES.slice(1) : MODULES
    const complaints = await Promise.all(settings.map((setting) =>
      compile(`${compiler.version}-${setting.moduleResolution}`, root, compiler, setting)))
    assert.deepEqual(complaints, settings.map(() => ''))
  })
}
