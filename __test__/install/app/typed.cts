import { Kafka } from 'kafka-oxide'
import testing = require('kafka-oxide/testing')

async function main (): Promise<void> {
  const cluster = await testing.MockCluster.start({ brokers: 1 })
  await cluster.createTopic({ topic: 'made', partitions: 2 })
  const admin = new Kafka({ brokers: cluster.brokers }).admin()
  await admin.connect()
  const topics: string[] = await admin.listTopics()
  await admin.disconnect()
  await cluster.close()
  console.log(JSON.stringify(topics))
}

void main()
