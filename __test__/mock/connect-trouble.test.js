'use strict'

// Connecting when that is hard: nobody there, somebody else there, nonsense for an address, a disconnect() meanwhile.
// What holds for one kind of client holds for all.

const assert = require('node:assert/strict')
const http = require('node:http')
const net = require('node:net')
const { test } = require('node:test')
const { Kafka, logLevel } = require('../..')
const { collect, grown, mockCluster, range } = require('../helpers/clients')
const { topicName } = require('../helpers/topic')
const { waitFor, within } = require('../helpers/wait')

/** @typedef {import('node:test').TestContext} TestContext */

const KINDS = /** @type {const} */ (['producer', 'consumer', 'admin'])
/** connect() has a second. */
const IMPATIENT = { retries: 0, initialRetryTime: 20 }
/** connect() has longer than a test may take. */
const PATIENT = { retries: 100, initialRetryTime: 1000 }
/** The mock coordinator makes who joins a group that others have left wait for the session less a second. In ms. */
const SESSION = { sessionTimeout: 1500, heartbeatInterval: 300 }
/** Far above a second, far below PATIENT. In ms. */
const SOON = 20_000

/**
 * A client of each kind.
 * @param {TestContext} t
 * @param {any} brokers
 * @param {object} [options] of Kafka
 * @returns {any[]}
 */
function clients(t, brokers, options) {
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: IMPATIENT, ...options })
  return KINDS.map((kind) => {
    const client = kind === 'consumer' ? kafka.consumer({ groupId: topicName(t), ...SESSION }) : kafka[kind]()
    t.after(() => within(client.disconnect(), `the ${kind} to disconnect`, SOON))
    return client
  })
}

/**
 * A server on a loopback port.
 * @param {TestContext} t
 * @param {net.Server} server
 * @returns {Promise<string>} its address
 */
async function listen(t, server) {
  /** @type {Set<net.Socket>} */
  const sockets = new Set()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return `127.0.0.1:${/** @type {net.AddressInfo} */ (server.address()).port}`
}

/** An address that was free a moment ago. @param {TestContext} t */
async function nobody(t) {
  const server = net.createServer()
  const address = await listen(t, server)
  await new Promise((resolve) => server.close(resolve))
  return address
}

/**
 * Every kind's connect() rejects, and with this.
 * @param {any[]} all
 * @param {object | RegExp | ((error: any) => void)} expected
 */
async function rejects(all, expected) {
  await Promise.all(
    all.map((client, i) =>
      assert.rejects(
        within(client.connect(), `the ${KINDS[i]}'s connect() to reject`, SOON),
        (/** @type {any} */ error) => {
          if (typeof expected === 'function' && !(expected instanceof RegExp)) /** @type {any} */ (expected)(error)
          else
            assert.throws(() => {
              throw error
            }, /** @type {any} */ (expected))
          return true
        },
      ),
    ),
  )
}

/**
 * That the retries are used up, because of this.
 * @param {string} code
 * @param {RegExp} message
 * @param {string} [broker]
 * @param {string} [name]
 */
function usedUp(code, message, broker, name = 'KafkaJSConnectionError') {
  return (/** @type {any} */ error) => {
    assert.equal(error.name, 'KafkaJSNumberOfRetriesExceeded')
    assert.match(error.message, message)
    assert.equal(error.retriable, false)
    assert.equal(error.cause.name, name)
    assert.equal(error.cause.code, code)
    assert.equal(error.cause.broker, broker)
    assert.equal(error.cause.retriable, true)
    assert.deepEqual([error.retryCount, error.retryTime], [IMPATIENT.retries, IMPATIENT.initialRetryTime])
  }
}

/**
 * A consumer that has not ended shows by keeping the process alive, which fails the run.
 * @param {any} producer
 * @param {any} admin
 */
async function haveEnded(producer, admin) {
  await assert.rejects(producer.send({ topic: 't', messages: [{ value: 'v' }] }), /The producer is disconnected/)
  await assert.rejects(admin.listTopics(), /The admin client is disconnected/)
}

test('connect() to an address where nobody listens rejects with ECONNREFUSED and the address', async (t) => {
  const address = await nobody(t)
  await rejects(clients(t, [address]), usedUp('ECONNREFUSED', new RegExp(`^Connection error: connect ECONNREFUSED ${address}$`), address))
})

test('attempts that are refused at once do not take their connectionTimeout', async (t) => {
  const brokers = [await nobody(t), 'no-such-host.invalid:9092']
  const retry = { retries: 3, initialRetryTime: 20 }
  await rejects(clients(t, brokers, { retry, connectionTimeout: 3_600_000 }), (error) => {
    assert.equal(error.name, 'KafkaJSNumberOfRetriesExceeded')
    assert.equal(error.retryCount, 3)
    assert.match(error.cause.code, /^(ECONNREFUSED|ENOTFOUND)$/)
  })
})

