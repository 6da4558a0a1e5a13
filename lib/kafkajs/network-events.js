'use strict'
/**
 * The events about requests to brokers. Native code tells of requests only while somebody listens: what to tell of is given to each
 * native client when it is made and whenever the first listener of an event comes or the last one goes.
 */

/** What native code can be asked to tell: `wanted` in src/core/requests.rs. By event, as the clients name them. */
const WANTED = /** @type {Record<string, number>} */ ({
  REQUEST: 1,
  REQUEST_TIMEOUT: 2,
  REQUEST_QUEUE_SIZE: 4,
  HEARTBEAT: 8,
  FETCH: 16,
  FETCH_START: 16,
  GROUP_JOIN: 32,
})

/** Kafka's names by api key, in kafkajs's spelling where it has one. */
const API_NAMES = [
  'Produce', 'Fetch', 'ListOffsets', 'Metadata', 'LeaderAndIsr', 'StopReplica', 'UpdateMetadata', 'ControlledShutdown',
  'OffsetCommit', 'OffsetFetch', 'GroupCoordinator', 'JoinGroup', 'Heartbeat', 'LeaveGroup', 'SyncGroup', 'DescribeGroups',
  'ListGroups', 'SaslHandshake', 'ApiVersions', 'CreateTopics', 'DeleteTopics', 'DeleteRecords', 'InitProducerId',
  'OffsetForLeaderEpoch', 'AddPartitionsToTxn', 'AddOffsetsToTxn', 'EndTxn', 'WriteTxnMarkers', 'TxnOffsetCommit',
  'DescribeAcls', 'CreateAcls', 'DeleteAcls', 'DescribeConfigs', 'AlterConfigs', 'AlterReplicaLogDirs', 'DescribeLogDirs',
  'SaslAuthenticate', 'CreatePartitions', 'CreateDelegationToken', 'RenewDelegationToken', 'ExpireDelegationToken',
  'DescribeDelegationToken', 'DeleteGroups', 'ElectPreferredLeaders', 'IncrementalAlterConfigs',
  'AlterPartitionReassignments', 'ListPartitionReassignments', 'OffsetDelete', 'DescribeClientQuotas', 'AlterClientQuotas',
  'DescribeUserScramCredentials', 'AlterUserScramCredentials', 'Vote', 'BeginQuorumEpoch', 'EndQuorumEpoch',
  'DescribeQuorum', 'AlterPartition', 'UpdateFeatures', 'Envelope', 'FetchSnapshot', 'DescribeCluster',
  'DescribeProducers', 'BrokerRegistration', 'BrokerHeartbeat', 'UnregisterBroker', 'DescribeTransactions',
  'ListTransactions', 'AllocateProducerIds', 'ConsumerGroupHeartbeat', 'ConsumerGroupDescribe', 'ControllerRegistration',
  'GetTelemetrySubscriptions', 'PushTelemetry', 'AssignReplicasToDirs', 'ListClientMetricsResources',
  'DescribeTopicPartitions',
]

/** @param {number} apiKey */
const apiName = (apiKey) => API_NAMES[apiKey] || `ApiKey${apiKey}`

/**
 * A request and what became of it, see `Record` in src/core/requests.rs.
 * @typedef {object} RequestRecord
 * @property {'sent' | 'answered' | 'timeout' | 'failed'} fate
 * @property {number} apiKey
 * @property {number} apiVersion
 * @property {number} correlationId
 * @property {string} broker `host:port`
 * @property {number} nodeId
 * @property {number} sentAt ms since 1970
 * @property {number} duration ms
 * @property {number} size bytes of the answer
 * @property {number} inFlight requests in flight to this broker
 */

class NetworkEvents {
  #emitter
  #names
  #clientId
  #onRecord
  /** @type {Set<any>} */
  #natives = new Set()
  #mask = 0

  /**
   * @param {object} setup
   * @param {import('./events').InstrumentationEmitter} setup.emitter
   * @param {Record<string, string>} setup.names the `events` object of the client
   * @param {string} setup.clientId
   * @param {(record: RequestRecord) => void} [setup.onRecord] is told of every record after these events
   */
  constructor({ emitter, names, clientId, onRecord }) {
    this.#emitter = emitter
    this.#names = names
    this.#clientId = clientId
    this.#onRecord = onRecord
    emitter.onInterest = () => this.#interest()
  }

  #interest() {
    let mask = 0
    for (const [key, bit] of Object.entries(WANTED)) {
      if (this.#names[key] !== undefined && this.#emitter.has(this.#names[key])) mask |= bit
    }
    if (mask === this.#mask) return
    this.#mask = mask
    for (const native of this.#natives) native.observe(mask)
  }

  /** A native client that is about to connect. @param {any} native */
  attach(native) {
    this.#natives.add(native)
    if (this.#mask !== 0) native.observe(this.#mask)
  }

  /** A native client that is closed. @param {any} native */
  detach(native) {
    this.#natives.delete(native)
  }

  /** @param {RequestRecord[]} records in the order of what happened at each broker */
  receive(records) {
    const { REQUEST, REQUEST_TIMEOUT, REQUEST_QUEUE_SIZE } = this.#names
    const clientId = this.#clientId
    for (const record of records) {
      const { fate, apiKey, apiVersion, broker, correlationId, sentAt, duration, size } = record
      if (this.#emitter.has(REQUEST_QUEUE_SIZE)) {
        this.#emitter.emit(REQUEST_QUEUE_SIZE, { broker, clientId, queueSize: record.inFlight })
      }
      if (fate === 'answered' || fate === 'timeout') {
        // librdkafka does not say when a request was made, only when it was sent.
        const sent = { broker, clientId, correlationId, createdAt: sentAt, sentAt, pendingDuration: 0 }
        const kind = { apiName: apiName(apiKey), apiKey, apiVersion }
        if (fate === 'timeout') this.#emitter.emit(REQUEST_TIMEOUT, { ...sent, ...kind })
        else if (this.#emitter.has(REQUEST)) {
          this.#emitter.emit(REQUEST, {
            broker, clientId, correlationId, size, createdAt: sentAt, sentAt, pendingDuration: 0, duration, ...kind,
          })
        }
      }
      if (this.#onRecord) this.#onRecord(record)
    }
  }
}

module.exports = { NetworkEvents, apiName }
