'use strict'

// What takes minutes, all of it at once: groups whose members come and go under each protocol, and a member whose event loop is
// blocked for a minute.

const assert = require('node:assert/strict')
const { fork } = require('node:child_process')
const path = require('node:path')
const { after, before, describe, test } = require('node:test')
const { PartitionAssigners } = require('../..')
const { bootstrap } = require('../helpers/broker')
const { committedOffsets, kafkaOf, plain, range } = require('../helpers/clients')
const { waitFor, within } = require('../helpers/wait')

const RECORDS = 200_000
const PARTITIONS = 6
const MEMBERS = 3
/** How long members come and go, and how often, ms. */
const DURATION = 120_000
const CHANGE_EVERY = 2000

const PROTOCOLS = {
  eager: { partitionAssigners: [PartitionAssigners.roundRobin] },
  cooperative: { partitionAssigners: [PartitionAssigners.cooperativeSticky] },
  'consumer (KIP-848)': { groupProtocol: 'consumer' },
}

const sleep = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** One group: its producer, its members, and everything that was seen of it. */
class Churn {
  /** @param {string} name @param {object} options of its consumers */
  constructor(name, options) {
    this.name = name
    this.options = options
    this.kafka = kafkaOf()
    this.topic = `churn-${name.replace(/\W+/g, '-')}-${process.pid}`
    this.seen = new Uint8Array(RECORDS)
    this.handled = 0
    this.doubled = 0
    this.changes = 0
    /** What must not happen. @type {string[]} */
    this.faults = []
    /** The member that handled the last message of each partition. */
    this.owner = range(PARTITIONS).map(() => -1)
    /** The next offset by what was handled, for each partition. */
    this.position = range(PARTITIONS).map(() => 0)
    /** @type {any[]} */
    this.members = []
    this.sent = 0
    this.lastMember = -1
    this.going = true
  }

  async start() {
    const admin = this.kafka.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: this.topic, numPartitions: PARTITIONS, replicationFactor: 1 }] })
    await admin.disconnect()
    this.producer = this.kafka.producer()
    await this.producer.connect()
    this.beginning = Date.now()
    this.work = Promise.all([this.produce(), this.churn()]).catch((error) => {
      this.faults.push(`failed: ${error.stack}`)
    })
  }

  async produce() {
    while (this.sent < RECORDS && this.going) {
      // Evenly over the time in which members come and go.
      const due = Math.min(RECORDS, Math.ceil((RECORDS * (Date.now() - Number(this.beginning))) / (DURATION - 5000)))
      const messages = range(due - this.sent).map((i) => ({ value: `${this.sent + i}`, partition: (this.sent + i) % PARTITIONS }))
      if (messages.length > 0) await this.producer?.send({ topic: this.topic, messages })
      this.sent = due
      await sleep(50)
    }
  }

  async churn() {
    for (let i = 0; i < MEMBERS; i++) await this.join()
    while (this.going && Date.now() - Number(this.beginning) < DURATION) {
      await sleep(CHANGE_EVERY)
      const leaving = this.members.shift()
      // One leaves while another comes, every other time by stop().
      await Promise.all([this.changes % 2 ? leaving.stop().then(() => leaving.disconnect()) : leaving.disconnect(), this.join()])
      this.changes++
    }
  }

  async join() {
    const member = ++this.lastMember
    const consumer = this.kafka.consumer({ groupId: this.topic, heartbeatInterval: 300, sessionTimeout: 10_000, ...this.options })
    this.members.push(consumer)
    consumer.on(consumer.events.CRASH, ({ payload }) => this.faults.push(`member ${member} crashed: ${payload.error.message}`))
    consumer.on(consumer.events.COMMIT_OFFSETS, ({ payload }) => this.committed(member, payload.topics))
    await consumer.connect()
    await consumer.subscribe({ topic: this.topic, fromBeginning: true })
    await consumer.run({
      partitionsConsumedConcurrently: 2,
      eachMessage: async (/** @type {any} */ payload) => {
        const { partition, offset, value } = plain(payload)
        this.owner[partition] = member
        this.position[partition] = Math.max(this.position[partition], offset + 1)
        if (this.seen[Number(value)]++ === 0) this.handled++
        else this.doubled++
        if (offset % 50 === 0) await sleep(1)
      },
    })
  }

  /** @param {number} member @param {any[]} topics of a COMMIT_OFFSETS event */
  committed(member, topics) {
    for (const { partitions } of topics) {
      for (const { partition, offset } of partitions) {
        // Whoever handles a partition next is given it after the commits of the one before have succeeded.
        const owner = this.owner[Number(partition)]
        if (owner !== member) this.faults.push(`member ${member} committed partition ${partition}, which member ${owner} has`)
        if (Number(offset) > this.position[Number(partition)])
          this.faults.push(`member ${member} committed ${offset} of partition ${partition}, handled up to ${this.position[Number(partition)]}`)
      }
    }
  }

  async stop() {
    this.going = false
    await this.work
    await Promise.all(this.members.map((consumer) => consumer.disconnect()))
    await this.producer?.disconnect()
  }
}