test('connect() to a host that does not exist rejects with ENOTFOUND and the name', async (t) => {
  await rejects(
    clients(t, ['no-such-host.invalid:9092']),
    usedUp('ENOTFOUND', /^Connection error: getaddrinfo ENOTFOUND no-such-host\.invalid$/, 'no-such-host.invalid:9092'),
  )
})

test('connect() to a server that accepts and never answers rejects with ETIMEDOUT', async (t) => {
  const address = await listen(t, net.createServer())
  await rejects(clients(t, [address]), usedUp('ETIMEDOUT', /No broker answered within 1000 ms/))
})

test('connect() to a server that hangs up rejects with a closed connection and the address', async (t) => {
  const address = await listen(
    t,
    net.createServer((socket) => socket.destroy()),
  )
  const closed = usedUp('ECONNRESET', /^Closed connection: .* hangs up; it may want TLS/, address, 'KafkaJSConnectionClosedError')
  await rejects(clients(t, [address]), closed)
})

test('connect() to a server that is no Kafka broker rejects and names it', async (t) => {
  const address = await listen(
    t,
    http.createServer((_, response) => response.end('hello')),
  )
  await rejects(clients(t, [address]), {
    name: 'KafkaJSNonRetriableError',
    message: new RegExp(`^${address}.*Invalid response`),
  })
})

test('connect() with TLS to a broker that speaks none rejects and names the handshake', async (t) => {
  const { brokers } = await mockCluster(t)
  await rejects(clients(t, brokers, { ssl: true }), usedUp('ECONNRESET', /SSL_HANDSHAKE/, brokers[0]))
})

test('connect() with SASL to a broker that knows none rejects without waiting for its time to be up', async (t) => {
  const { brokers } = await mockCluster(t)
  const sasl = { mechanism: 'plain', username: 'me', password: 'secret' }
  await rejects(clients(t, brokers, { sasl, retry: PATIENT }), (error) => {
    assert.equal(error.name, 'KafkaJSSASLAuthenticationError')
    assert.match(error.message, /^SASL PLAIN authentication failed/)
    assert.doesNotMatch(error.message, /secret/)
  })
})

test('connect() waits for a broker that is down, as long as the retries allow', async (t) => {
  const cluster = await mockCluster(t)
  await cluster.setBrokerDown(1)
  let refusals = 0
  const logCreator =
    () =>
    (/** @type {any} */ { log }) => {
      if (/Connection refused/.test(log.message)) refusals++
    }
  const all = clients(t, cluster.brokers, { retry: PATIENT, logLevel: logLevel.ERROR, logCreator })
  const connected = all.map((client) => client.connect())
  await waitFor(() => refusals >= all.length, { message: 'attempts that fail' })
  await cluster.setBrokerUp(1)
  await within(Promise.all(connected), 'the clients to connect', SOON)
})

test('one broker of the list that answers is enough', async (t) => {
  const { brokers } = await mockCluster(t)
  const all = clients(t, [await nobody(t), await listen(t, net.createServer()), ...brokers], { retry: PATIENT })
  await within(Promise.all(all.map((client) => client.connect())), 'the clients to connect', SOON)
})

for (const [what, server] of Object.entries({
  'nobody is there': nobody,
  'the server does not answer': (/** @type {TestContext} */ t) => listen(t, net.createServer()),
})) {
  test(`disconnect() while ${what} makes connect() reject at once`, async (t) => {
    const all = clients(t, [await server(t)], { retry: PATIENT })
    const connected = rejects(all, {
      name: 'KafkaJSNonRetriableError',
      message: /was disconnected while it was connecting$/,
    })
    await new Promise((resolve) => setImmediate(resolve))
    await within(Promise.all(all.map((client) => client.disconnect())), 'the clients to disconnect', SOON)
    await connected
  })
}

test('disconnect() while a "brokers" function gives nothing yet makes connect() reject at once', async (t) => {
  const all = clients(t, () => new Promise(() => {}), { retry: PATIENT })
  const connected = rejects(all, {
    name: 'KafkaJSNonRetriableError',
    message: /was disconnected while it was connecting$/,
  })
  await within(Promise.all(all.map((client) => client.disconnect())), 'the clients to disconnect', SOON)
  await connected
})

test('a "brokers" function that never gives any makes connect() reject when the time is up', async (t) => {
  await rejects(
    clients(t, () => new Promise(() => {})),
    usedUp('ETIMEDOUT', /could not connect within 1000 ms/),
  )
})

test('a "brokers" function that throws or rejects makes connect() reject with its reason', async (t) => {
  const reason = new Error('the registry is closed')
  for (const brokers of [
    () => {
      throw reason
    },
    async () => {
      throw reason
    },
  ]) {
    await rejects(clients(t, brokers), (error) => {
      assert.equal(error.name, 'KafkaJSConnectionError')
      assert.match(error.message, /"config\.brokers" threw: the registry is closed/)
      assert.equal(error.cause, reason)
    })
  }
})

