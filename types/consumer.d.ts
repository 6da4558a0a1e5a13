import { PartitionAssigner } from './assigner'
import {
  ConnectEvent,
  DisconnectEvent,
  EventOf,
  InstrumentationEvent,
  RemoveInstrumentationEventListener,
  RequestEvent,
  RequestQueueSizeEvent,
  RequestTimeoutEvent,
} from './events'
import { RdkafkaProperties, RetryOptions } from './kafka'
import { Logger } from './logger'
import { IHeaders, Offsets, TopicOffsets } from './producer'

export interface ConsumerConfig {
  /** Members of one group share the partitions. */
  groupId: string
  partitionAssigners?: PartitionAssigner[]
  /** How long metadata is good for (300000). */
  metadataMaxAge?: number
  /** A member that is silent for so long is taken out of the group (30000). */
  sessionTimeout?: number
  /** How long a member may take to join again; also how long a handler may take (60000). */
  rebalanceTimeout?: number
  /** Lower than `sessionTimeout` (3000). */
  heartbeatInterval?: number
  /** Bytes of one partition in one answer (1048576). */
  maxBytesPerPartition?: number
  /** Bytes that the broker waits for, at most `maxWaitTimeInMs` (1). */
  minBytes?: number
  /** Bytes of one answer (10485760). */
  maxBytes?: number
  /** How long the broker may wait for `minBytes` (500). */
  maxWaitTimeInMs?: number
  retry?: RetryOptions & { restartOnFailure?: (err: Error) => Promise<boolean> }
  /** Whether subscribing to a topic that does not exist creates it, where the brokers allow it (true). */
  allowAutoTopicCreation?: boolean
  maxInFlightRequests?: number
  /** Whether to read messages of transactions that are not committed (false). */
  readUncommitted?: boolean
  /** Where this consumer stands, so that it may read from a broker near by (KIP-392). */
  rackId?: string
  /**
   * The name of a static member (KIP-345): it comes back within `sessionTimeout` to the partitions that it had, without a
   * rebalance. Different for each member of the group. `group.instance.id`. Beyond kafkajs.
   */
  groupInstanceId?: string
  /**
   * `classic` (the default), or `consumer` for the group protocol of Kafka 4 (KIP-848), in which the brokers assign: then
   * `sessionTimeout` and `heartbeatInterval` are the brokers' settings. `group.protocol`. Beyond kafkajs.
   */
  groupProtocol?: 'classic' | 'consumer'
  /** librdkafka properties. */
  rdkafka?: RdkafkaProperties
}

/** kafkajs's type for messages from before Kafka 0.11, without headers. Here none is given. */
export interface MessageSetEntry {
  /** Null without one. */
  key: Buffer | null
  /** Null for a tombstone. */
  value: Buffer | null
  /** Milliseconds since 1970. */
  timestamp: string
  /** 0. */
  attributes: number
  /** Where the message stands in its partition. */
  offset: string
  /** Bytes. */
  size: number
  /** None. */
  headers?: never
}

/** A message with headers, if only empty ones. */
export interface RecordBatchEntry {
  /** Null without one. */
  key: Buffer | null
  /** Null for a tombstone. */
  value: Buffer | null
  /** Milliseconds since 1970. */
  timestamp: string
  /** 0. */
  attributes: number
  /** Where the message stands in its partition. */
  offset: string
  /** By name; `{}` without any. */
  headers: IHeaders
  /** Not told. */
  size?: never
}

/**
 * A message that was read. Key, value and headers are views of memory that many messages share: copy what is kept for
 * long.
 */
export type KafkaMessage = MessageSetEntry | RecordBatchEntry

export type TopicPartitions = { topic: string; partitions: number[] }
export type TopicPartition = { topic: string; partition: number }
export type TopicPartitionOffset = TopicPartition & { offset: string }
export type TopicPartitionOffsetAndMetadata = TopicPartitionOffset & { metadata?: string | null }

/** Messages of one partition, in order. */
export type Batch = {
  topic: string
  partition: number
  /** The offset of the next message to be written. */
  highWatermark: string
  messages: KafkaMessage[]
  isEmpty(): boolean
  /** Null for an empty batch. */
  firstOffset(): string | null
  lastOffset(): string
  /** How many messages come after this batch. */
  offsetLag(): string
  /** How many messages come after the first of this batch. */
  offsetLagLow(): string
}

