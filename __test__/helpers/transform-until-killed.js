'use strict'

// A transformer that is to be killed: node transform-until-killed.js <brokers> <from> <to> <groupId> <form>. Each message is
// transformed in a transaction of its own. With <form> 'member' the offsets are sent as the group's member, else by the group's
// name. It tells its parent the value of each message in the middle of the message's transaction.

const { kafkaOf } = require('./clients')
const { transform } = require('./transform')

const [brokers, from, to, groupId, form] = process.argv.slice(2)

transform(kafkaOf(brokers), { from, to, groupId, form, inTransaction: (value) => process.send?.(value) })