test('a "brokers" function that gives no list makes connect() reject and says so', async (t) => {
  for (const given of [undefined, null, '']) {
    await rejects(
      clients(t, () => given),
      { name: 'KafkaJSNonRetriableError', message: /brokers should not be null/ },
    )
  }
  await rejects(
    clients(t, () => ({})),
    { name: 'KafkaJSConnectionError', message: /"config\.brokers" returned a value of type object: it must return an array/ },
  )
  await rejects(
    clients(t, () => 'localhost:9092'),
    {
      name: 'KafkaJSConnectionError',
      message: /"config\.brokers" returned a string: it must return an array such as \['localhost:9092'\]/,
    },
  )
  await rejects(
    clients(t, () => []),
    { name: 'KafkaJSNonRetriableError', message: /brokers array is empty/ },
  )
})

for (const [brokers, message] of /** @type {[any, RegExp][]} */ ([
  [undefined, /brokers should not be null/],
  [null, /brokers should not be null/],
  ['localhost:9092', /must be an array such as \['localhost:9092'\], not string/],
  [9092, /must be an array such as \['localhost:9092'\], not number/],
  [{ host: 'localhost' }, /must be an array such as \['localhost:9092'\], not object/],
  [[], /brokers array is empty/],
  [['localhost:9092', undefined], /broker at index 1 is invalid "undefined"/],
  [[9092], /broker at index 0 is invalid "number"/],
  [[['localhost:9092']], /broker at index 0 is invalid "object"/],
  [[''], /broker at index 0 is "": write one "host:port" per element/],
  [['a:1,b:2'], /broker at index 0 is "a:1,b:2": write one "host:port" per element/],
  [['localhost:port'], /broker at index 0 is "localhost:port": the port must be a number from 1 to 65535/],
  [['localhost:65536'], /broker at index 0 is "localhost:65536": the port must be a number from 1 to 65535/],
])) {
  test(`connect() with brokers: ${JSON.stringify(brokers)} rejects and says what is wrong`, async (t) => {
    await rejects(clients(t, brokers), { name: 'KafkaJSNonRetriableError', message })
  })
}

test('a failed connect() can be made again, and succeeds when the broker is there', async (t) => {
  const cluster = await mockCluster(t)
  await cluster.setBrokerDown(1)
  const all = clients(t, cluster.brokers)
  await rejects(all, usedUp('ECONNREFUSED', /connect ECONNREFUSED/, cluster.brokers[0]))
  await cluster.setBrokerUp(1)
  await within(Promise.all(all.map((client) => client.connect())), 'the clients to connect', SOON)
})

test('connect() twice, at once and afterwards, is one connection: one disconnect() ends it', async (t) => {
  const { brokers } = await mockCluster(t)
  const [producer, consumer, admin] = clients(t, brokers)
  for (const client of [producer, consumer, admin]) {
    await within(Promise.all([client.connect(), client.connect()]), 'both connects', SOON)
    await client.connect()
    await client.disconnect()
  }
  await haveEnded(producer, admin)
})

test('disconnect() before connect(), twice and twice at once is a clean end', async (t) => {
  const { brokers } = await mockCluster(t)
  const [producer, consumer, admin] = clients(t, brokers)
  for (const client of [producer, consumer, admin]) {
    await within(client.disconnect(), 'disconnect() before connect()', SOON)
    await client.connect()
    await within(Promise.all([client.disconnect(), client.disconnect()]), 'both disconnects', SOON)
    await within(client.disconnect(), 'another disconnect()', SOON)
  }
  await haveEnded(producer, admin)
})

test('connect() during disconnect() connects anew', async (t) => {
  const { brokers } = await mockCluster(t)
  const [producer, consumer, admin] = clients(t, brokers)
  for (const client of [producer, consumer, admin]) {
    await client.connect()
    const disconnected = client.disconnect()
    await within(Promise.all([client.connect(), disconnected]), 'both', SOON)
  }
  await producer.send({ topic: 't', messages: [{ value: 'v' }] })
  assert.deepEqual(await admin.listTopics(), ['t'])
  await consumer.subscribe({ topic: 't', fromBeginning: true })
  await grown(await collect(consumer), 1)
})

test('clients work again after disconnect() and connect(), many times', async (t) => {
  const { brokers } = await mockCluster(t)
  const [producer, consumer, admin] = clients(t, brokers)
  const topic = topicName(t)
  /** @type {string[]} */
  const values = []
  for (const round of range(5)) {
    await Promise.all([producer, consumer, admin].map((client) => client.connect()))
    await producer.send({ topic, messages: [{ value: `${round}` }] })
    assert.deepEqual(await admin.listTopics(), [topic])
    if (round === 0) await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      eachMessage: async (/** @type {any} */ { message }) => {
        values.push(String(message.value))
      },
    })
    await grown(values, round + 1)
    await within(
      Promise.all([producer, consumer, admin].map((client) => client.disconnect())),
      'the clients to disconnect',
      SOON,
    )
  }
  assert.deepEqual(values, ['0', '1', '2', '3', '4'])
})
