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

export interface AdminConfig {
  retry?: RetryOptions
  /** librdkafka properties. */
  rdkafka?: RdkafkaProperties
}

/** Which brokers hold a partition; the first is to lead. */
export interface ReplicaAssignment {
  partition: number
  replicas: Array<number>
}

export interface IResourceConfigEntry {
  name: string
  value: string
}

/** A topic to create. -1 and nothing mean the broker's default. */
export interface ITopicConfig {
  topic: string
  numPartitions?: number
  replicationFactor?: number
  /** Instead of the two numbers: every partition from 0, once. */
  replicaAssignment?: ReplicaAssignment[]
  /** E.g. `[{ name: 'cleanup.policy', value: 'compact' }]`. */
  configEntries?: IResourceConfigEntry[]
}

export interface ITopicPartitionConfig {
  topic: string
  count: number
  assignments?: Array<Array<number>>
}

export interface ITopicMetadata {
  name: string
  partitions: PartitionMetadata[]
}

export interface PartitionReassignment {
  topic: string
  partitionAssignment: Array<ReplicaAssignment>
}

export interface OngoingPartitionReassignment {
  partitionIndex: number
  replicas: number[]
  addingReplicas?: number[]
  removingReplicas?: number[]
}

export interface OngoingTopicReassignment {
  topic: string
  partitions: OngoingPartitionReassignment[]
}

export interface ListPartitionReassignmentsResponse {
  topics: OngoingTopicReassignment[]
}

export interface ResourceConfigQuery {
  type: ConfigResourceTypes
  name: string
  configNames?: string[]
}

export interface ConfigSynonyms {
  configName: string
  configValue: string
  configSource: ConfigSource
}

export interface ConfigEntries {
  configName: string
  configValue: string
  isDefault: boolean
  configSource: ConfigSource
  isSensitive: boolean
  readOnly: boolean
  configSynonyms: ConfigSynonyms[]
}

export interface DescribeConfigResponse {
  resources: {
    configEntries: ConfigEntries[]
    errorCode: number
    errorMessage: string
    resourceName: string
    resourceType: ConfigResourceTypes
  }[]
  throttleTime: number
}

export interface IResourceConfig {
  type: ConfigResourceTypes
  name: string
  configEntries: IResourceConfigEntry[]
}

export interface Acl {
  principal: string
  host: string
  operation: AclOperationTypes
  permissionType: AclPermissionTypes
}

export interface AclResource {
  resourceType: AclResourceTypes
  resourceName: string
  resourcePatternType: ResourcePatternTypes
}

export type AclEntry = Acl & AclResource
export type DescribeAclResource = AclResource & { acls: Acl[] }

export interface DescribeAclResponse {
  throttleTime: number
  errorCode: number
  errorMessage?: string
  resources: DescribeAclResource[]
}

export interface AclFilter {
  resourceType: AclResourceTypes
  resourceName?: string
  resourcePatternType: ResourcePatternTypes
  principal?: string
  host?: string
  operation: AclOperationTypes
  permissionType: AclPermissionTypes
}

export interface MatchingAcl extends Acl, AclResource {
  errorCode: number
  errorMessage?: string
}

export interface DeleteAclFilterResponses {
  errorCode: number
  errorMessage?: string
  matchingAcls: MatchingAcl[]
}

export interface DeleteAclResponse {
  throttleTime: number
  filterResponses: DeleteAclFilterResponses[]
}

export type SeekEntry = PartitionOffset
export type FetchOffsetsPartition = PartitionOffset & { metadata: string | null }
export type GroupOverview = { groupId: string; protocolType: string }
export type GroupDescriptions = { groups: GroupDescription[] }
export type DeleteGroupsResult = { groupId: string; errorCode?: number; error?: KafkaJSProtocolError }

export type AdminEvents = {
  CONNECT: 'admin.connect'
  DISCONNECT: 'admin.disconnect'
  REQUEST: 'admin.network.request'
  REQUEST_TIMEOUT: 'admin.network.request_timeout'
  REQUEST_QUEUE_SIZE: 'admin.network.request_queue_size'
}

