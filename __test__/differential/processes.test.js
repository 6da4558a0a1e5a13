'use strict'

// Whole programs in processes of their own: what they print, and that they end.

const { execFile } = require('node:child_process')
const path = require('node:path')
const { differential } = require('../helpers/differential')

const ROOT = path.join(__dirname, '../..')

/**
 * Runs a program; `lib`, `brokers`, `topic` and `groupId` are its variables.
 * @param {any} context @param {string} program @param {Record<string, string | undefined>} [env]
 * @returns {Promise<{ code: any, stdout: any[], stderr: any[] }>} lines; those that are JSON, parsed
 */
function run(context, program, env = {}, variables = {}) {
  const library = context.libName === 'kafkajs' ? 'kafkajs' : ROOT
  const values = { brokers: [context.bootstrap], ...variables }
  const head = `const lib = require(${JSON.stringify(library)}); const { ${Object.keys(values)} } = ${JSON.stringify(values)};`
  const clean = Object.fromEntries(Object.entries({ ...process.env, ...env }).filter(([name]) => !name.startsWith('NODE_TEST') && env[name] !== null))
  const lines = (/** @type {string} */ text) => text.split('\n').filter(Boolean).map((line) => {
    try { return JSON.parse(line) } catch { return line }
  })
  return new Promise((resolve) => {
    const options = { cwd: ROOT, env: clean, timeout: 60_000, killSignal: /** @type {const} */ ('SIGKILL') }
    execFile(process.execPath, ['-e', `${head}(async () => {${program}})()`], options, (error, stdout, stderr) => {
      resolve({ code: error ? error.code ?? error.signal : 0, stdout: lines(stdout), stderr: lines(stderr) })
    })
  })
}

/** A case whose program logs at four levels. @param {string} name @param {string} options @param {Record<string, string>} [env] */
const logs = (name, options, env = {}) => ({
  name,
  run: (lib, context) => run(context, `
    const logger = new lib.Kafka({ brokers, ${options} }).logger()
    for (const level of ['error', 'warn', 'info', 'debug']) logger[level](level, { extra: 1 })
    logger.namespace('Mine').error('named')
  `, env),
})

differential('processes', [
  logs('the default log: JSON lines on the console', ''),
  logs('the default log at level DEBUG', 'logLevel: lib.logLevel.DEBUG'),
  logs('the default log at level NOTHING', 'logLevel: lib.logLevel.NOTHING'),
  logs('KAFKAJS_LOG_LEVEL goes before logLevel', 'logLevel: lib.logLevel.ERROR', { KAFKAJS_LOG_LEVEL: 'DEBUG' }),
  logs('KAFKAJS_LOG_LEVEL in small letters', '', { KAFKAJS_LOG_LEVEL: 'error' }),
  logs('KAFKAJS_LOG_LEVEL that is none', '', { KAFKAJS_LOG_LEVEL: 'loud' }),
  {
    name: 'a program that sends and disconnects prints nothing and ends',
    everywhere: true,
    run: async (lib, context) => run(context, `
      const producer = new lib.Kafka({ brokers }).producer()
      await producer.connect()
      await producer.send({ topic, messages: [{ value: 'a' }] })
      await producer.disconnect()
    `, { KAFKAJS_NO_PARTITIONER_WARNING: '1' }, { topic: await context.topic() }),
  },
  {
    name: 'a program that consumes, then disconnects, ends',
    everywhere: true,
    run: async (lib, context) => {
      const topic = await context.topic()
      await context.fill(topic, [{ value: 'a' }, { value: 'b' }])
      return run(context, `
        const consumer = new lib.Kafka({ brokers, logLevel: lib.logLevel.NOTHING }).consumer({ groupId, maxWaitTimeInMs: 100 })
        await consumer.connect()
        await consumer.subscribe({ topic, fromBeginning: true })
        let count = 0
        await new Promise((resolve) => consumer.run({
          eachMessage: async ({ message }) => { console.log(message.value.toString()); if (++count === 2) resolve() },
        }))
        await consumer.disconnect()
      `, {}, { topic, groupId: context.groupId() })
    },
  },
  {
    name: 'a program that asks and disconnects ends',
    run: async (lib, context) => run(context, `
      const admin = new lib.Kafka({ brokers }).admin()
      await admin.connect()
      console.log((await admin.listTopics()).includes(topic))
      await admin.disconnect()
    `, {}, { topic: await context.topic() }),
  },
  {
    name: 'new Kafka() and its clients keep no process',
    run: (lib, context) => run(context, `
      const kafka = new lib.Kafka({ brokers })
      kafka.producer({ createPartitioner: lib.Partitioners.DefaultPartitioner }); kafka.consumer({ groupId: 'group' }); kafka.admin()
      console.log('made')
    `),
  },
  {
    name: 'process.exit() while a producer is connected',
    run: async (lib, context) => run(context, `
      const producer = new lib.Kafka({ brokers, logLevel: lib.logLevel.NOTHING }).producer()
      await producer.connect()
      await producer.send({ topic, messages: [{ value: 'a' }] })
      process.exit(3)
    `, {}, { topic: await context.topic() }),
  },
  {
    name: 'the documented ending on signals: disconnect, then the signal again',
    run: async (lib, context) => {
      const topic = await context.topic()
      await context.fill(topic, [{ value: 'a' }])
      return run(context, `
        const consumer = new lib.Kafka({ brokers, logLevel: lib.logLevel.NOTHING }).consumer({ groupId, maxWaitTimeInMs: 100 })
        process.once('SIGTERM', async () => {
          try { await consumer.disconnect(); console.log('disconnected') } finally { process.kill(process.pid, 'SIGTERM') }
        })
        await consumer.connect()
        await consumer.subscribe({ topic, fromBeginning: true })
        await consumer.run({ eachMessage: async () => { console.log('handled'); process.kill(process.pid, 'SIGTERM') } })
      `, {}, { topic, groupId: context.groupId() })
    },
  },
], { concurrency: 3 })
