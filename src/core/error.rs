//! One shape for everything that can go wrong: it crosses to JavaScript as data, never as formatted text.

#![deny(unsafe_code)]

use serde::Serialize;

/// A failure as JavaScript sees it. `code` is librdkafka's `rd_kafka_resp_err_t`: positive numbers are the broker's
/// (the Kafka protocol's own), negative ones are local to the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KafkaError {
    pub code: i32,
    /// `ERR__TIMED_OUT`, `ERR_UNKNOWN_TOPIC_OR_PART`: librdkafka's name with `ERR_` in front.
    pub name: String,
    pub message: String,
    /// The client can do nothing more and must be made anew.
    pub fatal: bool,
    /// The same call may work when made again.
    pub retriable: bool,
    /// The current transaction must be aborted.
    pub abortable: bool,
}

pub type KafkaResult<T> = Result<T, KafkaError>;

impl KafkaError {
    pub fn new(code: i32, message: impl Into<String>) -> Self {
        KafkaError {
            code,
            name: super::ffi::error_name(code),
            message: message.into(),
            fatal: code == codes::FATAL,
            retriable: codes::is_retriable(code),
            abortable: false,
        }
    }

    /// librdkafka's own text for the code.
    pub fn from_code(code: i32) -> Self {
        let text = super::ffi::error_text(code);
        KafkaError::new(code, text)
    }

    pub fn invalid_argument(message: impl Into<String>) -> Self {
        KafkaError::new(codes::INVALID_ARG, message)
    }

    pub fn state(message: impl Into<String>) -> Self {
        KafkaError::new(codes::STATE, message)
    }

    pub fn timed_out(message: impl Into<String>) -> Self {
        KafkaError::new(codes::TIMED_OUT, message)
    }
}

impl std::fmt::Display for KafkaError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}): {}", self.name, self.code, self.message)
    }
}

impl std::error::Error for KafkaError {}

/// The codes that this crate itself tells apart.
pub mod codes {
    pub const NO_ERROR: i32 = 0;
    pub const GROUP_ID_NOT_FOUND: i32 = 69;
    pub const BAD_MSG: i32 = -199;
    pub const DESTROY: i32 = -197;
    pub const FAIL: i32 = -196;
    pub const TRANSPORT: i32 = -195;
    pub const RESOLVE: i32 = -193;
    pub const MSG_TIMED_OUT: i32 = -192;
    pub const PARTITION_EOF: i32 = -191;
    pub const UNKNOWN_PARTITION: i32 = -190;
    pub const UNKNOWN_TOPIC: i32 = -188;
    pub const ALL_BROKERS_DOWN: i32 = -187;
    pub const INVALID_ARG: i32 = -186;
    pub const TIMED_OUT: i32 = -185;
    pub const QUEUE_FULL: i32 = -184;
    pub const SSL: i32 = -181;
    pub const WAIT_COORD: i32 = -180;
    pub const ASSIGN_PARTITIONS: i32 = -175;
    pub const REVOKE_PARTITIONS: i32 = -174;
    pub const STATE: i32 = -172;
    pub const TIMED_OUT_QUEUE: i32 = -166;
    pub const UNSUPPORTED_FEATURE: i32 = -165;
    pub const PURGE_QUEUE: i32 = -152;
    pub const AUTHENTICATION: i32 = -169;
    pub const NO_OFFSET: i32 = -168;
    pub const PARTIAL: i32 = -158;
    pub const UNDERFLOW: i32 = -155;
    pub const FATAL: i32 = -150;

    /// Whether the same call may work when made again: broker errors by Kafka's own table, local ones where the cause is
    /// the network or a wait.
    pub fn is_retriable(code: i32) -> bool {
        matches!(
            code,
            TRANSPORT | RESOLVE | MSG_TIMED_OUT | ALL_BROKERS_DOWN | TIMED_OUT | QUEUE_FULL | WAIT_COORD
            // CORRUPT_MESSAGE, UNKNOWN_TOPIC_OR_PARTITION, LEADER_NOT_AVAILABLE, NOT_LEADER, REQUEST_TIMED_OUT
            | 2 | 3 | 5 | 6 | 7 | 8 | 9
            // NETWORK_EXCEPTION, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR
            | 13 | 14 | 15 | 16
            // NOT_ENOUGH_REPLICAS, NOT_ENOUGH_REPLICAS_AFTER_APPEND, NOT_CONTROLLER, CONCURRENT_TRANSACTIONS
            | 19 | 20 | 41 | 51
            // KAFKA_STORAGE_ERROR, FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH, LISTENER_NOT_FOUND
            | 56 | 70 | 71 | 72
            // FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, OFFSET_NOT_AVAILABLE, UNSTABLE_OFFSET_COMMIT, THROTTLING_QUOTA_EXCEEDED
            | 74 | 75 | 78 | 88 | 89
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_come_from_librdkafka() {
        let error = KafkaError::from_code(codes::TIMED_OUT);
        assert_eq!(error.name, "ERR__TIMED_OUT");
        assert!(!error.message.is_empty());
        assert!(error.retriable && !error.fatal);
        assert_eq!(KafkaError::from_code(3).name, "ERR_UNKNOWN_TOPIC_OR_PART");
    }

    #[test]
    fn an_authentication_failure_is_not_retriable() {
        assert!(!KafkaError::from_code(codes::AUTHENTICATION).retriable);
    }

    #[test]
    fn the_constants_are_those_of_librdkafka() {
        for (code, name) in [
            (codes::BAD_MSG, "ERR__BAD_MSG"),
            (codes::PARTIAL, "ERR__PARTIAL"),
            (codes::UNDERFLOW, "ERR__UNDERFLOW"),
            (codes::GROUP_ID_NOT_FOUND, "ERR_GROUP_ID_NOT_FOUND"),
            (codes::DESTROY, "ERR__DESTROY"),
            (codes::FAIL, "ERR__FAIL"),
            (codes::RESOLVE, "ERR__RESOLVE"),
            (codes::MSG_TIMED_OUT, "ERR__MSG_TIMED_OUT"),
            (codes::PARTITION_EOF, "ERR__PARTITION_EOF"),
            (codes::UNKNOWN_PARTITION, "ERR__UNKNOWN_PARTITION"),
            (codes::UNKNOWN_TOPIC, "ERR__UNKNOWN_TOPIC"),
            (codes::ALL_BROKERS_DOWN, "ERR__ALL_BROKERS_DOWN"),
            (codes::INVALID_ARG, "ERR__INVALID_ARG"),
            (codes::QUEUE_FULL, "ERR__QUEUE_FULL"),
            (codes::SSL, "ERR__SSL"),
            (codes::WAIT_COORD, "ERR__WAIT_COORD"),
            (codes::ASSIGN_PARTITIONS, "ERR__ASSIGN_PARTITIONS"),
            (codes::REVOKE_PARTITIONS, "ERR__REVOKE_PARTITIONS"),
            (codes::STATE, "ERR__STATE"),
            (codes::AUTHENTICATION, "ERR__AUTHENTICATION"),
            (codes::NO_OFFSET, "ERR__NO_OFFSET"),
            (codes::TRANSPORT, "ERR__TRANSPORT"),
            (codes::FATAL, "ERR__FATAL"),
        ] {
            assert_eq!(KafkaError::from_code(code).name, name);
        }
    }
}
