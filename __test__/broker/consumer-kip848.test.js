'use strict'

const { groupTests } = require('../helpers/group-tests')

groupTests('the consumer protocol (KIP-848)', { groupProtocol: 'consumer' })
