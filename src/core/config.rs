//! librdkafka properties as the user's options became them.

#![deny(unsafe_code)]

/// Names and values, set in order. Names that begin with `kafka-oxide.` are for this crate and unknown to librdkafka.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config(Vec<(String, String)>);

/// The name that the brokers' certificates have to be for, instead of the name of each broker's host.
pub const SERVER_NAME: &str = "kafka-oxide.server.name";
/// `true`: tokens for OAUTHBEARER come from JavaScript, asked for by `Event::TokenRefresh`.
pub const TOKEN_EVENTS: &str = "kafka-oxide.token.events";
const OWN_PREFIX: &str = "kafka-oxide.";

impl Config {
    /// What librdkafka is to be told.
    pub fn librdkafka(&self) -> impl Iterator<Item = (&str, &str)> {
        self.iter().filter(|(name, _)| !name.starts_with(OWN_PREFIX))
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// These properties and one more, which counts instead of any of that name.
    pub fn and(&self, name: &str, value: &str) -> Config {
        let mut properties = self.0.clone();
        properties.push((name.to_owned(), value.to_owned()));
        Config(properties)
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().filter(|(known, _)| *known == name).last().map(|(_, value)| value)
    }

    /// A property as a number, or `otherwise` when it is absent (librdkafka refuses what is no number).
    pub fn number(&self, name: &str, otherwise: u64) -> u64 {
        self.get(name).and_then(|value| value.parse().ok()).unwrap_or(otherwise)
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Config {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(properties: I) -> Self {
        Config(properties.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::error::codes;
    use crate::core::ffi::client::{check_config, properties};

    #[test]
    fn an_unknown_property_is_refused_by_name() {
        let error = check_config(&Config::from_iter([("linger.mss", "5")])).unwrap_err();
        assert_eq!(error.code, codes::INVALID_ARG);
        assert!(error.message.contains("linger.mss"), "{}", error.message);
    }

    #[test]
    fn a_bad_value_is_refused_with_its_range() {
        let error = check_config(&Config::from_iter([("message.max.bytes", "5")])).unwrap_err();
        assert!(error.message.contains("message.max.bytes"), "{}", error.message);
        assert!(error.message.contains("1000..1000000000"), "{}", error.message);
        let error = check_config(&Config::from_iter([("client.id", "a\0b")])).unwrap_err();
        assert!(error.message.contains("NUL"), "{}", error.message);
    }

    #[test]
    fn every_listed_property_is_known_to_librdkafka() {
        let list = properties();
        for known in ["bootstrap.servers", "linger.ms", "acks", "auto.offset.reset", "ssl.ca.pem"] {
            assert!(list.iter().any(|(name, _)| name == known), "{known} is not listed");
        }
        for (name, _) in list {
            if let Err(error) = check_config(&Config::from_iter([(name.as_str(), "x")])) {
                assert!(!error.message.contains("No such configuration property"), "{name}: {}", error.message);
            }
        }
    }

    #[test]
    fn own_properties_do_not_reach_librdkafka() {
        let config = Config::from_iter([(SERVER_NAME, "broker.test"), (TOKEN_EVENTS, "true"), ("linger.ms", "1")]);
        assert_eq!(config.librdkafka().collect::<Vec<_>>(), [("linger.ms", "1")]);
        assert!(check_config(&config).is_ok());
    }

    #[test]
    fn the_last_value_counts() {
        let config = Config::from_iter([("linger.ms", "1"), ("linger.ms", "2")]);
        assert_eq!(config.number("linger.ms", 0), 2);
        assert_eq!(config.number("batch.size", 7), 7);
    }
}
