/**
 * kafka-oxide: a promise-based Kafka client with kafkajs's names, on a native core.
 *
 * Times are in milliseconds. Offsets and timestamps are decimal strings, because they may pass 2^53.
 */
export * from './types/kafka'
export * from './types/enums'
export * from './types/events'
export * from './types/logger'
export * from './types/producer'
export * from './types/consumer'
export * from './types/admin'
export * from './types/assigner'
export * from './types/errors'
