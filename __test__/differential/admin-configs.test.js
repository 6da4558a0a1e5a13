'use strict'

// The cluster and the configuration of topics and brokers.

const { differential } = require('../helpers/differential')

const [TOPIC, BROKER] = [2, 4]

/** @param {string} name @param {(admin: any) => any} call @param {'same' | 'longer' | 'any'} [messages] */
const refuses = (name, call, messages = 'longer') => ({
  name,
  messages,
  run: async (/** @type {any} */ lib, /** @type {any} */ context) => {
    const admin = await context.admin()
    return context.caught(() => call(admin))
  },
})

/** @param {string} name @param {(admin: any, topic: string, context: any) => any} run @param {object} [more] */
const onTopic = (name, run, more = {}) => ({
  name,
  ...more,
  run: async (/** @type {any} */ lib, /** @type {any} */ context) => {
    const topic = await context.topic({ config: { 'retention.ms': '123456', 'cleanup.policy': 'compact' } })
    return run(await context.admin(), topic, context)
  },
})

const byName = (/** @type {any} */ a, /** @type {any} */ b) => (a.configName < b.configName ? -1 : 1)
const sorted = (/** @type {any} */ { resources, ...rest }) => ({
  ...rest,
  resources: resources.map((/** @type {any} */ one) => ({ ...one, configEntries: [...one.configEntries].sort(byName) })),
})

/** The config that a topic has of its own. @param {any} admin @param {string} topic */
async function own(admin, topic) {
  const { resources: [{ configEntries }] } = await admin.describeConfigs({ resources: [{ type: TOPIC, name: topic }] })
  return configEntries
    .filter((/** @type {any} */ { configSource }) => configSource === 1)
    .map((/** @type {any} */ { configName, configValue }) => `${configName}=${configValue}`)
    .sort()
}

