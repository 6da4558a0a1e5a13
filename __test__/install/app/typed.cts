import { Kafka } from 'kafka-oxide'
import testing = require('kafka-oxide/testing')

async function main (): Promise<void> {
  const cluster = await testing.MockCluster.start({ brokers: 1 })
  const admin = new Kafka({ brokers: cluster.brokers }).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: 'made', numPartitions: 2 }] })
  const topics: string[] = await admin.listTopics()
  await admin.disconnect()
  await cluster.close()
  console.log(JSON.stringify(topics))
}

void main()
