import { DeleteGroupsResult } from './admin'
import { PartitionMetadata } from './producer'

/** What may be given to an error besides its message. */
export interface KafkaJSErrorMetadata {
  /** Whether the same call may work when made again. */
  retriable?: boolean
  /** Whether the client is at its end. */
  fatal?: boolean
  /** The error behind this one. */
  cause?: Error
  /** See `KafkaJSError.code`. */
  code?: number | string
  /** The topic it is about. */
  topic?: string
  /** The partition it is about. */
  partitionId?: number
  /** What was known of the partition. */
  metadata?: PartitionMetadata
}

/** For KafkaJSOffsetOutOfRange. */
export interface KafkaJSOffsetOutOfRangeMetadata {
  /** The topic. */
  topic: string
  /** The partition. */
  partition: number
}

/** For KafkaJSNumberOfRetriesExceeded. */
export interface KafkaJSNumberOfRetriesExceededMetadata {
  /** Attempts after the first. */
  retryCount: number
  /** The last wait, ms. */
  retryTime: number
}

/** For KafkaJSConnectionError. */
export interface KafkaJSConnectionErrorMetadata {
  /** `host:port`. */
  broker?: string
  /** The system's name for it, e.g. `ECONNREFUSED`. */
  code?: string
}

/** For KafkaJSRequestTimeoutError. */
export interface KafkaJSRequestTimeoutErrorMetadata {
  /** `host:port`. */
  broker: string
  /** The client's name. */
  clientId: string
  /** The request's number on its connection. */
  correlationId: number
  /** When the request was made, ms since 1970. */
  createdAt: number
  /** When it was sent, ms since 1970. */
  sentAt: number
  /** How long it waited to be sent, ms. */
  pendingDuration: number
}

/** For KafkaJSTopicMetadataNotLoaded. */
export interface KafkaJSTopicMetadataNotLoadedMetadata {
  /** The topic. */
  topic: string
}

/** For KafkaJSStaleTopicMetadataAssignment. */
export interface KafkaJSStaleTopicMetadataAssignmentMetadata {
  /** The topic. */
  topic: string
  /** The partitions that an assignment named and metadata does not know. */
  unknownPartitions: PartitionMetadata[]
}

/** For KafkaJSServerDoesNotSupportApiKey. */
export interface KafkaJSServerDoesNotSupportApiKeyMetadata {
  /** The request's key in the Kafka protocol. */
  apiKey: number
  /** Its name. */
  apiName: string
}

/** For KafkaJSDeleteGroupsError: a group that could not be deleted. */
export interface KafkaJSDeleteGroupsErrorGroups {
  /** The group. */
  groupId: string
  /** The Kafka protocol's code. */
  errorCode: number
  /** Why. */
  error: KafkaJSError
}

/** For KafkaJSDeleteTopicRecordsError: a partition whose records could not be deleted. */
export interface KafkaJSDeleteTopicRecordsErrorPartition {
  /** The partition. */
  partition: number
  /** The offset that was asked for. */
  offset: string
  /** Why. */
  error: KafkaJSError
}

/** For KafkaJSDeleteTopicRecordsError. */
export interface KafkaJSDeleteTopicRecordsErrorTopic {
  /** The topic. */
  topic: string
  /** Those that failed. */
  partitions: KafkaJSDeleteTopicRecordsErrorPartition[]
}

/** Every error of this client but KafkaJSAggregateError and KafkaJSFetcherRebalanceError. */
export class KafkaJSError extends Error {
  /** What happened and, for a wrong argument, what to write instead. */
  readonly message: string
  /** The class's name. */
  readonly name: string
  /** The same call may work when made again. */
  readonly retriable: boolean
  /** The client can do nothing more and must be made anew. */
  readonly fatal: boolean
  /** True for one that a transaction has failed by: it cannot be committed any more, abort() works. */
  readonly abortable?: boolean
  /**
   * The Kafka protocol's code when a broker refused, librdkafka's (negative) for a local failure, the system's name
   * (`ECONNREFUSED`) for a connection, otherwise the class in capitals (`NOT_IMPLEMENTED`).
   */
  readonly code: number | string
  /** Where to read more. */
  readonly helpUrl?: string
  /** The error behind this one. */
  readonly cause?: any
  /** Where the error came from librdkafka: its code and name (-185, `ERR__TIMED_OUT`). */
  readonly librdkafka?: {
    /** librdkafka's number: negative for a local failure, else the Kafka protocol's. */
    code: number
    /** librdkafka's name. */
    name: string
  }
  /** `e`: the message, or an error to take it from. */
  constructor(e: Error | string, metadata?: KafkaJSErrorMetadata)
}