differential('admin: cluster and configs', [
  {
    name: 'a call before connect() connects',
    run: async (lib, context) => {
      const admin = context.closing(context.kafka().admin())
      return [await context.refusal(() => admin.listTopics()), await context.refusal(() => admin.describeCluster())]
    },
  },
  {
    name: 'describeCluster() tells brokers, controller and id',
    everywhere: true,
    run: async (lib, context) => {
      const cluster = await (await context.admin()).describeCluster()
      return { cluster, id: context.exactly(cluster.clusterId) }
    },
  },
  onTopic('describeConfigs() of some configs of a topic', async (admin, topic) => sorted(await admin.describeConfigs({
    resources: [{ type: TOPIC, name: topic, configNames: ['retention.ms', 'cleanup.policy', 'segment.bytes', 'no.such.config'] }],
  })), { everywhere: true }),
  onTopic('describeConfigs() with synonyms', async (admin, topic) => sorted(await admin.describeConfigs({
    includeSynonyms: true,
    resources: [{ type: TOPIC, name: topic, configNames: ['retention.ms', 'segment.bytes'] }],
  }))),
  onTopic('describeConfigs() of all configs of a topic', async (admin, topic) =>
    sorted(await admin.describeConfigs({ resources: [{ type: TOPIC, name: topic }] }))),
  onTopic('describeConfigs() with configNames of none tells all', async (admin, topic) =>
    sorted(await admin.describeConfigs({ resources: [{ type: TOPIC, name: topic, configNames: [] }] }))),
  onTopic('describeConfigs() of a broker and a topic', async (admin, topic) => {
    const { resources } = sorted(await admin.describeConfigs({
      resources: [
        { type: TOPIC, name: topic, configNames: ['retention.ms'] },
        { type: BROKER, name: '1', configNames: ['num.network.threads', 'log.cleaner.threads', 'ssl.key.password'] },
      ],
    }))
    return resources.sort((/** @type {any} */ a, /** @type {any} */ b) => a.resourceType - b.resourceType)
  }),
  {
    name: 'describeConfigs() of all configs of a broker',
    run: async (lib, context) => {
      const admin = await context.admin()
      const { resources: [{ configEntries, ...resource }] } = sorted(await admin.describeConfigs({ resources: [{ type: BROKER, name: '1' }] }))
      // Values hold ports and folders; other tests alter some.
      return { ...resource, entries: configEntries.map((/** @type {any} */ { configName, readOnly, isSensitive }) => ({ configName, readOnly, isSensitive })) }
    },
  },
  refuses('describeConfigs() of a topic that does not exist', (admin) =>
    admin.describeConfigs({ resources: [{ type: TOPIC, name: 'nobody-made-this' }] }), 'any'),
  refuses('describeConfigs() of a broker that does not exist', (admin) =>
    admin.describeConfigs({ resources: [{ type: BROKER, name: '77' }] }), 'any'),
  refuses('describeConfigs() of an unknown kind', (admin) =>
    admin.describeConfigs({ resources: [{ type: 0, name: 'x' }] }), 'any'),
  ...(/** @type {const} */ (['describeConfigs', 'alterConfigs'])).flatMap((method) => [
    refuses(`${method}() without resources`, (admin) => admin[method]({})),
    refuses(`${method}() of no resources`, (admin) => admin[method]({ resources: [] })),
    refuses(`${method}() of a resource type that does not exist`, (admin) => admin[method]({ resources: [{ type: 1999, name: 'a' }] })),
    refuses(`${method}() of a resource without name`, (admin) => admin[method]({ resources: [{ type: TOPIC }] })),
    refuses(`${method}() of a resource whose name is a number`, (admin) => admin[method]({ resources: [{ type: BROKER, name: 1 }] })),
  ]),
  refuses('describeConfigs() with configNames of text', (admin) =>
    admin.describeConfigs({ resources: [{ type: TOPIC, name: 'a', configNames: 'retention.ms' }] })),
  refuses('alterConfigs() without configEntries', (admin) => admin.alterConfigs({ resources: [{ type: TOPIC, name: 'a' }] })),
  refuses('alterConfigs() with a value that is a number', (admin) => admin.alterConfigs({
    resources: [{ type: TOPIC, name: 'a', configEntries: [{ name: 'retention.ms', value: 1 }] }],
  })),

  onTopic('alterConfigs() replaces all configs of a topic', async (admin, topic, context) => {
    const altered = await admin.alterConfigs({
      resources: [{ type: TOPIC, name: topic, configEntries: [{ name: 'segment.bytes', value: '2097152' }] }],
    })
    await context.until(async () => (await own(admin, topic)).includes('segment.bytes=2097152'), 'the new config')
    return { altered, configs: await own(admin, topic) }
  }, { everywhere: true }),
  onTopic('alterConfigs() with validateOnly alters nothing', async (admin, topic) => ({
    altered: await admin.alterConfigs({
      validateOnly: true,
      resources: [{ type: TOPIC, name: topic, configEntries: [{ name: 'segment.bytes', value: '2097152' }] }],
    }),
    configs: await own(admin, topic),
  })),
  onTopic('alterConfigs() with a value that cannot be', async (admin, topic, context) => ({
    outcome: await context.caught(() => admin.alterConfigs({
      resources: [{ type: TOPIC, name: topic, configEntries: [{ name: 'segment.bytes', value: 'many' }] }],
    })),
    configs: await own(admin, topic),
  }), { messages: 'any' }),
  refuses('alterConfigs() of a topic that does not exist', (admin) => admin.alterConfigs({
    resources: [{ type: TOPIC, name: 'nobody-made-this', configEntries: [{ name: 'retention.ms', value: '1' }] }],
  }), 'any'),
  refuses('alterConfigs() of a broker, validated only', (admin) => admin.alterConfigs({
    validateOnly: true,
    resources: [{ type: BROKER, name: '1', configEntries: [{ name: 'log.cleaner.threads', value: '1' }] }],
  }), 'any'),
])
