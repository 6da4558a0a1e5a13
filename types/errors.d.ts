/** What may be given to an error besides its message. */
export interface KafkaJSErrorMetadata {
  retriable?: boolean
  fatal?: boolean
  cause?: Error
  code?: number | string
}

export interface KafkaJSOffsetOutOfRangeMetadata {
  topic: string
  partition: number
}

export interface KafkaJSNumberOfRetriesExceededMetadata {
  retryCount: number
  retryTime: number
}

export interface KafkaJSConnectionErrorMetadata {
  broker?: string
  code?: string
}

export interface KafkaJSRequestTimeoutErrorMetadata {
  broker?: string
  correlationId?: number
  createdAt?: number
  sentAt?: number
  pendingDuration?: number
}

export interface KafkaJSTopicMetadataNotLoadedMetadata {
  topic: string
}

export interface KafkaJSStaleTopicMetadataAssignmentMetadata {
  topic: string
  unknownPartitions: PartitionOfUnknownTopic[]
}

/** A partition that metadata does not know. */
export type PartitionOfUnknownTopic = number | { partition: number }

export interface KafkaJSServerDoesNotSupportApiKeyMetadata {
  apiKey: number
  apiName: string
}

export interface KafkaJSDeleteGroupsErrorGroups {
  groupId: string
  errorCode: number
  error: KafkaJSError
}

export interface KafkaJSDeleteTopicRecordsErrorPartition {
  partition: number
  offset: string
  error: KafkaJSError
}

export interface KafkaJSDeleteTopicRecordsErrorTopic {
  topic: string
  partitions: KafkaJSDeleteTopicRecordsErrorPartition[]
}

/** Every error of this client but KafkaJSAggregateError and KafkaJSFetcherRebalanceError. */
export class KafkaJSError extends Error {
  readonly message: string
  readonly name: string
  /** The same call may work when made again. */
  readonly retriable: boolean
  /** The client can do nothing more and must be made anew. */
  readonly fatal: boolean
  /**
   * The Kafka protocol's code when a broker refused, librdkafka's (negative) for a local failure, the system's name
   * (`ECONNREFUSED`) for a connection, otherwise the class in capitals (`NOT_IMPLEMENTED`).
   */
  readonly code: number | string
  readonly helpUrl?: string
  readonly cause?: any
  /** Where the error came from librdkafka: its code and name (-185, `ERR__TIMED_OUT`). */
  readonly librdkafka?: { code: number; name: string }
  constructor(e: Error | string, metadata?: KafkaJSErrorMetadata)
}

/** Trying again does not help: a wrong argument, or a failure whose reason is the `cause`. */
export class KafkaJSNonRetriableError extends KafkaJSError {
  constructor(e: Error | string, metadata?: KafkaJSErrorMetadata)
}

/** A broker refused. */
export class KafkaJSProtocolError extends KafkaJSError {
  readonly code: number
  /** E.g. `UNKNOWN_TOPIC_OR_PARTITION`. */
  readonly type: string
  constructor(
    e: Error | { type: string; code: number; message: string; retriable: boolean },
    metadata?: KafkaJSErrorMetadata,
  )
}

export class KafkaJSOffsetOutOfRange extends KafkaJSProtocolError {
  readonly topic: string
  readonly partition: number
  constructor(e: Error, metadata: KafkaJSOffsetOutOfRangeMetadata)
}

export class KafkaJSMemberIdRequired extends KafkaJSProtocolError {
  readonly memberId: string
  constructor(e: Error, metadata: { memberId: string })
}

/** One topic that could not be made; in the `errors` of a KafkaJSAggregateError. */
export class KafkaJSCreateTopicError extends KafkaJSProtocolError {
  readonly topic: string
  constructor(e: Error, topicName: string)
}

export class KafkaJSAlterPartitionReassignmentsError extends KafkaJSProtocolError {
  readonly topic?: string
  readonly partition?: number
  constructor(e: Error, topic?: string, partition?: number)
}

