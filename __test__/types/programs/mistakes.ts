// Each of these is a mistake that the typings must find.
import { Kafka, KafkaMessage, logLevel } from 'kafka-oxide'

// @ts-expect-error brokers are needed
new Kafka({ clientId: 'a' })
// @ts-expect-error brokers are a list
new Kafka({ brokers: 'localhost:9092' })
// @ts-expect-error a level is one of the enum
new Kafka({ brokers: [], logLevel: 'info' })
// @ts-expect-error a mechanism that is not there
new Kafka({ brokers: [], sasl: { mechanism: 'gssapi', username: '', password: '' } })
// @ts-expect-error a property's value is a string, a number or a boolean
new Kafka({ brokers: [], rdkafka: { 'client.id': {} } })

const kafka = new Kafka({ brokers: [], logLevel: logLevel.NOTHING })
// @ts-expect-error a consumer has a group
kafka.consumer()
// @ts-expect-error a consumer has a group
kafka.consumer({ sessionTimeout: 1 })

const producer = kafka.producer()
// @ts-expect-error a value is needed
producer.send({ topic: 't', messages: [{ key: 'k' }] })
// @ts-expect-error a number is no value
producer.send({ topic: 't', messages: [{ value: 1 }] })
// @ts-expect-error a topic is needed
producer.send({ messages: [] })
// @ts-expect-error a partition is a number
producer.send({ topic: 't', messages: [{ value: '', partition: '1' }] })
// @ts-expect-error a header is text or bytes
producer.send({ topic: 't', messages: [{ value: '', headers: { a: 1 } }] })
// @ts-expect-error an event of another client
producer.on('consumer.crash', () => {})
// @ts-expect-error the payload of this event has no such field
producer.on(producer.events.REQUEST, ({ payload }) => payload.nothing)
// @ts-expect-error the table of events is not to be written
producer.events = {}

// @ts-expect-error it has to be said whose offsets these are
producer.transaction().then((transaction) => transaction.sendOffsets({ topics: [] }))

const consumer = kafka.consumer({ groupId: 'g' })
// @ts-expect-error an offset is a string
consumer.seek({ topic: 't', partition: 0, offset: 1 })
// @ts-expect-error a topic is a string or a RegExp
consumer.subscribe({ topics: [1] })
// @ts-expect-error handlers return a promise
consumer.run({ eachMessage: () => 1 })
// @ts-expect-error a tombstone has no value to call upon
export const text = (message: KafkaMessage): string => message.value.toString()
// @ts-expect-error admin counts partitions in numbers
kafka.admin().createTopics({ topics: [{ topic: 't', numPartitions: '3' }] })
