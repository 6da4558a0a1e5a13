import { Consumer } from './consumer'
import { CompressionTypes } from './enums'
import {
  ConnectEvent,
  DisconnectEvent,
  EventOf,
  RemoveInstrumentationEventListener,
  RequestEvent,
  RequestQueueSizeEvent,
  RequestTimeoutEvent,
} from './events'
import { RdkafkaProperties, RetryOptions } from './kafka'
import { Logger } from './logger'

/** Headers by name. A name that is there several times has an array. */
export interface IHeaders {
  /** A header's value or values. */
  [key: string]: Buffer | string | (Buffer | string)[] | undefined
}

/** A message to send. */
export interface Message {
  /** Messages with the same key go to the same partition. */
  key?: Buffer | string | null
  /** Null deletes the key from a compacted topic. */
  value: Buffer | string | null
  /** Chosen by the key, or at random, when left out. */
  partition?: number
  /** By name. */
  headers?: IHeaders
  /** Milliseconds since 1970; now when left out. */
  timestamp?: string
}

/** A partition and who holds it. */
export type PartitionMetadata = {
  /** 0, or the Kafka protocol's code, e.g. 5 without a leader. */
  partitionErrorCode: number
  /** From 0. */
  partitionId: number
  /** The node id of the broker that leads, -1 without one. */
  leader: number
  /** The node ids of the brokers that hold it. */
  replicas: number[]
  /** Those of them that are in sync. */
  isr: number[]
  /** Those that are down. */
  offlineReplicas?: number[]
}

/** What a partitioner receives. */
export interface PartitionerArgs {
  /** The topic. */
  topic: string
  /** The topic's partitions. */
  partitionMetadata: PartitionMetadata[]
  /** The message that needs a partition. */
  message: Message
}

/** Called once for a producer; what it returns is called for each message and gives its partition. */
export type ICustomPartitioner = () => (args: PartitionerArgs) => number
/** Java's: by murmur2 of the key. */
export type DefaultPartitioner = ICustomPartitioner
/** kafkajs's before 2.0. */
export type LegacyPartitioner = ICustomPartitioner

/** The partitioners that there are. */
export const Partitioners: {
  /** Java's: by murmur2 of the key. */
  DefaultPartitioner: DefaultPartitioner
  /** kafkajs's before 2.0. */
  LegacyPartitioner: LegacyPartitioner
  /** @deprecated the same as DefaultPartitioner */
  JavaCompatiblePartitioner: DefaultPartitioner
}

/** Options of `kafka.producer()`. Times are in milliseconds. */
export interface ProducerConfig {
  /** Chooses partitions (`Partitioners.DefaultPartitioner`). */
  createPartitioner?: ICustomPartitioner
  /** How failing calls are tried again; what `new Kafka()` was given when left out. */
  retry?: RetryOptions
  /** How long metadata is good for (300000). */
  metadataMaxAge?: number
  /** Whether sending to a topic that does not exist creates it, where the brokers allow it (true). */
  allowAutoTopicCreation?: boolean
  /**
   * Unlike kafkajs's, the producer never loses the order nor doubles a message unless this is false. True also refuses
   * sends with other `acks` than -1.
   */
  idempotent?: boolean
  /**
   * Makes transaction() possible. One producer at a time has it: the one that began its first transaction last. Give each
   * instance of a program its own, the same again when it restarts.
   */
  transactionalId?: string
  /** How long a transaction may take before the coordinator aborts it, ms (60000, at least 1000). */
  transactionTimeout?: number
  /** Requests under way for each broker; at most 5 for an idempotent producer. */
  maxInFlightRequests?: number
  /** librdkafka properties, e.g. `{ 'linger.ms': 5 }`. */
  rdkafka?: RdkafkaProperties
}

/** For send(). */
export interface ProducerRecord {
  /** Where to. */
  topic: string
  /** What. */
  messages: Message[]
  /** -1: all replicas that are in sync have it (default); 1: the leader has it; 0: do not wait. */
  acks?: number
  /** How long the broker may wait for its replicas (30000). */
  timeout?: number
  /** How the messages are packed (`CompressionTypes.None`). */
  compression?: CompressionTypes
}

/** Messages of one topic. */
export interface TopicMessages {
  /** Where to. */
  topic: string
  /** What. */
  messages: Message[]
}

/** For sendBatch(). */
export interface ProducerBatch {
  /** -1: all replicas that are in sync have it (default); 1: the leader has it; 0: do not wait. */
  acks?: number
  /** How long the broker may wait for its replicas (30000). */
  timeout?: number
  /** How the messages are packed (`CompressionTypes.None`). */
  compression?: CompressionTypes
  /** What, by topic. A topic may be there several times. */
  topicMessages?: TopicMessages[]
}

