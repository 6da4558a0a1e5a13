'use strict'

// Where the demo takes place: brokers that it was given, or a cluster of its own in this process.

const { randomBytes } = require('node:crypto')
const { Kafka, logLevel } = require('kafka-oxide')
const { MockCluster } = require('kafka-oxide/testing')
const { DemoFailure } = require('./failure')

/** Of the topic. The embedded brokers keep at most 5 MB of a partition: the data set has to fit, as its keys spread. */
const PARTITIONS = 24
const EMBEDDED_BROKERS = 3
const CLIENT_ID = 'kafka-oxide-demo'

/** @typedef {import('kafka-oxide').KafkaConfig} KafkaConfig */

class DemoCluster {
  /**
   * @param {string[] | undefined} brokers  undefined for an embedded cluster
   * @param {(line: string) => void} note   told once of each thing that goes wrong and is tried again
   * @returns {Promise<DemoCluster>}
   * @throws {DemoFailure} in about 10 s when no broker answers
   */
  static async open (brokers, note) {
    const embedded = brokers ? undefined : await MockCluster.start({ brokers: EMBEDDED_BROKERS })
    const cluster = new DemoCluster(brokers ?? /** @type {MockCluster} */ (embedded).brokers, embedded, note)
    try {
      await cluster.admin.connect()
      await cluster._makeTopic()
      return cluster
    } catch (error) {
      await cluster.close()
      throw DemoFailure.from(`The demo cannot use the brokers ${cluster.brokers.join(', ')}`, error)
    }
  }

  /**
   * Use DemoCluster.open.
   * @param {string[]} brokers
   * @param {MockCluster | undefined} embedded
   * @param {(line: string) => void} note
   */
  constructor (brokers, embedded, note) {
    this.brokers = brokers
    this.topic = `demo-cities-${randomBytes(6).toString('hex')}`
    this.partitions = PARTITIONS
    this.isEmbedded = embedded !== undefined
    this._embedded = embedded
    const seen = new Set()
    this.kafka = new Kafka({
      clientId: CLIENT_ID,
      brokers,
      logLevel: logLevel.ERROR,
      logCreator: () => ({ log }) => {
        // Without librdkafka's thread in front and how often behind, which would make the same message a new one.
        const message = log.message.replace(/^\[thrd:[^\]]*\]: /, '').replace(/ \(after \d+ms in state .*\)$/, '')
        if (seen.has(message)) return
        seen.add(message)
        note(message)
      }
    })
    // Short: whoever gave a wrong address wants to know. What follows has the client's own, more patient, ways.
    this.admin = new Kafka({ clientId: CLIENT_ID, brokers, connectionTimeout: 3000, logLevel: logLevel.NOTHING })
      .admin({ retry: { retries: 2 } })
  }

  /** The embedded brokers serve no CreateTopics; with them it is a call of the cluster's. */
  async _makeTopic () {
    const { topic, partitions } = this
    if (this._embedded) {
      await this._embedded.createTopic({ topic, partitions, replicationFactor: EMBEDDED_BROKERS })
    } else {
      await this.admin.createTopics({ topics: [{ topic, numPartitions: partitions }], timeout: 15_000 })
    }
  }

  /** For each partition the offset after its last message. @returns {Promise<Map<number, number>>} */
  async ends () {
    const offsets = await this.admin.fetchTopicOffsets(this.topic)
    return new Map(offsets.map(({ partition, high }) => [partition, Number(high)]))
  }

  /** Deletes the topic from a cluster that is not ours. */
  async removeTopic () {
    if (!this._embedded) await this.admin.deleteTopics({ topics: [this.topic], timeout: 15_000 })
  }

  async close () {
    await this.admin.disconnect()
    if (this._embedded) await this._embedded.close()
  }
}

module.exports = { DemoCluster }
