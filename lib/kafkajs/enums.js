'use strict'
/** The constants of kafkajs's public surface: plain objects with numbers, which programs compare and spread. */
const zlib = require('node:zlib')
const { promisify } = require('node:util')
const { KafkaJSNotImplemented } = require('../errors')

/** There is no 3, and no way back from number to name. */
const logLevel = Object.freeze({ NOTHING: 0, ERROR: 1, WARN: 2, INFO: 4, DEBUG: 5 })

const CompressionTypes = Object.freeze({ None: 0, GZIP: 1, Snappy: 2, LZ4: 3, ZSTD: 4 })

const gzip = promisify(zlib.gzip)
const gunzip = promisify(zlib.gunzip)

/** @param {string} name */
const unregistered = (name) => () => {
  throw new KafkaJSNotImplemented(`${name} compression not implemented`)
}

/**
 * The registry that programs write codecs into. The native client has its own four codecs and uses those: an entry only
 * says that the codec is wanted, and none is needed.
 * @type {Record<number, () => any>}
 */
const CompressionCodecs = {
  [CompressionTypes.GZIP]: () => ({
    /** @param {{ buffer: Buffer }} encoder */
    compress: (encoder) => gzip(encoder.buffer),
    /** @param {Buffer} buffer */
    decompress: (buffer) => gunzip(buffer),
  }),
  [CompressionTypes.Snappy]: unregistered('Snappy'),
  [CompressionTypes.LZ4]: unregistered('LZ4'),
  [CompressionTypes.ZSTD]: unregistered('ZSTD'),
}

const ConfigResourceTypes = Object.freeze({ UNKNOWN: 0, TOPIC: 2, BROKER: 4, BROKER_LOGGER: 8 })

const ConfigSource = Object.freeze({
  UNKNOWN: 0,
  TOPIC_CONFIG: 1,
  DYNAMIC_BROKER_CONFIG: 2,
  DYNAMIC_DEFAULT_BROKER_CONFIG: 3,
  STATIC_BROKER_CONFIG: 4,
  DEFAULT_CONFIG: 5,
  DYNAMIC_BROKER_LOGGER_CONFIG: 6,
})

const AclResourceTypes = Object.freeze({
  UNKNOWN: 0,
  ANY: 1,
  TOPIC: 2,
  GROUP: 3,
  CLUSTER: 4,
  TRANSACTIONAL_ID: 5,
  DELEGATION_TOKEN: 6,
})

const AclOperationTypes = Object.freeze({
  UNKNOWN: 0,
  ANY: 1,
  ALL: 2,
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  CLUSTER_ACTION: 9,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12,
})

const AclPermissionTypes = Object.freeze({ UNKNOWN: 0, ANY: 1, DENY: 2, ALLOW: 3 })

const ResourcePatternTypes = Object.freeze({ UNKNOWN: 0, ANY: 1, MATCH: 2, LITERAL: 3, PREFIXED: 4 })

module.exports = {
  logLevel,
  CompressionTypes,
  CompressionCodecs,
  ConfigResourceTypes,
  ConfigSource,
  AclResourceTypes,
  AclOperationTypes,
  AclPermissionTypes,
  ResourcePatternTypes,
}