/** Which event each name stands for. */
export interface AdminEventTable {
  'admin.connect': ConnectEvent
  'admin.disconnect': DisconnectEvent
  'admin.network.request': RequestEvent
  'admin.network.request_timeout': RequestTimeoutEvent
  'admin.network.request_queue_size': RequestQueueSizeEvent
}

export type Admin = {
  /** @throws {KafkaJSNumberOfRetriesExceeded} when no broker answers; its `cause` says why */
  connect(): Promise<void>
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
  deleteTopics(options: { topics: string[]; timeout?: number }): Promise<void>
  /** Of all topics when none are named. */
  fetchTopicMetadata(options?: { topics: string[] }): Promise<{ topics: Array<ITopicMetadata> }>
  /** `low`: the first offset of a partition; `high` and `offset`: the next one to be written. */
  fetchTopicOffsets(topic: string): Promise<Array<SeekEntry & { high: string; low: string }>>

  // The methods from here on reject with KafkaJSNotImplemented: they come with a later version.
  /** Not implemented yet. */
  createPartitions(options: {
    validateOnly?: boolean
    timeout?: number
    topicPartitions: ITopicPartitionConfig[]
  }): Promise<boolean>
  /** Not implemented yet. */
  fetchOffsets(options: {
    groupId: string
    topics?: string[]
    resolveOffsets?: boolean
  }): Promise<Array<{ topic: string; partitions: FetchOffsetsPartition[] }>>
  /** Not implemented yet. */
  fetchTopicOffsetsByTimestamp(topic: string, timestamp?: number): Promise<Array<SeekEntry>>
  /** Not implemented yet. */
  describeCluster(): Promise<{
    brokers: Array<{ nodeId: number; host: string; port: number }>
    controller: number | null
    clusterId: string
  }>
  /** Not implemented yet. */
  setOffsets(options: { groupId: string; topic: string; partitions: SeekEntry[] }): Promise<void>
  /** Not implemented yet. */
  resetOffsets(options: { groupId: string; topic: string; earliest: boolean }): Promise<void>
  /** Not implemented yet. */
  describeConfigs(configs: {
    resources: ResourceConfigQuery[]
    includeSynonyms: boolean
  }): Promise<DescribeConfigResponse>
  /** Not implemented yet. */
  alterConfigs(configs: { validateOnly: boolean; resources: IResourceConfig[] }): Promise<any>
  /** Not implemented yet. */
  listGroups(): Promise<{ groups: GroupOverview[] }>
  /** Not implemented yet. */
  deleteGroups(groupIds: string[]): Promise<DeleteGroupsResult[]>
  /** Not implemented yet. */
  describeGroups(groupIds: string[]): Promise<GroupDescriptions>
  /** Not implemented yet. */
  describeAcls(options: AclFilter): Promise<DescribeAclResponse>
  /** Not implemented yet. */
  deleteAcls(options: { filters: AclFilter[] }): Promise<DeleteAclResponse>
  /** Not implemented yet. */
  createAcls(options: { acl: AclEntry[] }): Promise<boolean>
  /** Not implemented yet. */
  deleteTopicRecords(options: { topic: string; partitions: SeekEntry[] }): Promise<void>
  /** Not implemented yet. */
  alterPartitionReassignments(request: { topics: PartitionReassignment[]; timeout?: number }): Promise<void>
  /** Not implemented yet. */
  listPartitionReassignments(request: {
    topics?: TopicPartitions[]
    timeout?: number
  }): Promise<ListPartitionReassignmentsResponse>

  logger(): Logger
  readonly events: AdminEvents
  on<Name extends AdminEvents[keyof AdminEvents]>(
    eventName: Name,
    listener: (event: EventOf<AdminEventTable, Name>) => void,
  ): RemoveInstrumentationEventListener<Name>
}
