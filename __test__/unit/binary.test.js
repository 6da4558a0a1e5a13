'use strict'

// scripts/check-binary.js reads ELF files exactly and searches the others for forbidden names, so one test serves the
// addon of every platform; the made-up files below show that each kind of trouble is seen.

const { test } = require('node:test')
const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { checkBinary } = require('../../scripts/check-binary')
const { hostPlatform } = require('../../scripts/platforms')

const formats = { linux: 'elf', darwin: 'mach-o', win32: 'pe' }

function check (t, bytes, limits) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'kafka-oxide-binary-'))
  t.after(() => fs.rmSync(folder, { recursive: true }))
  const file = path.join(folder, 'made-up.node')
  fs.writeFileSync(file, bytes)
  return checkBinary(file, limits)
}

/** The smallest ELF shared library that has these imports, in the sections that the dynamic loader reads. */
function elf ({ libraries = [], imports = [], versions = [] }) {
  let strings = '\0'
  const name = text => {
    const index = strings.length
    strings += text + '\0'
    return index
  }
  const dynamic = Buffer.alloc(16 * (libraries.length + 1))
  libraries.forEach((library, i) => {
    dynamic.writeBigUInt64LE(1n, 16 * i)
    dynamic.writeBigUInt64LE(BigInt(name(library)), 16 * i + 8)
  })
  const symbols = Buffer.alloc(24 * (imports.length + 1))
  imports.forEach((symbol, i) => symbols.writeUInt32LE(name(symbol), 24 * (i + 1)))
  const needs = Buffer.alloc(16 + 16 * versions.length)
  needs.writeUInt16LE(versions.length, 2)
  needs.writeUInt32LE(16, 8)
  versions.forEach((version, i) => {
    needs.writeUInt32LE(name(version), 16 + 16 * i + 8)
    needs.writeUInt32LE(16, 16 + 16 * i + 12)
  })
  const contents = [[3, Buffer.from(strings, 'latin1')], [6, dynamic], [11, symbols], [0x6ffffffe, needs]]
  const headers = Buffer.alloc(64 * contents.length)
  let offset = 64
  contents.forEach(([type, bytes], i) => {
    headers.writeUInt32LE(type, 64 * i + 4)
    headers.writeBigUInt64LE(BigInt(offset), 64 * i + 24)
    headers.writeBigUInt64LE(BigInt(bytes.length), 64 * i + 32)
    offset += bytes.length // sh_link stays 0: the strings
  })
  const head = Buffer.alloc(64)
  head.write('\x7fELF\x02\x01', 'latin1')
  head.writeBigUInt64LE(BigInt(offset), 40)
  head.writeUInt16LE(64, 58)
  head.writeUInt16LE(contents.length, 60)
  return Buffer.concat([head, ...contents.map(([, bytes]) => bytes), headers])
}

test('this checkout\'s addon asks for nothing of V8, nan or libuv, and for no library that a machine may lack', () => {
  const { problems, format } = checkBinary(path.join(__dirname, '../..', hostPlatform().file))
  assert.deepEqual(problems, [])
  assert.equal(format, formats[process.platform])
})

test('libraries, imports and the newest glibc are read from an ELF file', t => {
  const report = check(t, elf({
    libraries: ['libc.so.6', 'libgcc_s.so.1'],
    imports: ['memcpy', 'dlsym'],
    versions: ['GLIBC_2.9', 'GLIBC_2.28', 'GCC_3.0']
  }), { maxGlibc: '2.28' })
  assert.deepEqual(report, {
    format: 'elf',
    libraries: ['libc.so.6', 'libgcc_s.so.1'],
    imports: ['memcpy', 'dlsym'],
    glibc: '2.28',
    problems: []
  })
})

test('a symbol of V8, nan, node or libuv is a problem, one of Node-API or of another library is none', t => {
  const forbidden = ['_ZN2v87Isolate10GetCurrentEv', '_ZNK2v85Value8IsObjectEv', '_ZN4node6BufferE', '_ZN3Nan4FreeE',
    'uv_run', 'node_module_register']
  const { problems } = check(t, elf({ imports: [...forbidden, 'napi_create_object', 'curve_uv_x', '_ZN3std2ioE'] }))
  assert.deepEqual(problems, forbidden.map(name => `it imports ${name}, which is no Node-API function`))
})

test('a library that is not part of every system is a problem', t => {
  const libraries = ['libssl.so.3', 'libc.so.6', 'libsasl2.so.2', 'libc.musl-x86_64.so.1']
  const { problems } = check(t, elf({ libraries }))
  assert.deepEqual(problems, ['libssl.so.3', 'libsasl2.so.2'].map(name => `it needs ${name}, which a machine may lack`))
})

test('a glibc newer than the limit is a problem', t => {
  const { problems, glibc } = check(t, elf({ versions: ['GLIBC_2.9', 'GLIBC_2.34'] }), { maxGlibc: '2.28' })
  assert.equal(glibc, '2.34')
  assert.deepEqual(problems, ['it needs glibc 2.34; at most 2.28 is allowed'])
})

test('forbidden names are found in Mach-O and PE files', t => {
  const made = (magic, ...names) =>
    Buffer.concat([Buffer.from(magic, 'hex'), Buffer.alloc(60), Buffer.from(names.join('\0'))])
  const macho = check(t, made('cffaedfe', '_memcpy', '_uv_run', '__ZN2v87Isolate10GetCurrentEv', '_napi_get_undefined'))
  assert.equal(macho.format, 'mach-o')
  assert.deepEqual(macho.imports, ['_uv_run', '__ZN2v87Isolate10GetCurrentEv'])
  assert.equal(macho.problems.length, 2)
  const pe = check(t, made('4d5a9000', 'memcpy', '?GetCurrent@Isolate@v8@@SAPEAV12@XZ', 'uv_async_send'))
  assert.equal(pe.format, 'pe')
  assert.equal(pe.problems.length, 2)
})

test('a file that is no shared library is refused', t => {
  assert.throws(() => check(t, Buffer.alloc(100, 'text ')), /is no shared library: neither ELF nor Mach-O nor PE/)
  assert.throws(() => check(t, Buffer.alloc(0)), /is no shared library/)
})
