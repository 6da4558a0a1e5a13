'use strict'
/**
 * Partitioners, kafkajs's way: `createPartitioner()` is called once per producer and gives a function that is called
 * for every message. The default one is not called at all by this client: librdkafka's `murmur2_random` puts every key
 * where Java does.
 */
const { isUint8Array } = require('node:util').types

/**
 * @typedef {{ partitionErrorCode: number, partitionId: number, leader: number, replicas: number[], isr: number[],
 *   offlineReplicas?: number[] }} PartitionMetadata
 * @typedef {{ topic: string, partitionMetadata: PartitionMetadata[], message: any }} PartitionerArgs
 * @typedef {(args: PartitionerArgs) => number} Partitioner
 */

const SEED = 0x9747b28c
const M = 0x5bd1e995

/** Four bytes as a little-endian number; bytes past the end count as 0. @param {Uint8Array} bytes @param {number} at */
const block = (bytes, at) =>
  (bytes[at] | 0) + ((bytes[at + 1] | 0) << 8) + ((bytes[at + 2] | 0) << 16) + ((bytes[at + 3] | 0) << 24)

/**
 * MurmurHash2 (32 bit, by Austin Appleby) with the seed of Kafka's Java client.
 * @param {Uint8Array} bytes
 * @returns {number} signed
 */
function murmur2(bytes) {
  const whole = bytes.length & ~3
  let hash = SEED ^ bytes.length
  for (let i = 0; i < whole; i += 4) {
    const k = Math.imul(block(bytes, i), M)
    hash = Math.imul(hash, M) ^ Math.imul(k ^ (k >>> 24), M)
  }
  if (bytes.length > whole) hash = Math.imul(hash ^ block(bytes, whole), M)
  hash = Math.imul(hash ^ (hash >>> 13), M)
  return hash ^ (hash >>> 15)
}

/**
 * The hash of kafkajs before 2.0, kept for topics that were filled with it: it multiplied without wrapping to 32 bits,
 * so that digits were lost, and took an incomplete last block twice.
 * @param {Uint8Array} bytes
 * @returns {number} signed
 */
function legacyMurmur2(bytes) {
  let hash = SEED ^ bytes.length
  for (let i = 0; i < bytes.length; i += 4) {
    let k = block(bytes, i) * M
    k ^= k >>> 24
    hash = (hash * M) ^ (k * M)
  }
  const whole = bytes.length & ~3
  if (bytes.length > whole) hash = (hash ^ block(bytes, whole)) * M
  hash ^= hash >>> 13
  hash *= M
  return hash ^ (hash >>> 15)
}

/** @param {any} key */
const bytesOf = (key) => (isUint8Array(key) ? key : Buffer.from(String(key)))

/**
 * @param {(bytes: Uint8Array) => number} hash
 * @returns {() => Partitioner}
 */
const keyedPartitioner = (hash) => () => {
  /** @type {Map<string, number>} */
  const counters = new Map()
  return ({ topic, partitionMetadata, message }) => {
    const { partition, key } = message
    if (partition !== undefined && partition !== null) return partition
    if (key !== undefined && key !== null) return (hash(bytesOf(key)) & 0x7fffffff) % partitionMetadata.length
    const available = partitionMetadata.filter(({ leader }) => leader >= 0)
    const choices = available.length > 0 ? available : partitionMetadata
    const counter = counters.get(topic) ?? Math.floor(Math.random() * 0x7fffffff)
    counters.set(topic, (counter + 1) & 0x7fffffff)
    return choices[counter % choices.length].partitionId
  }
}

/** Java's: an explicit partition, else by key, else round robin from a random start. */
const DefaultPartitioner = keyedPartitioner(murmur2)
const LegacyPartitioner = keyedPartitioner(legacyMurmur2)

const Partitioners = { DefaultPartitioner, LegacyPartitioner, JavaCompatiblePartitioner: DefaultPartitioner }

module.exports = { Partitioners, murmur2, legacyMurmur2 }