export interface OffsetsByTopicPartition {
  topics: TopicOffsets[]
}

export interface EachMessagePayload {
  topic: string
  partition: number
  message: KafkaMessage
  heartbeat(): Promise<void>
  /** Pauses this partition after this message. What it returns resumes it. */
  pause(): () => void
}

export interface EachBatchPayload {
  batch: Batch
  /** Marks this message, and those before it, as done. */
  resolveOffset(offset: string): void
  heartbeat(): Promise<void>
  pause(): () => void
  commitOffsetsIfNecessary(offsets?: Offsets): Promise<void>
  /** Done, and not committed yet. */
  uncommittedOffsets(): OffsetsByTopicPartition
  /** False when the consumer stops: a long batch should end. */
  isRunning(): boolean
  /** True when the partition was lost, is being given up, or was sought: the rest of the batch should be left. */
  isStale(): boolean
}

export type ConsumerEachMessagePayload = EachMessagePayload
export type ConsumerEachBatchPayload = EachBatchPayload
export type EachBatchHandler = (payload: EachBatchPayload) => Promise<void>
export type EachMessageHandler = (payload: EachMessagePayload) => Promise<void>

export type ConsumerRunConfig = {
  /** Commits what is done (true). */
  autoCommit?: boolean
  /** Commits at least this often. */
  autoCommitInterval?: number | null
  /** Commits after so many messages. */
  autoCommitThreshold?: number | null
  /** A batch whose handler returned is done as a whole (true). */
  eachBatchAutoResolve?: boolean
  /** How many partitions are handled at a time (1). Within one, messages come one after another. */
  partitionsConsumedConcurrently?: number
  eachBatch?: EachBatchHandler
  eachMessage?: EachMessageHandler
}

/** @deprecated write `topics` */
export type ConsumerSubscribeTopic = { topic: string | RegExp; fromBeginning?: boolean }
/** `fromBeginning`: where to start when the group has committed nothing for a partition. */
export type ConsumerSubscribeTopics = { topics: (string | RegExp)[]; fromBeginning?: boolean }

export type MemberDescription = {
  clientHost: string
  clientId: string
  memberId: string
  memberAssignment: Buffer
  memberMetadata: Buffer
}

export type ConsumerGroupState = 'Unknown' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead' | 'Empty'

export type GroupDescription = {
  groupId: string
  members: MemberDescription[]
  protocol: string
  protocolType: string
  state: ConsumerGroupState
}

export type ConsumerEvents = {
  HEARTBEAT: 'consumer.heartbeat'
  COMMIT_OFFSETS: 'consumer.commit_offsets'
  GROUP_JOIN: 'consumer.group_join'
  FETCH_START: 'consumer.fetch_start'
  FETCH: 'consumer.fetch'
  START_BATCH_PROCESS: 'consumer.start_batch_process'
  END_BATCH_PROCESS: 'consumer.end_batch_process'
  CONNECT: 'consumer.connect'
  DISCONNECT: 'consumer.disconnect'
  STOP: 'consumer.stop'
  CRASH: 'consumer.crash'
  REBALANCING: 'consumer.rebalancing'
  RECEIVED_UNSUBSCRIBED_TOPICS: 'consumer.received_unsubscribed_topics'
  REQUEST: 'consumer.network.request'
  REQUEST_TIMEOUT: 'consumer.network.request_timeout'
  REQUEST_QUEUE_SIZE: 'consumer.network.request_queue_size'
}

export interface IMemberAssignment {
  [topic: string]: number[]
}

/** What the events about a batch carry. */
export interface IBatchProcessEvent {
  topic: string
  partition: number
  highWatermark: string
  offsetLag: string
  offsetLagLow: string
  batchSize: number
  firstOffset: string
  lastOffset: string
}

