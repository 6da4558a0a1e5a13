'use strict'

// The programs of `programs/package.json` from npm, with kafka-oxide installed under the name kafkajs, as
// `"kafkajs": "npm:kafka-oxide"` does. The programs are kept in .cache/, so only the first run asks the registry;
// kafka-oxide is packed from the checkout whenever it has changed.

const fs = require('node:fs')
const { createRequire } = require('node:module')
const path = require('node:path')
const ts = require('typescript')
const { packMain, packPlatform } = require('../../scripts/pack')
const { hostPlatform } = require('../../scripts/platforms')
const { hash, installPrograms, run } = require('../helpers/programs')

const root = path.join(__dirname, '../..')

/** Files of the package and when they changed. */
function fingerprint () {
  const { files } = require('../../package.json')
  const list = ['package.json', hostPlatform().file, ...files].map(name => path.join(root, name))
    .flatMap(file => fs.statSync(file).isDirectory()
      ? fs.readdirSync(file, { recursive: true, encoding: 'utf8' }).map(name => path.join(file, name))
      : [file])
  return hash(list.sort().map(file => `${file} ${fs.statSync(file).mtimeMs} ${fs.statSync(file).size}`).join('\n'))
}

/**
 * Takes a package's place in node_modules.
 * @param {string} tarball
 * @param {string} folder
 */
function unpack (tarball, folder) {
  fs.rmSync(folder, { recursive: true, force: true })
  fs.mkdirSync(folder, { recursive: true })
  run('tar', ['-xzf', tarball, '--strip-components=1'], folder)
}

/** The programs, with kafka-oxide as it is now. */
function installation () {
  const folder = installPrograms(path.join(__dirname, 'programs'), 'ecosystem')
  const stamp = path.join(folder, 'packed')
  const current = fingerprint()
  if (!fs.existsSync(stamp) || fs.readFileSync(stamp, 'utf8') !== current) {
    const out = path.join(folder, 'tarballs')
    fs.rmSync(stamp, { force: true })
    unpack(packMain(out).file, path.join(folder, 'node_modules', 'kafkajs'))
    unpack(packPlatform(out).file, path.join(folder, 'node_modules', hostPlatform().packageName))
    fs.writeFileSync(stamp, current)
  }
  return {
    folder,
    /** What a program in this folder gets by require(). */
    require: createRequire(path.join(folder, 'program.js')),
    /**
     * Loads a program written in TypeScript, with the decorators that NestJS uses.
     * @param {string} file
     */
    load (file) {
      const { outputText } = ts.transpileModule(fs.readFileSync(file, 'utf8'), {
        fileName: file,
        compilerOptions: {
          module: ts.ModuleKind.CommonJS,
          target: ts.ScriptTarget.ES2022,
          experimentalDecorators: true,
          emitDecoratorMetadata: true,
          esModuleInterop: true
        }
      })
      const compiled = path.join(folder, `${path.basename(file, '.ts')}.js`)
      fs.writeFileSync(compiled, outputText)
      return createRequire(compiled)(compiled)
    }
  }
}

module.exports = { installation }
