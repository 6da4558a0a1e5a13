'use strict'

/**
 * The address of the Apache Kafka that the test runner started, `host:port`.
 * @returns {string}
 * @throws {Error} when no runner did
 */
function bootstrap () {
  const address = process.env.KAFKA_BOOTSTRAP
  if (!address) {
    throw new Error('KAFKA_BOOTSTRAP is not set: this test needs a real broker. Run it by: npm test -- broker, ' +
      'or with a broker of your own (npm run kafka -- start): KAFKA_BOOTSTRAP=host:port node --test <file>')
  }
  return address
}

module.exports = { bootstrap }
