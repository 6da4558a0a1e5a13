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

/** Options of `kafka.consumer()`. Times are in milliseconds. */
export interface ConsumerConfig {
  /** Members of one group share the partitions. */
  groupId: string
  /** How the group deals out partitions (`[PartitionAssigners.roundRobin]`). */
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
  /** How a failing call or handler is tried again; what `new Kafka()` was given when left out. */
  retry?: RetryOptions & { restartOnFailure?: (err: Error) => Promise<boolean> }
  /** Whether subscribing to a topic that does not exist creates it, where the brokers allow it (true). */
  allowAutoTopicCreation?: boolean
  /** Requests under way for each broker. */
  maxInFlightRequests?: number
  /** Whether to read messages of transactions that are not committed (false). */
  readUncommitted?: boolean
  /** Where this consumer stands, so that it may read from a broker near by (KIP-392). */
  rackId?: string
  /**
   * Bytes of messages that are fetched and not yet handled (50331648): two thirds in librdkafka's queue
   * (`queued.max.messages.kbytes`), one third handed to JavaScript. A broker's answer (`maxBytes`) and a message larger than that
   * come on top, and what the program itself keeps. Beyond kafkajs.
   */
  maxBufferedBytes?: number
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

/** Partitions of a topic. */
export type TopicPartitions = { topic: string; partitions: number[] }
/** A partition. */
export type TopicPartition = { topic: string; partition: number }
/** A place in a partition. */
export type TopicPartitionOffset = TopicPartition & { offset: string }
/** An offset to commit, and any text that is to be kept with it. */
export type TopicPartitionOffsetAndMetadata = TopicPartitionOffset & { metadata?: string | null }

/** Messages of one partition, in order. */
export type Batch = {
  /** Their topic. */
  topic: string
  /** Their partition. */
  partition: number
  /** The offset of the next message to be written. */
  highWatermark: string
  /** In the order of their offsets. */
  messages: KafkaMessage[]
  /** Whether there are none. */
  isEmpty(): boolean
  /** Null for an empty batch. */
  firstOffset(): string | null
  /** The last message's offset. */
  lastOffset(): string
  /** How many messages come after this batch. */
  offsetLag(): string
  /** How many messages come after the first of this batch. */
  offsetLagLow(): string
}

/** Offsets by topic. */
export interface OffsetsByTopicPartition {
  /** The topics. */
  topics: TopicOffsets[]
}

/** What `eachMessage` receives. */
export interface EachMessagePayload {
  /** Its topic. */
  topic: string
  /** Its partition. */
  partition: number
  /** The message. */
  message: KafkaMessage
  /** Tells that the handler is alive. Rejects when the partition was lost meanwhile. */
  heartbeat(): Promise<void>
  /** Pauses this partition after this message. What it returns resumes it. */
  pause(): () => void
}

/** What `eachBatch` receives. */
export interface EachBatchPayload {
  /** The messages. */
  batch: Batch
  /** Marks this message, and those before it, as done. */
  resolveOffset(offset: string): void
  /** Tells that the handler is alive. Rejects when the partition was lost meanwhile. */
  heartbeat(): Promise<void>
  /** Pauses this partition after this batch. What it returns resumes it. */
  pause(): () => void
  /** Commits these, or what is done when `autoCommitInterval` or `autoCommitThreshold` says so. */
  commitOffsetsIfNecessary(offsets?: Offsets): Promise<void>
  /** Done, and not committed yet. */
  uncommittedOffsets(): OffsetsByTopicPartition
  /** False when the consumer stops: a long batch should end. */
  isRunning(): boolean
  /** True when the partition was lost, is being given up, or was sought: the rest of the batch should be left. */
  isStale(): boolean
}

/** The same as EachMessagePayload. */
export type ConsumerEachMessagePayload = EachMessagePayload
/** The same as EachBatchPayload. */
export type ConsumerEachBatchPayload = EachBatchPayload
/** Handles a batch. When it rejects, what is not resolved of the batch comes again. */
export type EachBatchHandler = (payload: EachBatchPayload) => Promise<void>
/** Handles a message. When it rejects, the message comes again. */
export type EachMessageHandler = (payload: EachMessagePayload) => Promise<void>

/** Options of run(). Times are in milliseconds. */
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
  /** Handles many messages of a partition at a time. */
  eachBatch?: EachBatchHandler
  /** Handles one message at a time. */
  eachMessage?: EachMessageHandler
}

/** @deprecated write `topics` */
export type ConsumerSubscribeTopic = { topic: string | RegExp; fromBeginning?: boolean }
/** `fromBeginning`: where to start when the group has committed nothing for a partition. */
export type ConsumerSubscribeTopics = { topics: (string | RegExp)[]; fromBeginning?: boolean }

