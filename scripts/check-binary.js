'use strict'

/**
 * Checks what a built addon asks of the machine it is loaded on: nothing of V8, nan or libuv, which change with each
 * Node, no library that an installation may lack, and no glibc newer than the one named.
 *
 * `node scripts/check-binary.js [file] [--max-glibc 2.28]`; without a file, the local build. Reads the file itself, so
 * that it needs no binutils and works for addons of other platforms. ELF files are read exactly; in Mach-O and PE
 * files, whose import tables are plain names too, the forbidden names are searched in the whole file.
 */

const fs = require('node:fs')
const path = require('node:path')

/** What every glibc or musl system that runs Node has. */
const ALLOWED_LIBRARIES = [
  /^libc\.so\.6$/, /^libm\.so\.6$/, /^libresolv\.so\.2$/, /^libpthread\.so\.0$/, /^libdl\.so\.2$/, /^librt\.so\.1$/,
  /^libgcc_s\.so\.1$/, /^ld-linux(-x86-64|-aarch64)\.so\.[12]$/, /^libc\.musl-(x86_64|aarch64)\.so\.1$/
]

/** Imports that tie an addon to one Node: C++ names of V8, node and nan, and the C names of libuv. */
const FORBIDDEN_SYMBOL = /^_{1,2}Z\w*?(?:2v8|4node|3Nan)|@v8@@|@node@@|@Nan@@|^_?uv_|^_?node_module_register$/

/**
 * @typedef {object} BinaryReport
 * @property {'elf' | 'mach-o' | 'pe'} format
 * @property {string[]} libraries that must be present; empty where the format is not read
 * @property {string[]} imports names that other libraries or the process must provide; for a format that is not read,
 *   those of the forbidden names that occur
 * @property {string | null} glibc newest version asked for, `2.34`; null when none is
 * @property {string[]} problems one sentence each
 */

/**
 * @param {string} file
 * @param {{ maxGlibc?: string }} [limits]
 * @returns {BinaryReport}
 * @throws {Error} when the file is no shared library of a format known here
 */
function checkBinary (file, { maxGlibc } = {}) {
  const bytes = fs.readFileSync(file)
  const { format, libraries, imports, versions } = readBinary(bytes, file)
  const problems = []
  for (const name of imports) {
    if (FORBIDDEN_SYMBOL.test(name)) problems.push(`it imports ${name}, which is no Node-API function`)
  }
  for (const name of libraries) {
    if (!ALLOWED_LIBRARIES.some(allowed => allowed.test(name))) {
      problems.push(`it needs ${name}, which a machine may lack`)
    }
  }
  const asked = versions.filter(name => /^GLIBC_\d/.test(name)).map(name => name.slice('GLIBC_'.length))
  const glibc = asked.sort(compare).pop() || null
  if (maxGlibc && glibc && compare(glibc, maxGlibc) > 0) {
    problems.push(`it needs glibc ${glibc}; at most ${maxGlibc} is allowed`)
  }
  return { format, libraries, imports, glibc, problems }
}

/**
 * @param {Buffer} bytes
 * @param {string} file for the error's text
 * @returns {{ format: BinaryReport['format'], libraries: string[], imports: string[], versions: string[] }}
 */
function readBinary (bytes, file) {
  const format = formatOf(bytes.length < 64 ? '' : bytes.toString('hex', 0, 4))
  if (format === 'elf') return { format, ...readElf(bytes) }
  if (format) return { format, libraries: [], imports: namesIn(bytes), versions: [] }
  throw new Error(`${file} is no shared library: neither ELF nor Mach-O nor PE`)
}

/**
 * @param {string} magic the first four bytes in hexadecimal
 * @returns {BinaryReport['format'] | null}
 */
function formatOf (magic) {
  if (magic === '7f454c46') return 'elf'
  if (magic === 'cffaedfe') return 'mach-o'
  return magic.startsWith('4d5a') ? 'pe' : null
}

/** Runs of name characters, as import tables hold them, that are forbidden. */
function namesIn (/** @type {Buffer} */ bytes) {
  const names = bytes.latin1Slice().match(/[\w?@$.]{4,}/g) || []
  return [...new Set(names.filter(name => FORBIDDEN_SYMBOL.test(name)))]
}

