//! What waits and what is out, for heavy and light stages apart: a heavy one never keeps a light one waiting.

use super::queue::Queue;
use crate::ledger::{JobId, Ticket};
use crate::worker::{Class, Task};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Job, stage, attempt: what a worker holds.
pub type Key = (JobId, u32, u32);

/// The key of a ticket.
pub fn key(ticket: &Ticket) -> Key {
    (ticket.job, ticket.position, ticket.attempt)
}

/// How many stages may be out at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Of those that keep processors busy.
    pub heavy: usize,
    /// Of the others.
    pub light: usize,
}

/// See the module docs. `T` is what is kept of a stage that is out.
pub struct Lanes<T> {
    heavy: Lane,
    light: Lane,
    out: HashMap<Key, Out<T>>,
    draining: bool,
}

#[derive(Default)]
struct Lane {
    queue: Queue,
    out: usize,
    room: usize,
}

struct Out<T> {
    class: Class,
    owner: Option<String>,
    held: T,
}

impl<T> Lanes<T> {
    /// Empty ones.
    pub fn new(room: Room) -> Lanes<T> {
        let mut lanes = Lanes { heavy: Lane::default(), light: Lane::default(), out: HashMap::new(), draining: false };
        lanes.set_room(room);
        lanes
    }

    /// So many may be out from now on; those that are stay so.
    pub fn set_room(&mut self, room: Room) {
        self.heavy.room = room.heavy;
        self.light.room = room.light;
    }

    fn lane(&mut self, class: Class) -> &mut Lane {
        match class {
            Class::Heavy => &mut self.heavy,
            Class::Light => &mut self.light,
        }
    }

    /// A stage waits.
    pub fn push(&mut self, ticket: Ticket) {
        self.lane(Task::class_of(&ticket.task)).queue.push(ticket);
    }

    /// Takes the next stage for which there is room; it is out until [`done`](Lanes::done), and `hold` says what is kept of it.
    pub fn next(&mut self, hold: impl FnOnce(&Ticket) -> T) -> Option<Ticket> {
        for class in [Class::Light, Class::Heavy] {
            while !self.draining && self.lane(class).out < self.lane(class).room {
                let Some(ticket) = self.lane(class).queue.pop() else { break };
                if self.out.contains_key(&key(&ticket)) {
                    // It was offered twice.
                    self.lane(class).queue.done(&ticket.owner);
                    continue;
                }
                self.lane(class).out += 1;
                self.out.insert(key(&ticket), Out { class, owner: ticket.owner.clone(), held: hold(&ticket) });
                return Some(ticket);
            }
        }
        None
    }

    /// A stage is out without having been taken from here, whether there is room or not.
    pub fn hold(&mut self, ticket: &Ticket, held: T) {
        self.done(key(ticket));
        let class = Task::class_of(&ticket.task);
        let lane = self.lane(class);
        lane.out += 1;
        lane.queue.begun(&ticket.owner);
        self.out.insert(key(ticket), Out { class, owner: ticket.owner.clone(), held });
    }

    /// A stage is out no more; what was kept of it.
    pub fn done(&mut self, key: Key) -> Option<T> {
        let Out { class, owner, held } = self.out.remove(&key)?;
        let lane = self.lane(class);
        lane.out -= 1;
        lane.queue.done(&owner);
        Some(held)
    }

    /// What is kept of the stages that are out.
    pub fn out(&mut self) -> impl Iterator<Item = (Key, &mut T)> {
        self.out.iter_mut().map(|(key, out)| (*key, &mut out.held))
    }

    /// Forgets what waits for a job.
    pub fn forget(&mut self, job: JobId) {
        self.heavy.queue.remove(job);
        self.light.queue.remove(job);
    }

    /// Nothing more goes out.
    pub fn drain(&mut self) {
        self.draining = true;
        self.heavy.queue.clear();
        self.light.queue.clear();
    }

    /// It was told to drain.
    pub fn is_draining(&self) -> bool {
        self.draining
    }
}