/** A member of a group. */
export type MemberDescription = {
  /** Its address, as the broker sees it. */
  clientHost: string
  /** Its client's name. */
  clientId: string
  /** The id that the coordinator gave. */
  memberId: string
  /** Its partitions: `AssignerProtocol.MemberAssignment.decode()` reads it. */
  memberAssignment: Buffer
  /** What it told when it joined: `AssignerProtocol.MemberMetadata.decode()` reads it. */
  memberMetadata: Buffer
}

/** What a group is doing. A group that is not there is Dead. */
export type ConsumerGroupState = 'Unknown' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead' | 'Empty'

/** A group. */
export type GroupDescription = {
  /** Its name. */
  groupId: string
  /** Those who are in it. */
  members: MemberDescription[]
  /** The assigner, e.g. `RoundRobinAssigner`; empty without members. */
  protocol: string
  /** `consumer` for consumers. */
  protocolType: string
  /** What it is doing. */
  state: ConsumerGroupState
}

/** The names of a consumer's events. */
export type ConsumerEvents = {
  /** The group has heard of this member. */
  HEARTBEAT: 'consumer.heartbeat'
  /** Offsets were committed. */
  COMMIT_OFFSETS: 'consumer.commit_offsets'
  /** The group was joined, or partitions were dealt out anew. */
  GROUP_JOIN: 'consumer.group_join'
  /** Messages are asked for. */
  FETCH_START: 'consumer.fetch_start'
  /** Messages have come, or none in time. */
  FETCH: 'consumer.fetch'
  /** Handling a batch begins. */
  START_BATCH_PROCESS: 'consumer.start_batch_process'
  /** A batch was handled. */
  END_BATCH_PROCESS: 'consumer.end_batch_process'
  /** Connected; at connect() and at run(). */
  CONNECT: 'consumer.connect'
  /** Disconnected. */
  DISCONNECT: 'consumer.disconnect'
  /** No more is handled until the next run(). */
  STOP: 'consumer.stop'
  /** The run ended by an error. */
  CRASH: 'consumer.crash'
  /** Partitions are about to be dealt out anew. */
  REBALANCING: 'consumer.rebalancing'
  /** The group's leader dealt out topics that this member is not subscribed to. */
  RECEIVED_UNSUBSCRIBED_TOPICS: 'consumer.received_unsubscribed_topics'
  /** A broker answered a request. */
  REQUEST: 'consumer.network.request'
  /** No broker answered a request in time. */
  REQUEST_TIMEOUT: 'consumer.network.request_timeout'
  /** How many requests wait for a broker's answer. */
  REQUEST_QUEUE_SIZE: 'consumer.network.request_queue_size'
}

/** Partitions by topic. */
export interface IMemberAssignment {
  /** The partitions of a topic. */
  [topic: string]: number[]
}

/** What the events about a batch carry. */
export interface IBatchProcessEvent {
  /** Its topic. */
  topic: string
  /** Its partition. */
  partition: number
  /** The offset of the next message to be written. */
  highWatermark: string
  /** How many messages come after it. */
  offsetLag: string
  /** How many messages come after its first. */
  offsetLagLow: string
  /** How many messages. */
  batchSize: number
  /** The first message's offset. */
  firstOffset: string
  /** The last message's offset. */
  lastOffset: string
}

/** The coordinator answered a heartbeat. librdkafka sends them by itself, also while a handler runs. */
export type ConsumerHeartbeatEvent = InstrumentationEvent<{
  /** The group. */
  groupId: string
  /** The id that the coordinator gave. */
  memberId: string
  /** Counts the group's rebalances. */
  groupGenerationId: number
}>
/** Offsets were committed. */
export type ConsumerCommitOffsetsEvent = InstrumentationEvent<{
  /** The group. */
  groupId: string
  /** The id that the coordinator gave. */
  memberId: string
  /** Counts the group's rebalances. */
  groupGenerationId: number
  /** The offsets; a partition is text when the consumer committed by itself. */
  topics: TopicOffsets[]
}>
/** A rebalance ended. `leaderId` is `''` under KIP-848, and where `rdkafka: { debug }` leaves `cgrp` out. `duration` in ms. */
export type ConsumerGroupJoinEvent = InstrumentationEvent<{
  /** How long joining took, ms. */
  duration: number
  /** The group. */
  groupId: string
  /** Whether this member deals out the partitions. */
  isLeader: boolean
  /** The member that does. */
  leaderId: string
  /** The assigner's name. */
  groupProtocol: string
  /** The id that the coordinator gave. */
  memberId: string
  /** What this member got. */
  memberAssignment: IMemberAssignment
}>
/** A broker is asked for messages. While nothing can be fetched (all paused), once in `maxWaitTimeInMs`. At run time `nodeId` is a string, as in kafkajs. */
export type ConsumerFetchStartEvent = InstrumentationEvent<{ nodeId: number }>
/** Its answer came. `numberOfBatches` is always 0, as in kafkajs; `duration` in ms; `nodeId` as above. */
export type ConsumerFetchEvent = InstrumentationEvent<{ numberOfBatches: number; duration: number; nodeId: number }>
/** Handling a batch begins. With `eachMessage` too. */
export type ConsumerStartBatchProcessEvent = InstrumentationEvent<IBatchProcessEvent>
/** A batch was handled, and how long that took (ms). */
export type ConsumerEndBatchProcessEvent = InstrumentationEvent<IBatchProcessEvent & { duration: number }>
/** The run ended by an error. */
export type ConsumerCrashEvent = InstrumentationEvent<{ error: Error; groupId: string; restart: boolean }>
/** The group rebalances; `memberId` is the one before. */
export type ConsumerRebalancingEvent = InstrumentationEvent<{ groupId: string; memberId: string }>
/** The group's leader assigned topics that this consumer did not subscribe to; they are left out. Spelled as in kafkajs. */
export type ConsumerReceivedUnsubcribedTopicsEvent = InstrumentationEvent<{
  /** The group. */
  groupId: string
  /** Counts the group's rebalances. */
  generationId: number
  /** The id that the coordinator gave. */
  memberId: string
  /** What was dealt out to it. */
  assignedTopics: string[]
  /** What it is subscribed to. */
  topicsSubscribed: string[]
  /** The difference. */
  topicsNotSubscribed: string[]
}>

