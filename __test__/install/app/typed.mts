import { Kafka, logLevel, type EachMessagePayload, type RecordMetadata } from 'kafka-oxide'
import { MockCluster } from 'kafka-oxide/testing'

const cluster: MockCluster = await MockCluster.start({ brokers: 1 })
await cluster.createTopic({ topic: 'greetings', partitions: 1 })
const kafka = new Kafka({ clientId: 'install-test', brokers: cluster.brokers, logLevel: logLevel.NOTHING })

const producer = kafka.producer()
await producer.connect()
const messages = [['en', 'hello', '0'], ['fr', 'salut', '1'], ['nl', 'hoi', '2']]
const reports: RecordMetadata[] = await producer.send({
  topic: 'greetings',
  messages: messages.map(([key, value, number]) => ({ key, value: Buffer.from(value), headers: { number } }))
})
if (reports.length !== 1) throw new Error(`${reports.length} reports`)
await producer.disconnect()

const seen: string[] = []
const consumer = kafka.consumer({ groupId: 'install-test' })
await consumer.connect()
await consumer.subscribe({ topics: ['greetings'], fromBeginning: true })
await new Promise<void>((resolve, reject) => {
  const eachMessage = async ({ message: { key, value, headers } }: EachMessagePayload): Promise<void> => {
    const text: Buffer | null = value
    seen.push(`${key?.toString()}=${text?.toString()} ${String(headers?.number)}`)
    if (seen.length === messages.length) resolve()
  }
  consumer.run({ eachMessage }).catch(reject)
})
await consumer.disconnect()
await cluster.close()
console.log(JSON.stringify(seen))
