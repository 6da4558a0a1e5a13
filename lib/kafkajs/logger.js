'use strict'
const { logLevel } = require('./enums')

/**
 * One line for the log. `log` has `timestamp` (ISO 8601), `logger`, `message` and whatever the caller added.
 * @typedef {{ namespace?: string, level: number, label: string, log: Record<string, any> }} LogEntry
 * @typedef {(entry: LogEntry) => void} LogFunction
 * @typedef {(level: number) => LogFunction} LogCreator
 *
 * @typedef {object} Logger
 * @property {(message: string, extra?: object) => void} info
 * @property {(message: string, extra?: object) => void} error
 * @property {(message: string, extra?: object) => void} warn
 * @property {(message: string, extra?: object) => void} debug
 * @property {(namespace: string, level?: number) => Logger} namespace
 * @property {(level: number) => void} setLogLevel sets the level of every logger of the same Kafka
 */

const LABELS = Object.freeze({ 0: 'NOTHING', 1: 'ERROR', 2: 'WARN', 4: 'INFO', 5: 'DEBUG' })

/** `KAFKAJS_LOG_LEVEL` (a name or a number) wins over what the program says, at every place. */
function environmentLevel() {
  const text = (process.env.KAFKAJS_LOG_LEVEL || '').trim().toUpperCase()
  if (text === '') return undefined
  const level = /** @type {Record<string, number>} */ (logLevel)[text] ?? Number(text)
  return Object.values(logLevel).includes(/** @type {any} */ (level)) ? level : undefined
}

/**
 * The default creator: one JSON object a line, on the console's stream for the level. This is the user's log.
 * @type {LogCreator}
 */
const consoleLogCreator =
  () =>
  ({ namespace, level, label, log }) => {
    const prefix = namespace ? `[${namespace}] ` : ''
    const line = JSON.stringify({ level: label, ...log, message: `${prefix}${log.message}` })
    switch (level) {
      case logLevel.ERROR:
        return console.error(line)
      case logLevel.WARN:
        return console.warn(line)
      case logLevel.DEBUG:
        return console.debug(line)
      default:
        return console.info(line)
    }
  }

/**
 * The root logger of a Kafka. `logCreator` is called once.
 * @param {{ level?: number, logCreator?: LogCreator }} [options]
 * @returns {Logger}
 */
function createLogger({ level = logLevel.INFO, logCreator = consoleLogCreator } = {}) {
  const forced = environmentLevel()
  let rootLevel = forced ?? level
  const write = logCreator(rootLevel)

  /** @param {string} [namespace] @param {number} [ownLevel] @returns {Logger} */
  const make = (namespace, ownLevel) => {
    /** @param {number} at */
    const at =
      (at) =>
      (/** @type {string} */ message, /** @type {object} */ extra = {}) => {
        const threshold = forced ?? ownLevel ?? rootLevel
        if (at > threshold) return
        try {
          write({
            namespace,
            level: at,
            label: /** @type {Record<number, string>} */ (LABELS)[at],
            log: { timestamp: new Date().toISOString(), logger: 'kafkajs', message, ...extra },
          })
        } catch {
          // A log that cannot be written must not end what was only telling of itself.
        }
      }
    return {
      info: at(logLevel.INFO),
      error: at(logLevel.ERROR),
      warn: at(logLevel.WARN),
      debug: at(logLevel.DEBUG),
      namespace: (name, level) => make(name, level),
      setLogLevel: (newLevel) => {
        rootLevel = newLevel
      },
    }
  }
  return make()
}

/** syslog's level of a librdkafka log line as the name of a logger method. @param {number} syslog 0-7 */
function methodOfSyslog(syslog) {
  return syslog <= 3 ? 'error' : syslog === 4 ? 'warn' : syslog <= 6 ? 'info' : 'debug'
}

/** kafkajs's level as librdkafka's `log_level`. @param {number} level */
function syslogOfLevel(level) {
  if (level <= logLevel.NOTHING) return 0
  if (level <= logLevel.ERROR) return 3
  if (level <= logLevel.WARN) return 4
  return level <= logLevel.INFO ? 6 : 7
}

module.exports = { createLogger, consoleLogCreator, environmentLevel, methodOfSyslog, syslogOfLevel }
