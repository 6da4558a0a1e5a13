// What a program written for kafkajs looks like, with only the import changed.
import {
  CompressionTypes, Consumer, EachBatchPayload, EachMessagePayload, FlushingProducer, IHeaders, Kafka, KafkaConfig, KafkaJSError, KafkaMessage, Message,
  Producer, ProducerRecord, RecordMetadata, TopicMessages, Transaction, logLevel,
} from 'kafka-oxide'

const config: KafkaConfig = {
  clientId: 'my-app',
  brokers: async () => ['localhost:9092'],
  ssl: { ca: ['-----BEGIN CERTIFICATE-----'], rejectUnauthorized: true },
  sasl: { mechanism: 'scram-sha-256', username: 'me', password: 'secret' },
  retry: { retries: 3, initialRetryTime: 100 },
  logLevel: logLevel.WARN,
  logCreator: (level) => ({ namespace, label, log: { message, timestamp, ...rest } }) => {
    const line: string = `${timestamp} ${namespace} ${label} ${level} ${message} ${Object.keys(rest).length}`
    void line
  },
  rdkafka: { 'socket.keepalive.enable': true, 'statistics.interval.ms': 1000 },
}
const kafka = new Kafka(config)

async function produce(): Promise<RecordMetadata[]> {
  const producer: FlushingProducer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, rdkafka: { 'linger.ms': 5 } })
  await producer.connect()
  const headers: IHeaders = { trace: 'abc', many: ['a', Buffer.from('b')] }
  const message: Message = { key: 'k', value: Buffer.from('v'), headers, timestamp: String(Date.now()), partition: 0 }
  const record: ProducerRecord = { topic: 't', messages: [message, { value: null }], acks: -1, compression: CompressionTypes.GZIP }
  const topicMessages: TopicMessages[] = [{ topic: 't', messages: [message] }]
  await producer.sendBatch({ topicMessages })
  const remove = producer.on(producer.events.REQUEST, ({ payload }) => payload.broker.toUpperCase())
  remove()
  await producer.flush({ timeout: 1000 })
  const result = await producer.send(record)
  const first: string | undefined = result[0]?.baseOffset
  void first
  await producer.disconnect()
  return result
}

async function transform(consumer: Consumer): Promise<void> {
  const producer: Producer = kafka.producer({ transactionalId: 'id', transactionTimeout: 30000 })
  await producer.connect()
  const transaction: Transaction = await producer.transaction()
  const topics = [{ topic: 't', partitions: [{ partition: 0, offset: '1' }] }]
  try {
    const sent: RecordMetadata[] = await transaction.send({ topic: 't', messages: [{ value: 'v' }] })
    await transaction.sendBatch({ topicMessages: [{ topic: 't', messages: [{ value: null }] }] })
    await transaction.sendOffsets({ consumerGroupId: 'g', topics })
    await transaction.sendOffsets({ consumer, topics })
    await transaction.commit()
    void sent
  } catch (error) {
    const abortable: boolean | undefined = error instanceof KafkaJSError ? error.abortable : undefined
    if (abortable || transaction.isActive()) await transaction.abort()
  }
}

async function consume(): Promise<void> {
  const consumer: Consumer = kafka.consumer({ groupId: 'g', retry: { restartOnFailure: async (error) => error.message !== '' } })
  consumer.on(consumer.events.CRASH, ({ payload: { error, groupId, restart } }) => [error.message, groupId, restart])
  consumer.on('consumer.group_join', (event) => { const mine: number[] | undefined = event.payload.memberAssignment['t']; void mine })
  await consumer.connect()
  await consumer.subscribe({ topics: ['a', /b.*/i], fromBeginning: true })
  await consumer.subscribe({ topic: 'a' })
  await consumer.run({
    partitionsConsumedConcurrently: 3,
    eachMessage: async ({ topic, partition, message, heartbeat, pause }: EachMessagePayload) => {
      const kept: KafkaMessage = message
      const text: string | undefined = kept.value?.toString()
      await heartbeat()
      const resume = pause()
      resume()
      await consumer.commitOffsets([{ topic, partition, offset: (BigInt(kept.offset) + 1n).toString() }])
      void text
    },
  })
  consumer.seek({ topic: 'a', partition: 0, offset: '0' })
  consumer.pause([{ topic: 'a' }])
  consumer.resume([{ topic: 'a', partitions: [0] }])
}

async function consumeBatches(consumer: Consumer): Promise<void> {
  await consumer.run({
    eachBatchAutoResolve: false,
    eachBatch: async ({ batch, resolveOffset, isRunning, isStale, uncommittedOffsets }: EachBatchPayload) => {
      for (const message of batch.messages) {
        if (!isRunning() || isStale()) break
        resolveOffset(message.offset)
      }
      const topics: string[] = uncommittedOffsets().topics.map(({ topic }) => topic)
      void topics
    },
  })
}

void [produce, transform, consume, consumeBatches]