/** Where the messages of one call lie in one partition. */
export type RecordMetadata = {
  /** The topic. */
  topicName: string
  /** The partition. */
  partition: number
  /** 0. */
  errorCode: number
  /** Of kafkajs's older protocol; not given. */
  offset?: string
  /** Of kafkajs's older protocol; not given. */
  timestamp?: string
  /** The offset of the first of them. */
  baseOffset?: string
  /** When the broker took them, ms since 1970, for topics that keep that time; else '-1'. */
  logAppendTime?: string
  /** '0'. */
  logStartOffset?: string
}

/** An offset of a partition. */
export interface PartitionOffset {
  /** The partition. */
  partition: number
  /** The offset. */
  offset: string
}

/** Offsets of a topic. */
export interface TopicOffsets {
  /** The topic. */
  topic: string
  /** By partition. */
  partitions: PartitionOffset[]
}

/** Offsets by topic. */
export interface Offsets {
  /** The topics. */
  topics: TopicOffsets[]
}

/** What sends messages. */
export type Sender = {
  /**
   * Sends messages to one topic. Resolves when the brokers have them as `acks` says.
   * @throws {KafkaJSNonRetriableError} for a message that cannot be sent; then none of the call was
   * @throws {KafkaJSProtocolError} with the broker's refusal
   */
  send(record: ProducerRecord): Promise<RecordMetadata[]>
  /** Sends messages to several topics. */
  sendBatch(batch: ProducerBatch): Promise<RecordMetadata[]>
}

/** The names of a producer's events. */
export type ProducerEvents = {
  /** Connected. */
  CONNECT: 'producer.connect'
  /** Disconnected. */
  DISCONNECT: 'producer.disconnect'
  /** A broker answered a request. */
  REQUEST: 'producer.network.request'
  /** No broker answered a request in time. */
  REQUEST_TIMEOUT: 'producer.network.request_timeout'
  /** How many requests wait for a broker's answer. */
  REQUEST_QUEUE_SIZE: 'producer.network.request_queue_size'
}

/** Which event each name stands for. */
export interface ProducerEventTable {
  /** Connected. */
  'producer.connect': ConnectEvent
  /** Disconnected. */
  'producer.disconnect': DisconnectEvent
  /** A broker answered a request. */
  'producer.network.request': RequestEvent
  /** No broker answered a request in time. */
  'producer.network.request_timeout': RequestTimeoutEvent
  /** How many requests wait for a broker's answer. */
  'producer.network.request_queue_size': RequestQueueSizeEvent
}

/**
 * What was sent through it counts all together or not at all, for consumers without `readUncommitted`. `acks` is always -1.
 * A topic's `compression` and `timeout` are those of the first transactional send to it.
 *
 * When a call rejects, abort() and begin another. An error with `abortable: true` is one that the transaction cannot be
 * committed after. One with `fatal: true` and type INVALID_PRODUCER_EPOCH says that another producer has taken over the
 * transactional id, or that the transaction took longer than `transactionTimeout`.
 */
export type Transaction = Sender & {
  /**
   * Commits the offsets, the next ones to read, with the transaction. With `consumer`, which must be running, the
   * coordinator refuses them once the consumer has lost its membership; with the group's id alone it takes them from
   * anybody. A consumer of the same `Kafka` and group takes them for committed at once.
   */
  sendOffsets(offsets: Offsets & ({ consumerGroupId: string } | { consumer: Consumer })): Promise<void>
  /**
   * Waits for what was sent, then commits. A rejection with `retriable: true` leaves it open whether the commit was
   * carried out: call it again.
   */
  commit(): Promise<void>
  /** What was sent and is not delivered yet rejects. */
  abort(): Promise<void>
  /** False once it is committed, aborted, or beyond both. */
  isActive(): boolean
}

/** Sends messages. */
export type Producer = Sender & {
  /** @throws {KafkaJSNumberOfRetriesExceeded} when no broker answers; its `cause` says why */
  connect(): Promise<void>
  /** Aborts an open transaction, delivers what was sent, as far as the brokers are there, then disconnects. */
  disconnect(): Promise<void>
  /** Whether `idempotent: true` was asked for. */
  isIdempotent(): boolean
  /**
   * Begins a transaction; one at a time. Plain sends beside it are in none.
   * @throws {KafkaJSNonRetriableError} without `transactionalId`, and while another one is going on
   * @throws {KafkaJSProtocolError} when another producer has taken over the transactional id
   */
  transaction(): Promise<Transaction>
  /** The logger of this client. */
  logger(): Logger
  /** The names of its events, for on(). */
  readonly events: ProducerEvents
  /** Listens to an event. What it returns takes the listener away. */
  on<Name extends ProducerEvents[keyof ProducerEvents]>(
    eventName: Name,
    listener: (event: EventOf<ProducerEventTable, Name>) => void,
  ): RemoveInstrumentationEventListener<Name>
}

/** What `kafka.producer()` gives: kafkajs's producer and what it lacks. */
export type FlushingProducer = Producer & {
  /**
   * Resolves when every message sent so far is delivered or has failed; rejects when that takes longer than `timeout`.
   */
  flush(options?: { timeout?: number }): Promise<void>
}
