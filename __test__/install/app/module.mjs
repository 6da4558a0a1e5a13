import { Kafka, logLevel } from 'kafka-oxide'
import { MockCluster } from 'kafka-oxide/testing'
import { roundTrip } from './round-trip.cjs'

console.log(JSON.stringify(await roundTrip({ Kafka, logLevel }, { MockCluster })))
