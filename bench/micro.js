'use strict'
/**
 * `node bench/micro.js [messages]`: what packing, sending, unpacking and the run loop cost on the JavaScript thread,
 * without a broker and without the addon. ns of CPU a message, the least of some rounds.
 */
const { FrameWriter } = require('../lib/frame/writer')
const { ConsumeFrame } = require('../lib/frame/reader')
const { InstrumentationEmitter } = require('../lib/kafkajs/events')
const { Producer } = require('../lib/kafkajs/producer')
const { readMessage } = require('../lib/kafkajs/message')
const { Runner } = require('../lib/kafkajs/runner')
const layout = require('../lib/frame/layout')
const { messageOf, OrderedTally } = require('./payload')

const MESSAGES = Number(process.argv[2] ?? 1_000_000)
const PER_FRAME = 1000
const ROUNDS = 7
const PARTITIONS = 6

/** Keeps what is read from being optimised away. */
let sink = 0

// -- packing

/** @param {(number: number) => object} make */
function packing(make) {
  const sends = Array.from({ length: 50 }, (_, send) =>
    Array.from({ length: PER_FRAME }, (_, i) => make(send * PER_FRAME + i)))
  return () => {
    const writer = new FrameWriter()
    for (let done = 0, id = 1; done < MESSAGES; done += PER_FRAME, id++) {
      writer.add(id, 0, sends[id % sends.length], 'topic')
      sink += writer.take().length
    }
  }
}

/** One message a send, as many sends a frame as one turn of the event loop may bring. */
function packingSingles() {
  const sends = Array.from({ length: 10_000 }, (_, i) => [messageOf(i)])
  return () => {
    const writer = new FrameWriter()
    for (let done = 0; done < MESSAGES; done += sends.length) {
      for (let i = 0; i < sends.length; i++) writer.add(i + 1, 0, sends[i], 'topic')
      sink += writer.take().length
    }
  }
}

// -- sending

/** Answers each produce frame of one-message sends, keys and values alone, as the addon does when all of it is written. */
class InstantProducer {
  #onEvent
  /** @type {number[]} ids of complete sends, and how many of them were taken */
  #complete = []
  #taken = 0
  #offset = 0

  /** @param {object} _config @param {(kind: number, payload?: any) => void} onEvent */
  constructor(_config, onEvent) {
    this.#onEvent = onEvent
  }

  async connect() {}
  async close() {}
  observe() { return 0 }
  topic() { return 0 }

