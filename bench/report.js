'use strict'
/** Figures of many rounds, as Markdown. */
const { SUITES } = require('./workloads')

/**
 * @typedef {object} Column
 * @property {string} title
 * @property {string} key of the figures
 * @property {(value: number) => string} format
 * @property {boolean} [more] more is better
 *
 * @typedef {{ median: number, min: number, max: number }} Figure
 * @typedef {Record<string, Figure>} Summary of a client's rounds, by key of the figures
 * @typedef {Record<string, Record<string, number | null>[]>} Rounds by client
 * @typedef {import('./workloads').Workload} Workload
 * @typedef {import('./clients').Client} Client
 */

/** @param {number} digits */
const fixed = (digits) => (/** @type {number} */ value) => value.toFixed(digits)

/** @param {number} value */
const rounded = (value) => {
  if (value < 10) return value.toFixed(1)
  if (value < 10_000) return value.toFixed(0)
  return `${(value / 1000).toFixed(0)} k`
}

/** Three digits, whether a message costs a fraction of a µs or many. @param {number} value */
const precise = (value) => (value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0))

/** @type {Column[]} */
const COLUMNS = [
  { title: 'messages/s', key: 'rate', format: rounded, more: true },
  { title: 'MB/s', key: 'mb', format: precise, more: true },
  { title: 'CPU µs/msg', key: 'cpu', format: precise },
  { title: 'JS thread µs/msg', key: 'jsCpu', format: precise },
  { title: 'loop use %', key: 'loopUse', format: (value) => (value * 100).toFixed(0) },
  { title: 'loop delay p99 ms', key: 'loopDelay', format: fixed(1) },
  { title: 'peak RSS MiB', key: 'rss', format: fixed(0) },
  { title: 'p50 ms', key: 'p50', format: fixed(2) },
  { title: 'p99 ms', key: 'p99', format: fixed(2) },
  { title: 'CPU ms/s', key: 'idleCpu', format: (value) => (value * 1000).toFixed(1) },
  { title: 'RSS MiB', key: 'rssNow', format: fixed(0) },
  { title: 'ms', key: 'took', format: fixed(0) },
]

/** @param {number[]} numbers at least one */
function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

/**
 * Median, least and most of each figure.
 * @param {Record<string, number | null | undefined>[]} rounds
 * @returns {Summary} figures that a round lacks are left out
 */
function summarize(rounds) {
  /** @type {Summary} */
  const summary = {}
  for (const key of Object.keys(rounds[0])) {
    const values = rounds.map((round) => round[key]).filter((value) => typeof value === 'number')
    if (values.length < rounds.length) continue
    summary[key] = { median: median(values), min: Math.min(...values), max: Math.max(...values) }
  }
  return summary
}

/** @param {Figure | undefined} figure @param {Column['format']} format */
function cell(figure, format) {
  if (!figure) return ''
  const [middle, least, most] = [figure.median, figure.min, figure.max].map(format)
  return least === most ? middle : `${middle} (${least}–${most})`
}

/** @param {string[][]} rows the first is the heading */
function markdown(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length), 3))
  const line = (/** @type {string[]} */ row) => `| ${row.map((text, i) => text.padEnd(widths[i])).join(' | ')} |`
  return [line(rows[0]), line(widths.map((width) => '-'.repeat(width))), ...rows.slice(1).map(line)].join('\n')
}

/** Footnotes: the same reason has the same number. */
class Notes {
  /** @type {string[]} */
  #texts = []

  /** @param {string} text @returns {string} a mark that refers to it */
  mark(text) {
    if (!this.#texts.includes(text)) this.#texts.push(text)
    return `– [${this.#texts.indexOf(text) + 1}]`
  }

  get text() {
    return this.#texts.length > 0 ? `\n\n${this.#texts.map((text, i) => `[${i + 1}] ${text}`).join('\n')}` : ''
  }
}

/**
 * What was measured, for all reports.
 * @typedef {object} Results
 * @property {Workload[]} workloads
 * @property {Client[]} clients those that took part
 * @property {Record<string, Rounds>} rounds by name of the workload
 */

class Report {
  #results
  /** @type {Record<string, Record<string, Summary>>} by workload and client */
  #summaries = {}

