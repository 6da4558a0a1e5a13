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
  headers?: IHeaders
  /** Milliseconds since 1970; now when left out. */
  timestamp?: string
}

export type PartitionMetadata = {
  partitionErrorCode: number
  partitionId: number
  /** The node id of the broker that leads, -1 without one. */
  leader: number
  replicas: number[]
  isr: number[]
  offlineReplicas?: number[]
}

export interface PartitionerArgs {
  topic: string
  partitionMetadata: PartitionMetadata[]
  message: Message
}

/** Called once for a producer; what it returns is called for each message and gives its partition. */
export type ICustomPartitioner = () => (args: PartitionerArgs) => number
export type DefaultPartitioner = ICustomPartitioner
export type LegacyPartitioner = ICustomPartitioner

export const Partitioners: {
  /** Java's: by murmur2 of the key. */
  DefaultPartitioner: DefaultPartitioner
  /** kafkajs's before 2.0. */
  LegacyPartitioner: LegacyPartitioner
  /** @deprecated the same as DefaultPartitioner */
  JavaCompatiblePartitioner: DefaultPartitioner
}

export interface ProducerConfig {
  createPartitioner?: ICustomPartitioner
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
  topic: string
  messages: Message[]
  /** -1: all replicas that are in sync have it (default); 1: the leader has it; 0: do not wait. */
  acks?: number
  /** How long the broker may wait for its replicas (30000). */
  timeout?: number
  compression?: CompressionTypes
}

export interface TopicMessages {
  topic: string
  messages: Message[]
}

/** For sendBatch(). */
export interface ProducerBatch {
  acks?: number
  timeout?: number
  compression?: CompressionTypes
  topicMessages?: TopicMessages[]
}

/** Where the messages of one call lie in one partition. */
export type RecordMetadata = {
  topicName: string
  partition: number
  /** 0. */
  errorCode: number
  offset?: string
  timestamp?: string
  /** The offset of the first of them. */
  baseOffset?: string
  logAppendTime?: string
  logStartOffset?: string
}

export interface PartitionOffset {
  partition: number
  offset: string
}

export interface TopicOffsets {
  topic: string
  partitions: PartitionOffset[]
}

export interface Offsets {
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

export type ProducerEvents = {
  CONNECT: 'producer.connect'
  DISCONNECT: 'producer.disconnect'
  REQUEST: 'producer.network.request'
  REQUEST_TIMEOUT: 'producer.network.request_timeout'
  REQUEST_QUEUE_SIZE: 'producer.network.request_queue_size'
}

/** Which event each name stands for. */
export interface ProducerEventTable {
  'producer.connect': ConnectEvent
  'producer.disconnect': DisconnectEvent
  'producer.network.request': RequestEvent
  'producer.network.request_timeout': RequestTimeoutEvent
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
  logger(): Logger
  readonly events: ProducerEvents
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