  /** @param {Uint8Array} frame @param {number} length */
  submit(frame, length) {
    const { PRODUCE_HEADER, PRODUCE_HEADER_WORDS, SEND, SEND_WORDS, RECORD, RECORD_WORDS } = layout
    const words = new Int32Array(frame.buffer, frame.byteOffset, length >> 2)
    if (this.#complete.length === 0) setImmediate(this.#onEvent, 2)
    let at = PRODUCE_HEADER_WORDS
    for (let left = words[PRODUCE_HEADER.sends]; left > 0; left--) {
      this.#complete.push(words[at + SEND.id])
      at += SEND_WORDS
      at += RECORD_WORDS + ((words[at + RECORD.key] + words[at + RECORD.value] + 3) >> 2)
    }
  }

  /** @param {Int32Array} words */
  deliveries(words) {
    const { DELIVERIES_HEADER, DELIVERIES_HEADER_WORDS, DELIVERY_WORDS, DELIVERED, DELIVERED_WORDS } = layout
    const size = DELIVERY_WORDS + DELIVERED_WORDS
    const room = Math.floor((words.length - DELIVERIES_HEADER_WORDS) / size)
    const end = Math.min(this.#complete.length, this.#taken + room)
    words[DELIVERIES_HEADER.sends] = end - this.#taken
    for (let at = DELIVERIES_HEADER_WORDS; this.#taken < end; at += size) {
      const part = at + DELIVERY_WORDS
      words.fill(0, at, at + size)
      words[at] = this.#complete[this.#taken++]
      words[at + layout.DELIVERY.partitions] = 1
      words[part + DELIVERED.partition] = this.#offset % PARTITIONS
      words[part + DELIVERED.baseOffset] = this.#offset++
      words.fill(-1, part + DELIVERED.logAppendTime, part + DELIVERED.count)
    }
    words[DELIVERIES_HEADER.left] = this.#complete.length - this.#taken
    if (this.#taken === this.#complete.length) {
      this.#complete = []
      this.#taken = 0
    }
  }
}

/**
 * The whole of send() from the call to the answer: one message a send.
 * @param {number} atOnce awaited together
 */
async function sending(atOnce) {
  const logger = /** @type {any} */ ({ namespace: () => logger, error() {}, warn() {}, info() {}, debug() {} })
  const producer = new Producer({
    brokers: [], config: { 'bootstrap.servers': 'localhost:9092' }, native: { NativeProducer: InstantProducer }, logger,
    options: { retry: {}, connectTimeout: 1000 }, groupOffsets: /** @type {any} */ (undefined),
  })
  await producer.connect()
  const sends = Array.from({ length: atOnce }, (_, i) => [messageOf(i)])
  return async () => {
    for (let done = 0; done < MESSAGES; done += atOnce) {
      const results = await Promise.all(sends.map((messages) => producer.send({ topic: 'topic', messages })))
      sink += results.length
    }
  }
}

// -- unpacking

/**
 * A consume frame as src/frame/writer.rs makes it.
 * @param {number} first number of its first message
 * @param {number} partition
 * @param {[string, string][]} [headers] of each message
 */
function consumeFrame(first, partition, headers = []) {
  const { CONSUME_HEADER, CONSUME_HEADER_WORDS, SECTION, SECTION_WORDS, MESSAGE, MESSAGE_WORDS } = layout
  const messages = Array.from({ length: PER_FRAME }, (_, i) => messageOf(first + i))
  const block = Buffer.concat(headers.flat().flatMap((text) => [Buffer.from(Int32Array.of(text.length).buffer), Buffer.from(text)]))
  const size = messages.reduce((sum, { key, value }) => sum + key.length + value.length + block.length, 0)
  const start = CONSUME_HEADER_WORDS * 4
  const sectionsAt = (start + size + 3) & ~3
  const descriptorsAt = sectionsAt + SECTION_WORDS * 4
  const memory = Buffer.from(new ArrayBuffer(descriptorsAt + PER_FRAME * MESSAGE_WORDS * 4))
  const words = new Int32Array(memory.buffer)
  words[CONSUME_HEADER.magic] = layout.CONSUME_MAGIC
  words[CONSUME_HEADER.bytes] = memory.length
  words[CONSUME_HEADER.messages] = PER_FRAME
  words[CONSUME_HEADER.sections] = 1
  words[CONSUME_HEADER.descriptorsAt] = descriptorsAt
  words[CONSUME_HEADER.sectionsAt] = sectionsAt
  words[(sectionsAt >> 2) + SECTION.partition] = partition
  words[(sectionsAt >> 2) + SECTION.count] = PER_FRAME
  words[(sectionsAt >> 2) + SECTION.highWatermark] = 2 ** 30
  words.fill(-1, (sectionsAt >> 2) + SECTION.next, (sectionsAt >> 2) + SECTION.next + 2)
  let position = start
  messages.forEach(({ key, value }, i) => {
    const at = (descriptorsAt >> 2) + i * MESSAGE_WORDS
    words[at + MESSAGE.offset] = first + i
    words[at + MESSAGE.timestamp] = 1_700_000_000_000 % 2 ** 32
    words[at + MESSAGE.timestamp + 1] = 1_700_000_000_000 / 2 ** 32
    words[at + MESSAGE.position] = position
    words[at + MESSAGE.key] = memory.write(key, position, 'latin1')
    words[at + MESSAGE.value] = memory.write(value.toString('latin1'), position + key.length, 'latin1')
    words[at + MESSAGE.headers] = block.copy(memory, position + key.length + value.length)
    position += key.length + value.length + block.length
  })
  return new Uint8Array(memory.buffer)
}

const FRAMES = Array.from({ length: 60 }, (_, i) => consumeFrame(i * PER_FRAME, i % PARTITIONS))
const WITH_HEADERS = FRAMES.map((_, i) => consumeFrame(i * PER_FRAME, i % PARTITIONS, [['trace', '0af7651916cd43dd'], ['type', 'order']]))

/** @param {(message: import('../lib/kafkajs/message').KafkaMessage) => void} read @param {Uint8Array[]} [frames] */
function unpacking(read, frames = FRAMES) {
  return () => {
    for (let done = 0; done < MESSAGES;) {
      const frame = new ConsumeFrame(frames[(done / PER_FRAME) % frames.length])
      for (const { at, end } of frame.sections()) {
        for (let word = at; word < end; word += layout.MESSAGE_WORDS, done++) read(readMessage(frame, word))
      }
    }
  }
}

// -- the run loop

/** @param {object} handler eachMessage or eachBatch */
async function running(handler) {
  const names = { START_BATCH_PROCESS: 'start', END_BATCH_PROCESS: 'end' }
  const logger = /** @type {any} */ ({ error() {}, warn() {}, debug() {} })
  let delivered = 0
  /** @type {() => void} */
  let finish = () => {}
  /** @type {(error: Error) => void} */
  let fail = () => {}
  const finished = new Promise((resolve, reject) => { finish = () => resolve(undefined); fail = reject })
  const runner = new Runner({
    run: {
      autoCommit: true, autoCommitInterval: null, autoCommitThreshold: null, eachBatchAutoResolve: true,
      partitionsConsumedConcurrently: 1, ...handler,
    },
    batchBytes: 1024 * 1024,
    handedBytes: 8 * 1024 * 1024,
    retry: {},
    source: {
      committed: async () => [],
      // As the addon does: each frame is an event of its own.
      request: (frames) => {
        for (let i = 0; i < frames; i++) {
          setImmediate(() => {
            if (delivered >= MESSAGES) return finish()
            const frame = FRAMES[(delivered / PER_FRAME) % FRAMES.length]
            delivered += PER_FRAME
            runner.frame(frame)
          })
        }
      },
      pause() {},
      resume() {},
      progress() {},
      topicName: () => 'topic',
    },
    commit: async () => {},
    pausePartition: () => () => {},
    events: new InstrumentationEmitter({ names, label: 'consumer', logger }),
    names,
    logger,
    onCrash: (error) => fail(error),
  })
  runner.assign(Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: 'topic', partition })), () => false)
  runner.start()
  await finished
  await runner.stop()
}

