'use strict'

// A client for the bench (`--client`), which is kafka-oxide but for one fault, named by BENCH_FAULT.

const client = require('../../bench/clients/kafka-oxide')

/** Which message is treated wrongly: the fault is done once, to the one at this place. */
const PLACE = 30

/** @typedef {import('../../bench/clients').Message} Message */
/** @typedef {import('../../bench/clients').ConsumerSettings['take']} Take */

/** @param {Buffer} value @returns {Buffer} with another last byte */
function altered (value) {
  const copy = Buffer.from(value)
  copy[copy.length - 1] ^= 1
  return copy
}

/** @type {Record<string, (message: Message) => Message[]>} what is sent instead of one message */
const SENDING = {
  'send-drop': () => [],
  'send-double': message => [message, message],
  'send-alter': ({ key, value }) => [{ key, value: altered(Buffer.from(value)) }]
}

/** @type {Record<string, (take: Take) => Take>} */
const TAKING = {
  'take-drop': take => at(PLACE, take, () => {}),
  'take-double': take => at(PLACE, take, (...args) => { take(...args); take(...args) }),
  'take-alter': take => at(PLACE, take, (partition, value, message) => take(partition, altered(value), message)),
  'take-swap': take => {
    /** @type {Parameters<Take> | undefined} */
    let held
    let done = false
    return (...args) => {
      if (done) return take(...args)
      // Of one partition two that follow each other.
      if (held === undefined) held = args
      else if (held[0] !== args[0]) { take(...held); held = args } else { take(...args); take(...held); done = true }
    }
  },
  'take-alter-text': take => at(PLACE, take, (partition, value, message) => {
    take(partition, value, { ...message, key: Buffer.from('another') })
  })
}

/** @param {number} place @param {Take} take @param {Take} instead @returns {Take} */
function at (place, take, instead) {
  let count = 0
  return (...args) => (count++ === place ? instead(...args) : take(...args))
}

const fault = process.env.BENCH_FAULT ?? ''

/** @type {import('../../bench/clients').Client} */
module.exports = {
  ...client,
  name: 'double',
  async producer (settings) {
    const producer = await /** @type {NonNullable<typeof client.producer>} */ (client.producer)(settings)
    if (!SENDING[fault]) return producer
    let count = 0
    return {
      send: messages => producer.send(messages.flatMap(one => (count++ === PLACE ? SENDING[fault](one) : [one]))),
      close: () => producer.close()
    }
  },
  async consumer (settings) {
    const take = TAKING[fault] ? TAKING[fault](settings.take) : settings.take
    return /** @type {NonNullable<typeof client.consumer>} */ (client.consumer)({ ...settings, take })
  }
}
