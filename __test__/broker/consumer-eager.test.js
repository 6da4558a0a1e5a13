'use strict'

const { groupTests } = require('../helpers/group-tests')

groupTests('the eager protocol', { 'partition.assignment.strategy': 'roundrobin' })
