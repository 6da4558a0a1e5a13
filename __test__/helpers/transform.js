'use strict'

/**
 * Consume, transform, produce: each message of `from` goes to `to` in upper case, in one transaction with its offset.
 * @param {any} kafka
 * @param {{ from: string, to: string, groupId: string, form: string, inTransaction?: (value: string) => any,
 *   transactionTimeout?: number }} options
 *   form: 'member' or 'group', who commits the offsets; inTransaction: called between send and commit
 */
async function transform(kafka, { from, to, groupId, form, inTransaction = () => {}, transactionTimeout = 10000 }) {
  const producer = kafka.producer({ transactionalId: `transform-${groupId}`, transactionTimeout })
  const consumer = kafka.consumer({ groupId, sessionTimeout: 6000, heartbeatInterval: 500 })
  await producer.connect()
  await consumer.connect()
  await consumer.subscribe({ topic: from, fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachMessage: async (/** @type {any} */ { topic, partition, message }) => {
      const value = String(message.value)
      const transaction = await producer.transaction()
      try {
        await transaction.send({ topic: to, messages: [{ value: value.toUpperCase() }] })
        await inTransaction(value)
        const topics = [{ topic, partitions: [{ partition, offset: String(Number(message.offset) + 1) }] }]
        await transaction.sendOffsets(form === 'member' ? { consumer, topics } : { consumerGroupId: groupId, topics })
        await transaction.commit()
      } catch (error) {
        if (transaction.isActive()) await transaction.abort()
        throw error
      }
    },
  })
  return { producer, consumer }
}

module.exports = { transform }
