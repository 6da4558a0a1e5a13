'use strict'
/** What is measured. */

/**
 * @typedef {'produce' | 'singles' | 'awaited' | 'eachMessage' | 'eachBatch'} Pace which of a client's rates to expect
 *
 * @typedef {object} Workload
 * @property {string} name
 * @property {string} title
 * @property {string[]} suites
 * @property {import('./clients').Kind} kind
 * @property {Pace} pace
 * @property {'eachMessage' | 'eachBatch'} style of the consumers in it
 * @property {number} valueBytes
 * @property {number} partitions
 * @property {import('./clients').Codec} codec
 * @property {boolean} [headers] messages have two
 * @property {boolean} [strings] values are sent as strings, not as Buffers
 * @property {boolean} [reads] the handler reads key, value and headers as strings, not only the value's bytes
 * @property {number} perSend messages in one call of send()
 * @property {number} [inFlight] calls of send() under way at a time
 * @property {boolean} [waves] the next `inFlight` calls begin when all of the last have ended, as with Promise.all
 * @property {number} [rate] messages to be sent a second
 * @property {number} [consumers] in the one process, each a group of its own that reads all messages
 * @property {boolean} [idle] what is measured begins when all messages were read
 * @property {'produce' | 'consume'} [side] of a start-up
 * @property {number} [share] of the messages that the run would have
 * @property {number} [messages] of one run, for all clients
 */

const PARTITIONS = 6
const KEY_BYTES = 5
const VALUE_BYTES = 100
/** Headers, batches and the like, beside a message's key and value. */
const OVERHEAD = 64 * 1024

/** @type {Record<string, number>} bytes of a value, by how names of workloads say them */
const SIZES = { 10: 10, 100: 100, '1k': 1024, '10k': 10_240, '1m': 1_048_576 }
/** Bytes of the values of one send, where a thousand messages would be more. */
const SEND_BYTES = 1 << 20

/** What the short suite has of the pairs and triples below. */
const SHORT = ['produce-1m', 'eachBatch-1m', 'produce-gzip', 'produce-headers', 'eachMessage-read']

/**
 * @param {Partial<Workload> & Pick<Workload, 'name' | 'title' | 'suites' | 'kind' | 'pace'>} rest
 * @returns {Workload}
 */
const workload = (rest) => ({
  style: 'eachBatch', valueBytes: VALUE_BYTES, partitions: PARTITIONS, codec: 'none', perSend: 1, ...rest,
  suites: SHORT.includes(rest.name) ? [...rest.suites, 'short'] : rest.suites,
})

/**
 * A thousand a send, and both ways of consuming.
 * @param {string[]} suites @param {string} suffix of the names @param {string} about for the titles
 * @param {Partial<Workload>} [rest]
 * @returns {Record<'produce' | 'eachMessage' | 'eachBatch', Workload>}
 */
function bothWays(suites, suffix, about, rest = {}) {
  const perSend = Math.min(1000, Math.ceil(SEND_BYTES / (rest.valueBytes ?? VALUE_BYTES)))
  const sends = `${perSend.toLocaleString('en')} message${perSend > 1 ? 's' : ''} a send, 20 sends in flight`
  const title = about && `, ${about}`
  return {
    produce: workload({
      name: `produce${suffix}`, title: `produce, ${sends}${title}`, suites, kind: 'produce', pace: 'produce',
      perSend, inFlight: 20, ...rest,
    }),
    eachMessage: workload({
      name: `eachMessage${suffix}`, title: `consume, eachMessage with an async handler${title}`, suites,
      kind: 'eachMessage', pace: 'eachMessage', style: 'eachMessage', ...rest,
    }),
    eachBatch: workload({
      name: `eachBatch${suffix}`, title: `consume, eachBatch${title}`, suites, kind: 'eachBatch', pace: 'eachBatch',
      ...rest,
    }),
  }
}

