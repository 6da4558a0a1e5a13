import {
  Admin, AssignerProtocol, ConfigResourceTypes, Kafka, KafkaJSAggregateError, KafkaJSConnectionError, KafkaJSError,
  KafkaJSNonRetriableError, KafkaJSNumberOfRetriesExceeded, KafkaJSProtocolError, Partitioners, PartitionAssigners, ICustomPartitioner,
} from 'kafka-oxide'

const kafka = new Kafka({ brokers: ['localhost:9092'], ssl: true })
const admin: Admin = kafka.admin({ retry: { retries: 0 } })

async function topics(): Promise<void> {
  const made: boolean = await admin.createTopics({
    topics: [
      { topic: 't', numPartitions: 3, replicationFactor: -1, configEntries: [{ name: 'cleanup.policy', value: 'compact' }] },
      { topic: 'u', replicaAssignment: [{ partition: 0, replicas: [1, 2] }] },
    ],
    waitForLeaders: true,
  })
  const offsets = await admin.fetchTopicOffsets('t')
  const high: bigint = BigInt(offsets[0]!.high)
  const { topics: [topic] } = await admin.fetchTopicMetadata({ topics: ['t'] })
  const leader: number = topic!.partitions[0]!.leader
  await admin.describeConfigs({ resources: [{ type: ConfigResourceTypes.TOPIC, name: 't' }], includeSynonyms: false })
  await admin.deleteTopics({ topics: ['t'] })
  void [made, high, leader]
}

function reason(error: unknown): string {
  if (error instanceof KafkaJSAggregateError) return error.errors.map(String).join()
  if (error instanceof KafkaJSNumberOfRetriesExceeded) return `${error.retryCount} ${error.retryTime} ${error.cause}`
  if (error instanceof KafkaJSConnectionError) return `${error.broker} ${error.code}`
  if (error instanceof KafkaJSProtocolError) return `${error.type} ${error.code.toFixed()}`
  if (error instanceof KafkaJSError) return `${error.retriable} ${error.fatal} ${error.librdkafka?.name}`
  return String(new KafkaJSNonRetriableError('no'))
}

const byLength: ICustomPartitioner = () => ({ partitionMetadata, message }) => String(message.key).length % partitionMetadata.length
kafka.producer({ createPartitioner: byLength })
kafka.producer({ createPartitioner: Partitioners.LegacyPartitioner })
kafka.consumer({ groupId: 'g', partitionAssigners: [PartitionAssigners.roundRobin] })
const decoded: string[] | undefined = AssignerProtocol.MemberMetadata.decode(Buffer.alloc(0))?.topics
kafka.logger().namespace('mine').info('hello', { extra: 1 })

void [topics, reason, decoded]
