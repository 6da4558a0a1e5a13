'use strict'
/** `groupProtocol`, `groupInstanceId` and `partitionAssigners` in librdkafka's properties. */
const { KafkaJSNonRetriableError, KafkaJSNotImplemented } = require('../errors')
const { PartitionAssigners } = require('./assigners')

/** What the native client calls the assigners; `remote` is the broker's name of a like one under KIP-848. */
const STRATEGIES = new Map([
  [PartitionAssigners.roundRobin, { local: 'roundrobin', remote: undefined }],
  [PartitionAssigners.range, { local: 'range', remote: 'range' }],
  [PartitionAssigners.cooperativeSticky, { local: 'cooperative-sticky', remote: 'uniform' }],
])

/**
 * @param {Record<string, any>} options of a consumer, read
 * @returns {Record<string, string>}
 */
function groupProperties({ groupProtocol, partitionAssigners, groupInstanceId }) {
  if (groupProtocol !== undefined && groupProtocol !== 'classic' && groupProtocol !== 'consumer') {
    throw new KafkaJSNonRetriableError(
      `consumer: option "groupProtocol" must be "classic" or "consumer" (KIP-848), not ${JSON.stringify(groupProtocol)}`,
    )
  }
  if (groupInstanceId === '') {
    throw new KafkaJSNonRetriableError('consumer: option "groupInstanceId" must not be empty: leave it out instead')
  }
  const strategies = readAssigners(partitionAssigners)
  if (strategies === undefined) return {}
  if (groupProtocol === 'consumer') {
    // The broker assigns, by one assigner for the whole group.
    const remote = strategies.length === 1 ? strategies[0].remote : undefined
    return remote === undefined ? {} : { 'group.remote.assignor': remote }
  }
  const cooperative = strategies.filter(({ local }) => local === 'cooperative-sticky')
  if (cooperative.length > 0 && cooperative.length < strategies.length) {
    throw new KafkaJSNonRetriableError(
      'consumer: option "partitionAssigners" mixes cooperativeSticky with an eager assigner, which a group cannot do: ' +
        'name cooperativeSticky alone, or leave it out',
    )
  }
  return { 'partition.assignment.strategy': strategies.map(({ local }) => local).join(',') }
}

/** @param {any} assigners @returns {{ local: string, remote: string | undefined }[] | undefined} undefined when none are named */
function readAssigners(assigners) {
  if (assigners === undefined || assigners === null) return undefined
  if (!Array.isArray(assigners) || assigners.length === 0) {
    throw new KafkaJSNonRetriableError(
      'consumer: option "partitionAssigners" must be an array such as [PartitionAssigners.roundRobin]',
    )
  }
  return [...new Set(assigners)].map((assigner) => {
    const strategy = STRATEGIES.get(assigner)
    if (strategy !== undefined) return strategy
    throw new KafkaJSNotImplemented(
      'Own partitionAssigners are not implemented yet: librdkafka has no custom assignors. ' +
        'Leave them out, or use PartitionAssigners.roundRobin, range or cooperativeSticky',
    )
  })
}

module.exports = { groupProperties }
