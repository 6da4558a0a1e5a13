'use strict'

// The cases that are marked `everywhere`, of all files of this folder, on the other version of Kafka that is supported.

require('../helpers/differential').runElsewhere('3.9.1')
