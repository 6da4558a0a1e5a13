//! What a member owns: rebalances wait for JavaScript's answer, and every assigned partition has its state.

#![deny(unsafe_code)]

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::Arc;

use super::event::{Rebalance, RebalanceKind, TopicPartition};
use super::ffi::{Partition, Queue};

/// A partition that this member owns.
pub struct Owned {
    /// Forwarded to the message queue for as long as the partition is owned.
    pub _queue: Queue,
    /// Of the last seek; the sections of a frame carry it, so that JavaScript can tell what was fetched before.
    pub epoch: i32,
    /// The next offset by what JavaScript was given, the furthest since the last seek; -1 before that.
    pub position: Arc<AtomicI64>,
}

/// The partitions owned now, and the rebalances not yet answered.
#[derive(Default)]
pub struct Membership {
    pub owned: HashMap<String, HashMap<i32, Owned>>,
    pending: VecDeque<Pending>,
    generation: i32,
}

pub struct Pending {
    pub generation: i32,
    pub kind: RebalanceKind,
    pub cooperative: bool,
    pub partitions: Vec<Partition>,
}

impl Membership {
    /// Frames carry it; what was fetched under an older one is stale.
    pub fn generation(&self) -> i32 {
        self.generation
    }

    /// Notes a rebalance and makes the event that asks JavaScript about it.
    pub fn begin(
        &mut self,
        kind: RebalanceKind,
        lost: bool,
        cooperative: bool,
        partitions: Vec<Partition>,
    ) -> Rebalance {
        self.generation += 1;
        let names = partitions.iter().map(|p| TopicPartition { topic: p.topic.clone(), partition: p.partition });
        let event = Rebalance {
            kind,
            lost,
            cooperative,
            generation: self.generation,
            partitions: names.collect(),
            member: None,
        };
        self.pending.push_back(Pending { generation: self.generation, kind, cooperative, partitions });
        event
    }

    /// The rebalance that an answer is for; older ones are thereby answered too (JavaScript answers in order).
    pub fn answered(&mut self, generation: i32, kind: RebalanceKind) -> Option<Pending> {
        let known = self.pending.iter().any(|pending| pending.generation == generation && pending.kind == kind);
        if !known {
            return None;
        }
        while let Some(pending) = self.pending.pop_front() {
            if pending.generation == generation {
                return Some(pending);
            }
        }
        None
    }

    pub fn take_pending(&mut self) -> Vec<Pending> {
        self.pending.drain(..).collect()
    }

    /// Whether messages would only be thrown away: everything owned is about to be given up.
    pub fn is_revoking_all(&self) -> bool {
        self.pending.iter().any(|pending| pending.kind == RebalanceKind::Revoke && !pending.cooperative)
    }

    pub fn epoch(&self, topic: &str, partition: i32) -> i32 {
        self.owned.get(topic).and_then(|partitions| partitions.get(&partition)).map_or(0, |owned| owned.epoch)
    }

    pub fn set_epoch(&mut self, topic: &str, partition: i32, epoch: i32) -> bool {
        match self.owned.get_mut(topic).and_then(|partitions| partitions.get_mut(&partition)) {
            Some(owned) => {
                owned.epoch = epoch;
                owned.position.store(-1, Ordering::Relaxed);
                true
            }
            None => false,
        }
    }

    pub fn position(&self, topic: &str, partition: i32) -> Option<Arc<AtomicI64>> {
        Some(Arc::clone(&self.owned.get(topic)?.get(&partition)?.position))
    }

    pub fn all_owned(&self) -> Vec<Partition> {
        let of_topic = |(topic, partitions): (&String, &HashMap<i32, Owned>)| {
            partitions.keys().map(|&partition| Partition::new(topic, partition)).collect::<Vec<_>>()
        };
        self.owned.iter().flat_map(of_topic).collect()
    }

    /// Of these positions of the fetchers those further than what JavaScript knows, which then knows them.
    pub fn advanced(&self, positions: Vec<Partition>) -> Vec<Partition> {
        let further = |one: &Partition| {
            let known = self.position(&one.topic, one.partition);
            one.offset >= 0 && known.is_some_and(|known| known.fetch_max(one.offset, Ordering::Relaxed) < one.offset)
        };
        positions.into_iter().filter(further).collect()
    }

    pub fn owns_nothing(&self) -> bool {
        self.owned.values().all(HashMap::is_empty)
    }

    pub fn owns(&self, topic: &str, partition: i32) -> bool {
        self.owned.get(topic).is_some_and(|partitions| partitions.contains_key(&partition))
    }

    pub fn own(&mut self, topic: &str, partition: i32, queue: Queue) {
        self.owned
            .entry(topic.to_owned())
            .or_default()
            .insert(partition, Owned { _queue: queue, epoch: 0, position: Arc::new(AtomicI64::new(-1)) });
    }

    pub fn disown(&mut self, partitions: &[Partition]) {
        for Partition { topic, partition, .. } in partitions {
            if let Some(owned) = self.owned.get_mut(topic) {
                owned.remove(partition);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_only_for_a_rebalance_that_was_asked_about() {
        let mut membership = Membership::default();
        let partitions = vec![Partition::new("t", 0)];
        let first = membership.begin(RebalanceKind::Assign, false, false, partitions.clone());
        assert!(membership.answered(first.generation, RebalanceKind::Revoke).is_none());
        assert_eq!(membership.answered(first.generation, RebalanceKind::Assign).unwrap().partitions, partitions);
        assert!(membership.answered(first.generation, RebalanceKind::Assign).is_none());
    }

    #[test]
    fn an_eager_revocation_holds_messages_back_until_it_is_answered() {
        let mut membership = Membership::default();
        let cooperative = membership.begin(RebalanceKind::Revoke, false, true, vec![]);
        assert!(!membership.is_revoking_all());
        let eager = membership.begin(RebalanceKind::Revoke, true, false, vec![]);
        assert!(membership.is_revoking_all());
        assert!(eager.generation > cooperative.generation);
        membership.answered(eager.generation, RebalanceKind::Revoke);
        assert!(!membership.is_revoking_all() && membership.take_pending().is_empty());
    }
}
