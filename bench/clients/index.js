'use strict'
/**
 * The clients that are compared, one file each, which exports a `Client` under the name that the tables show.
 *
 * run.js loads all of these files and looks at the data only, so requiring one must load no client library: that is
 * done in `producer` and `consumer`, which child.js calls in a process of its own (on the Node.js that `node` names),
 * and in `run` of a program that is not JavaScript, which run.js calls.
 */

/**
 * What a producer or a consumer is made for. `kind` is the workload's: 'produce' counts messages a second, 'awaited'
 * and 'latency' the time of each message, so a client whose documentation recommends a linger for one and none for the
 * other may choose by it. Whatever is not given here is the client's own default, acks are always all.
 * @typedef {object} Settings
 * @property {string[]} brokers
 * @property {string} topic
 * @property {Kind} kind
 * @property {Codec} [codec] none by default
 * @property {number} maxBytes the largest message with all that belongs to it; a producer whose own limit is lower
 *   raises it, a consumer too whose fetches would not carry it
 *
 * @typedef {'produce' | 'awaited' | 'eachMessage' | 'eachBatch' | 'latency' | 'consumers' | 'startup'} Kind
 * @typedef {'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'} Codec
 */

/**
 * @typedef {object} Producer
 * @property {(messages: Message[]) => Promise<unknown>} send resolves when all of them are acknowledged; the messages
 *   are used again for other sends and must not be changed
 * @property {() => Promise<unknown>} close
 *
 * @typedef {{ key: string, value: string | Buffer, headers?: Record<string, string> }} Message
 */

/**
 * @typedef {object} ConsumerSettings
 * @property {string} groupId a new one: reads from the beginning
 * @property {'eachMessage' | 'eachBatch'} style a handler called (and awaited, when the client can) once a message, or
 *   once for many
 * @property {(partition: number, value: Buffer, message: any) => void} take to be called for each message, in each
 *   partition's order; what the client hands out as a message is passed on untouched
 * @property {() => void} joined the group was joined, nothing has been fetched yet (or as near to that as the client
 *   lets one know): the clock starts. When it never is called, the clock starts at the first message
 * @property {(error: Error) => void} failed what ends the run
 *
 * @typedef {{ close: () => Promise<unknown> }} Consumer
 */

/**
 * A program that is not JavaScript. `cpu` is in µs a message, `rss` the peak in MiB; `p50` and `p99` in ms, `rate` is
 * in messages a second. The tally is of what was sent or has arrived: `bytes` are those of the values.
 * @typedef {{ figures: { seconds?: number, rate?: number, cpu?: number, rss?: number, p50?: number, p99?: number },
 *   tally: { count: number, bytes: number } }} External
 */

/**
 * @typedef {object} Client
 * @property {string} name
 * @property {boolean} [native] has a native part: peers of that kind are compared in memory too
 * @property {() => string | undefined} [missing] why it cannot run here and which command changes that; looks at files
 * @property {() => string} [node] the Node.js to run it on, when not this one
 * @property {(task: import('../workloads').Workload) => string | undefined} [limits] why it cannot do that workload;
 *   becomes a dash and a footnote of the table
 * @property {Partial<Record<import('../workloads').Pace, number>>} rates messages a second of 100 B to expect roughly,
 *   from which follows how many messages one run has; a pace that is not named is a middling one
 * @property {(settings: Settings) => Promise<Producer>} [producer] connected
 * @property {(settings: Settings & ConsumerSettings) => Promise<Consumer>} [consumer] connected and running
 * @property {(message: any, visit: (text: string) => void) => void} [read] visits as strings the key, the value, and
 *   the value of each header of what was given to `take`; the default reads messages that are like those of kafkajs
 * @property {(task: import('../child').Task) => Promise<External>} [run] instead of producer and consumer
 */

/** The one that is compared with the others comes first. @type {Client[]} */
const CLIENTS = [
  require('./kafka-oxide'),
  require('./kafkajs'),
  require('./confluent'),
  require('./node-rdkafka'),
  require('./kafka-crab-js'),
  require('./platformatic'),
  require('./rdkafka_performance'),
]

/** @param {any} message as kafkajs has it @param {(text: string) => void} visit */
function readMessage({ key, value, headers }, visit) {
  visit(key.toString())
  visit(value.toString())
  for (const name in headers) visit(headers[name].toString())
}

/**
 * @param {string} name
 * @param {string} [file] where a client is that is not one of the above
 * @returns {Client}
 */
function clientOf(name, file) {
  const client = file ? require(file) : CLIENTS.find((one) => one.name === name)
  if (!client) throw new Error(`there is no client ${name}`)
  return client
}

module.exports = { CLIENTS, clientOf, readMessage }
