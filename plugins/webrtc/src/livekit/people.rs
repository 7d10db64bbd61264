//! Who is in the room, as its server says, and who of them may command the lecture.
//!
//! Everybody in a room may send data. Of whom a message comes is the server's word, and so is what that participant's token says ([`ROLE`]);
//! but it tells of those who only watch every few seconds, so that a command may come before. It waits until then.

use super::data::{Said, TOPIC};
use crate::token::{AUTHOR, ROLE};
use livekit_protocol::ParticipantInfo;
use livekit_protocol::participant_info::State;
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};

/// So many commands wait for word of who has sent them; the oldest is given up for one more.
const WAITING: usize = 32;

/// See the module docs.
#[derive(Default)]
pub(super) struct People {
    /// By identity: the server's id of the participant, and whether it is an author.
    known: HashMap<String, (String, bool)>,
    waiting: VecDeque<Said>,
}

impl People {
    /// The server tells who is there, or has left. What those have said of whom it tells now need not wait any more: it comes back as events.
    pub(super) fn note(&mut self, people: &[ParticipantInfo]) -> Vec<Value> {
        let mut events = Vec::new();
        for person in people {
            let author = is_author(person);
            let (theirs, others): (Vec<Said>, Vec<Said>) = self.waiting.drain(..).partition(|said| said.from == person.identity);
            self.waiting = others.into();
            events.extend(theirs.into_iter().map(|said| event(said, author)));
            if person.state() != State::Disconnected {
                self.known.insert(person.identity.clone(), (person.sid.clone(), author));
            } else if self.known.get(&person.identity).is_some_and(|(sid, _)| *sid == person.sid) {
                self.known.remove(&person.identity);
            }
        }
        events
    }

    /// Somebody has said something; comes back as an event, unless it waits.
    pub(super) fn hear(&mut self, said: Said) -> Option<Value> {
        if let Some((_, author)) = self.known.get(&said.from) {
            return Some(event(said, *author));
        }
        // Nobody needs a right for a message of a fixed kind, and of those who are hidden the server never tells.
        if said.payload.get("message").is_some() || said.from.is_empty() {
            return Some(event(said, false));
        }
        if self.waiting.len() == WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(said);
        None
    }
}

/// Its token says so, and it cannot have written that itself.
fn is_author(person: &ParticipantInfo) -> bool {
    let may_write = person.permission.as_ref().is_some_and(|permission| permission.can_update_metadata);
    !may_write && person.attributes.get(ROLE).is_some_and(|role| role == AUTHOR)
}

fn event(Said { from, payload }: Said, author: bool) -> Value {
    json!({ "data": { "from": from, "author": author, "topic": TOPIC, "payload": payload } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use livekit_protocol::ParticipantPermission;

    fn person(identity: &str, sid: &str, role: Option<&str>) -> ParticipantInfo {
        let attributes = role.map(|role| (ROLE.to_string(), role.to_string())).into_iter().collect();
        ParticipantInfo { identity: identity.into(), sid: sid.into(), attributes, ..Default::default() }
    }

    fn said(from: &str, payload: Value) -> Said {
        Said { from: from.into(), payload }
    }

    fn stop() -> Value {
        json!({ "command": "stop" })
    }

    #[test]
    fn those_whose_token_says_so_are_authors() {
        let mut people = People::default();
        people.note(&[person("ann", "1", Some("author")), person("eve", "2", None), person("bob", "3", Some("viewer"))]);
        let mut author = |from: &str| people.hear(said(from, stop())).unwrap()["data"]["author"].clone();
        assert_eq!([author("ann"), author("eve"), author("bob"), author("")], [true, false, false, false]);
        let event = people.hear(said("ann", stop())).unwrap();
        assert_eq!(event, json!({ "data": { "from": "ann", "author": true, "topic": TOPIC, "payload": stop() } }));
        // Who may write attributes may have written this one.
        let permission = Some(ParticipantPermission { can_update_metadata: true, ..Default::default() });
        people.note(&[ParticipantInfo { permission, ..person("ann", "1", Some("author")) }]);
        assert_eq!(people.hear(said("ann", stop())).unwrap()["data"]["author"], false);
    }

    #[test]
    fn a_command_waits_for_word_of_its_sender_and_an_event_does_not() {
        let mut people = People::default();
        let event = people.hear(said("eve", json!({ "message": "resumeStream" }))).unwrap();
        assert_eq!(event["data"]["author"], false);
        for from in ["ann", "eve", "ann"] {
            assert_eq!(people.hear(said(from, stop())), None);
        }
        let of = |events: &[Value]| -> Vec<(String, bool)> {
            events.iter().map(|event| (event["data"]["from"].as_str().unwrap().into(), event["data"]["author"] == true)).collect()
        };
        assert_eq!(of(&people.note(&[person("ann", "1", Some("author"))])), [("ann".to_string(), true), ("ann".to_string(), true)]);
        assert_eq!(of(&people.note(&[person("eve", "2", None)])), [("eve".to_string(), false)]);
        assert_eq!(people.note(&[person("eve", "2", None)]), Vec::<Value>::new(), "each once");
        for _ in 0..2 * WAITING {
            people.hear(said("nobody", stop()));
        }
        assert_eq!(people.waiting.len(), WAITING);
    }

    #[test]
    fn who_has_left_is_forgotten_and_who_came_back_is_not() {
        let gone = |sid: &str| ParticipantInfo { state: State::Disconnected as i32, ..person("ann", sid, Some("author")) };
        let mut people = People::default();
        people.note(&[person("ann", "1", Some("author"))]);
        people.note(&[gone("1")]);
        assert_eq!(people.hear(said("ann", stop())), None);
        // The word that an earlier one has left comes late.
        people.note(&[person("ann", "2", None), gone("1")]);
        assert_eq!(people.hear(said("ann", stop())).unwrap()["data"]["author"], false);
    }
}
