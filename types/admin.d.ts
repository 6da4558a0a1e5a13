import { GroupDescription, TopicPartitions } from './consumer'
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  ConfigResourceTypes,
  ConfigSource,
  ResourcePatternTypes,
} from './enums'
import { KafkaJSProtocolError } from './errors'
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
import { PartitionMetadata, PartitionOffset } from './producer'

/** Options of `kafka.admin()`. */
export interface AdminConfig {
  /** How failing calls are tried again; what `new Kafka()` was given when left out. */
  retry?: RetryOptions
  /** librdkafka properties. */
  rdkafka?: RdkafkaProperties
}

/** Which brokers hold a partition; the first is to lead. */
export interface ReplicaAssignment {
  /** From 0. */
  partition: number
  /** Node ids. */
  replicas: Array<number>
}

/** A configuration value to set. */
export interface IResourceConfigEntry {
  /** E.g. `retention.ms`. */
  name: string
  /** As text, also for numbers. */
  value: string
}

/** A topic to create. -1 and nothing mean the broker's default. */
export interface ITopicConfig {
  /** Its name. */
  topic: string
  /** How many partitions. */
  numPartitions?: number
  /** How many brokers hold each partition. */
  replicationFactor?: number
  /** Instead of the two numbers: every partition from 0, once. */
  replicaAssignment?: ReplicaAssignment[]
  /** E.g. `[{ name: 'cleanup.policy', value: 'compact' }]`. */
  configEntries?: IResourceConfigEntry[]
}

/** Partitions to add to a topic. */
export interface ITopicPartitionConfig {
  /** The topic. */
  topic: string
  /** How many it is to have in all. */
  count: number
  /** For each new partition the node ids that hold it; the brokers choose when left out. */
  assignments?: Array<Array<number>>
}

/** What a topic is made of. */
export interface ITopicMetadata {
  /** The topic. */
  name: string
  /** Its partitions. */
  partitions: PartitionMetadata[]
}

/** Where a topic's partitions are to move. */
export interface PartitionReassignment {
  /** The topic. */
  topic: string
  /** The new holders of each partition. */
  partitionAssignment: Array<ReplicaAssignment>
}

/** A partition that is moving. */
export interface OngoingPartitionReassignment {
  /** The partition. */
  partitionIndex: number
  /** The node ids that hold it now. */
  replicas: number[]
  /** Those that it moves to. */
  addingReplicas?: number[]
  /** Those that it moves from. */
  removingReplicas?: number[]
}

/** A topic with partitions that are moving. */
export interface OngoingTopicReassignment {
  /** The topic. */
  topic: string
  /** Those that are moving. */
  partitions: OngoingPartitionReassignment[]
}

/** What listPartitionReassignments() gives. */
export interface ListPartitionReassignmentsResponse {
  /** Topics with partitions that are moving. */
  topics: OngoingTopicReassignment[]
}

/** Whose configuration to read. */
export interface ResourceConfigQuery {
  /** A topic's or a broker's. */
  type: ConfigResourceTypes
  /** The topic, or the broker's node id as text. */
  name: string
  /** Only these; all when left out. */
  configNames?: string[]
}

/** A value that would hold if those before it were not set. */
export interface ConfigSynonyms {
  /** Its name there, e.g. the broker's `log.retention.ms` for a topic's `retention.ms`. */
  configName: string
  /** The value. */
  configValue: string
  /** Where it is set. */
  configSource: ConfigSource
}

/** A configuration value. */
export interface ConfigEntries {
  /** E.g. `retention.ms`. */
  configName: string
  /** As text; null when it is sensitive. */
  configValue: string
  /** Whether nobody set it. */
  isDefault: boolean
  /** Where it is set. */
  configSource: ConfigSource
  /** Whether the broker keeps it to itself, as with passwords. */
  isSensitive: boolean
  /** Whether it can only be set in the broker's properties file. */
  readOnly: boolean
  /** With `includeSynonyms`: this value and those behind it. */
  configSynonyms: ConfigSynonyms[]
}

/** What describeConfigs() gives. */
export interface DescribeConfigResponse {
  /** In the order of the broker's answer. */
  resources: {
    /** The values. */
    configEntries: ConfigEntries[]
    /** 0, or the Kafka protocol's code. */
    errorCode: number
    /** Null without an error. */
    errorMessage: string
    /** The topic, or the broker's node id as text. */
    resourceName: string
    /** Whose configuration it is. */
    resourceType: ConfigResourceTypes
  }[]
  /** How long the broker held the answer back, ms. */
  throttleTime: number
}

/** Configuration values to set. */
export interface IResourceConfig {
  /** A topic's or a broker's. */
  type: ConfigResourceTypes
  /** The topic, or the broker's node id as text. */
  name: string
  /** All that are to be set: the others of a topic go back to their defaults. */
  configEntries: IResourceConfigEntry[]
}

