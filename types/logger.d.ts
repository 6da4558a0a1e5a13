import { logLevel } from './enums'

/** What a line of the log says. */
export interface LoggerEntryContent {
  /** ISO 8601. */
  readonly timestamp: string
  readonly message: string
  [key: string]: any
}

/** One line of the log. */
export interface LogEntry {
  /** `Producer`, `Consumer`, `Admin`, `librdkafka`, … */
  namespace: string
  level: logLevel
  /** `ERROR`, `WARN`, `INFO` or `DEBUG`. */
  label: string
  log: LoggerEntryContent
}

/** Makes the function that writes the log. Called once for each `new Kafka()`. */
export type logCreator = (logLevel: logLevel) => (entry: LogEntry) => void

export interface Logger {
  info: (message: string, extra?: object) => void
  error: (message: string, extra?: object) => void
  warn: (message: string, extra?: object) => void
  debug: (message: string, extra?: object) => void
  /** A logger of that name, with its own level when one is given. */
  namespace: (namespace: string, logLevel?: logLevel) => Logger
  /** Sets the level of all loggers of the same Kafka. `KAFKAJS_LOG_LEVEL` in the environment wins. */
  setLogLevel: (logLevel: logLevel) => void
}
