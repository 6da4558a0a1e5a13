'use strict'

// What a program finds in the package and in its objects: constants, classes, errors, encoders.

const { differential } = require('../helpers/differential')

/** @param {any} lib */
const errorsOf = (lib) => Object.keys(lib).filter((name) => name.startsWith('KafkaJS')).sort()

/** A constant, field for field. @param {string} name */
const constant = (name) => ({ name, run: async (lib) => ({ ...lib[name] }) })

/** The functions of a client. @param {string} client @param {(lib: any, context: any) => any} make */
const functions = (client, make) => ({
  name: `${client}: every method that kafkajs has`,
  run: async (lib, context) => {
    const made = make(lib, context)
    const names = Object.keys(make(require('kafkajs'), { kafka: () => new (require('kafkajs').Kafka)({ brokers: [context.bootstrap] }) })).sort()
    return names.map((name) => [name, typeof made[name]])
  },
})

/** An error, made as a program makes it. @param {string} name @param {(lib: any) => any} make */
const error = (name, make) => ({ name: `new ${name}`, run: async (lib) => make(lib) })

differential('shapes', [
  {
    name: 'every export of kafkajs is there, of the same type',
    run: async (lib) => Object.keys(require('kafkajs')).sort().map((name) => [name, typeof lib[name]]),
  },
  ...['logLevel', 'CompressionTypes', 'ConfigResourceTypes', 'ConfigSource', 'AclResourceTypes', 'AclOperationTypes',
    'AclPermissionTypes', 'ResourcePatternTypes'].map(constant),
  functions('producer', (lib, context) => context.kafka().producer()),
  functions('consumer', (lib, context) => context.kafka().consumer({ groupId: 'group' })),
  functions('admin', (lib, context) => context.kafka().admin()),
  {
    name: 'Kafka: its methods are of the prototype',
    run: async (lib) => ['producer', 'consumer', 'admin', 'logger'].map((name) => typeof lib.Kafka.prototype[name]),
  },
  {
    name: 'methods of clients may be replaced, as tracers do',
    run: async (lib, context) => {
      const [producer, consumer] = [context.kafka().producer(), context.kafka().consumer({ groupId: 'group' })]
      const calls = []
      for (const [client, names] of [[producer, ['send', 'sendBatch', 'transaction']], [consumer, ['run', 'subscribe']]]) {
        for (const name of names) client[name] = () => calls.push(name)
      }
      await producer.send(); producer.sendBatch(); producer.transaction(); consumer.run(); consumer.subscribe()
      return calls
    },
  },
  {
    name: 'Kafka may be extended',
    run: async (lib, context) => {
      class Mine extends lib.Kafka {
        producer(options) { return Object.assign(super.producer(options), { mine: true }) }
      }
      const kafka = new Mine({ brokers: [context.bootstrap], logLevel: lib.logLevel.NOTHING })
      const producer = kafka.producer()
      await producer.connect()
      await producer.disconnect()
      return [kafka instanceof lib.Kafka, producer.mine]
    },
  },
  {
    name: 'new Kafka() reaches nobody, and makes clients without brokers',
    run: async (lib, context) => [
      await context.caught(() => { new lib.Kafka({ brokers: ['127.0.0.1:1'], logLevel: 0 }) }),
      await context.caught(() => { new lib.Kafka({ brokers: [], logLevel: 0 }).producer() }),
    ],
  },
  {
    name: 'CompressionCodecs: which there are',
    run: async (lib) => Object.keys(lib.CompressionCodecs),
  },
  {
    name: 'CompressionCodecs: GZIP compresses and decompresses',
    run: async (lib) => {
      const { compress, decompress } = lib.CompressionCodecs[lib.CompressionTypes.GZIP]()
      const packed = await compress({ buffer: Buffer.from('again and again and again') })
      return [Buffer.isBuffer(packed), (await decompress(packed)).toString()]
    },
  },
  {
    name: 'AssignerProtocol.MemberMetadata: bytes and back',
    run: async ({ AssignerProtocol: { MemberMetadata } }) => {
      const encoded = MemberMetadata.encode({ version: 1, topics: ['one', 'two'], userData: Buffer.from('mine') })
      return { encoded, decoded: MemberMetadata.decode(encoded) }
    },
  },
  {
    name: 'AssignerProtocol.MemberAssignment: bytes and back',
    run: async ({ AssignerProtocol: { MemberAssignment } }) => {
      const encoded = MemberAssignment.encode({ version: 1, assignment: { one: [0, 2], two: [1] }, userData: Buffer.alloc(0) })
      return { encoded, decoded: MemberAssignment.decode(encoded), empty: MemberAssignment.decode(Buffer.alloc(0)) }
    },
  },
  {
    name: 'PartitionAssigners.roundRobin: name, protocol and assignment',
    run: async (lib) => {
      const partitions = { one: [0, 1, 2], two: [0, 1] }
      const cluster = { findTopicPartitionMetadata: (topic) => partitions[topic].map((partitionId) => ({ partitionId })) }
      const assigner = lib.PartitionAssigners.roundRobin({ cluster, groupId: 'group', logger: undefined })
      const members = ['b', 'a', 'c'].map((memberId) => ({ memberId, memberMetadata: Buffer.alloc(0) }))
      const assignment = await assigner.assign({ members, topics: ['one', 'two'] })
      return {
        name: assigner.name,
        version: assigner.version,
        protocol: assigner.protocol({ topics: ['one', 'two'] }),
        assignment: assignment.map((one) => [context(one.memberId), lib.AssignerProtocol.MemberAssignment.decode(one.memberAssignment)]),
      }
    },
  },
  {
    name: 'error classes: names and parents',
    run: async (lib) => errorsOf(require('kafkajs')).map((name) => {
      const parents = []
      for (let at = lib[name]; at && at.name; at = Object.getPrototypeOf(at)) parents.push(at.name)
      return [name, parents]
    }),
  },
  error('KafkaJSError of a text', (lib) => new lib.KafkaJSError('text')),
  error('KafkaJSError of an Error', (lib) => new lib.KafkaJSError(new Error('inner'))),
  error('KafkaJSError, not retriable, with a cause', (lib) => new lib.KafkaJSError('text', { retriable: false, cause: new Error('why') })),
  error('KafkaJSNonRetriableError', (lib) => new lib.KafkaJSNonRetriableError('text')),
  error('KafkaJSNonRetriableError with a cause', (lib) => new lib.KafkaJSNonRetriableError(new Error('inner'), { cause: new Error('why') })),
  error('KafkaJSProtocolError', (lib) => new lib.KafkaJSProtocolError({ message: 'text', type: 'NOT_LEADER_FOR_PARTITION', code: 6, retriable: true })),
  error('KafkaJSOffsetOutOfRange', (lib) => new lib.KafkaJSOffsetOutOfRange(
    { message: 'text', type: 'OFFSET_OUT_OF_RANGE', code: 1, retriable: false }, { topic: 't', partition: 3 },
  )),
  error('KafkaJSNumberOfRetriesExceeded', (lib) => new lib.KafkaJSNumberOfRetriesExceeded(new Error('inner'), { retryCount: 3, retryTime: 100 })),
  error('KafkaJSConnectionError', (lib) => new lib.KafkaJSConnectionError('text', { broker: 'host:1', code: 'ECONNREFUSED' })),
  error('KafkaJSRequestTimeoutError', (lib) => new lib.KafkaJSRequestTimeoutError('text', {
    broker: 'host:1', correlationId: 1, createdAt: 2, sentAt: 3, pendingDuration: 4,
  })),
  error('KafkaJSTopicMetadataNotLoaded', (lib) => new lib.KafkaJSTopicMetadataNotLoaded('text', { topic: 't' })),
  error('KafkaJSStaleTopicMetadataAssignment', (lib) => new lib.KafkaJSStaleTopicMetadataAssignment('text', { topic: 't', unknownPartitions: [{ partition: 1 }] })),
  error('KafkaJSDeleteGroupsError', (lib) => new lib.KafkaJSDeleteGroupsError('text', [{ groupId: 'g', errorCode: 69 }])),
  error('KafkaJSServerDoesNotSupportApiKey', (lib) => new lib.KafkaJSServerDoesNotSupportApiKey('text', { apiKey: 1, apiName: 'Fetch' })),
  error('KafkaJSAggregateError', (lib) => new lib.KafkaJSAggregateError('text', [new Error('one'), new Error('two')])),
  ...['KafkaJSBrokerNotFound', 'KafkaJSNoBrokerAvailableError', 'KafkaJSSASLAuthenticationError', 'KafkaJSGroupCoordinatorNotFound',
    'KafkaJSNotImplemented', 'KafkaJSTimeout', 'KafkaJSLockTimeout', 'KafkaJSPartialMessageError', 'KafkaJSMetadataNotLoaded']
    .filter((name) => require('kafkajs')[name])
    .map((name) => error(name, (lib) => new lib[name]('text'))),
])

/** A member's name as it is: it is no member of a broker's group. @param {string} text */
function context(text) { return `member ${text}` }
