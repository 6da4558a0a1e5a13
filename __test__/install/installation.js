'use strict'

// An empty folder into which the packed packages are installed as a user without a network would.

const { spawn } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { npmCommand } = require('../../scripts/pack')

const root = path.join(__dirname, '../..')

/** ms; generous, since the machine that runs it may be busy. It only ends what hangs. */
const DEADLINE = 60_000

class Installation {
  constructor () {
    this.folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'kafka-oxide-install-')))
    this.app = path.join(this.folder, 'app')
    fs.cpSync(path.join(__dirname, 'app'), this.app, { recursive: true })
    fs.writeFileSync(path.join(this.app, 'package.json'), '{ "private": true }\n')
    fs.writeFileSync(path.join(this.folder, 'empty-npmrc'), '')
  }

  /** Installs tarballs with nothing but them to take from: no network, an empty cache, no settings of the user. */
  async install (/** @type {string[]} */ tarballs) {
    const { command, first } = npmCommand()
    const settings = ['--offline', '--ignore-scripts', '--no-audit', '--no-fund',
      `--cache=${path.join(this.folder, 'cache')}`, `--userconfig=${path.join(this.folder, 'empty-npmrc')}`]
    const result = await this.run(command, [...first, 'install', ...settings, ...tarballs])
    if (result.code !== 0) throw new Error(`npm install failed: ${result.stderr}`)
  }

  /**
   * Runs a program in the app's folder.
   * @param {string} command
   * @param {string[]} args
   * @param {Record<string, string>} [environment] added to this process's
   * @returns {Promise<{ code: number | null, signal: string | null, stdout: string, stderr: string }>}
   */
  run (command, args, environment = {}) {
    // Nothing of the test runner or of `npm test` may leak in: NODE_OPTIONS, NODE_TEST_CONTEXT, npm_config_*.
    const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(node_|npm_|kafka)/i.test(name)))
    return new Promise((resolve, reject) => {
      const child = spawn(command, args, {
        cwd: this.app,
        env: { ...clean, ...environment },
        timeout: DEADLINE,
        killSignal: 'SIGKILL',
        shell: command === 'npm' && npmCommand().shell
      })
      let stdout = ''
      let stderr = ''
      child.stdout.setEncoding('utf8').on('data', text => { stdout += text })
      child.stderr.setEncoding('utf8').on('data', text => { stderr += text })
      child.on('error', reject)
      child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
    })
  }

  /** Runs a script of the app with this Node. */
  node (/** @type {string[]} */ args, /** @type {Record<string, string>} */ environment = {}) {
    return this.run(process.execPath, args, environment)
  }

  /** Compiles files of the app with the checkout's TypeScript against the installed typings, which are checked too. */
  typescript (/** @type {string[]} */ ...files) {
    const config = {
      compilerOptions: {
        strict: true,
        module: 'node16',
        target: 'es2022',
        skipLibCheck: false,
        typeRoots: [path.join(root, 'node_modules/@types')],
        types: ['node']
      },
      files
    }
    fs.writeFileSync(path.join(this.app, 'tsconfig.json'), JSON.stringify(config))
    return this.node([path.join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json'])
  }

  remove () {
    fs.rmSync(this.folder, { recursive: true, force: true })
  }
}

module.exports = { Installation }
