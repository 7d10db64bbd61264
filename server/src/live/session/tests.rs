//! A session of a small lesson, told what to do.

use super::*;
use crate::live::{CreateRequest, Sessions};
use crossbeam_channel::unbounded;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
const PAGE: &str = "https://example.org/poll";

/// A session that is ready, waits to be told to start, and begins again at its end.
struct Stage {
    sessions: Arc<Sessions>,
    session: Arc<Session>,
    states: Receiver<State>,
    _folder: tempfile::TempDir,
}

impl Stage {
    fn open(room: &str) -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let slide = |text: &str| format!("- {{ color: \"#204060\", narration: {text} }}\n");
        let slides: String = ["Look at this.", "And at that.", "Thank you."].map(slide).concat();
        std::fs::write(folder.path().join("lesson.yaml"), format!("version: 1\nslides:\n{slides}")).unwrap();
        let (told, states) = unbounded();
        let on_state: OnState = Arc::new(move |_, state| _ = told.send(state));
        let sessions = Arc::new(Sessions::new(Some(folder.path().into()), None, false, on_state));
        let asked = json!({ "room": room, "lesson": "lesson.yaml", "size": "320x180", "fps": "15", "loop": true });
        let request: CreateRequest = serde_json::from_value(asked).unwrap();
        let session = sessions.create(&request).unwrap_or_else(|error| panic!("{error}"));
        let stage = Stage { sessions, session, states, _folder: folder };
        assert_eq!([stage.next(), stage.next()], [State::Preparing, State::Ready]);
        stage
    }

    /// The state that it goes over into next.
    fn next(&self) -> State {
        self.states.recv_timeout(PATIENCE).expect("a change of state")
    }

    fn tell(&self, command: &Command) {
        self.session.command(command).unwrap_or_else(|error| panic!("{command:?}: {error}"));
    }

    /// A data message of a LiveKit room.
    fn hear(&self, author: bool, payload: Value) {
        self.session.hear_data(&json!({ "from": "somebody", "author": author, "topic": "avatar_events", "payload": payload }));
    }

    /// Its state, and the page that is shown.
    fn stands(&self) -> (State, Option<String>) {
        (self.session.state(), self.session.now().embed)
    }

    fn close(self) {
        assert!(self.sessions.end(self.session.name()));
        assert_eq!(self.next(), State::Ended);
    }
}

fn embed() -> Command {
    Command::Embed { url: PAGE.into() }
}

#[test]
fn a_page_is_left_by_every_command_that_goes_on_with_the_lecture() {
    let stage = Stage::open("pages");
    stage.tell(&Command::Start);
    assert_eq!(stage.next(), State::Live);
    let ways = [Command::ResumeEmbed, Command::Resume, Command::Next, Command::Previous, Command::Goto { slide: 2 }];
    for way in &ways {
        stage.tell(&embed());
        assert_eq!((stage.next(), stage.stands()), (State::Paused, (State::Paused, Some(PAGE.into()))));
        // These leave it where it is.
        stage.tell(&Command::Pause);
        stage.tell(&Command::Start);
        assert_eq!(stage.stands(), (State::Paused, Some(PAGE.into())));
        stage.tell(way);
        assert_eq!((stage.next(), stage.stands()), (State::Live, (State::Live, None)), "{way:?}");
        assert!(!stage.session.shows_embed.load(Ordering::SeqCst), "{way:?}");
    }
    stage.close();
}

#[test]
fn viewers_of_a_livekit_room_send_two_messages_and_authors_commands_too() {
    let stage = Stage::open("messages");
    stage.hear(false, json!({ "command": "start" }));
    assert_eq!(stage.stands(), (State::Ready, None), "a viewer commands nothing");
    stage.hear(false, json!({ "message": "goLive" }));
    assert_eq!(stage.next(), State::Live);

    for command in [json!({ "command": "embed", "url": PAGE }), json!({ "command": "pause" }), json!({ "command": "stop" })] {
        stage.hear(false, command);
        // What says nothing of its sender is a viewer's.
        stage.session.hear_data(&json!({ "from": "", "payload": { "command": "pause" } }));
        assert_eq!(stage.stands(), (State::Live, None));
    }
    stage.hear(true, json!({ "command": "embed", "url": PAGE }));
    assert_eq!((stage.next(), stage.stands()), (State::Paused, (State::Paused, Some(PAGE.into()))));
    for command in [json!({ "command": "resume_embed" }), json!({ "command": "next" }), json!({ "message": "streamEnd" })] {
        stage.hear(false, command);
        assert_eq!(stage.stands(), (State::Paused, Some(PAGE.into())));
    }
    stage.hear(false, json!({ "id": "1", "message": "resumeStream", "timestamp": 1 }));
    assert_eq!((stage.next(), stage.stands()), (State::Live, (State::Live, None)));

    // A pause of the author's is none of theirs.
    stage.hear(true, json!({ "command": "pause" }));
    assert_eq!(stage.next(), State::Paused);
    for message in ["resumeStream", "goLive"] {
        stage.hear(false, json!({ "message": message }));
        assert_eq!(stage.stands(), (State::Paused, None));
    }
    // What is no command does nothing.
    for nonsense in [json!({ "command": "dance" }), json!("resume"), json!(null), json!({ "message": 7 })] {
        stage.hear(true, nonsense);
    }
    stage.hear(true, json!({ "command": "resume" }));
    assert_eq!(stage.next(), State::Live);
    stage.close();
}
