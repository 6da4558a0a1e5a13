'use strict'

const { PartitionAssigners } = require('../..')
const { groupTests } = require('../helpers/group-tests')

groupTests('the eager protocol', { partitionAssigners: [PartitionAssigners.roundRobin] })
