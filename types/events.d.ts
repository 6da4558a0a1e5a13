/** What a listener receives. */
export interface InstrumentationEvent<T> {
  /** Counts up within the process. */
  id: string
  type: string
  /** Milliseconds since 1970. */
  timestamp: number
  payload: T
}

/** Takes the listener away again. */
export type RemoveInstrumentationEventListener<T> = () => void

export type ConnectEvent = InstrumentationEvent<null>
export type DisconnectEvent = InstrumentationEvent<null>

/** A request that a broker answered. */
export type RequestEvent = InstrumentationEvent<{
  apiKey: number
  apiName: string
  apiVersion: number
  /** `host:port`. */
  broker: string
  clientId: string
  correlationId: number
  createdAt: number
  duration: number
  pendingDuration: number
  sentAt: number
  /** Bytes of the answer. */
  size: number
}>

/** A request that no broker answered in time. */
export type RequestTimeoutEvent = InstrumentationEvent<{
  apiKey: number
  apiName: string
  apiVersion: number
  /** `host:port`. */
  broker: string
  clientId: string
  correlationId: number
  createdAt: number
  pendingDuration: number
  sentAt: number
}>

/** How many requests to a broker wait for an answer. */
export type RequestQueueSizeEvent = InstrumentationEvent<{
  broker: string
  clientId: string
  queueSize: number
}>

/** Which event a name stands for: the general type for names that are not in the table. */
export type EventOf<Table, Name> = Name extends keyof Table ? Table[Name] : InstrumentationEvent<any>