/** Trying again does not help: a wrong argument, or a failure whose reason is the `cause`. */
export class KafkaJSNonRetriableError extends KafkaJSError {
  /** `e`: the message, or an error to take it from. */
  constructor(e: Error | string, metadata?: KafkaJSErrorMetadata)
}

/** A broker refused. */
export class KafkaJSProtocolError extends KafkaJSError {
  /** The Kafka protocol's code. */
  readonly code: number
  /** E.g. `UNKNOWN_TOPIC_OR_PARTITION`. */
  readonly type: string
  /** `e`: the refusal. */
  constructor(
    e: Error | string | { type: string; code: number; message: string; retriable: boolean },
    metadata?: KafkaJSErrorMetadata,
  )
}

/** There is no message at an offset: it was deleted, or is yet to come. */
export class KafkaJSOffsetOutOfRange extends KafkaJSProtocolError {
  /** The topic. */
  readonly topic: string
  /** The partition. */
  readonly partition: number
  /** `e`: the refusal. */
  constructor(e: Error | string, metadata?: KafkaJSOffsetOutOfRangeMetadata)
}

/** A group wants to know a member by an id first. librdkafka answers that by itself. */
export class KafkaJSMemberIdRequired extends KafkaJSProtocolError {
  /** The id. */
  readonly memberId: string
  /** `e`: the refusal. */
  constructor(e: Error | string, metadata: { memberId: string })
}

/** One topic that could not be made; in the `errors` of a KafkaJSAggregateError. */
export class KafkaJSCreateTopicError extends KafkaJSProtocolError {
  /** The topic. */
  readonly topic: string
  /** `e`: the refusal. */
  constructor(e: Error | string, topicName: string)
}

/** One partition whose replicas could not be moved; in the `errors` of a KafkaJSAggregateError. */
export class KafkaJSAlterPartitionReassignmentsError extends KafkaJSProtocolError {
  /** The topic. */
  readonly topic?: string
  /** The partition. */
  readonly partition?: number
  /** `e`: the refusal. */
  constructor(e: Error | string, topic?: string, partition?: number)
}

/** Several failures of one call. */
export class KafkaJSAggregateError extends Error {
  /** Each of them. */
  readonly errors: (Error | string)[]
  /** `errors`: each of them. */
  constructor(message: Error | string, errors: (Error | string)[])
}

/** Every attempt failed. `cause` is the last failure. */
export class KafkaJSNumberOfRetriesExceeded extends KafkaJSNonRetriableError {
  /** This error's, then that of the last failure. */
  readonly stack: string
  /** Attempts after the first. */
  readonly retryCount: number
  /** The last wait, ms. */
  readonly retryTime: number
  /** `e`: the last failure. */
  constructor(e: Error | string, metadata?: KafkaJSNumberOfRetriesExceededMetadata)
}

/** No connection to a broker. */
export class KafkaJSConnectionError extends KafkaJSError {
  /** `host:port`; undefined where it is not known. */
  readonly broker: string
  /** `e`: the message, or an error to take it from. */
  constructor(e: Error | string, metadata?: KafkaJSConnectionErrorMetadata)
}

/** A connection ended while requests were under way. */
export class KafkaJSConnectionClosedError extends KafkaJSConnectionError {
  /** The broker's host. */
  readonly host?: string
  /** The broker's port. */
  readonly port?: number
  /** `e`: the message, or an error to take it from. */
  constructor(e: Error | string, metadata?: { host?: string; port?: number })
}

/** No answer in time; for a message: not delivered in time. Each field is undefined where it is not known. */
export class KafkaJSRequestTimeoutError extends KafkaJSError {
  /** `host:port`. */
  readonly broker: string
  /** The request's number on its connection. */
  readonly correlationId: number
  /** When the request was made, ms since 1970. */
  readonly createdAt: number
  /** When it was sent, ms since 1970. */
  readonly sentAt: number
  /** How long it waited to be sent, ms. */
  readonly pendingDuration: number
  /** `e`: the message, or an error to take it from. */
  constructor(e: Error | string, metadata?: Partial<KafkaJSRequestTimeoutErrorMetadata>)
}

/** The cluster has not yet told which topics and brokers there are. */
export class KafkaJSMetadataNotLoaded extends KafkaJSError {
  /** `e`: the message, or an error to take it from. */
  constructor(e?: Error | string, metadata?: KafkaJSErrorMetadata)
}

/** The cluster has not yet told of a topic. */
export class KafkaJSTopicMetadataNotLoaded extends KafkaJSMetadataNotLoaded {
  /** The topic. */
  readonly topic: string
  /** `e`: the message, or an error to take it from. */
  constructor(e?: Error | string, metadata?: KafkaJSTopicMetadataNotLoadedMetadata)
}