  /** @param {Results} results */
  constructor(results) {
    this.#results = results
    for (const [workload, clients] of Object.entries(results.rounds)) {
      this.#summaries[workload] = {}
      for (const [client, rounds] of Object.entries(clients)) {
        if (rounds.length > 0) this.#summaries[workload][client] = summarize(rounds)
      }
    }
  }

  /** @param {string} workload @returns {Record<string, Summary>} by client */
  of(workload) {
    return this.#summaries[workload] ?? {}
  }

  get clients() { return this.#results.clients }
  get workloads() { return this.#results.workloads }

  /** How many rounds there are of each, least and most. */
  get rounds() {
    const counts = Object.values(this.#results.rounds).flatMap(Object.values).map(({ length }) => length).filter(Boolean)
    const [least, most] = [Math.min(...counts), Math.max(...counts)]
    return least === most ? `${least}` : `${least} to ${most}`
  }

  /**
   * One workload, all figures; the last lines are how the first client compares with the best of the others.
   * @param {Workload} workload
   */
  table(workload) {
    const summaries = this.of(workload.name)
    const columns = COLUMNS.filter(({ key }) => Object.values(summaries).some((summary) => summary[key]))
    const notes = new Notes()
    const rows = [['', ...columns.map(({ title }) => title)]]
    for (const client of this.clients) {
      const { [client.name]: summary } = summaries
      const mark = summary ? '' : notes.mark(`${client.name}: ${client.limits?.(workload) ?? 'was not measured'}`)
      rows.push([client.name, ...columns.map(({ key, format }, i) => {
        return summary ? cell(summary[key], format) : i === 0 ? mark : ''
      })])
    }
    const [first, ...others] = this.clients
    const peers = others.filter(({ run }) => !run)
    for (const [title, against] of /** @type {[string, Client[]][]} */ ([
      [peers.length === 1 ? peers[0].name : 'the best other client', peers],
      ...others.filter(({ run }) => run).map((client) => [client.name, [client]]),
    ])) {
      const ratios = columns.map((column) => ratio(summaries, first, against, column))
      if (ratios.some(Boolean)) rows.push([`${first.name} / ${title}`, ...ratios])
    }
    return markdown(rows) + notes.text
  }

  /** One suite in short: messages a second and CPU, or what else counts there. @param {string} suite */
  matrix(suite) {
    const workloads = this.workloads.filter(({ suites }) => suites.includes(suite))
    const notes = new Notes()
    const rows = [['', ...this.clients.map(({ name }) => name)]]
    for (const workload of workloads) {
      const summaries = this.of(workload.name)
      rows.push([workload.title, ...this.clients.map((client) => {
        const { [client.name]: summary } = summaries
        if (!summary) return notes.mark(`${client.name}: ${client.limits?.(workload) ?? 'was not measured'}`)
        return COLUMNS.filter(({ key }) => summary[key] && shown(workload).includes(key))
          .map(({ key, format }) => format(summary[key].median)).join(', ') || '–'
      })])
    }
    return markdown(rows) + notes.text
  }

  /** Suites of which something was measured. @returns {string[]} */
  get suites() {
    return Object.keys(SUITES).filter((name) => name !== 'short' &&
      this.workloads.some(({ suites }) => suites[0] === name))
  }
}

/** The figures that a workload is about. @param {Workload} workload */
function shown({ kind, idle }) {
  if (kind === 'awaited' || kind === 'latency') return ['p50', 'p99']
  if (idle) return ['rssNow', 'idleCpu']
  return kind === 'startup' ? ['took'] : ['rate', 'cpu', 'rss']
}

/**
 * @param {Record<string, Summary>} summaries
 * @param {Client} first
 * @param {Client[]} against the best of them
 * @param {Column} column
 */
function ratio(summaries, first, against, { key, more }) {
  const ours = summaries[first.name]?.[key]?.median
  const theirs = best(summaries, against, key, more)
  return ours !== undefined && theirs ? `${(ours / theirs).toPrecision(2)}×` : ''
}

/**
 * @param {Record<string, Summary>} summaries
 * @param {Client[]} clients
 * @param {string} key
 * @param {boolean} [more] is better
 * @returns {number | undefined} the best median
 */
function best(summaries, clients, key, more = false) {
  const medians = clients.map(({ name }) => summaries[name]?.[key]?.median).filter((value) => value !== undefined)
  if (medians.length === 0) return undefined
  return more ? Math.max(...medians) : Math.min(...medians)
}

module.exports = { Report, summarize, median, markdown, best, COLUMNS }
