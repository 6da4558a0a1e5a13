//! The topics of a producer, by number.

#![deny(unsafe_code)]

use std::collections::HashMap;

/// Ids are given out for the life of the producer, before and across connections.
#[derive(Default)]
pub struct Names {
    list: Vec<Named>,
    ids: HashMap<String, u32>,
}

/// A topic and the properties that its handle is made with.
#[derive(Clone)]
pub struct Named {
    pub topic: String,
    pub properties: Vec<(String, String)>,
}

impl Names {
    /// The first call for a topic says its properties.
    pub fn id(&mut self, topic: &str, properties: Vec<(String, String)>) -> u32 {
        if let Some(&id) = self.ids.get(topic) {
            return id;
        }
        let id = self.list.len() as u32;
        self.list.push(Named { topic: topic.to_owned(), properties });
        self.ids.insert(topic.to_owned(), id);
        id
    }

    pub fn get(&self, id: u32) -> Option<Named> {
        self.list.get(id as usize).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_keeps_its_number_and_the_properties_it_was_first_given() {
        let mut names = Names::default();
        let gzip = vec![("compression.codec".to_owned(), "gzip".to_owned())];
        assert_eq!((names.id("a", gzip.clone()), names.id("b", Vec::new()), names.id("a", Vec::new())), (0, 1, 0));
        assert_eq!(names.get(0).unwrap().properties, gzip);
        assert!(names.get(2).is_none());
    }
}