/** An assignment names partitions that the cluster does not tell of. */
export class KafkaJSStaleTopicMetadataAssignment extends KafkaJSError {
  /** The topic. */
  readonly topic: string
  /** The partitions. (kafkajs declares a number, and has a list too.) */
  readonly unknownPartitions: PartitionMetadata[]
  /** `e`: the message, or an error to take it from. */
  constructor(e: Error | string, metadata?: KafkaJSStaleTopicMetadataAssignmentMetadata)
}

/** Some groups could not be deleted; the others were. */
export class KafkaJSDeleteGroupsError extends KafkaJSError {
  /** Those that failed. */
  readonly groups: DeleteGroupsResult[]
  /** `e`: the message, or an error to take it from. */
  constructor(e: Error | string, groups?: KafkaJSDeleteGroupsErrorGroups[])
}

/** Records of some partitions could not be deleted. Retriable when every partition's error is. */
export class KafkaJSDeleteTopicRecordsError extends KafkaJSError {
  /** Those that failed. */
  readonly partitions: KafkaJSDeleteTopicRecordsErrorPartition[]
  /** `metadata`: those that failed. */
  constructor(metadata: { partitions: KafkaJSDeleteTopicRecordsErrorPartition[] })
}

/** The broker is too old for a request. */
export class KafkaJSServerDoesNotSupportApiKey extends KafkaJSNonRetriableError {
  /** The request's key in the Kafka protocol. */
  readonly apiKey: number
  /** Its name. */
  readonly apiName: string
  /** `e`: the message, or an error to take it from. */
  constructor(e: Error | string, metadata?: KafkaJSServerDoesNotSupportApiKeyMetadata)
}

/** A broker that the cluster told of is not there. */
export class KafkaJSBrokerNotFound extends KafkaJSError {
  /** `e`: the message, or an error to take it from. */
  constructor(e?: Error | string, metadata?: KafkaJSErrorMetadata)
}

/** There is no broker to ask. */
export class KafkaJSNoBrokerAvailableError extends KafkaJSError {
  /** Its message is always the same. */
  constructor()
}

/** A message that a broker cut short. librdkafka deals with it by itself. */
export class KafkaJSPartialMessageError extends KafkaJSNonRetriableError {
  /** `e`: the message, or an error to take it from. */
  constructor(e?: Error | string, metadata?: KafkaJSErrorMetadata)
}

/** The broker did not accept the user, the password or the mechanism. */
export class KafkaJSSASLAuthenticationError extends KafkaJSNonRetriableError {
  /** `e`: the message, or an error to take it from. */
  constructor(e?: Error | string, metadata?: KafkaJSErrorMetadata)
}

/** No broker coordinates the group. */
export class KafkaJSGroupCoordinatorNotFound extends KafkaJSNonRetriableError {
  /** `e`: the message, or an error to take it from. */
  constructor(e?: Error | string, metadata?: KafkaJSErrorMetadata)
}

/** This client does not have that. */
export class KafkaJSNotImplemented extends KafkaJSNonRetriableError {
  /** `e`: the message, or an error to take it from. */
  constructor(e?: Error | string, metadata?: KafkaJSErrorMetadata)
}

/** Something took too long. */
export class KafkaJSTimeout extends KafkaJSNonRetriableError {
  /** `e`: the message, or an error to take it from. */
  constructor(e?: Error | string, metadata?: KafkaJSErrorMetadata)
}

/** Waiting for something that others were doing took too long. */
export class KafkaJSLockTimeout extends KafkaJSTimeout {
  /** `e`: the message, or an error to take it from. */
  constructor(e?: Error | string, metadata?: KafkaJSErrorMetadata)
}

/** A message in a format that is not known. */
export class KafkaJSUnsupportedMagicByteInMessageSet extends KafkaJSNonRetriableError {
  /** `e`: the message, or an error to take it from. */
  constructor(e?: Error | string, metadata?: KafkaJSErrorMetadata)
}

/** A bug of this client. */
export class KafkaJSInvariantViolation extends KafkaJSNonRetriableError {
  /** `e`: what does not hold. */
  constructor(e: Error | string)
}

/** A number that is no variable-length integer of the protocol. */
export class KafkaJSInvalidVarIntError extends KafkaJSNonRetriableError {
  /** `e`: the message, or an error to take it from. */
  constructor(e: Error | string)
}

/** A text that is no 64-bit integer. */
export class KafkaJSInvalidLongError extends KafkaJSNonRetriableError {
  /** `e`: the message, or an error to take it from. */
  constructor(e: Error | string)
}

/** A rebalance came while data was fetched. librdkafka deals with it by itself. */
export class KafkaJSFetcherRebalanceError extends Error {}
