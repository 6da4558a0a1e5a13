/// <reference lib="esnext.disposable" />

/** An API that the mock brokers serve, by its name in the Kafka protocol. */
export type MockApiName =
  | 'Produce' | 'Fetch' | 'ListOffsets' | 'Metadata' | 'OffsetCommit' | 'OffsetFetch' | 'FindCoordinator' | 'JoinGroup'
  | 'Heartbeat' | 'LeaveGroup' | 'SyncGroup' | 'ApiVersions' | 'InitProducerId' | 'OffsetForLeaderEpoch'
  | 'AddPartitionsToTxn' | 'AddOffsetsToTxn' | 'EndTxn' | 'TxnOffsetCommit' | 'ConsumerGroupHeartbeat'
  | 'GetTelemetrySubscriptions' | 'PushTelemetry'

/** An API for which failures can be pushed: by name, or by its key in the Kafka protocol. */
export type MockApi = Exclude<MockApiName, 'Metadata'> | number

/**
 * A Kafka error: its code (7), or its name as librdkafka or kafkajs has it, with or without `ERR_`
 * (`'REQUEST_TIMED_OUT'`, `'ERR_REQUEST_TIMED_OUT'`). `'NONE'` or 0 is success. `'ERR__TRANSPORT'` (-195) makes the
 * broker close the connection.
 */
export type MockError = string | number

/** Options of `MockCluster.start()`. */
export interface MockClusterOptions {
  /** How many brokers, 1 to 100; their ids are 1 to this number. Default 3. */
  brokers?: number
  /** Milliseconds that an empty group waits for more members, up to 2147483. Default 0. */
  groupInitialRebalanceDelay?: number
  /** Partitions of a topic that is created because a client asks for it. The mock brokers know only 4. */
  defaultPartitions?: 4
  /** The mock brokers create a topic whenever a client allows it. */
  autoCreateTopics?: true
}

/** A request that a broker received. */
export interface MockRequest {
  /** The broker's id. */
  broker: number
  /** The API's key in the Kafka protocol. */
  apiKey: number
  /** Its name. */
  apiName: MockApiName
  /** Microseconds of a clock that starts anywhere: only the difference of two means something. */
  timestamp: number
}

/**
 * A Kafka cluster inside this process, for tests. Every method rejects with a TypeError or RangeError for a wrong
 * argument, and with a MockClusterError when the cluster refuses or is closed.
 */
export class MockCluster {
  /** Use `MockCluster.start()`. */
  private constructor()

  /** Starts a cluster. Its brokers accept connections on loopback ports when the promise resolves. */
  static start(options?: MockClusterOptions): Promise<MockCluster>

  /** `host:port,host:port`: librdkafka's `bootstrap.servers`. */
  readonly bootstrapServers: string
  /** The same as a list, for `new Kafka({ brokers })`. Broker 1 comes first. */
  readonly brokers: string[]

  /** Rejects with `ERR_TOPIC_ALREADY_EXISTS` when there is one. Defaults: one partition, one replica. */
  createTopic(options: { topic: string, partitions?: number, replicationFactor?: number }): Promise<void>

  /** Closes the broker's connections and refuses new ones. Leaders and coordinators stay. -1: every broker. */
  setBrokerDown(broker: number): Promise<void>
  /** The broker listens again, on the same port. -1: every broker. */
  setBrokerUp(broker: number): Promise<void>
  /** Every answer of the broker waits so many milliseconds, until it is set to 0. -1: every broker. */
  setLatency(broker: number, ms: number): Promise<void>

  /** The next requests of this API, to whichever broker, fail with these errors, one after another. Calls add up. */
  pushRequestErrors(api: MockApi, errors: MockError[]): Promise<void>
  /** The same for one broker, with delays in milliseconds. These are used up before those of `pushRequestErrors`. */
  pushBrokerRequestErrors(broker: number, api: MockApi, errors: { error?: MockError, delay?: number }[]): Promise<void>
  /** Forgets what `pushRequestErrors` left over. What was pushed to a single broker stays. */
  clearRequestErrors(api: MockApi): Promise<void>

  /** Moves the partition's leader. -1: no leader. A topic that does not exist is created. */
  setLeader(options: { topic: string, partition: number, broker: number }): Promise<void>
  /** Metadata and AddPartitionsToTxn answer with this error for the topic, until it is set to 0 or `'NONE'`. */
  setTopicError(topic: string, error: MockError): Promise<void>
  /** Moves the coordinator of a group or a transactional id. -1: no coordinator. */
  setCoordinator(options: { type: 'group' | 'transaction', key: string, broker: number }): Promise<void>

  /** Forgets earlier requests and records from now on. */
  startRequestTracking(): Promise<void>
  /** Stops recording, and resolves with what was recorded; `requests()` is empty afterwards. */
  stopRequestTracking(): Promise<MockRequest[]>
  /** What was recorded so far, oldest first. */
  requests(): Promise<MockRequest[]>
  /** Forgets what was recorded, and goes on recording. */
  clearRequests(): Promise<void>

  /** Closes every connection and port. May be called twice. An open cluster does not keep the process alive. */
  close(): Promise<void>
  /** For `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** The cluster refused or could not do something. */
export class MockClusterError extends Error {
  /** The class. */
  readonly name: 'MockClusterError'
  /** librdkafka's number; positive ones are the Kafka protocol's. */
  readonly code: number
  /** librdkafka's name for it, such as `ERR_TOPIC_ALREADY_EXISTS`. */
  readonly type: string
}