/** Not emitted yet: librdkafka sends heartbeats by itself. */
export type ConsumerHeartbeatEvent = InstrumentationEvent<{
  groupId: string
  memberId: string
  groupGenerationId: number
}>
/** `memberId` and `groupGenerationId` are not filled yet. */
export type ConsumerCommitOffsetsEvent = InstrumentationEvent<{
  groupId: string
  memberId: string
  groupGenerationId: number
  topics: TopicOffsets[]
}>
/** `memberId`, `leaderId` and `isLeader` are not filled yet. */
export type ConsumerGroupJoinEvent = InstrumentationEvent<{
  duration: number
  groupId: string
  isLeader: boolean
  leaderId: string
  groupProtocol: string
  memberId: string
  memberAssignment: IMemberAssignment
}>
/** Not emitted yet. */
export type ConsumerFetchStartEvent = InstrumentationEvent<{ nodeId: number }>
/** Not emitted yet. */
export type ConsumerFetchEvent = InstrumentationEvent<{ numberOfBatches: number; duration: number; nodeId: number }>
export type ConsumerStartBatchProcessEvent = InstrumentationEvent<IBatchProcessEvent>
export type ConsumerEndBatchProcessEvent = InstrumentationEvent<IBatchProcessEvent & { duration: number }>
export type ConsumerCrashEvent = InstrumentationEvent<{ error: Error; groupId: string; restart: boolean }>
/** `memberId` is not filled yet. */
export type ConsumerRebalancingEvent = InstrumentationEvent<{ groupId: string; memberId: string }>
/** Not emitted yet. Spelled as in kafkajs. */
export type ConsumerReceivedUnsubcribedTopicsEvent = InstrumentationEvent<{
  groupId: string
  generationId: number
  memberId: string
  assignedTopics: string[]
  topicsSubscribed: string[]
  topicsNotSubscribed: string[]
}>

/** Which event each name stands for. */
export interface ConsumerEventTable {
  'consumer.heartbeat': ConsumerHeartbeatEvent
  'consumer.commit_offsets': ConsumerCommitOffsetsEvent
  'consumer.group_join': ConsumerGroupJoinEvent
  'consumer.fetch_start': ConsumerFetchStartEvent
  'consumer.fetch': ConsumerFetchEvent
  'consumer.start_batch_process': ConsumerStartBatchProcessEvent
  'consumer.end_batch_process': ConsumerEndBatchProcessEvent
  'consumer.connect': ConnectEvent
  'consumer.disconnect': DisconnectEvent
  'consumer.stop': InstrumentationEvent<null>
  'consumer.crash': ConsumerCrashEvent
  'consumer.rebalancing': ConsumerRebalancingEvent
  'consumer.received_unsubscribed_topics': ConsumerReceivedUnsubcribedTopicsEvent
  'consumer.network.request': RequestEvent
  'consumer.network.request_timeout': RequestTimeoutEvent
  'consumer.network.request_queue_size': RequestQueueSizeEvent
}

export type Consumer = {
  /** @throws {KafkaJSNumberOfRetriesExceeded} when no broker answers; its `cause` says why */
  connect(): Promise<void>
  /** Stops, leaves the group and disconnects. */
  disconnect(): Promise<void>
  /** Before run(). A RegExp is matched against the topics that are there now. */
  subscribe(subscription: ConsumerSubscribeTopics | ConsumerSubscribeTopic): Promise<void>
  /** Resolves after the handlers that run have returned. run() starts again. */
  stop(): Promise<void>
  run(config?: ConsumerRunConfig): Promise<void>
  /** `offset` is the next one to read: that of the last message done, plus one. */
  commitOffsets(topicPartitions: Array<TopicPartitionOffsetAndMetadata>): Promise<void>
  /** Reads on from here. After run(). */
  seek(topicPartitionOffset: TopicPartitionOffset): void
  describeGroup(): Promise<GroupDescription>
  pause(topics: Array<{ topic: string; partitions?: number[] }>): void
  paused(): TopicPartitions[]
  resume(topics: Array<{ topic: string; partitions?: number[] }>): void
  logger(): Logger
  readonly events: ConsumerEvents
  on<Name extends ConsumerEvents[keyof ConsumerEvents]>(
    eventName: Name,
    listener: (event: EventOf<ConsumerEventTable, Name>) => void,
  ): RemoveInstrumentationEventListener<Name>
}
