'use strict'

// The tables of options in docs/migrating-from-kafkajs.md say what lib/kafkajs/options.js does.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const native = require('../../lib/native')
const { OPTIONS } = require('../../lib/kafkajs/options')

const guide = fs.readFileSync(path.join(__dirname, '../../docs/migrating-from-kafkajs.md'), 'utf8')

/** The names in back-quotes. @param {string} text */
const quoted = (text) => Array.from(text.matchAll(/`([^`]+)`/g), ([, name]) => name)

/** The rows below this heading: names of options, and what they become. @param {string} heading */
function rowsOf(heading) {
  const [, table] = guide.split(`| ${heading} | what it becomes |\n|---|---|\n`)
  assert.ok(table, `the guide has a table of "${heading}"`)
  return table.split('\n\n')[0].split('\n').map((line) => {
    const [, options, becomes] = line.split(/(?<!\\)\|/)
    return { options: quoted(options), becomes }
  })
}

const TABLES = {
  kafka: 'option of Kafka',
  producer: 'option of the producer',
  consumer: 'option of the consumer',
  admin: 'option of the admin client',
}

for (const [scope, heading] of Object.entries(TABLES)) {
  test(`the guide says what becomes of every ${heading}`, () => {
    const rows = rowsOf(heading)
    for (const { option, property } of OPTIONS.filter(({ on }) => on.includes(/** @type {any} */ (scope)))) {
      const row = rows.find(({ options }) => options.includes(option))
      assert.ok(row, `there is a row for ${option}`)
      if (property) assert.ok(row.becomes.includes(`\`${property}\``), `the row of ${option} names ${property}`)
    }
  })
}

test('the guide names properties that librdkafka has', () => {
  const known = native.properties()
  const tables = [...Object.values(TABLES), 'option'].flatMap(rowsOf)
  const properties = tables.flatMap(({ becomes }) => quoted(becomes)).filter((name) => /^[a-z_]+(\.[a-z_]+)+$/.test(name))
  assert.ok(properties.length > 40)
  for (const name of properties) assert.ok(Object.hasOwn(known, name), `${name} is a property`)
})
