// A program as users of kafkajs write them. It compiles with kafkajs's typings, and so it has to with ours.
import { createSign } from 'node:crypto'
import * as net from 'node:net'
import {
  AclOperationTypes, AclPermissionTypes, AclResourceTypes, Admin, Assigner, AssignerProtocol, Batch, CompressionCodecs,
  CompressionTypes, ConfigResourceTypes, ConfigSource, Consumer, ConsumerConfig, ConsumerCrashEvent, ConsumerEachBatchPayload,
  ConsumerEvents, ConsumerRunConfig, ConsumerSubscribeTopics, EachBatchHandler, EachMessageHandler, EachMessagePayload,
  GroupDescription, ICustomPartitioner, IHeaders, InstrumentationEvent, ISocketFactory, ITopicConfig, Kafka, KafkaConfig,
  KafkaJSConnectionError, KafkaJSDeleteGroupsError, KafkaJSError, KafkaJSNonRetriableError, KafkaJSNumberOfRetriesExceeded,
  KafkaJSOffsetOutOfRange, KafkaJSProtocolError, KafkaJSRequestTimeoutError, KafkaMessage, LogEntry, logCreator, Logger,
  logLevel, Mechanism, Message, Offsets, OffsetsByTopicPartition, PartitionAssigner, PartitionAssigners, Partitioners, Producer,
  ProducerBatch, ProducerConfig, ProducerRecord, RecordMetadata, ResourcePatternTypes, RetryOptions, SASLOptions, Sender,
  TopicPartitionOffset, TopicPartitionOffsetAndMetadata, Transaction, ValueOf,
} from 'kafkajs'

// -- configuration

const levels: Record<string, logLevel> = { debug: logLevel.DEBUG, off: logLevel.NOTHING }
const creator: logCreator = (level) => ({ namespace, label, log }: LogEntry) => {
  const { message, timestamp, logger: name, ...extra } = log
  console.log(JSON.stringify({ level, namespace, label, message, at: new Date(timestamp), name, extra }))
}
const plain: SASLOptions = { mechanism: 'plain', username: 'u', password: 'p' }
const token: SASLOptions = { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: 'token' }) }
const aws: SASLOptions = { mechanism: 'aws', authorizationIdentity: 'a', accessKeyId: 'k', secretAccessKey: 's' }
const own: Mechanism = {
  mechanism: 'SIGNED',
  authenticationProvider: ({ host, port, logger, saslAuthenticate }) => ({
    authenticate: async () => {
      const answer = await saslAuthenticate({
        request: { encode: () => createSign('SHA256').update(`${host}:${port}`).sign('key') },
        response: { decode: (raw: Buffer) => raw, parse: (data: Buffer) => data.toString().length },
      })
      logger.debug('answered', { answer: (answer ?? 0) + 1 })
    },
  }),
}
const socketFactory: ISocketFactory = ({ host, port, onConnect }) => net.connect(port, host, onConnect)
const retry: RetryOptions = { retries: 3, initialRetryTime: 100, factor: 0.2, multiplier: 2, maxRetryTime: 1000 }
const config: KafkaConfig = {
  brokers: async () => ['a:9092'], clientId: 'c', ssl: { rejectUnauthorized: true, ca: ['pem'] }, sasl: plain, connectionTimeout: 1,
  authenticationTimeout: 1, reauthenticationThreshold: 1, requestTimeout: 1, enforceRequestTimeout: true, retry, socketFactory,
  logLevel: levels.debug ?? logLevel.INFO, logCreator: creator,
}
const kafka: Kafka = new Kafka(config)
new Kafka({ ...config, sasl: own, ssl: true, brokers: ['a:9092'] })
for (const sasl of [token, aws]) new Kafka({ ...config, sasl })
CompressionCodecs[CompressionTypes.Snappy] = () => ({ compress: async () => Buffer.alloc(0), decompress: async () => Buffer.alloc(0) })

// -- producing

const byHeader: ICustomPartitioner = () => ({ topic, partitionMetadata, message: { headers, key } }) =>
  (topic + String(headers?.tenant) + String(key)).length % partitionMetadata.length
const producerConfig: ProducerConfig = {
  createPartitioner: byHeader, idempotent: true, transactionalId: 't', transactionTimeout: 1, maxInFlightRequests: 1,
  metadataMaxAge: 1, allowAutoTopicCreation: false, retry,
}
for (const createPartitioner of Object.values(Partitioners)) kafka.producer({ createPartitioner })