/** Which event each name stands for. */
export interface ConsumerEventTable {
  /** The group has heard of this member. */
  'consumer.heartbeat': ConsumerHeartbeatEvent
  /** Offsets were committed. */
  'consumer.commit_offsets': ConsumerCommitOffsetsEvent
  /** The group was joined, or partitions were dealt out anew. */
  'consumer.group_join': ConsumerGroupJoinEvent
  /** Messages are asked for. */
  'consumer.fetch_start': ConsumerFetchStartEvent
  /** Messages have come, or none in time. */
  'consumer.fetch': ConsumerFetchEvent
  /** Handling a batch begins. */
  'consumer.start_batch_process': ConsumerStartBatchProcessEvent
  /** A batch was handled. */
  'consumer.end_batch_process': ConsumerEndBatchProcessEvent
  /** Connected; at connect() and at run(). */
  'consumer.connect': ConnectEvent
  /** Disconnected. */
  'consumer.disconnect': DisconnectEvent
  /** No more is handled until the next run(). */
  'consumer.stop': InstrumentationEvent<null>
  /** The run ended by an error. */
  'consumer.crash': ConsumerCrashEvent
  /** Partitions are about to be dealt out anew. */
  'consumer.rebalancing': ConsumerRebalancingEvent
  /** The group's leader dealt out topics that this member is not subscribed to. */
  'consumer.received_unsubscribed_topics': ConsumerReceivedUnsubcribedTopicsEvent
  /** A broker answered a request. */
  'consumer.network.request': RequestEvent
  /** No broker answered a request in time. */
  'consumer.network.request_timeout': RequestTimeoutEvent
  /** How many requests wait for a broker's answer. */
  'consumer.network.request_queue_size': RequestQueueSizeEvent
}

/** Reads messages as a member of a group. */
export type Consumer = {
  /** @throws {KafkaJSNumberOfRetriesExceeded} when no broker answers; its `cause` says why */
  connect(): Promise<void>
  /** Stops, leaves the group and disconnects. */
  disconnect(): Promise<void>
  /** Before run(). A RegExp is matched against the topics that are there now. */
  subscribe(subscription: ConsumerSubscribeTopics | ConsumerSubscribeTopic): Promise<void>
  /** Resolves after the handlers that run have returned. run() starts again. */
  stop(): Promise<void>
  /** Joins the group and handles messages until stop() or disconnect(). Resolves when the group has been joined. */
  run(config?: ConsumerRunConfig): Promise<void>
  /** `offset` is the next one to read: that of the last message done, plus one. */
  commitOffsets(topicPartitions: Array<TopicPartitionOffsetAndMetadata>): Promise<void>
  /** Reads on from here. After run(). */
  seek(topicPartitionOffset: TopicPartitionOffset): void
  /** The group that this consumer is a member of. */
  describeGroup(): Promise<GroupDescription>
  /** Hands out no more messages of these topics, or of these partitions of them, until resume(). After run(). */
  pause(topics: Array<{ topic: string; partitions?: number[] }>): void
  /** What is paused. */
  paused(): TopicPartitions[]
  /** Ends a pause(). */
  resume(topics: Array<{ topic: string; partitions?: number[] }>): void
  /** The logger of this client. */
  logger(): Logger
  /** The names of its events, for on(). */
  readonly events: ConsumerEvents
  /** Listens to an event. What it returns takes the listener away. */
  on<Name extends ConsumerEvents[keyof ConsumerEvents]>(
    eventName: Name,
    listener: (event: EventOf<ConsumerEventTable, Name>) => void,
  ): RemoveInstrumentationEventListener<Name>
}
