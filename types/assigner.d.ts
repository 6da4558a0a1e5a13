import { Logger } from './logger'
import { PartitionMetadata } from './producer'

/** Partitions by topic. */
export type Assignment = { [topic: string]: number[] }
export type GroupMember = { memberId: string; memberMetadata: Buffer }
export type GroupMemberAssignment = { memberId: string; memberAssignment: Buffer }
export type GroupState = { name: string; metadata: Buffer }

/** Deals the partitions out to the members of a group. */
export type Assigner = {
  name: string
  version: number
  assign(group: { members: GroupMember[]; topics: string[] }): Promise<GroupMemberAssignment[]>
  protocol(subscription: { topics: string[] }): GroupState
}

/** What an assigner can ask of the cluster. */
export interface Cluster {
  findTopicPartitionMetadata(topic: string): PartitionMetadata[]
}

/** Assigners of one's own are not implemented yet: `kafka.consumer` throws KafkaJSNotImplemented. */
export type PartitionAssigner = (config: { cluster: Cluster; groupId: string; logger: Logger }) => Assigner

export const PartitionAssigners: {
  /** All partitions of all topics in one sequence, dealt out to the members in turn. */
  roundRobin: PartitionAssigner
}

/** A binary format. `decode` gives null for an empty buffer. */
export interface ISerializer<T> {
  encode(value: T): Buffer
  decode(buffer: Buffer): T | null
}

export type MemberMetadata = { version: number; topics: string[]; userData: Buffer }
export type MemberAssignment = { version: number; assignment: Assignment; userData: Buffer }

/** The formats of the consumer group protocol. */
export const AssignerProtocol: {
  MemberMetadata: ISerializer<MemberMetadata>
  MemberAssignment: ISerializer<MemberAssignment>
}