// -- measuring

/** @param {string} name @param {() => void | Promise<void>} work */
async function measure(name, work) {
  let best = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.cpuUsage()
    await work()
    const { user, system } = process.cpuUsage(start)
    best = Math.min(best, (user + system) * 1000 / MESSAGES)
  }
  console.log(`${name.padEnd(58)} ${best.toFixed(0).padStart(5)} ns`)
}

async function main() {
  const headers = { trace: '0af7651916cd43dd', type: Buffer.from('order') }
  await measure('pack, 1,000 a send, string key, Buffer value', packing((i) => messageOf(i)))
  await measure('pack, 1,000 a send, string key, string value', packing((i) => messageOf(i, { strings: true })))
  await measure('pack, 1,000 a send, two headers', packing((i) => {
    const { key, value } = messageOf(i)
    return { key, value, headers }
  }))
  await measure('pack, 1,000 a send, a timestamp', packing((i) => {
    const { key, value } = messageOf(i)
    return { key, value, timestamp: '1700000000000' }
  }))
  // Node 20 gives every object of this form a hidden class of its own, so that each property read is a slow one.
  await measure('pack, 1,000 a send, made with { ...message, x }',
    packing((i) => ({ ...messageOf(i), partition: 1 })))
  await measure('pack, one a send', packingSingles())
  await measure('send to answer, one a send, 10,000 at once', await sending(10_000))
  await measure('send to answer, one a send, one at a time', await sending(1))
  await measure('unpack, nothing read', unpacking((message) => { sink += message === undefined ? 1 : 0 }))
  await measure('unpack, value read', unpacking(({ value }) => { sink += /** @type {Buffer} */ (value)[0] }))
  await measure('unpack, key, value, offset, timestamp, headers read',
    unpacking(({ key, value, offset, timestamp, headers }) => {
      sink += /** @type {Buffer} */ (key).length + /** @type {Buffer} */ (value)[0]
      sink += offset.length + timestamp.length + Number('a' in headers)
    }))
  await measure('unpack, two headers read', unpacking(({ headers }) => {
    sink += headers.trace.length + headers.type.length
  }, WITH_HEADERS))
  await measure('eachMessage, async handler, nothing read', () => running({ eachMessage: async () => { sink++ } }))
  await measure('eachMessage, async handler, value read', () => running({
    eachMessage: async (/** @type {any} */ { message }) => { sink += message.value[0] },
  }))
  await measure('eachMessage, synchronous handler, value read', () => running({
    eachMessage: (/** @type {any} */ { message }) => { sink += message.value[0] },
  }))
  await measure('eachBatch, value read', () => running({
    eachBatch: async (/** @type {any} */ { batch }) => { for (const { value } of batch.messages) sink += value[0] },
  }))
  const tally = new OrderedTally()
  await measure('eachBatch, value read and checked as by bench/run.js', () => running({
    eachBatch: async (/** @type {any} */ { batch }) => {
      for (const { value } of batch.messages) tally.addOf(batch.partition, value)
    },
  }))
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
