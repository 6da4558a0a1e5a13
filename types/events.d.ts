/** What a listener receives. */
export interface InstrumentationEvent<T> {
  /** Counts up within the process. */
  id: string
  /** One of the values of the client's `events`. */
  type: string
  /** Milliseconds since 1970. */
  timestamp: number
  /** What is told. */
  payload: T
}

/** Takes the listener away again. */
export type RemoveInstrumentationEventListener<T> = () => void

/** Connected. */
export type ConnectEvent = InstrumentationEvent<null>
/** Disconnected. */
export type DisconnectEvent = InstrumentationEvent<null>

/** A request that a broker answered. */
export type RequestEvent = InstrumentationEvent<{
  /** The request's key in the Kafka protocol. */
  apiKey: number
  /** Its name. */
  apiName: string
  /** The version of the request. */
  apiVersion: number
  /** `host:port`. */
  broker: string
  /** The client's name. */
  clientId: string
  /** The request's number on its connection. */
  correlationId: number
  /** When the request was sent, ms since 1970: librdkafka does not tell when it was made, so this is `sentAt`. */
  createdAt: number
  /** From sent to answered, ms. */
  duration: number
  /** How long it waited to be sent, ms. */
  pendingDuration: number
  /** When it was sent, ms since 1970. */
  sentAt: number
  /** Bytes of the answer. */
  size: number
}>

/** A request that no broker answered in time. */
export type RequestTimeoutEvent = InstrumentationEvent<{
  /** The request's key in the Kafka protocol. */
  apiKey: number
  /** Its name. */
  apiName: string
  /** The version of the request. */
  apiVersion: number
  /** `host:port`. */
  broker: string
  /** The client's name. */
  clientId: string
  /** The request's number on its connection. */
  correlationId: number
  /** When the request was sent, ms since 1970: librdkafka does not tell when it was made, so this is `sentAt`. */
  createdAt: number
  /** How long it waited to be sent, ms. */
  pendingDuration: number
  /** When it was sent, ms since 1970. */
  sentAt: number
}>

/** How many requests to a broker wait for an answer, whenever that changes. kafkajs counts those that wait to be sent. */
export type RequestQueueSizeEvent = InstrumentationEvent<{
  /** `host:port`. */
  broker: string
  /** The client's name. */
  clientId: string
  /** How many. */
  queueSize: number
}>

/** Which event a name stands for: the general type for names that are not in the table. */
export type EventOf<Table, Name> = Name extends keyof Table ? Table[Name] : InstrumentationEvent<any>