/** Who may do what, or may not. */
export interface Acl {
  /** E.g. `User:alice`; `User:*` is everybody. */
  principal: string
  /** An address, or `*`. */
  host: string
  /** What. */
  operation: AclOperationTypes
  /** May, or may not. */
  permissionType: AclPermissionTypes
}

/** What an access rule is about. */
export interface AclResource {
  /** E.g. topics. */
  resourceType: AclResourceTypes
  /** The name or its beginning; `*` is all. */
  resourceName: string
  /** How the name is compared. */
  resourcePatternType: ResourcePatternTypes
}

/** An access rule. */
export type AclEntry = Acl & AclResource
/** The access rules for one resource. */
export type DescribeAclResource = AclResource & { acls: Acl[] }

/** What describeAcls() gives. */
export interface DescribeAclResponse {
  /** How long the broker held the answer back, ms. */
  throttleTime: number
  /** 0, or the Kafka protocol's code. */
  errorCode: number
  /** Null or nothing without an error. */
  errorMessage?: string
  /** The resources that have rules which were asked for. */
  resources: DescribeAclResource[]
}

/** Which access rules: those that agree with every field that is given. */
export interface AclFilter {
  /** E.g. topics. */
  resourceType: AclResourceTypes
  /** The name; any when left out. */
  resourceName?: string
  /** How the name is compared. */
  resourcePatternType: ResourcePatternTypes
  /** E.g. `User:alice`; anybody when left out. */
  principal?: string
  /** An address or `*`; any when left out. */
  host?: string
  /** What. */
  operation: AclOperationTypes
  /** May, or may not. */
  permissionType: AclPermissionTypes
}

/** A rule that was deleted, or was to be. */
export interface MatchingAcl extends Acl, AclResource {
  /** 0, or the Kafka protocol's code. */
  errorCode: number
  /** Null or nothing without an error. */
  errorMessage?: string
}

/** What became of one filter. */
export interface DeleteAclFilterResponses {
  /** 0, or the Kafka protocol's code. */
  errorCode: number
  /** Null or nothing without an error. */
  errorMessage?: string
  /** The rules that agreed with it. */
  matchingAcls: MatchingAcl[]
}

/** What deleteAcls() gives. */
export interface DeleteAclResponse {
  /** How long the broker held the answer back, ms. */
  throttleTime: number
  /** One for each filter, in their order. */
  filterResponses: DeleteAclFilterResponses[]
}

/** An offset of a partition. */
export type SeekEntry = PartitionOffset
/** An offset that a group has committed; '-1' without one. */
export type FetchOffsetsPartition = PartitionOffset & { metadata: string | null }
/** A group in a list of them. `protocolType` is `consumer` for consumers. */
export type GroupOverview = { groupId: string; protocolType: string }
/** What describeGroups() gives. */
export type GroupDescriptions = { groups: GroupDescription[] }
/** What became of one group. Without an error it is deleted. */
export type DeleteGroupsResult = { groupId: string; errorCode?: number; error?: KafkaJSProtocolError }

/** The names of an admin client's events. */
export type AdminEvents = {
  /** Connected. */
  CONNECT: 'admin.connect'
  /** Disconnected. */
  DISCONNECT: 'admin.disconnect'
  /** A broker answered a request. */
  REQUEST: 'admin.network.request'
  /** No broker answered a request in time. */
  REQUEST_TIMEOUT: 'admin.network.request_timeout'
  /** How many requests wait for a broker's answer. */
  REQUEST_QUEUE_SIZE: 'admin.network.request_queue_size'
}

/** Which event each name stands for. */
export interface AdminEventTable {
  /** Connected. */
  'admin.connect': ConnectEvent
  /** Disconnected. */
  'admin.disconnect': DisconnectEvent
  /** A broker answered a request. */
  'admin.network.request': RequestEvent
  /** No broker answered a request in time. */
  'admin.network.request_timeout': RequestTimeoutEvent
  /** How many requests wait for a broker's answer. */
  'admin.network.request_queue_size': RequestQueueSizeEvent
}