const SHT_DYNAMIC = 6
const SHT_DYNSYM = 11
const SHT_GNU_VERNEED = 0x6ffffffe
const DT_NEEDED = 1
const SHN_UNDEF = 0

/**
 * The imports of a 64-bit little-endian ELF file, from its section headers (which stripping keeps for these sections).
 * @param {Buffer} bytes
 */
function readElf (bytes) {
  if (bytes[4] !== 2 || bytes[5] !== 1) throw new Error('only 64-bit little-endian ELF files are published')
  const at = (/** @type {number} */ offset) => Number(bytes.readBigUInt64LE(offset))
  const start = at(40)
  const size = bytes.readUInt16LE(58)
  const sections = Array.from({ length: bytes.readUInt16LE(60) }, (_, index) => {
    const header = start + index * size
    return {
      type: bytes.readUInt32LE(header + 4),
      offset: at(header + 24),
      size: at(header + 32),
      link: bytes.readUInt32LE(header + 40)
    }
  })
  const find = (/** @type {number} */ type) => sections.find(section => section.type === type)
  const text = (/** @type {{ link: number }} */ section, /** @type {number} */ index) => {
    const begin = sections[section.link].offset + index
    return bytes.latin1Slice(begin, bytes.indexOf(0, begin))
  }

  const libraries = []
  const dynamic = find(SHT_DYNAMIC)
  if (!dynamic) throw new Error('the ELF file is not dynamic')
  for (let entry = dynamic.offset; entry < dynamic.offset + dynamic.size; entry += 16) {
    if (at(entry) === DT_NEEDED) libraries.push(text(dynamic, at(entry + 8)))
  }

  const imports = []
  const symbols = find(SHT_DYNSYM)
  if (!symbols) throw new Error('the ELF file has no dynamic symbols')
  for (let entry = symbols.offset + 24; entry < symbols.offset + symbols.size; entry += 24) {
    if (bytes.readUInt16LE(entry + 6) === SHN_UNDEF) imports.push(text(symbols, bytes.readUInt32LE(entry)))
  }

  const versions = []
  const needs = find(SHT_GNU_VERNEED)
  for (let need = needs ? needs.offset : 0, next = 1; needs && next; need += next) {
    let aux = need + bytes.readUInt32LE(need + 8)
    for (let count = bytes.readUInt16LE(need + 2); count > 0; count--) {
      versions.push(text(needs, bytes.readUInt32LE(aux + 8)))
      aux += bytes.readUInt32LE(aux + 12)
    }
    next = bytes.readUInt32LE(need + 12)
  }
  return { libraries, imports, versions }
}

/** Orders dotted versions by number. */
function compare (/** @type {string} */ a, /** @type {string} */ b) {
  const left = a.split('.').map(Number)
  const right = b.split('.').map(Number)
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] || 0) - (right[i] || 0)
    if (difference) return difference
  }
  return 0
}

function main (/** @type {string[]} */ args) {
  const limit = args.indexOf('--max-glibc')
  const maxGlibc = limit < 0 ? undefined : args.splice(limit, 2)[1]
  if (limit >= 0 && !/^\d+\.\d+$/.test(maxGlibc || '')) throw new Error('--max-glibc wants a version such as 2.28')
  const file = args[0] || path.join(__dirname, '..', require('./platforms').hostPlatform().file)
  const report = checkBinary(file, { maxGlibc })
  console.log(`${file}: ${report.format}, ${(fs.statSync(file).size / 1e6).toFixed(1)} MB`)
  if (report.format === 'elf') {
    console.log(`needs ${report.libraries.join(', ') || 'no library'}; ${report.imports.length} imported names; ` +
      `glibc ${report.glibc || 'none'}`)
  }
  for (const problem of report.problems) console.error(`problem: ${problem}`)
  if (report.problems.length > 0) process.exitCode = 1
}

module.exports = { checkBinary }

if (require.main === module) {
  try {
    main(process.argv.slice(2))
  } catch (error) {
    console.error(/** @type {Error} */ (error).message)
    process.exitCode = 1
  }
}