class Outbox {
  private readonly producer: Producer
  private readonly pending: Message[] = []
  constructor(private readonly topic: string, producer: Producer = kafka.producer(producerConfig)) {
    this.producer = producer
  }
  add(key: string | null, value: object | null, headers: IHeaders = {}): this {
    this.pending.push({ key, value: value && JSON.stringify(value), headers, timestamp: Date.now().toString() })
    return this
  }
  async flush(via: Pick<Sender, 'send'> = this.producer): Promise<RecordMetadata[]> {
    const record: ProducerRecord = { topic: this.topic, messages: this.pending.splice(0), acks: -1, timeout: 1, compression: CompressionTypes.ZSTD }
    return via.send(record)
  }
  async transact(offsets: Offsets & { consumerGroupId: string }): Promise<void> {
    const transaction: Transaction = await this.producer.transaction()
    try {
      await this.flush(transaction)
      await transaction.sendOffsets(offsets)
      await transaction.commit()
    } catch (error) {
      if (transaction.isActive()) await transaction.abort()
      throw error
    }
  }
}

// A stand-in as unit tests have them: everything that a Producer has.
const sent: ProducerBatch[] = []
const standIn: Producer = {
  connect: async () => {},
  disconnect: async () => {},
  isIdempotent: () => false,
  events: kafka.producer().events,
  on: () => () => {},
  send: async ({ topic, messages }) => { sent.push({ topicMessages: [{ topic, messages }] }); return [] },
  sendBatch: async (batch) => { sent.push(batch); return [] },
  transaction: async () => { throw new Error('none') },
  logger: () => kafka.logger(),
}
const record: Record<string, unknown> = standIn

// -- consuming

const fair: PartitionAssigner = ({ cluster, groupId, logger }): Assigner => ({
  name: `fair-${groupId}`,
  version: 1,
  protocol: ({ topics }) => ({
    name: 'fair', metadata: AssignerProtocol.MemberMetadata.encode({ version: 1, topics, userData: Buffer.alloc(0) }),
  }),
  assign: async ({ members, topics }) => {
    const partitions = topics.flatMap((topic) => cluster.findTopicPartitionMetadata(topic).map(({ partitionId, leader }) => [partitionId, leader]))
    logger.info('assigning', { partitions, nodes: cluster.getNodeIds() })
    return members.map(({ memberId, memberMetadata }) => ({
      memberId,
      memberAssignment: AssignerProtocol.MemberAssignment.encode({
        version: AssignerProtocol.MemberMetadata.decode(memberMetadata)?.version ?? 0, assignment: { t: [0] }, userData: Buffer.alloc(0),
      }),
    }))
  },
})
const consumerConfig: ConsumerConfig = {
  groupId: 'g', partitionAssigners: [fair, PartitionAssigners.roundRobin], sessionTimeout: 1, rebalanceTimeout: 1, heartbeatInterval: 1,
  maxBytesPerPartition: 1, minBytes: 1, maxBytes: 1, maxWaitTimeInMs: 1, metadataMaxAge: 1, allowAutoTopicCreation: true,
  maxInFlightRequests: 1, readUncommitted: true, rackId: 'r', retry: { ...retry, restartOnFailure: async (error: Error) => error.message !== '' },
}

export abstract class Worker {
  protected readonly consumer: Consumer = kafka.consumer(consumerConfig)
  private readonly logger: Logger = kafka.logger().namespace('Worker', logLevel.WARN)
  protected abstract handle(message: KafkaMessage): Promise<void>

  eachMessage: EachMessageHandler = async ({ topic, partition, message, heartbeat, pause }: EachMessagePayload) => {
    const { key, value, offset, timestamp, attributes, headers, size } = message
    const source: string | undefined = headers?.source?.toString()
    if (value === null) return this.logger.info('tombstone', { key: key?.toString(), source, at: Number(timestamp), attributes, size })
    await this.handle({ ...message, value: Buffer.from(value.toString('utf8').trim()) })
    await heartbeat()
    const next: TopicPartitionOffsetAndMetadata = { topic, partition, offset: String(BigInt(offset) + BigInt(1)), metadata: null }
    await this.consumer.commitOffsets([next])
    setTimeout(pause(), 10)
  }

