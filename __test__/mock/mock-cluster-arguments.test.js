'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { MockCluster } = require('../../lib/testing')

/** @typedef {Awaited<ReturnType<typeof MockCluster.start>>} Cluster */

/** What is wrong, the class of the error, and what its message must say; each against a cluster of two brokers. */
const WRONG = /** @type {[(cluster: any) => Promise<unknown>, 'TypeError' | 'RangeError', RegExp][]} */ ([
  [() => start('localhost:9092'), 'TypeError', /takes an object \{ brokers, .*got "localhost:9092"/],
  [() => start(null), 'TypeError', /takes an object/],
  [() => start({ broker: 3 }), 'TypeError', /no option "broker"; it takes \{ brokers/],
  [() => start({ brokers: '3' }), 'TypeError', /brokers must be a whole number from 1 to 100; got "3"/],
  [() => start({ brokers: 0 }), 'RangeError', /brokers must be .* from 1 to 100; got 0/],
  [() => start({ brokers: 1.5 }), 'RangeError', /got 1\.5/],
  [() => start({ brokers: 101 }), 'RangeError', /got 101/],
  [() => start({ groupInitialRebalanceDelay: -1 }), 'RangeError', /groupInitialRebalanceDelay must be/],
  [() => start({ groupInitialRebalanceDelay: 2147484 }), 'RangeError', /from 0 to 2147483/],
  [() => start({ defaultPartitions: 1 }), 'RangeError', /only be 4, not 1.*createTopic\(\{ topic, partitions \}\)/],
  [() => start({ autoCreateTopics: false }), 'RangeError', /only be true, not false.*allowAutoTopicCreation: false/],

  [c => c.createTopic('orders'), 'TypeError', /createTopic takes an object \{ topic, .* \}; got "orders"/],
  [c => c.createTopic(), 'TypeError', /got undefined/],
  [c => c.createTopic({}), 'TypeError', /topic must be a string.*got undefined/],
  [c => c.createTopic({ topic: 'a', numPartitions: 2 }), 'TypeError', /no option "numPartitions"/],
  [c => c.createTopic({ topic: '' }), 'RangeError', /topic must be 1 to 249 letters/],
  [c => c.createTopic({ topic: '..' }), 'RangeError', /topic must be/],
  [c => c.createTopic({ topic: 'a b' }), 'RangeError', /got "a b"/],
  [c => c.createTopic({ topic: 'a\n' }), 'RangeError', /topic must be/],
  [c => c.createTopic({ topic: 'é' }), 'RangeError', /topic must be/],
  [c => c.createTopic({ topic: 'x'.repeat(250) }), 'RangeError', /topic must be/],
  [c => c.createTopic({ topic: 'a', partitions: 0 }), 'RangeError', /partitions must be .* from 1 to 10000; got 0/],
  [c => c.createTopic({ topic: 'a', partitions: '4' }), 'TypeError', /partitions must be .*got "4"/],
  [c => c.createTopic({ topic: 'a', partitions: NaN }), 'RangeError', /got NaN/],
  [c => c.createTopic({ topic: 'a', replicationFactor: 3 }), 'RangeError', /1 to 2 \(the number of brokers\); got 3/],

  [c => c.setBrokerDown(), 'TypeError', /a broker id from 1 to 2, or -1 for every broker; got undefined/],
  [c => c.setBrokerDown('1'), 'TypeError', /got "1"/],
  [c => c.setBrokerDown(3), 'RangeError', /from 1 to 2, .*got 3/],
  [c => c.setBrokerUp(0), 'RangeError', /got 0/],
  [c => c.setBrokerUp(2 ** 32 + 1), 'RangeError', /got 4294967297/],
  [c => c.setLatency(1), 'TypeError', /latency must be a whole number/],
  [c => c.setLatency(1, -1), 'RangeError', /latency must be .*got -1/],
  [c => c.setLatency(5, 1), 'RangeError', /broker must be/],

  [c => c.pushRequestErrors('Produce'), 'TypeError', /must be an array such as \['REQUEST_TIMED_OUT'\]; got/],
  [c => c.pushRequestErrors('Produce', 7), 'TypeError', /errors must be an array/],
  [c => c.pushRequestErrors('Produce', [null]), 'TypeError', /error is null: use a Kafka error's name/],
  [c => c.pushRequestErrors('Produce', ['TIMEOUT']), 'RangeError', /no error "TIMEOUT": use .*'REQUEST_TIMED_OUT'/],
  [c => c.pushRequestErrors('Produce', [7, 9999]), 'RangeError', /no error 9999/],
  [c => c.pushRequestErrors('Produce', [-185]), 'RangeError', /no error -185/],
  [c => c.pushRequestErrors('Produce', ['ERR__TIMED_OUT']), 'RangeError', /no error "ERR__TIMED_OUT"/],
  [c => c.pushRequestErrors('produce', [7]), 'RangeError', /do not serve "produce"; they serve Produce, Fetch/],
  [c => c.pushRequestErrors('toString', [7]), 'RangeError', /do not serve "toString"/],
  [c => c.pushRequestErrors(19, [7]), 'RangeError', /do not serve 19/],
  [c => c.pushRequestErrors(undefined, [7]), 'TypeError', /a name such as 'Produce' or its key/],
  [c => c.pushRequestErrors('Metadata', [7]), 'RangeError', /use setTopicError/],
  [c => c.pushRequestErrors(3, [7]), 'RangeError', /use setTopicError/],
  [c => c.clearRequestErrors('Consume'), 'RangeError', /do not serve "Consume"/],
  [c => c.pushBrokerRequestErrors(-1, 'Produce', [{ error: 7 }]), 'RangeError', /from 1 to 2; got -1/],
  [c => c.pushBrokerRequestErrors(1, 'Produce', [7]), 'TypeError', /each error takes an object \{ error, delay \}/],
  [c => c.pushBrokerRequestErrors(1, 'Produce', [{ error: 7, rtt: 5 }]), 'TypeError', /no option "rtt"/],
  [c => c.pushBrokerRequestErrors(1, 'Produce', [{ delay: '5' }]), 'TypeError', /delay must be/],
  [c => c.pushBrokerRequestErrors(1, 'Produce', { error: 7 }), 'TypeError', /errors must be an array such as \[\{/],

  [c => c.setLeader({ topic: 'a', partition: 0 }), 'TypeError', /broker must be .* or -1 for no leader; got undefined/],
  [c => c.setLeader({ topic: 'a', partition: -1, broker: 1 }), 'RangeError', /partition must be/],
  [c => c.setLeader({ topic: 'a', partition: '0', broker: 1 }), 'TypeError', /partition must be/],
  [c => c.setLeader({ topic: 'a', partition: 0, leader: 1 }), 'TypeError', /no option "leader"/],
  [c => c.setTopicError('a'), 'TypeError', /error is undefined/],
  [c => c.setTopicError(5, 7), 'TypeError', /topic must be a string/],
  [c => c.setTopicError('a', 'ERR__TRANSPORT'), 'RangeError', /one that a broker answers with/],
  [c => c.setCoordinator({ type: 'GROUP', key: 'g', broker: 1 }), 'TypeError', /'group' or 'transaction', not "GROUP"/],
  [c => c.setCoordinator({ type: 'group', key: '', broker: 1 }), 'TypeError', /key must be the groupId/],
  [c => c.setCoordinator({ type: 'group', key: 'a\0b', broker: 1 }), 'TypeError', /key must be/],
  [c => c.setCoordinator({ type: 'group', key: 'g', broker: 3 }), 'RangeError', /or -1 for no coordinator; got 3/]
])

/** @param {any} options */
function start (options) {
  return MockCluster.start(options)
}

test('every wrong argument is refused with what to write instead', async t => {
  const cluster = await MockCluster.start({ brokers: 2 })
  t.after(() => cluster.close())
  for (const [call, name, message] of WRONG) {
    await assert.rejects(call(cluster), { name, message }, String(call))
  }
})

test('a list with a wrong entry pushes none of it', async t => {
  const cluster = await MockCluster.start({ brokers: 1 })
  t.after(() => cluster.close())
  await cluster.createTopic({ topic: 'clean' })
  await assert.rejects(cluster.pushRequestErrors('Produce', ['MESSAGE_TOO_LARGE', 'NO_SUCH_ERROR']))
  await assert.rejects(cluster.pushBrokerRequestErrors(1, 'Produce', [{ error: 'MESSAGE_TOO_LARGE' }, { delay: -1 }]))
  const { Kafka, Partitioners, logLevel } = require('kafkajs')
  const kafka = new Kafka({ brokers: cluster.brokers, logLevel: logLevel.NOTHING, retry: { retries: 0 } })
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  t.after(() => producer.disconnect())
  await producer.send({ topic: 'clean', messages: [{ value: 'x' }] })
})
