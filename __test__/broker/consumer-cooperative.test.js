'use strict'

const { groupTests } = require('../helpers/group-tests')

groupTests('the cooperative protocol', { 'partition.assignment.strategy': 'cooperative-sticky' })
