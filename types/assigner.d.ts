import { TopicPartitions } from './consumer'
import { CompressionTypes } from './enums'
import { ListPartitionReassignmentsResponse, PartitionReassignment } from './admin'
import { Logger } from './logger'
import { Message, PartitionMetadata, TopicOffsets } from './producer'

/** Partitions by topic. */
export type Assignment = {
  /** The partitions of a topic. */
  [topic: string]: number[]
}
/** A member of a group, as its leader sees it. */
export type GroupMember = {
  /** The id that the coordinator gave. */
  memberId: string
  /** What the member's `protocol()` gave: `AssignerProtocol.MemberMetadata` as a rule. */
  memberMetadata: Buffer
}
/** What a member is to get. */
export type GroupMemberAssignment = {
  /** Whose it is. */
  memberId: string
  /** `AssignerProtocol.MemberAssignment` as a rule. */
  memberAssignment: Buffer
}
/** What a member tells of itself when it joins. */
export type GroupState = {
  /** The assigner's name. */
  name: string
  /** `AssignerProtocol.MemberMetadata` as a rule. */
  metadata: Buffer
}

/** Deals the partitions out to the members of a group. */
export type Assigner = {
  /** The name that all members of the group must share. */
  name: string
  /** Of the data that it encodes. */
  version: number
  /** Called at the member that leads: who gets what. */
  assign(group: { members: GroupMember[]; topics: string[] }): Promise<GroupMemberAssignment[]>
  /** What this member tells of itself. */
  protocol(subscription: { topics: string[] }): GroupState
}

/** Assigners of one's own are not implemented yet: `kafka.consumer` throws KafkaJSNotImplemented. */
export type PartitionAssigner = (config: { cluster: Cluster; groupId: string; logger: Logger }) => Assigner

/** The assigners that kafkajs has. */
export const PartitionAssigners: {
  /** All partitions of all topics in one sequence, dealt out to the members in turn. */
  roundRobin: PartitionAssigner
  /** Consecutive partitions of each topic. Beyond kafkajs. */
  range: PartitionAssigner
  /** Members keep what they have, and go on with it while a rebalance moves the rest (KIP-429). Beyond kafkajs. */
  cooperativeSticky: PartitionAssigner
}

/** A binary format. */
export interface ISerializer<T> {
  /** The bytes. */
  encode(value: T): Buffer
  /** What they say; null for an empty buffer. */
  decode(buffer: Buffer): T | null
}

/** What a member tells of itself. */
export type MemberMetadata = {
  /** 0 as a rule. */
  version: number
  /** What it is subscribed to. */
  topics: string[]
  /** Anything of the assigner's. */
  userData: Buffer
}
/** What a member gets. */
export type MemberAssignment = {
  /** 0 as a rule. */
  version: number
  /** Its partitions. */
  assignment: Assignment
  /** Anything of the assigner's. */
  userData: Buffer
}

/** The formats of the consumer group protocol. */
export const AssignerProtocol: {
  /** What a member tells of itself. */
  MemberMetadata: ISerializer<MemberMetadata>
  /** What a member gets. */
  MemberAssignment: ISerializer<MemberAssignment>
}

// kafkajs's own protocol client. It is declared for assigners that were written for kafkajs; nothing here gives one to a program.

/**
 * kafkajs's view of a cluster, which it hands to a PartitionAssigner. An assigner needs `findTopicPartitionMetadata`; the rest is
 * of kafkajs's own protocol client, which this one does not have.
 */
