import { logLevel } from './enums'

/** What a line of the log says. */
export interface LoggerEntryContent {
  /** ISO 8601. */
  readonly timestamp: string
  /** The text. */
  readonly message: string
  /** Whatever belongs to it, e.g. `groupId`, `broker`, `stack`. */
  [key: string]: any
}

/** One line of the log. */
export interface LogEntry {
  /** `Producer`, `Consumer`, `Admin`, `librdkafka`, … */
  namespace: string
  /** How important it is. */
  level: logLevel
  /** `ERROR`, `WARN`, `INFO` or `DEBUG`. */
  label: string
  /** What it says. */
  log: LoggerEntryContent
}

/** Makes the function that writes the log. Called once for each `new Kafka()`. */
export type logCreator = (logLevel: logLevel) => (entry: LogEntry) => void

/** A logger for one namespace. */
export type Logger = {
  /** Writes a line when the level is INFO or more. `extra` is added to it. */
  info: (message: string, extra?: object) => void
  /** Writes a line when the level is ERROR or more. */
  error: (message: string, extra?: object) => void
  /** Writes a line when the level is WARN or more. */
  warn: (message: string, extra?: object) => void
  /** Writes a line when the level is DEBUG. */
  debug: (message: string, extra?: object) => void
  /** A logger of that name, with its own level when one is given. */
  namespace: (namespace: string, logLevel?: logLevel) => Logger
  /** Sets the level of all loggers of the same Kafka. `KAFKAJS_LOG_LEVEL` in the environment wins. */
  setLogLevel: (logLevel: logLevel) => void
}