/** Several failures of one call. */
export class KafkaJSAggregateError extends Error {
  readonly errors: (Error | string)[]
  constructor(message: Error | string, errors: (Error | string)[])
}

/** Every attempt failed. `cause` is the last failure. */
export class KafkaJSNumberOfRetriesExceeded extends KafkaJSNonRetriableError {
  readonly stack: string
  readonly retryCount: number
  readonly retryTime: number
  constructor(e: Error | string, metadata: KafkaJSNumberOfRetriesExceededMetadata)
}

/** No connection to a broker. */
export class KafkaJSConnectionError extends KafkaJSError {
  /** `host:port`, where it is known. */
  readonly broker?: string
  constructor(e: Error | string, metadata?: KafkaJSConnectionErrorMetadata)
}

export class KafkaJSConnectionClosedError extends KafkaJSConnectionError {
  readonly host?: string
  readonly port?: number
  constructor(e: Error | string, metadata?: { host?: string; port?: number })
}

/** No answer in time; for a message: not delivered in time. */
export class KafkaJSRequestTimeoutError extends KafkaJSError {
  readonly broker?: string
  readonly correlationId?: number
  readonly createdAt?: number
  readonly sentAt?: number
  readonly pendingDuration?: number
  constructor(e: Error | string, metadata?: KafkaJSRequestTimeoutErrorMetadata)
}

export class KafkaJSMetadataNotLoaded extends KafkaJSError {}

export class KafkaJSTopicMetadataNotLoaded extends KafkaJSMetadataNotLoaded {
  readonly topic?: string
  constructor(e: Error | string, metadata?: KafkaJSTopicMetadataNotLoadedMetadata)
}

export class KafkaJSStaleTopicMetadataAssignment extends KafkaJSError {
  readonly topic?: string
  readonly unknownPartitions?: PartitionOfUnknownTopic[]
  constructor(e: Error | string, metadata?: KafkaJSStaleTopicMetadataAssignmentMetadata)
}

/** The groups that could not be deleted; the others were. */
export class KafkaJSDeleteGroupsError extends KafkaJSError {
  readonly groups: KafkaJSDeleteGroupsErrorGroups[]
  constructor(e: Error | string, groups?: KafkaJSDeleteGroupsErrorGroups[])
}

export class KafkaJSDeleteTopicRecordsError extends KafkaJSError {
  readonly partitions: KafkaJSDeleteTopicRecordsErrorPartition[]
  constructor(metadata: { partitions: KafkaJSDeleteTopicRecordsErrorPartition[] })
}

export class KafkaJSServerDoesNotSupportApiKey extends KafkaJSNonRetriableError {
  readonly apiKey?: number
  readonly apiName?: string
  constructor(e: Error | string, metadata?: KafkaJSServerDoesNotSupportApiKeyMetadata)
}

export class KafkaJSBrokerNotFound extends KafkaJSError {}

export class KafkaJSNoBrokerAvailableError extends KafkaJSError {
  constructor()
}

export class KafkaJSPartialMessageError extends KafkaJSNonRetriableError {}
/** The broker did not accept the user or the password. */
export class KafkaJSSASLAuthenticationError extends KafkaJSNonRetriableError {}
export class KafkaJSGroupCoordinatorNotFound extends KafkaJSNonRetriableError {}
/** This client does not have that yet. */
export class KafkaJSNotImplemented extends KafkaJSNonRetriableError {}
export class KafkaJSTimeout extends KafkaJSNonRetriableError {}
export class KafkaJSLockTimeout extends KafkaJSTimeout {}
export class KafkaJSUnsupportedMagicByteInMessageSet extends KafkaJSNonRetriableError {}

/** A bug of this client. */
export class KafkaJSInvariantViolation extends KafkaJSNonRetriableError {
  constructor(e: Error | string)
}

export class KafkaJSInvalidVarIntError extends KafkaJSNonRetriableError {
  constructor(e: Error | string)
}

export class KafkaJSInvalidLongError extends KafkaJSNonRetriableError {
  constructor(e: Error | string)
}

export class KafkaJSFetcherRebalanceError extends Error {}
