import * as net from 'net'
import * as tls from 'tls'
import { Admin, AdminConfig } from './admin'
import { Consumer, ConsumerConfig } from './consumer'
import { logLevel } from './enums'
import { Logger, logCreator } from './logger'
import { FlushingProducer, ProducerConfig } from './producer'

/** Gives the brokers each time a client connects. */
export type BrokersFunction = () => string[] | Promise<string[]>

/**
 * librdkafka properties, by the names in its CONFIGURATION.md, e.g. `{ 'socket.keepalive.enable': true }`. They replace
 * what the options say. A name that librdkafka does not know is refused, with the nearest one that it does.
 */
export type RdkafkaProperties = { [property: string]: string | number | boolean | null | undefined }

/** How failing calls are tried again, and so how long connect() may take. */
export interface RetryOptions {
  /** The longest wait between two attempts (30000). */
  maxRetryTime?: number
  /** The first wait (300). */
  initialRetryTime?: number
  /** Randomness of a wait: 0.2 draws it from 80 % to 120 %. */
  factor?: number
  /** Each wait is this many times the one before (2). */
  multiplier?: number
  /** Attempts after the first (5). */
  retries?: number
  /** Consumers: whether to start again after a crash that was retriable. */
  restartOnFailure?: (e: Error) => Promise<boolean>
}

/** What a socket factory receives. */
export interface ISocketFactoryArgs {
  /** The broker's host. */
  host: string
  /** The broker's port. */
  port: number
  /** What `new Kafka()` was given as `ssl`, if anything. */
  ssl: tls.ConnectionOptions
  /** To be called when the connection is there. */
  onConnect: () => void
}

/** Not implemented: the native client opens its own sockets. */
export type ISocketFactory = (args: ISocketFactoryArgs) => net.Socket

/** What `oauthBearerProvider` gives. */
export interface OauthbearerProviderResponse {
  /** The token. Of a JWT the claims `exp` and `sub` are read; any other is taken for good for 5 minutes. */
  value: string
  /** SASL extensions (RFC 7628): names of letters, values of printable ASCII. */
  extensions?: { [name: string]: string }
}

/** What is sent to the broker. */
export type SaslAuthenticationRequest = { encode(): Buffer | Promise<Buffer> }

/** How the broker's answer is read. */
export type SaslAuthenticationResponse<ParseResult> = {
  /** The part that matters. */
  decode(rawResponse: Buffer): Buffer | Promise<Buffer>
  /** What it says. */
  parse(data: Buffer): ParseResult
}

/** One exchange with the broker. */
export type SaslAuthenticateArgs<ParseResult> = {
  /** What is sent. */
  request: SaslAuthenticationRequest
  /** How the answer is read; unread when left out. */
  response?: SaslAuthenticationResponse<ParseResult>
}

/** What an authentication provider receives. */
export type AuthenticationProviderArgs = {
  /** The broker's host. */
  host: string
  /** The broker's port. */
  port: number
  /** For its own log. */
  logger: Logger
  /** Makes one exchange with the broker. */
  saslAuthenticate: <ParseResult>(args: SaslAuthenticateArgs<ParseResult>) => Promise<ParseResult | void>
}

/** Authenticates one connection. */
export type Authenticator = { authenticate(): Promise<void> }

/** A way to authenticate of one's own. Not implemented: `new Kafka` throws KafkaJSNotImplemented. */
export type Mechanism = {
  /** Its name, as the brokers know it. */
  mechanism: string
  /** Called for each connection. */
  authenticationProvider: (args: AuthenticationProviderArgs) => Authenticator
}

/** A user name and a password, by the mechanism of that name. */
export type SASLPasswordOptions<Name extends string> = {
  /** Which one. */
  mechanism: Name
  /** The user. */
  username: string
  /** The password. */
  password: string
}

/** Not implemented: `new Kafka` throws KafkaJSNotImplemented. Amazon MSK takes tokens of IAM by `oauthbearer`. */
export type SASLAwsOptions = {
  /** The mechanism `AWS`, which brokers have by a plug-in. */
  mechanism: 'aws'
  /** The user's or role's id at AWS. */
  authorizationIdentity: string
  /** The key's id. */
  accessKeyId: string
  /** The key. */
  secretAccessKey: string
  /** Of temporary keys. */
  sessionToken?: string
}

