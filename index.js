'use strict'
// The whole public surface, one line an export: this is what lets `import { Kafka } from 'kafka-oxide'` see every name.

module.exports.Kafka = require('./lib/kafkajs/kafka').Kafka
module.exports.Partitioners = require('./lib/kafkajs/partitioners').Partitioners
module.exports.PartitionAssigners = require('./lib/kafkajs/assigners').PartitionAssigners
module.exports.AssignerProtocol = require('./lib/kafkajs/assigners').AssignerProtocol

module.exports.logLevel = require('./lib/kafkajs/enums').logLevel
module.exports.CompressionTypes = require('./lib/kafkajs/enums').CompressionTypes
module.exports.CompressionCodecs = require('./lib/kafkajs/enums').CompressionCodecs
module.exports.ConfigResourceTypes = require('./lib/kafkajs/enums').ConfigResourceTypes
module.exports.ConfigSource = require('./lib/kafkajs/enums').ConfigSource
module.exports.AclResourceTypes = require('./lib/kafkajs/enums').AclResourceTypes
module.exports.AclOperationTypes = require('./lib/kafkajs/enums').AclOperationTypes
module.exports.AclPermissionTypes = require('./lib/kafkajs/enums').AclPermissionTypes
module.exports.ResourcePatternTypes = require('./lib/kafkajs/enums').ResourcePatternTypes

module.exports.KafkaJSError = require('./lib/errors').KafkaJSError
module.exports.KafkaJSNonRetriableError = require('./lib/errors').KafkaJSNonRetriableError
module.exports.KafkaJSPartialMessageError = require('./lib/errors').KafkaJSPartialMessageError
module.exports.KafkaJSBrokerNotFound = require('./lib/errors').KafkaJSBrokerNotFound
module.exports.KafkaJSProtocolError = require('./lib/errors').KafkaJSProtocolError
module.exports.KafkaJSConnectionError = require('./lib/errors').KafkaJSConnectionError
module.exports.KafkaJSConnectionClosedError = require('./lib/errors').KafkaJSConnectionClosedError
module.exports.KafkaJSRequestTimeoutError = require('./lib/errors').KafkaJSRequestTimeoutError
module.exports.KafkaJSSASLAuthenticationError = require('./lib/errors').KafkaJSSASLAuthenticationError
module.exports.KafkaJSNumberOfRetriesExceeded = require('./lib/errors').KafkaJSNumberOfRetriesExceeded
module.exports.KafkaJSOffsetOutOfRange = require('./lib/errors').KafkaJSOffsetOutOfRange
module.exports.KafkaJSMemberIdRequired = require('./lib/errors').KafkaJSMemberIdRequired
module.exports.KafkaJSGroupCoordinatorNotFound = require('./lib/errors').KafkaJSGroupCoordinatorNotFound
module.exports.KafkaJSNotImplemented = require('./lib/errors').KafkaJSNotImplemented
module.exports.KafkaJSMetadataNotLoaded = require('./lib/errors').KafkaJSMetadataNotLoaded
module.exports.KafkaJSTopicMetadataNotLoaded = require('./lib/errors').KafkaJSTopicMetadataNotLoaded
module.exports.KafkaJSStaleTopicMetadataAssignment = require('./lib/errors').KafkaJSStaleTopicMetadataAssignment
module.exports.KafkaJSDeleteGroupsError = require('./lib/errors').KafkaJSDeleteGroupsError
module.exports.KafkaJSTimeout = require('./lib/errors').KafkaJSTimeout
module.exports.KafkaJSLockTimeout = require('./lib/errors').KafkaJSLockTimeout
module.exports.KafkaJSServerDoesNotSupportApiKey = require('./lib/errors').KafkaJSServerDoesNotSupportApiKey
module.exports.KafkaJSUnsupportedMagicByteInMessageSet = require('./lib/errors').KafkaJSUnsupportedMagicByteInMessageSet
module.exports.KafkaJSDeleteTopicRecordsError = require('./lib/errors').KafkaJSDeleteTopicRecordsError
module.exports.KafkaJSInvariantViolation = require('./lib/errors').KafkaJSInvariantViolation
module.exports.KafkaJSInvalidVarIntError = require('./lib/errors').KafkaJSInvalidVarIntError
module.exports.KafkaJSInvalidLongError = require('./lib/errors').KafkaJSInvalidLongError
module.exports.KafkaJSCreateTopicError = require('./lib/errors').KafkaJSCreateTopicError
module.exports.KafkaJSAggregateError = require('./lib/errors').KafkaJSAggregateError
module.exports.KafkaJSFetcherRebalanceError = require('./lib/errors').KafkaJSFetcherRebalanceError
module.exports.KafkaJSNoBrokerAvailableError = require('./lib/errors').KafkaJSNoBrokerAvailableError
module.exports.KafkaJSAlterPartitionReassignmentsError = require('./lib/errors').KafkaJSAlterPartitionReassignmentsError
