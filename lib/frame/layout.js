'use strict'
/**
 * The packed message format, mirrored by `src/frame/`: many messages in one buffer, so that one crossing between Rust and
 * JavaScript carries them all. All words are 32-bit little-endian and aligned; a 64-bit number is two words, low first.
 * `__test__/unit/native-build.test.js` holds the two sides together. The drawing is in `src/frame/mod.rs`.
 */
module.exports = Object.freeze({
  // -- consume frame: header, bytes, sections (one per run of a partition), descriptors (one per message)
  CONSUME_MAGIC: 0x31434f4b, // "KOC1"
  CONSUME_HEADER_WORDS: 8,
  CONSUME_HEADER: Object.freeze({
    magic: 0, bytes: 1, messages: 2, sections: 3, generation: 4, descriptorsAt: 5, sectionsAt: 6,
  }),
  SECTION_WORDS: 10,
  SECTION: Object.freeze({ topic: 0, partition: 1, first: 2, count: 3, highWatermark: 4, epoch: 6, next: 8 }),
  MESSAGE_WORDS: 10,
  MESSAGE: Object.freeze({ offset: 0, timestamp: 2, position: 4, key: 5, value: 6, headers: 7, leaderEpoch: 8, timestampType: 9 }),

  // -- produce frame: header, then sends, each followed by its records
  PRODUCE_MAGIC: 0x31504f4b, // "KOP1"
  PRODUCE_HEADER_WORDS: 4,
  PRODUCE_HEADER: Object.freeze({ magic: 0, bytes: 1, sends: 2, records: 3 }),
  SEND_WORDS: 4,
  SEND: Object.freeze({ id: 0, topic: 1, records: 2 }),
  RECORD_WORDS: 8,
  RECORD: Object.freeze({ partition: 0, timestamp: 2, key: 4, value: 5, headers: 6, headerCount: 7 }),

  // -- deliveries frame: header, then sends that are complete, each followed by its partitions
  DELIVERIES_MAGIC: 0x31444f4b, // "KOD1"
  DELIVERIES_HEADER_WORDS: 4,
  DELIVERIES_HEADER: Object.freeze({ magic: 0, bytes: 1, sends: 2, left: 3 }),
  DELIVERY_WORDS: 4,
  DELIVERY: Object.freeze({ id: 0, error: 1, failed: 2, partitions: 3 }),
  DELIVERED_WORDS: 8,
  DELIVERED: Object.freeze({ topic: 0, partition: 1, baseOffset: 2, logAppendTime: 4, count: 6 }),

  /** A length of -1 says "null" (no key, a tombstone, a null header value). */
  NULL_LENGTH: -1,
})
