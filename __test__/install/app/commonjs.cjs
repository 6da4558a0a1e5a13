'use strict'

const { roundTrip } = require('./round-trip.cjs')

roundTrip(require('kafka-oxide'), require('kafka-oxide/testing')).then(seen => console.log(JSON.stringify(seen)))