export type Cluster = {
  /** The partitions of a topic that the consumer is subscribed to. */
  findTopicPartitionMetadata(topic: string): PartitionMetadata[]
  /** kafkajs's own. */
  getNodeIds(): number[]
  /** kafkajs's own. */
  metadata(): Promise<BrokerMetadata>
  /** kafkajs's own. */
  removeBroker(options: { host: string; port: number }): void
  /** kafkajs's own. */
  addMultipleTargetTopics(topics: string[]): Promise<void>
  /** kafkajs's own. */
  isConnected(): boolean
  /** kafkajs's own. */
  connect(): Promise<void>
  /** kafkajs's own. */
  disconnect(): Promise<void>
  /** kafkajs's own. */
  refreshMetadata(): Promise<void>
  /** kafkajs's own. */
  refreshMetadataIfNecessary(): Promise<void>
  /** kafkajs's own. */
  addTargetTopic(topic: string): Promise<void>
  /** kafkajs's own. */
  findBroker(node: { nodeId: string }): Promise<Broker>
  /** kafkajs's own. */
  findControllerBroker(): Promise<Broker>
  /** kafkajs's own. */
  findLeaderForPartitions(topic: string, partitions: number[]): { [leader: string]: number[] }
  /** kafkajs's own. */
  findGroupCoordinator(group: { groupId: string }): Promise<Broker>
  /** kafkajs's own. */
  findGroupCoordinatorMetadata(group: { groupId: string }): Promise<CoordinatorMetadata>
  /** kafkajs's own. */
  defaultOffset(config: { fromBeginning: boolean }): number
  /** kafkajs's own. */
  fetchTopicsOffset(
    topics: Array<
      { topic: string; partitions: Array<{ partition: number }> } & XOR<{ fromBeginning: boolean }, { fromTimestamp: number }>
    >,
  ): Promise<TopicOffsets[]>
}

/** kafkajs's own: where the coordinator of a group is. */
export interface CoordinatorMetadata {
  /** 0. */
  errorCode: number
  /** The broker. */
  coordinator: { nodeId: number; host: string; port: number }
}

/** kafkajs's own: what a broker tells of the cluster. */
export interface BrokerMetadata {
  /** All brokers. */
  brokers: Array<{ nodeId: number; host: string; port: number; rack?: string }>
  /** The topics that were asked for. */
  topicMetadata: Array<{ topicErrorCode: number; topic: string; partitionMetadata: PartitionMetadata[] }>
}

/** kafkajs's own: the requests that a broker knows. */
export interface ApiVersions {
  /** By the request's key in the protocol. */
  [apiKey: number]: { minVersion: number; maxVersion: number }
}

/** kafkajs's own: a connection to a broker. */
export type Broker = {
  /** kafkajs's own. */
  isConnected(): boolean
  /** kafkajs's own. */
  connect(): Promise<void>
  /** kafkajs's own. */
  disconnect(): Promise<void>
  /** kafkajs's own. */
  apiVersions(): Promise<ApiVersions>
  /** kafkajs's own. */
  metadata(topics: string[]): Promise<BrokerMetadata>
  /** kafkajs's own. */
  describeGroups: (options: { groupIds: string[] }) => Promise<any>
  /** kafkajs's own. */
  offsetCommit(request: {
    groupId: string
    groupGenerationId: number
    memberId: string
    retentionTime?: number
    topics: TopicOffsets[]
  }): Promise<any>
  /** kafkajs's own. */
  offsetFetch(request: { groupId: string; topics: TopicOffsets[] }): Promise<{ responses: TopicOffsets[] }>
  /** kafkajs's own. */
  fetch(request: {
    replicaId?: number
    isolationLevel?: number
    maxWaitTime?: number
    minBytes?: number
    maxBytes?: number
    topics: Array<{ topic: string; partitions: Array<{ partition: number; fetchOffset: string; maxBytes: number }> }>
    rackId?: string
  }): Promise<any>
  /** kafkajs's own. */
  produce(request: {
    topicData: Array<{
      topic: string
      partitions: Array<{ partition: number; firstSequence?: number; messages: Message[] }>
    }>
    transactionalId?: string
    producerId?: number
    producerEpoch?: number
    acks?: number
    timeout?: number
    compression?: CompressionTypes
  }): Promise<any>
  /** kafkajs's own. */
  alterPartitionReassignments(request: { topics: PartitionReassignment[]; timeout?: number }): Promise<any>
  /** kafkajs's own. */
  listPartitionReassignments(request: {
    topics?: TopicPartitions[]
    timeout?: number
  }): Promise<ListPartitionReassignmentsResponse>
}

/** kafkajs's own: a member's place in its group. */
export type ConsumerGroup = {
  /** The group. */
  groupId: string
  /** Counts the rebalances. */
  generationId: number
  /** The id that the coordinator gave. */
  memberId: string
  /** The broker that coordinates. */
  coordinator: Broker
}

/** The properties of T that U lacks, forbidden. */
export type Without<T, U> = { [P in Exclude<keyof T, keyof U>]?: never }
/** One of the two, not both. */
export type XOR<T, U> = T | U extends object ? (Without<T, U> & U) | (Without<U, T> & T) : T | U
/** The type of T's values, e.g. `ValueOf<ConsumerEvents>`. */
export type ValueOf<T> = T[keyof T]
