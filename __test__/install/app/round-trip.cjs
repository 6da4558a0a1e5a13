'use strict'

/**
 * Produces records to an embedded cluster and consumes them, by whatever way the package was imported.
 * @returns {Promise<string[]>} `key=value header` of each record, in order
 */
module.exports.roundTrip = async ({ Kafka, logLevel }, { MockCluster }) => {
  const cluster = await MockCluster.start({ brokers: 1 })
  await cluster.createTopic({ topic: 'greetings', partitions: 1 })
  const kafka = new Kafka({ clientId: 'install-test', brokers: cluster.brokers, logLevel: logLevel.NOTHING })
  const producer = kafka.producer()
  const consumer = kafka.consumer({ groupId: 'install-test' })
  await producer.connect()
  await producer.send({
    topic: 'greetings',
    messages: [
      { key: 'en', value: 'hello', headers: { number: '0' } },
      { key: 'fr', value: 'salut', headers: { number: '1' } },
      { key: 'nl', value: 'hoi', headers: { number: '2' } }
    ]
  })
  await producer.disconnect()

  const seen = []
  await consumer.connect()
  await consumer.subscribe({ topic: 'greetings', fromBeginning: true })
  await new Promise((resolve, reject) => {
    consumer.run({
      eachMessage: async ({ message: { key, value, headers } }) => {
        seen.push(`${key}=${value} ${headers.number}`)
        if (seen.length === 3) resolve()
      }
    }).catch(reject)
  })
  await consumer.disconnect()
  await cluster.close()
  return seen
}
