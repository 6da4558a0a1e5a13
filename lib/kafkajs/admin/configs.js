'use strict'
/** The cluster's brokers, and the configuration of topics and brokers. */
const { fromNative, KafkaJSBrokerNotFound, KafkaJSNotImplemented } = require('../../errors')
const { ConfigResourceTypes } = require('../enums')
const { checkResources } = require('./input')

/** @typedef {import('./requests').Requests} Requests */

const NO_CONTROLLER = -1

/**
 * The brokers that are up. Under KRaft the `controller` is any broker, which forwards to the real one.
 * @param {Requests} requests
 * @returns {Promise<{ brokers: { nodeId: number, host: string, port: number }[], controller: number | null,
 *   clusterId: string | null }>}
 */
async function describeCluster(requests) {
  const { brokers, controllerId, clusterId } = await requests.metadata([])
  return {
    brokers: brokers.map(({ nodeId, host, port }) => ({ nodeId, host, port })),
    controller: controllerId === NO_CONTROLLER ? null : controllerId,
    clusterId,
  }
}

/**
 * The configuration of resources; of a broker, as that broker says. Rejects with the first failure.
 * @param {Requests} requests
 * @param {{ resources: { type: number, name: string, configNames?: string[] | null }[], includeSynonyms?: boolean }} request
 * @returns {Promise<{ resources: any[] }>} in the order asked
 */
async function describeConfigs(requests, request) {
  const { resources, includeSynonyms = false } = request || {}
  checkResources(resources, ConfigResourceTypes, 'configNames')
  checkKinds(resources)
  const results = await requests.toController('Configurations could not be described', async () => {
    const wanted = resources.map(({ type, name }) => ({ type, name }))
    return toEach(requests, wanted, (part) => requests.send('describeConfigs', { resources: part }))
  })
  return {
    resources: resources.map(({ configNames }, i) => ({
      ...described(results[i], ''),
      configEntries: results[i].entries
        .filter((/** @type {any} */ { name }) => !configNames || configNames.length === 0 || configNames.includes(name))
        .map((/** @type {any} */ entry) => configEntry(entry, Boolean(includeSynonyms))),
    })),
  }
}

/**
 * Replaces the configuration of resources: what is not named goes back to its default. Rejects with the first failure.
 * @param {Requests} requests
 * @param {{ resources: { type: number, name: string, configEntries: { name: string, value: string }[] }[],
 *   validateOnly?: boolean }} request
 * @returns {Promise<{ resources: any[] }>} in the order asked
 */
async function alterConfigs(requests, request) {
  const { resources, validateOnly = false } = request || {}
  checkResources(resources, ConfigResourceTypes, 'configEntries')
  checkKinds(resources)
  const results = await requests.toController('Configurations could not be altered', async () => {
    const wanted = resources.map(({ type, name, configEntries }) => ({
      type,
      name,
      config: configEntries.map((entry) => [entry.name, entry.value]),
    }))
    const fields = { validateOnly: Boolean(validateOnly) }
    return toEach(requests, wanted, (part) => requests.send('alterConfigs', { ...fields, resources: part }))
  })
  return { resources: results.map((result) => described(result, null)) }
}

/**
 * Sends a request for the resources, and one for each broker among them, which alone knows its own. A resource that is
 * asked for twice is sent once.
 * @param {Requests} requests
 * @param {any[]} resources
 * @param {(part: any[]) => Promise<any[]>} send
 * @returns {Promise<any[]>} in the order of the resources
 */
async function toEach(requests, resources, send) {
  const key = (/** @type {any} */ { type, name }) => `${type} ${name}`
  const once = [...new Map(resources.map((resource) => [key(resource), resource])).values()]
  const brokers = once.filter(({ type }) => type === ConfigResourceTypes.BROKER)
  const others = once.filter(({ type }) => type !== ConfigResourceTypes.BROKER)
  if (brokers.length > 0) {
    const known = new Set((await requests.metadata([])).brokers.map(({ nodeId }) => String(nodeId)))
    for (const { name } of brokers) {
      if (!known.has(name)) {
        throw new KafkaJSBrokerNotFound(`Broker ${name} not found: the cluster has ${[...known].sort().join(', ')}`)
      }
    }
  }
  const parts = [...brokers.map((broker) => [broker]), ...(others.length > 0 ? [others] : [])]
  const results = (await Promise.all(parts.map(send))).flat()
  const failed = results.find(({ error }) => error)
  if (failed) throw fromNative(failed.error)
  const byKey = new Map(results.map((result) => [key(result), result]))
  return resources.map((resource) => byKey.get(key(resource)))
}

/**
 * librdkafka sends no other kinds than topics, brokers and groups (rdkafka_admin.c).
 * @param {{ type: number }[]} resources
 */
function checkKinds(resources) {
  if (resources.some(({ type }) => type === ConfigResourceTypes.BROKER_LOGGER)) {
    throw new KafkaJSNotImplemented(
      'ConfigResourceTypes.BROKER_LOGGER is not implemented: librdkafka cannot ask for the log levels of a broker. ' +
        'Use kafka-configs.sh --entity-type broker-loggers',
    )
  }
}

/** @param {any} result @param {string | null} errorMessage what brokers say where nothing failed */
function described({ type, name }, errorMessage) {
  return { errorCode: 0, errorMessage, resourceType: type, resourceName: name }
}

/** @param {any} entry @param {boolean} includeSynonyms */
function configEntry({ name, value, readOnly, isDefault, source, isSensitive, synonyms }, includeSynonyms) {
  return {
    configName: name,
    configValue: value,
    readOnly,
    isDefault,
    configSource: source,
    isSensitive,
    configSynonyms: includeSynonyms
      ? synonyms.map((/** @type {any} */ synonym) => ({
          configName: synonym.name,
          configValue: synonym.value,
          configSource: synonym.source,
        }))
      : [],
  }
}

module.exports = { operations: { describeCluster, describeConfigs, alterConfigs } }
