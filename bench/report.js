'use strict'
/** Figures of many rounds, as a table. */

/**
 * @typedef {object} Column
 * @property {string} title
 * @property {string} key of the figures
 * @property {(value: number) => string} format
 */

/** @param {number} digits */
const fixed = (digits) => (/** @type {number} */ value) => value.toFixed(digits)

/** @param {number} value */
const rounded = (value) => (value < 10_000 ? value.toFixed(0) : `${(value / 1000).toFixed(0)} k`)

/** @type {Column[]} */
const COLUMNS = [
  { title: 'messages/s', key: 'rate', format: rounded },
  { title: 'CPU µs/msg', key: 'cpu', format: fixed(2) },
  { title: 'JS thread µs/msg', key: 'jsCpu', format: fixed(2) },
  { title: 'loop delay p99 ms', key: 'loopDelay', format: fixed(1) },
  { title: 'peak RSS MiB', key: 'rss', format: fixed(0) },
  { title: 'p50 ms', key: 'p50', format: fixed(2) },
  { title: 'p99 ms', key: 'p99', format: fixed(2) },
]

/** @param {number[]} numbers at least one */
function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

/**
 * Median, least and most of each figure.
 * @param {Record<string, number | null>[]} rounds
 * @returns {Record<string, { median: number, min: number, max: number }>} figures that a round lacks are left out
 */
function summarize(rounds) {
  /** @type {Record<string, { median: number, min: number, max: number }>} */
  const summary = {}
  for (const key of Object.keys(rounds[0])) {
    const values = rounds.map((round) => round[key]).filter((value) => typeof value === 'number')
    if (values.length < rounds.length) continue
    summary[key] = { median: median(values), min: Math.min(...values), max: Math.max(...values) }
  }
  return summary
}

/** @param {{ median: number, min: number, max: number }} figure @param {Column['format']} format */
function cell({ median, min, max }, format) {
  return min === max ? format(median) : `${format(median)} (${format(min)}–${format(max)})`
}

/**
 * @param {Record<string, ReturnType<typeof summarize>>} clients summaries by name, the one compared to others first
 * @returns {string} a Markdown table, whose last lines are how the first client compares
 */
function table(clients) {
  const names = Object.keys(clients)
  const columns = COLUMNS.filter(({ key }) => names.some((name) => clients[name][key]))
  const rows = [['', ...columns.map(({ title }) => title)]]
  for (const name of names) {
    rows.push([name, ...columns.map(({ key, format }) => (clients[name][key] ? cell(clients[name][key], format) : ''))])
  }
  for (const name of names.slice(1)) {
    const ratios = columns.map(({ key }) => {
      const [ours, theirs] = [clients[names[0]][key], clients[name][key]]
      return ours && theirs && theirs.median > 0 ? `${(ours.median / theirs.median).toPrecision(2)}×` : ''
    })
    rows.push([`${names[0]} / ${name}`, ...ratios])
  }
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length), 3))
  const line = (/** @type {string[]} */ row) => `| ${row.map((text, i) => text.padEnd(widths[i])).join(' | ')} |`
  return [line(rows[0]), line(widths.map((width) => '-'.repeat(width))), ...rows.slice(1).map(line)].join('\n')
}

module.exports = { summarize, table, median }
