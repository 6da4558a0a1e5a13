'use strict'

const { PartitionAssigners } = require('../..')
const { groupTests } = require('../helpers/group-tests')

groupTests('the cooperative protocol', { partitionAssigners: [PartitionAssigners.cooperativeSticky] })
