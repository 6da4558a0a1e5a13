'use strict'
/** The error classes, and the ways to make one of them from what the native side reports. */
module.exports = {
  ...require('./classes'),
  ...require('./from-native'),
  ...require('./protocol-codes'),
}