  eachBatch: EachBatchHandler = async ({ batch, isRunning, isStale, resolveOffset, uncommittedOffsets, ...rest }: ConsumerEachBatchPayload) => {
    const { topic, partition, highWatermark, messages }: Batch = batch
    for (const message of messages) {
      if (!isRunning() || isStale()) break
      resolveOffset(message.offset)
    }
    const left: OffsetsByTopicPartition = uncommittedOffsets()
    await rest.commitOffsetsIfNecessary(left)
    console.log(topic, partition, highWatermark, batch.isEmpty(), batch.firstOffset() ?? '', batch.lastOffset().length, batch.offsetLag(), batch.offsetLagLow())
  }

  async start(subscription: ConsumerSubscribeTopics): Promise<void> {
    const crashed = (event: ConsumerCrashEvent): void => this.logger.error(event.payload.error.message, { again: event.payload.restart })
    this.consumer.on(this.consumer.events.CRASH, crashed)
    const { HEARTBEAT, COMMIT_OFFSETS, GROUP_JOIN, FETCH, END_BATCH_PROCESS, REQUEST, REBALANCING }: ConsumerEvents = this.consumer.events
    this.consumer.on(HEARTBEAT, ({ id, type, timestamp, payload }) => console.log(id, type, timestamp, payload.memberId))
    this.consumer.on(COMMIT_OFFSETS, ({ payload: { topics } }) => console.log(topics[0]?.partitions[0]?.offset))
    this.consumer.on(GROUP_JOIN, ({ payload }) => console.log(payload.isLeader, payload.memberAssignment['t']?.length, payload.duration))
    this.consumer.on(FETCH, ({ payload }) => console.log(payload.numberOfBatches, payload.nodeId.toString()))
    this.consumer.on(END_BATCH_PROCESS, ({ payload }) => console.log(payload.batchSize + payload.duration, payload.lastOffset))
    this.consumer.on(REQUEST, ({ payload }) => console.log(payload.apiName, payload.broker.split(':'), payload.size.toFixed()))
    this.consumer.on(REBALANCING, ({ payload }) => console.log(payload.groupId, payload.memberId))
    const any = (event: InstrumentationEvent<any>): void => console.log(event.payload)
    const removers = Object.values(this.consumer.events).map((name: ValueOf<ConsumerEvents>) => this.consumer.on(name, any))
    removers.forEach((remove) => remove())
    await this.consumer.connect()
    await this.consumer.subscribe(subscription)
    await this.consumer.subscribe({ topic: /^orders-.*/i })
    const run: ConsumerRunConfig = {
      autoCommit: true, autoCommitInterval: null, autoCommitThreshold: 10, eachBatchAutoResolve: false, partitionsConsumedConcurrently: 2,
    }
    await this.consumer.run({ ...run, eachMessage: this.eachMessage })
    const to: TopicPartitionOffset = { topic: 't', partition: 0, offset: '0' }
    this.consumer.seek(to)
    this.consumer.pause([{ topic: 't' }, { topic: 'u', partitions: [0] }])
    this.consumer.resume(this.consumer.paused())
    const { members, state }: GroupDescription = await this.consumer.describeGroup()
    if (state === 'Stable') console.log(members.map(({ clientHost, memberAssignment }) => [clientHost, memberAssignment.length]))
    await this.consumer.stop()
    await this.consumer.disconnect()
  }
}

// -- administration

