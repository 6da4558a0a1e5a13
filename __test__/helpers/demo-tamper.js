'use strict'

// Loaded into a demo's process before the demo (node --require): does to one record what a broken client might do.

const { Producer } = require('../../lib/kafkajs/producer')

/** The send that is tampered with, as the demo makes them: the records from 3000 on. */
const SEND = 4
/** The record within it. */
const AT = 7

/** @type {Record<string, (messages: any[]) => any[]>} */
const WAYS = {
  lose: messages => messages.filter((_, index) => index !== AT),
  alter: messages => messages.map((message, index) => {
    return index === AT ? { ...message, value: message.value.replace('"lat"', '"lot"') } : message
  })
}

const way = WAYS[String(process.env.DEMO_TAMPER)]
let sends = 0
const { send } = Producer.prototype
Producer.prototype.send = function (record) {
  return send.call(this, ++sends === SEND ? { ...record, messages: way(record.messages) } : record)
}