const plain = bothWays(['core', 'sizes', 'partitions', 'codecs', 'headers', 'short'], '', '')
const kilobyte = bothWays(['core', 'sizes'], '-1k', 'values of 1 KiB', { valueBytes: SIZES['1k'] })

/** The columns of the first table. */
const CORE = [
  plain.produce,
  workload({
    name: 'produce-singles', title: 'produce, one message a send, 10,000 sends at once', suites: ['core', 'short'],
    kind: 'produce', pace: 'singles', inFlight: 10_000, waves: true,
  }),
  workload({
    name: 'produce-awaited', title: 'produce, one message at a time, awaited', suites: ['core', 'short'],
    kind: 'awaited', pace: 'awaited',
  }),
  plain.eachMessage,
  plain.eachBatch,
  kilobyte.produce,
  kilobyte.eachMessage,
  kilobyte.eachBatch,
]

const OTHER_SIZES = Object.entries(SIZES).filter(([name]) => name !== '100' && name !== '1k')
  .flatMap(([name, valueBytes]) => Object.values(
    bothWays(['sizes'], `-${name}`, `values of ${sizeText(valueBytes)}`, { valueBytes })))

const OTHER_PARTITIONS = [1, 100, 600].flatMap((partitions) => Object.values(
  bothWays(['partitions'], `-${partitions}p`, `${partitions} partition${partitions > 1 ? 's' : ''}`, { partitions })))

const QUARTER = workload({
  ...plain.eachMessage, name: 'eachMessage-quarter', title: `${plain.eachMessage.title}, a quarter of the messages`,
  suites: ['partitions'], share: 0.25,
})

const CODECS = /** @type {const} */ (['gzip', 'snappy', 'lz4', 'zstd']).flatMap((codec) => {
  const { produce, eachBatch } = bothWays(['codecs'], `-${codec}`, codec, { codec })
  return [produce, eachBatch]
})

const WITH_HEADERS = bothWays(['headers'], '-headers', 'with two headers', { headers: true })
const READING = bothWays(['headers'], '-read', 'key, headers and value read as strings',
  { headers: true, reads: true })
const HEADERS = [
  WITH_HEADERS.produce,
  workload({
    ...plain.produce, name: 'produce-strings', title: `${plain.produce.title}, string values`, suites: ['headers'],
    strings: true,
  }),
  WITH_HEADERS.eachMessage,
  READING.eachMessage,
  WITH_HEADERS.eachBatch,
  READING.eachBatch,
]

const LATENCY = [100, 1000, 50_000].map((rate) => workload({
  name: `latency-${rate}`, title: `from send() to the handler, ${rate.toLocaleString('en')} messages a second`,
  suites: rate === 1000 ? ['latency', 'short'] : ['latency'], kind: 'latency', pace: 'awaited', style: 'eachMessage',
  rate, messages: rate * 5,
}))

const CONSUMERS = [1, 10, 50].flatMap((consumers) => {
  const many = `${consumers} consumer${consumers > 1 ? 's' : ''} in one process`
  const suites = consumers === 10 ? ['consumers', 'short'] : ['consumers']
  return [
    workload({
      name: `consumers-${consumers}`, title: `${many}, eachMessage; connecting and joining included`, suites,
      kind: 'consumers', pace: 'eachMessage', style: 'eachMessage', consumers, share: 1 / consumers,
    }),
    workload({
      name: `idle-${consumers}`, title: `${many}, nothing to do`, suites, kind: 'consumers', pace: 'eachMessage',
      style: 'eachMessage', consumers, idle: true, messages: 60,
    }),
  ]
})

const STARTUP = /** @type {const} */ (['produce', 'consume']).map((side) => workload({
  name: `startup-${side}`,
  title: `a new process, from require() to the first message ${side === 'produce' ? 'acknowledged' : 'in the handler'}`,
  suites: ['startup', 'short'], kind: 'startup', pace: 'awaited', style: 'eachMessage', side, messages: 1,
}))