describe('what takes minutes', { concurrency: true }, () => {
  describe('members of a group come and go every two seconds for two minutes', { concurrency: 1 }, () => {
    const groups = Object.entries(PROTOCOLS).map(([name, options]) => new Churn(name, options))
    before(() => Promise.all(groups.map((group) => group.start())))
    after(() => Promise.all(groups.map((group) => group.stop())))

    // In parts, so that a run that goes wrong ends soon.
    for (const part of [1, 2, 3]) {
      test(`part ${part} of 3: nobody commits what another owns or what was not handled, nothing comes twice`, async () => {
        const end = (part * DURATION) / 3
        await waitFor(() => groups.every(({ beginning, faults }) => faults.length > 0 || Date.now() - Number(beginning) >= end), {
          timeout: DURATION,
          interval: 100,
        })
        for (const { faults, doubled, name } of groups) assert.deepEqual([name, faults, doubled], [name, [], 0])
      })
    }

    for (const group of groups) {
      test(`under the protocol ${group.name} every record is handled, and committed, by members that came and went`, async () => {
        await waitFor(() => group.handled === RECORDS, { message: () => `all ${RECORDS} records; ${group.handled} of ${group.sent}` })
        assert.ok(group.changes >= 15, `${group.changes} changes of members`)
        assert.deepEqual([group.faults, group.doubled], [[], 0])
        const ends = Object.fromEntries(group.position.map((offset, partition) => [partition, offset]))
        assert.equal(group.position.reduce((sum, offset) => sum + offset, 0), RECORDS)
        await waitFor(
          async () => JSON.stringify(await committedOffsets(bootstrap(), group.topic, group.topic)) === JSON.stringify(ends),
          { interval: 200, message: 'everything to be committed' },
        )
      })
    }
  })

  test('a member whose event loop is blocked for 60 s is put out after the poll interval, joins again once, and loses nothing', async (t) => {
    const kafka = kafkaOf()
    const [topic, pollMs, blockMs, count] = [`blocked-${process.pid}`, 10_000, 60_000, 200]
    const admin = kafka.admin()
    t.after(() => admin.disconnect())
    await admin.connect()
    await admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor: 1 }] })
    const producer = kafka.producer()
    t.after(() => producer.disconnect())
    await producer.connect()
    const messages = (/** @type {number} */ from) => range(count / 2).map((i) => ({ value: `${from + i}` }))
    await producer.send({ topic, messages: messages(0) })

    const program = path.join(__dirname, '..', 'helpers', 'blocked-consumer.js')
    const child = fork(program, [bootstrap(), topic, topic, String(blockMs), String(pollMs)], { stdio: 'inherit' })
    const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)))
    t.after(() => {
      if (child.exitCode === null) child.kill('SIGKILL')
    })
    const state = { joined: 0, blocked: /** @type {boolean | undefined} */ (undefined), offsets: /** @type {number[]} */ ([]) }
    const joinedWhen = { blocked: 0 }
    child.on('message', (/** @type {any} */ told) => {
      if (told.joined) state.joined++
      if (told.offset !== undefined) state.offsets.push(told.offset)
      if (told.blocked !== undefined) {
        state.blocked = told.blocked
        joinedWhen.blocked = state.joined
      }
    })
    await waitFor(() => state.blocked === true, { message: 'the event loop to be blocked' })
    const members = async () => (await describeGroup(topic)).members.length
    await waitFor(async () => (await members()) === 0, { interval: 500, message: 'the member to be put out' })
    assert.equal(state.blocked, true, 'put out while it was blocked')
    await producer.send({ topic, messages: messages(count / 2) })
    await waitFor(() => state.blocked === false, { timeout: 2 * blockMs, message: 'the event loop to go on' })
    await waitFor(() => new Set(state.offsets).size === count, { message: () => `all; ${new Set(state.offsets).size}` })
    assert.equal(state.joined - joinedWhen.blocked, 1, 'joined again once')
    child.send('end')
    assert.equal(await within(ended, 'the process to end'), 0)
    assert.deepEqual(await committedOffsets(bootstrap(), topic, topic), { 0: count })
  })
})

/** By a client that is not ours. @param {string} groupId */
async function describeGroup(groupId) {
  const kafkajs = require('kafkajs')
  const admin = new kafkajs.Kafka({ brokers: [bootstrap()], logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    return (await admin.describeGroups([groupId])).groups[0]
  } finally {
    await admin.disconnect()
  }
}