/** Looks after topics, groups, configurations and access rules. */
export type Admin = {
  /** @throws {KafkaJSNumberOfRetriesExceeded} when no broker answers; its `cause` says why */
  connect(): Promise<void>
  /** Safe at any time and twice. */
  disconnect(): Promise<void>
  /** The names of all topics, internal ones included. */
  listTopics(): Promise<string[]>
  /**
   * True when the topics were made, false when each of them existed already. Resolves when every partition has a
   * leader, unless `waitForLeaders` is false.
   * @throws {KafkaJSAggregateError} whose `errors` are KafkaJSCreateTopicErrors
   */
  createTopics(options: {
    validateOnly?: boolean
    waitForLeaders?: boolean
    timeout?: number
    topics: ITopicConfig[]
  }): Promise<boolean>
  /** Resolves when the brokers have taken it on. `timeout`: ms. */
  deleteTopics(options: { topics: string[]; timeout?: number }): Promise<void>
  /** Of all topics when none are named. */
  fetchTopicMetadata(options?: { topics: string[] }): Promise<{ topics: Array<ITopicMetadata> }>
  /** `low`: the first offset of a partition; `high` and `offset`: the next one to be written. */
  fetchTopicOffsets(topic: string): Promise<Array<SeekEntry & { high: string; low: string }>>

  /**
   * Adds partitions, so that a topic has `count`. Resolves with nothing.
   * @throws {KafkaJSProtocolError} the first failure, by topic
   */
  createPartitions(options: {
    validateOnly?: boolean
    timeout?: number
    topicPartitions: ITopicPartitionConfig[]
  }): Promise<boolean>
  /**
   * The next offsets that a group will read: of these topics, '-1' where nothing is committed, or wherever something is.
   * `resolveOffsets` replaces a committed -1 or -2, as kafkajs writes them, by the offset it stands for, and commits that.
   */
  fetchOffsets(options: {
    groupId: string
    topics?: string[]
    resolveOffsets?: boolean
  }): Promise<Array<{ topic: string; partitions: FetchOffsetsPartition[] }>>
  /** The first offset whose message is not older than `timestamp` (ms); where there is none, the next to be written. */
  fetchTopicOffsetsByTimestamp(topic: string, timestamp?: number): Promise<Array<SeekEntry>>
  /** Under KRaft `controller` is any broker, which forwards to the real one. */
  describeCluster(): Promise<{
    brokers: Array<{ nodeId: number; host: string; port: number }>
    controller: number | null
    clusterId: string
  }>
  /**
   * Commits the next offsets to read for a group without members; '-1' stands for the end as it is now, '-2' for the beginning.
   * @throws {KafkaJSNonRetriableError} when the group has members
   */
  setOffsets(options: { groupId: string; topic: string; partitions: SeekEntry[] }): Promise<void>
  /** As setOffsets() with the end of each partition, or its beginning. */
  resetOffsets(options: { groupId: string; topic: string; earliest: boolean }): Promise<void>
  /**
   * Configurations of topics and brokers, in the order asked; all of a resource when `configNames` names none.
   * @throws {KafkaJSProtocolError} the first failure
   */
  describeConfigs(configs: {
    resources: ResourceConfigQuery[]
    includeSynonyms: boolean
  }): Promise<DescribeConfigResponse>
  /** Replaces the configuration of each resource: what is not named goes back to its default. */
  alterConfigs(configs: { validateOnly: boolean; resources: IResourceConfig[] }): Promise<any>
  /** All groups of all brokers, of any use and protocol. */
  listGroups(): Promise<{ groups: GroupOverview[] }>
  /**
   * Deletes groups without members.
   * @throws {KafkaJSDeleteGroupsError} whose `groups` are those that failed; the others are deleted
   */
  deleteGroups(groupIds: string[]): Promise<DeleteGroupsResult[]>
  /** In the order asked. A group that does not exist has the state `Dead`. */
  describeGroups(groupIds: string[]): Promise<GroupDescriptions>
  /** The ACLs that match; a field that is left out matches anything. */
  describeAcls(options: AclFilter): Promise<DescribeAclResponse>
  /** Deletes what matches any of the filters, and tells what that was. */
  deleteAcls(options: { filters: AclFilter[] }): Promise<DeleteAclResponse>
  /** @throws {KafkaJSProtocolError} the first failure; the others are added */
  createAcls(options: { acl: AclEntry[] }): Promise<boolean>
  /**
   * Deletes the records before these offsets, all by '-1'.
   * @throws {KafkaJSDeleteTopicRecordsError} when a partition has no leader, before anything is deleted. What brokers refuse is
   * the `cause` of a KafkaJSNonRetriableError
   */
  deleteTopicRecords(options: { topic: string; partitions: SeekEntry[] }): Promise<void>
  /** @throws {KafkaJSNotImplemented} librdkafka has no such request */
  alterPartitionReassignments(request: { topics: PartitionReassignment[]; timeout?: number }): Promise<void>
  /** @throws {KafkaJSNotImplemented} librdkafka has no such request */
  listPartitionReassignments(request: {
    topics?: TopicPartitions[]
    timeout?: number
  }): Promise<ListPartitionReassignmentsResponse>

  /** The logger of this client. */
  logger(): Logger
  /** The names of its events, for on(). */
  readonly events: AdminEvents
  /** Listens to an event. What it returns takes the listener away. */
  on<Name extends AdminEvents[keyof AdminEvents]>(
    eventName: Name,
    listener: (event: EventOf<AdminEventTable, Name>) => void,
  ): RemoveInstrumentationEventListener<Name>
}