const WORKLOADS = [
  ...CORE, ...OTHER_SIZES, ...OTHER_PARTITIONS, QUARTER, ...CODECS, ...HEADERS, ...LATENCY, ...CONSUMERS, ...STARTUP,
]

/** What the suites are about. `short` has each kind of workload once: for CI. */
const SUITES = {
  core: 'sending and consuming, 100 B and 1 KiB',
  sizes: 'values of 10 B, 100 B, 1 KiB, 10 KiB and 1 MiB',
  partitions: '1, 6, 100 and 600 partitions',
  codecs: 'none, gzip, snappy, lz4 and zstd',
  headers: 'headers, string values, and a handler that reads all of it',
  latency: 'from send() to the handler at 100, 1,000 and 50,000 messages a second',
  consumers: '1, 10 and 50 consumers in one process',
  startup: 'from require() to the first message',
  short: 'each kind of workload once',
}

/** @param {number} bytes */
function sizeText(bytes) {
  if (bytes >= 1 << 20) return `${bytes / (1 << 20)} MiB`
  return bytes >= 1024 ? `${bytes / 1024} KiB` : `${bytes} B`
}

/** The largest run. What `--messages` gives is measured against it. */
const MOST = 2_000_000
/** Bytes of the largest run's values. */
const MOST_BYTES = 1 << 30
/** How long a run is to last about, s. Consuming runs are longer: what was fetched ahead flatters short ones. */
const SECONDS = { produce: 2, singles: 2, awaited: 2, eachMessage: 4, eachBatch: 4 }
/** What a client is expected to do that has no rate for a pace. */
const MIDDLING = { produce: 100_000, singles: 20_000, awaited: 1000, eachMessage: 200_000, eachBatch: 200_000 }
/** A value of so many bytes takes about twice as long as one of none. */
const HALF_BYTES = 1500
/** Below this there is no percentile worth the name. */
const FEWEST = 100

/**
 * How many messages one run has: so many that it lasts some seconds.
 * @param {Workload} workload
 * @param {import('./clients').Client} client
 * @param {number} [most] messages of the largest run; the others shrink or grow with it
 * @returns {number} whole sends of them
 */
function messagesOf(workload, client, most = MOST) {
  const { kind, pace, valueBytes, perSend, share = 1 } = workload
  if (kind === 'startup' || workload.idle) return /** @type {number} */ (workload.messages)
  const scale = most / MOST
  if (workload.messages !== undefined) return Math.max(FEWEST, Math.round(workload.messages * scale))
  const slower = (1 + VALUE_BYTES / HALF_BYTES) / (1 + valueBytes / HALF_BYTES)
  const expected = (client.rates[pace] ?? MIDDLING[pace]) * slower * SECONDS[pace] * share
  const count = rounded(Math.min(expected, MOST * share, MOST_BYTES / valueBytes) * scale)
  // The first send is not measured.
  const fewest = { awaited: FEWEST, produce: 2 * perSend }[/** @type {string} */ (kind)] ?? 1
  return Math.max(fewest, Math.ceil(count / perSend) * perSend)
}

/** To 1, 2 or 5 of a power of ten, so that clients share topics to read from. @param {number} count */
function rounded(count) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, count)))
  const digit = count / power
  return power * (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10)
}

/** @param {Workload} workload what reads from a topic that was filled beforehand */
const isConsuming = ({ kind, side }) =>
  kind === 'eachMessage' || kind === 'eachBatch' || kind === 'consumers' || side === 'consume'

/** Bytes of the largest message of a workload, with all that belongs to it. @param {Workload} workload */
const maxBytesOf = ({ valueBytes }) => Math.max(1_000_000, valueBytes + OVERHEAD)

module.exports = {
  WORKLOADS, SUITES, PARTITIONS, KEY_BYTES, VALUE_BYTES, MOST, isConsuming, messagesOf, maxBytesOf, sizeText,
}
