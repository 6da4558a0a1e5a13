/** How much the logger says. There is no 3. */
export enum logLevel {
  /** Nothing at all. */
  NOTHING = 0,
  /** What went wrong for good. */
  ERROR = 1,
  /** What went wrong and is tried again, and doubtful settings. */
  WARN = 2,
  /** Joining, leaving, starting and ending. */
  INFO = 4,
  /** Everything. */
  DEBUG = 5,
}

/** For `compression` of send(). All four codecs are built in. */
export enum CompressionTypes {
  /** As it is. */
  None = 0,
  /** The smallest of those that every client knows, and the slowest. */
  GZIP = 1,
  /** Fast, and not very small. */
  Snappy = 2,
  /** The fastest. */
  LZ4 = 3,
  /** As small as gzip at a fraction of its time. Brokers from 2.1 on. */
  ZSTD = 4,
}

/**
 * kafkajs's registry of codecs: functions that give `{ compress(encoder), decompress(buffer) }`. Programs may write into it; the
 * native client has codecs of its own and uses none of it.
 */
export const CompressionCodecs: {
  /** Node's own gzip. */
  [CompressionTypes.GZIP]: () => any
  /** Throws KafkaJSNotImplemented until a program puts a codec here. */
  [CompressionTypes.Snappy]: () => any
  /** Throws KafkaJSNotImplemented until a program puts a codec here. */
  [CompressionTypes.LZ4]: () => any
  /** Throws KafkaJSNotImplemented until a program puts a codec here. */
  [CompressionTypes.ZSTD]: () => any
}

/** What a configuration belongs to. */
export enum ConfigResourceTypes {
  /** One that this client does not know. */
  UNKNOWN = 0,
  /** A topic, by its name. */
  TOPIC = 2,
  /** A broker, by its node id as a string. */
  BROKER = 4,
  /** The log levels of a broker. */
  BROKER_LOGGER = 8,
}

/** Where a configuration value comes from. */
export enum ConfigSource {
  /** One that this client does not know. */
  UNKNOWN = 0,
  /** Set for the topic. */
  TOPIC_CONFIG = 1,
  /** Set for this broker while it runs. */
  DYNAMIC_BROKER_CONFIG = 2,
  /** Set for all brokers while they run. */
  DYNAMIC_DEFAULT_BROKER_CONFIG = 3,
  /** From the broker's properties file. */
  STATIC_BROKER_CONFIG = 4,
  /** Kafka's default. */
  DEFAULT_CONFIG = 5,
  /** A log level set while the broker runs. */
  DYNAMIC_BROKER_LOGGER_CONFIG = 6,
}

/** What an access rule is about. */
export enum AclResourceTypes {
  /** One that this client does not know. */
  UNKNOWN = 0,
  /** In a filter: all of them. */
  ANY = 1,
  /** Topics. */
  TOPIC = 2,
  /** Consumer groups. */
  GROUP = 3,
  /** The cluster; its name is `kafka-cluster`. */
  CLUSTER = 4,
  /** Transactional ids of producers. */
  TRANSACTIONAL_ID = 5,
  /** Delegation tokens. */
  DELEGATION_TOKEN = 6,
}

/** What an access rule lets somebody do. */
export enum AclOperationTypes {
  /** One that this client does not know. */
  UNKNOWN = 0,
  /** In a filter: all of them. */
  ANY = 1,
  /** Everything below. */
  ALL = 2,
  /** Consume from a topic; join and commit for a group. */
  READ = 3,
  /** Produce to a topic; use a transactional id. */
  WRITE = 4,
  /** Make topics. */
  CREATE = 5,
  /** Delete topics, records or groups. */
  DELETE = 6,
  /** Add partitions; change access rules. */
  ALTER = 7,
  /** See that it is there and what it is like. */
  DESCRIBE = 8,
  /** What brokers do among themselves. */
  CLUSTER_ACTION = 9,
  /** Read configurations. */
  DESCRIBE_CONFIGS = 10,
  /** Change configurations. */
  ALTER_CONFIGS = 11,
  /** Produce idempotently. Implied by WRITE on any topic from Kafka 2.8 on. */
  IDEMPOTENT_WRITE = 12,
}

/** Whether an access rule allows or denies. */
export enum AclPermissionTypes {
  /** One that this client does not know. */
  UNKNOWN = 0,
  /** In a filter: both. */
  ANY = 1,
  /** Forbids, whatever else allows. */
  DENY = 2,
  /** Allows. */
  ALLOW = 3,
}

/** How the name in an access rule is compared. */
export enum ResourcePatternTypes {
  /** One that this client does not know. */
  UNKNOWN = 0,
  /** In a filter: rules of any kind with exactly this name. */
  ANY = 1,
  /** In a filter: every rule that applies to this name. */
  MATCH = 2,
  /** Exactly this name, or `*` for all. */
  LITERAL = 3,
  /** Every name that begins like this. */
  PREFIXED = 4,
}