export async function administer(admin: Admin = kafka.admin({ retry })): Promise<void> {
  await admin.connect()
  const topic: ITopicConfig = { topic: 't', numPartitions: 1, replicationFactor: 1, configEntries: [{ name: 'retention.ms', value: '1' }] }
  const made: boolean = await admin.createTopics({ topics: [topic, { topic: 'u', replicaAssignment: [{ partition: 0, replicas: [1] }] }], waitForLeaders: false })
  const { topics } = await admin.fetchTopicMetadata({ topics: await admin.listTopics() })
  const leaders: number[] = topics.flatMap(({ partitions }) => partitions.map(({ leader, isr, replicas, offlineReplicas = [] }) => leader + isr.length + replicas.length + offlineReplicas.length))
  await admin.createPartitions({ topicPartitions: [{ topic: 't', count: 2, assignments: [[1]] }] })
  const [{ high, low, offset, partition } = { high: '', low: '', offset: '', partition: 0 }] = await admin.fetchTopicOffsets('t')
  await admin.setOffsets({ groupId: 'g', topic: 't', partitions: await admin.fetchTopicOffsetsByTimestamp('t', 0) })
  await admin.resetOffsets({ groupId: 'g', topic: 't', earliest: true })
  for (const { topic, partitions } of await admin.fetchOffsets({ groupId: 'g', topics: ['t'], resolveOffsets: true })) {
    console.log(topic, partitions.map(({ metadata, offset }) => (metadata ?? '') + offset))
  }
  const { brokers, controller, clusterId } = await admin.describeCluster()
  console.log(made, leaders, high, low, offset, partition, brokers.map(({ nodeId }) => nodeId), (controller ?? 0) + 1, clusterId.length)
  const { resources } = await admin.describeConfigs({ includeSynonyms: true, resources: [{ type: ConfigResourceTypes.TOPIC, name: 't', configNames: ['a'] }] })
  for (const { configEntries, errorCode } of resources) {
    for (const { configName, configValue, configSource, isDefault, configSynonyms } of configEntries) {
      if (configSource !== ConfigSource.DEFAULT_CONFIG && !isDefault) console.log(errorCode, configName, configValue, configSynonyms.length)
    }
  }
  await admin.alterConfigs({ validateOnly: true, resources: [{ type: ConfigResourceTypes.BROKER, name: '1', configEntries: [{ name: 'a', value: 'b' }] }] })
  const { groups } = await admin.listGroups()
  await admin.describeGroups(groups.map(({ groupId }) => groupId))
  const rule = {
    resourceType: AclResourceTypes.TOPIC, resourceName: 't', resourcePatternType: ResourcePatternTypes.LITERAL, principal: 'User:a',
    host: '*', operation: AclOperationTypes.READ, permissionType: AclPermissionTypes.ALLOW,
  }
  await admin.createAcls({ acl: [rule] })
  const described = await admin.describeAcls(rule)
  console.log(described.resources.flatMap(({ acls }) => acls.map(({ principal }) => principal)))
  const { filterResponses } = await admin.deleteAcls({ filters: [rule] })
  console.log(filterResponses.map(({ matchingAcls, errorMessage = '' }) => [matchingAcls.length, errorMessage]))
  await admin.deleteTopicRecords({ topic: 't', partitions: [{ partition: 0, offset: '-1' }] })
  await admin.alterPartitionReassignments({ topics: [{ topic: 't', partitionAssignment: [{ partition: 0, replicas: [1] }] }] })
  const moving = await admin.listPartitionReassignments({ topics: [{ topic: 't', partitions: [0] }] })
  console.log(moving.topics.map(({ partitions }) => partitions.map(({ addingReplicas = [] }) => addingReplicas.length)))
  const results = await admin.deleteGroups(['g'])
  console.log(results.map(({ groupId, errorCode = 0, error }) => [groupId, errorCode, error?.type]))
  await admin.deleteTopics({ topics: ['t'], timeout: 1 })
  admin.on(admin.events.REQUEST_TIMEOUT, ({ payload }) => console.log(payload.apiName))
  await admin.disconnect()
}

// -- errors

export function explain(error: unknown): string {
  if (error instanceof KafkaJSNumberOfRetriesExceeded) return `${error.retryCount} tries in ${error.retryTime} ms: ${error.cause?.message}`
  if (error instanceof KafkaJSConnectionError) return error.broker.split(':')[0] ?? ''
  if (error instanceof KafkaJSRequestTimeoutError) return (error.sentAt - error.createdAt).toFixed() + error.broker.length
  if (error instanceof KafkaJSOffsetOutOfRange) return `${error.topic}/${error.partition}`
  if (error instanceof KafkaJSDeleteGroupsError) return error.groups.map(({ groupId, error: why }) => groupId + why?.message).join()
  if (error instanceof KafkaJSProtocolError) return error.type + error.code.toFixed()
  if (error instanceof KafkaJSNonRetriableError) return error.helpUrl ?? error.name
  return error instanceof KafkaJSError ? String(error.retriable) : 'no Kafka error'
}
export class NotFound extends KafkaJSNonRetriableError {
  constructor(readonly id: number) {
    super(`there is no ${id}`)
  }
}

export const used = [record, new Outbox('t', standIn).add('k', { a: 1 }).flush, new NotFound(1).retriable]