/**
 * Tokens. The provider is asked when a client connects, and again before its token expires (when 80 % of its time are
 * over). One that throws, or gives nothing within `authenticationTimeout`, makes connect() reject with
 * KafkaJSSASLAuthenticationError; while a client works it is asked again 10 s later.
 */
export type SASLOauthbearerOptions = {
  /** Tokens. */
  mechanism: 'oauthbearer'
  /** Called for a token at first and whenever one is about to expire. */
  oauthBearerProvider: () => Promise<OauthbearerProviderResponse>
}

/** How to authenticate. */
export type SASLOptions =
  | SASLPasswordOptions<'plain'>
  | SASLPasswordOptions<'scram-sha-256'>
  | SASLPasswordOptions<'scram-sha-512'>
  | SASLAwsOptions
  | SASLOauthbearerOptions

/** The names of the mechanisms. */
export type SASLMechanism = SASLOptions['mechanism']
/** The options of one mechanism. */
export type SASLMechanismOptions<T> = T extends SASLMechanism ? Extract<SASLOptions, { mechanism: T }> : never
/** The options of each mechanism, by its name. */
export type SASLMechanismOptionsMap = { [Name in SASLMechanism]: Omit<SASLMechanismOptions<Name>, 'mechanism'> }

/** Options of `new Kafka()`. Times are in milliseconds. */
export interface KafkaConfig {
  /** `host:port` of some brokers (the others are found), or a function that gives them at each connect(). */
  brokers: string[] | BrokersFunction
  /**
   * True for TLS with the certificates that Node trusts (NODE_EXTRA_CA_CERTS included), or Node's TLS options: `ca`,
   * `cert`, `key` as PEM, `pfx`, `passphrase`, `servername`, `rejectUnauthorized`, `minVersion`, `ciphers`, `sigalgs`,
   * `ecdhCurve`. `servername` is the name that certificates are checked against; what brokers are told (SNI) stays their
   * own host name. Options that the native client has no counterpart for are refused with KafkaJSNotImplemented.
   */
  ssl?: tls.ConnectionOptions | boolean
  /** User and password, or tokens. `mechanism` in any case of letters. */
  sasl?: SASLOptions | Mechanism
  /** The name by which brokers know this program ('kafkajs'). */
  clientId?: string
  /** How long making one connection may take (1000, the least that is possible). */
  connectionTimeout?: number
  /** With `sasl`, how much longer making a connection may take, and how long `oauthBearerProvider` may (10000). */
  authenticationTimeout?: number
  /** Without effect: connections authenticate anew when 90 % of the time that the broker gives are over (KIP-368). */
  reauthenticationThreshold?: number
  /** How long a request may go unanswered (30000). */
  requestTimeout?: number
  /** False: requests have 300000 ms, the longest that there is. */
  enforceRequestTimeout?: boolean
  /** How failing calls are tried again. */
  retry?: RetryOptions
  /** Makes the connections. */
  socketFactory?: ISocketFactory
  /** `logLevel.INFO`. `KAFKAJS_LOG_LEVEL` in the environment wins. */
  logLevel?: logLevel
  /** Writes the log. Without it, JSON lines on the console. */
  logCreator?: logCreator
  /** librdkafka properties for every client of this Kafka. */
  rdkafka?: RdkafkaProperties
}

/**
 * The way to a cluster: makes producers, consumers and admin clients. Nothing is opened before one of them connects.
 *
 * @example
 * const kafka = new Kafka({ clientId: 'my-app', brokers: ['localhost:9092'] })
 */
export class Kafka {
  /** @throws {KafkaJSNonRetriableError} for an option that cannot be */
  constructor(config: KafkaConfig)
  /** A producer, not yet connected. */
  producer(config?: ProducerConfig): FlushingProducer
  /** @throws {KafkaJSNonRetriableError} without a `groupId` */
  consumer(config: ConsumerConfig): Consumer
  /** An admin client, not yet connected. */
  admin(config?: AdminConfig): Admin
  /** The root logger. */
  logger(): Logger
}
