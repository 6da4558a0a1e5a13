'use strict'

/**
 * Packs the main package and a platform's package from this checkout, as they would be published. No registry is asked.
 *
 * `node scripts/pack.js [--out dist] [--main-only | --platform linux-x64-gnu [--binary file]]` writes both tarballs, or
 * one, and prints their paths. The binary is the local build (`npm run build`) unless told otherwise.
 */

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { parseArgs } = require('node:util')
const { hostPlatform, manifest, optionalDependencies, platformById } = require('./platforms')

/** @typedef {import('./platforms').Platform} Platform */

const root = path.join(__dirname, '..')

/** @typedef {{ file: string, contents: string[] }} Packed the tarball's path, and the paths within it, sorted */

/**
 * Packs the main package. The optional dependencies come in here and are not in the repository's package.json: before
 * a release they are on no registry, so that `npm ci` in a clone would ask for packages that do not exist, or take a
 * stranger's that do. A clone builds its own addon.
 *
 * @param {string} out folder, made when absent
 * @returns {Packed}
 */
function packMain (out) {
  const source = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'))
  const { scripts, devDependencies, napi, ...published } = source
  return inStage(out, stage => {
    for (const name of listed(npm(['pack', '--dry-run', '--json', '--ignore-scripts'], root))) {
      fs.mkdirSync(path.dirname(path.join(stage, name)), { recursive: true })
      fs.copyFileSync(path.join(root, name), path.join(stage, name))
    }
    writeManifest(stage, { ...published, optionalDependencies: optionalDependencies(source.version) })
  })
}

/**
 * Packs a platform's package.
 * @param {string} out folder, made when absent
 * @param {object} [options]
 * @param {Platform} [options.platform] this machine's by default
 * @param {string} [options.binary] the addon; the local build by default
 * @returns {Packed}
 */
function packPlatform (out, { platform = hostPlatform(), binary = path.join(root, platform.file) } = {}) {
  if (!fs.existsSync(binary)) throw new Error(`there is no ${binary}; run: npm run build`)
  const source = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'))
  return inStage(out, stage => {
    writeManifest(stage, manifest(platform, source))
    fs.copyFileSync(path.join(root, 'npm', platform.id, 'README.md'), path.join(stage, 'README.md'))
    fs.copyFileSync(path.join(root, 'LICENSE'), path.join(stage, 'LICENSE'))
    fs.copyFileSync(binary, path.join(stage, platform.file))
    fs.chmodSync(path.join(stage, platform.file), 0o755)
  })
}

/**
 * Packs a folder that `fill` fills.
 * @param {string} out
 * @param {(stage: string) => void} fill
 * @returns {Packed}
 */
function inStage (out, fill) {
  const stage = fs.mkdtempSync(path.join(os.tmpdir(), 'kafka-oxide-pack-'))
  try {
    fill(stage)
    fs.mkdirSync(out, { recursive: true })
    const answer = npm(['pack', '--json', '--ignore-scripts', '--pack-destination', path.resolve(out)], stage)
    return { file: path.join(path.resolve(out), packed(answer).filename), contents: listed(answer) }
  } finally {
    fs.rmSync(stage, { recursive: true, force: true })
  }
}

/**
 * @param {string} stage
 * @param {object} content
 */
function writeManifest (stage, content) {
  fs.writeFileSync(path.join(stage, 'package.json'), JSON.stringify(content, null, 2) + '\n')
}

/** What `npm pack --json` says about the one package: an array up to npm 11, an object by package name after it. */
function packed (/** @type {any} */ answer) {
  return Array.isArray(answer) ? answer[0] : Object.values(answer)[0]
}

/** The files of a package that `npm pack --json` answered about. @returns {string[]} */
function listed (/** @type {any} */ answer) {
  return packed(answer).files.map((/** @type {{ path: string }} */ { path: name }) => name).sort()
}

/** How to start npm: the one that runs this script, or the one on the PATH, which on Windows is a batch file. */
function npmCommand () {
  const cli = process.env.npm_execpath
  if (cli && path.basename(cli) === 'npm-cli.js') return { command: process.execPath, first: [cli], shell: false }
  return { command: 'npm', first: [], shell: process.platform === 'win32' }
}

/**
 * Runs npm and reads its JSON.
 * @param {string[]} args
 * @param {string} cwd
 */
function npm (args, cwd) {
  const { command, first, shell } = npmCommand()
  const { status, stdout, stderr, error } = spawnSync(command, [...first, ...args], {
    cwd, encoding: 'utf8', shell, maxBuffer: 64 * 1024 * 1024
  })
  if (error || status !== 0) throw new Error(`npm ${args.join(' ')} failed: ${error ? error.message : stderr.trim()}`)
  return JSON.parse(stdout)
}

function main (/** @type {string[]} */ args) {
  const { values } = parseArgs({
    args,
    options: {
      out: { type: 'string', default: path.join(root, 'dist') },
      'main-only': { type: 'boolean', default: false },
      platform: { type: 'string' },
      binary: { type: 'string' }
    }
  })
  const out = /** @type {string} */ (values.out)
  const platform = values.platform === undefined ? undefined : platformById(values.platform)
  const done = values['main-only'] || !platform ? [packMain(out)] : []
  if (!values['main-only']) done.push(packPlatform(out, { platform, binary: values.binary }))
  for (const { file, contents } of done) console.log(`${file} (${contents.length} files)`)
}

module.exports = { packMain, packPlatform, npmCommand }

if (require.main === module) {
  try {
    main(process.argv.slice(2))
  } catch (error) {
    console.error(/** @type {Error} */ (error).message)
    process.exitCode = 1
  }
}
