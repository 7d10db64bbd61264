//! Which of the waiting stages is next: of the most urgent ones, that of the owner who has the fewest at work, and of equals who was served
//! longest ago. Of one owner, jobs that have begun go on before others begin, and those come in their order.

use crate::ledger::{JobId, Ticket};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, VecDeque};

type Owner = Option<String>;

/// See the module docs.
#[derive(Default)]
pub struct Queue {
    waiting: BTreeMap<Reverse<i64>, HashMap<Owner, VecDeque<Ticket>>>,
    /// Stages at work.
    at_work: HashMap<Owner, usize>,
    /// When an owner was served last, as a count of all servings.
    served: HashMap<Owner, u64>,
    servings: u64,
}

impl Queue {
    /// A stage waits.
    pub fn push(&mut self, ticket: Ticket) {
        let line = self.waiting.entry(Reverse(ticket.priority)).or_default().entry(ticket.owner.clone()).or_default();
        match ticket.position {
            0 => line.push_back(ticket),
            _ => {
                // Behind others of its kind, so that none of them is overtaken for ever.
                let begun = line.iter().take_while(|waiting| waiting.position > 0).count();
                line.insert(begun, ticket);
            }
        }
    }

    /// Takes the next one; it is at work until [`done`](Queue::done).
    pub fn pop(&mut self) -> Option<Ticket> {
        let mut urgent = self.waiting.first_entry()?;
        let lines = urgent.get_mut();
        let turn = |owner: &Owner| (self.at_work.get(owner).copied().unwrap_or(0), self.served.get(owner).copied().unwrap_or(0));
        // Names decide between those who were never served, so that the order does not depend on the map.
        let owner = lines.keys().min_by(|a, b| turn(a).cmp(&turn(b)).then_with(|| a.cmp(b)))?.clone();
        let line = lines.get_mut(&owner)?;
        let ticket = line.pop_front();
        if line.is_empty() {
            lines.remove(&owner);
        }
        if lines.is_empty() {
            urgent.remove();
        }
        self.begun(&owner);
        ticket
    }

    /// A stage of this owner is at work.
    pub fn begun(&mut self, owner: &Owner) {
        self.servings += 1;
        *self.at_work.entry(owner.clone()).or_default() += 1;
        self.served.insert(owner.clone(), self.servings);
    }

    /// A stage of this owner is at work no more.
    pub fn done(&mut self, owner: &Owner) {
        if let Some(count) = self.at_work.get_mut(owner) {
            *count -= 1;
            if *count == 0 {
                self.at_work.remove(owner);
            }
        }
        // Who has waited through as many servings as there are owners to remember is as good as new.
        if self.served.len() > 1000 {
            let newest = self.servings;
            self.served.retain(|_, last| newest - *last < 500);
        }
    }

    /// Forgets what waits for a job.
    pub fn remove(&mut self, job: JobId) {
        for lines in self.waiting.values_mut() {
            for line in lines.values_mut() {
                line.retain(|ticket| ticket.job != job);
            }
            lines.retain(|_, line| !line.is_empty());
        }
        self.waiting.retain(|_, lines| !lines.is_empty());
    }

    /// Forgets all that waits.
    pub fn clear(&mut self) {
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn ticket(owner: &str, priority: i64, position: u32) -> Ticket {
        Ticket { job: JobId::new(), position, stage: "s".into(), attempt: 1, owner: Some(owner.into()), priority, task: Value::Null }
    }

    fn owners(queue: &mut Queue) -> Vec<String> {
        std::iter::from_fn(|| queue.pop()).filter_map(|ticket| ticket.owner).collect()
    }

    #[test]
    fn owners_share_and_urgent_ones_go_first() {
        let mut queue = Queue::default();
        for _ in 0..4 {
            queue.push(ticket("ann", 0, 0));
        }
        queue.push(ticket("bob", 0, 0));
        queue.push(ticket("cy", 0, 0));
        queue.push(ticket("ann", 5, 0));
        assert_eq!(owners(&mut queue), ["ann", "bob", "cy", "ann", "ann", "ann", "ann"]);
    }

    #[test]
    fn who_has_fewer_at_work_goes_first() {
        let mut queue = Queue::default();
        for owner in ["ann", "ann", "bob", "bob"] {
            queue.push(ticket(owner, 0, 0));
        }
        let first = queue.pop().unwrap();
        assert_eq!(first.owner.as_deref(), Some("ann"));
        assert_eq!(queue.pop().unwrap().owner.as_deref(), Some("bob"));
        queue.done(&Some("bob".into()));
        // Bob was served later, but ann still has one at work.
        assert_eq!(owners(&mut queue), ["bob", "ann"]);
    }

    #[test]
    fn what_has_begun_goes_on_and_order_is_kept() {
        let mut queue = Queue::default();
        let all = [ticket("ann", 0, 0), ticket("ann", 0, 0), ticket("ann", 0, 1), ticket("ann", 0, 2)];
        all.iter().for_each(|ticket| queue.push(ticket.clone()));
        let order: Vec<Ticket> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(order, [&all[2], &all[3], &all[0], &all[1]].map(Clone::clone));
    }

    #[test]
    fn what_was_cancelled_waits_no_more() {
        let mut queue = Queue::default();
        let (one, other) = (ticket("ann", 0, 0), ticket("ann", 3, 0));
        queue.push(one.clone());
        queue.push(other.clone());
        queue.remove(other.job);
        assert_eq!(queue.pop(), Some(one));
        assert_eq!(queue.pop(), None);
    }
}
