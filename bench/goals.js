'use strict'
/** What kafka-oxide is to reach, as ratios of one run, and whether it does. */
const { best, markdown } = require('./report')

/**
 * @typedef {object} Goal
 * @property {string} workload
 * @property {string} figure key of the figures
 * @property {'peer' | 'native' | 'program' | 'Confluent' | 'limit' | string} against the best client in JavaScript's
 *   world, the best of those with a native part, librdkafka's own program, Confluent's client, nobody (then `least` and
 *   `most` are absolute), or another workload of kafka-oxide's
 * @property {number} [least] ratio, where more is better
 * @property {number} [most] ratio, where less is better
 */

const BOTH_WAYS = ['produce', 'eachMessage', 'eachBatch']

/** @type {Goal[]} */
const GOALS = [
  { workload: 'produce', figure: 'rate', against: 'peer', least: 5 },
  { workload: 'produce', figure: 'rate', against: 'program', least: 0.75 },
  { workload: 'produce', figure: 'cpu', against: 'program', most: 1.3 },

  { workload: 'produce-singles', figure: 'rate', against: 'peer', least: 7 },
  { workload: 'produce-singles', figure: 'cpu', against: 'peer', most: 1 / 7 },

  { workload: 'produce-awaited', figure: 'p50', against: 'peer', most: 1 },
  { workload: 'produce-awaited', figure: 'p99', against: 'peer', most: 1 },
  { workload: 'produce-awaited', figure: 'p50', against: 'program', most: 1.4 },

  { workload: 'eachMessage', figure: 'rate', against: 'program', least: 1.1 },
  { workload: 'eachMessage', figure: 'rate', against: 'peer', least: 3 },
  { workload: 'eachMessage', figure: 'cpu', against: 'program', most: 1 },
  { workload: 'eachMessage', figure: 'loopDelay', against: 'limit', most: 8 },
  { workload: 'eachMessage', figure: 'jsCpu', against: 'limit', most: 0.2 },

  { workload: 'eachBatch', figure: 'rate', against: 'program', least: 1.2 },
  { workload: 'eachBatch', figure: 'rate', against: 'peer', least: 2.5 },
  { workload: 'eachBatch', figure: 'jsCpu', against: 'limit', most: 0.15 },

  { workload: 'produce-1k', figure: 'rate', against: 'program', least: 0.75 },
  { workload: 'eachMessage-1k', figure: 'rate', against: 'program', least: 1 },
  { workload: 'eachBatch-1k', figure: 'rate', against: 'program', least: 1 },
  ...BOTH_WAYS.map((way) => ({ workload: `${way}-1k`, figure: 'rate', against: 'peer', least: 2 })),

  ...[...BOTH_WAYS, 'produce-singles', 'produce-1k', 'eachMessage-1k', 'eachBatch-1k'].flatMap((workload) => [
    { workload, figure: 'rss', against: 'limit', most: 200 },
    { workload, figure: 'rss', against: 'native', most: 1 },
  ]),
  { workload: 'idle-50', figure: 'rssNow', against: 'Confluent', most: 0.5 },
  { workload: 'idle-50', figure: 'idleCpu', against: 'Confluent', most: 0.5 },

  ...BOTH_WAYS.map((way) => ({ workload: `${way}-600p`, figure: 'cpu', against: way, most: 1.5 })),
  { workload: 'eachMessage', figure: 'cpu', against: 'eachMessage-quarter', most: 1.1 },

  ...BOTH_WAYS.map((way) => ({ workload: `${way}-1m`, figure: 'mb', against: 'program', least: 0.8 })),

  { workload: 'produce-headers', figure: 'cpu', against: 'produce', most: 1.5 },
  { workload: 'produce-strings', figure: 'cpu', against: 'produce', most: 1.5 },
  { workload: 'eachMessage-read', figure: 'cpu', against: 'eachMessage', most: 1.5 },
  { workload: 'eachBatch-read', figure: 'cpu', against: 'eachBatch', most: 1.5 },
]

/** @type {Record<string, string>} */
const FIGURES = {
  rate: 'messages/s', cpu: 'CPU a message', jsCpu: 'JS thread µs a message', p50: 'p50', p99: 'p99', mb: 'MB/s',
  loopDelay: 'loop delay p99 ms', rss: 'peak RSS MiB', rssNow: 'RSS', idleCpu: 'CPU',
}

/** @type {Record<string, string>} */
const AGAINST = {
  peer: 'the best peer', native: 'the best native peer', program: 'the C program', Confluent: 'Confluent',
}

/** @param {import('./report').Report} report @param {Goal} goal @returns {number | undefined} the others' figure */
function other(report, { workload, figure, against, least }) {
  const [, ...others] = report.clients
  const peers = others.filter(({ run }) => !run)
  const of = (/** @type {import('./clients').Client[]} */ clients) =>
    best(report.of(workload), clients, figure, least !== undefined)
  switch (against) {
    case 'limit': return 1
    case 'peer': return of(peers)
    case 'native': return of(peers.filter(({ native }) => native))
    case 'program': return of(others.filter(({ run }) => run))
    case 'Confluent': return of(peers.filter(({ name }) => name.includes('confluent')))
    default: return report.of(against)[report.clients[0].name]?.[figure]?.median
  }
}

/**
 * @param {import('./report').Report} report
 * @returns {{ goal: string, limit: string, measured: string, met: boolean }[]} those that this run tells something of
 */
function judge(report) {
  return GOALS.flatMap((goal) => {
    const { workload, figure, against, least, most } = goal
    const ours = report.of(workload)[report.clients[0].name]?.[figure]?.median
    const theirs = other(report, goal)
    if (ours === undefined || !theirs) return []
    const measured = ours / theirs
    const unit = against === 'limit' ? '' : '×'
    const text = (/** @type {number} */ value) => `${Number(value.toPrecision(3))}${unit}`
    return {
      goal: `${workload}: ${FIGURES[figure]}${against === 'limit' ? '' : ` against ${AGAINST[against] ?? against}`}`,
      limit: least === undefined ? `at most ${text(/** @type {number} */ (most))}` : `at least ${text(least)}`,
      measured: text(measured),
      met: least === undefined ? measured <= /** @type {number} */ (most) : measured >= least,
    }
  })
}

/** @param {import('./report').Report} report @returns {string} Markdown; empty when this run tells nothing */
function goals(report) {
  const rows = judge(report)
  if (rows.length === 0) return ''
  return markdown([
    ['goal', 'demanded', 'measured', ''],
    ...rows.map(({ goal, limit, measured, met }) => [goal, limit, measured, met ? 'met' : 'NOT met']),
  ])
}

module.exports = { GOALS, judge, goals }
