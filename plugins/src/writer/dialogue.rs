//! Conversations of two: a host who asks and leads, and a guest who knows.

/// Who says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Speaks {
    /// Leads through the conversation.
    Host,
    /// Knows what it is about.
    Guest,
}

impl Speaks {
    /// `host` or `guest`.
    pub fn name(self) -> &'static str {
        match self {
            Speaks::Host => "host",
            Speaks::Guest => "guest",
        }
    }
}

/// What one of the two says in one go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Who.
    pub who: Speaks,
    /// What: plain text or speaker notes with marks.
    pub text: String,
}

/// What is talked about in one chapter of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scene {
    /// Its title; one line.
    pub title: String,
    /// What a single presenter would say.
    pub text: String,
}

/// Longest name of a speaker in a script, in characters.
const LONGEST_NAME: usize = 30;

/// The name of the speaker that starts a line of a script (`HOST: …`, `**Guest:** …`, `Ada Lovelace: …`), and what follows it.
pub fn speaker(line: &str) -> Option<(&str, &str)> {
    labelled(line).filter(|(name, _)| name.starts_with(|first: char| first.is_alphabetic() && !first.is_lowercase()))
}

/// The same for a name in any case.
fn labelled(line: &str) -> Option<(&str, &str)> {
    let bare = line.trim().trim_start_matches(['*', '_']);
    let (name, rest) = bare.split_once([':', '：'])?;
    let name = name.trim().trim_end_matches(['*', '_']);
    let words = name.split_whitespace().count();
    let is_name = (1..=3).contains(&words)
        && name.chars().count() <= LONGEST_NAME
        && name.chars().all(|ch| ch.is_alphanumeric() || " .'-".contains(ch));
    (is_name && !rest.starts_with("//")).then(|| (name, rest.trim_start_matches(['*', '_']).trim()))
}

/// Reads the turns of a script. `names` are the speakers met so far, the host first; `HOST` and `GUEST` are known, others get their part
/// in the order in which they first speak. Lines without a name go on with the turn before.
///
/// # Errors
/// Why it cannot be read: nobody speaks first, or there are more than two.
pub fn turns(script: &str, names: &mut Vec<String>) -> Result<Vec<Turn>, String> {
    let mut turns: Vec<Turn> = Vec::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        // Who is known may be written in any case; any other small word before a colon is no name.
        let known = |name: &str| is_part(name) || names.iter().any(|known| known.eq_ignore_ascii_case(name));
        let speaker = speaker(line).or_else(|| labelled(line).filter(|(name, _)| known(name)));
        match (speaker, turns.last_mut()) {
            (Some((name, text)), _) => turns.push(Turn { who: who(name, names)?, text: text.to_owned() }),
            (None, Some(turn)) => {
                if !turn.text.is_empty() {
                    turn.text.push('\n');
                }
                turn.text.push_str(line);
            }
            (None, None) => return Err(format!("nobody is named who says {line:?}; begin it with HOST: or GUEST:")),
        }
    }
    turns.retain(|turn| !turn.text.trim().is_empty());
    Ok(turns)
}

/// A part instead of a name.
fn is_part(name: &str) -> bool {
    [Speaks::Host, Speaks::Guest].iter().any(|part| part.name().eq_ignore_ascii_case(name))
}

fn who(name: &str, names: &mut Vec<String>) -> Result<Speaks, String> {
    if name.eq_ignore_ascii_case("host") {
        return Ok(Speaks::Host);
    }
    if name.eq_ignore_ascii_case("guest") {
        return Ok(Speaks::Guest);
    }
    let known = names.iter().position(|known| known.eq_ignore_ascii_case(name)).unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    });
    match known {
        0 => Ok(Speaks::Host),
        1 => Ok(Speaks::Guest),
        _ => Err(format!("{name:?} is a third speaker beside {} and {}; a conversation has two", names[0], names[1])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(script: &str) -> Result<Vec<(Speaks, String)>, String> {
        Ok(turns(script, &mut Vec::new())?.into_iter().map(|turn| (turn.who, turn.text)).collect())
    }

    #[test]
    fn scripts_are_read_by_the_names_before_the_lines() {
        let script = "HOST: Hello.\nAnd welcome.\n\nGuest: Hi: it is 3:45 now.\n**Host:** See https://example.org, then.";
        let read = parts(script).unwrap();
        let expected = [
            (Speaks::Host, "Hello.\nAnd welcome."),
            (Speaks::Guest, "Hi: it is 3:45 now."),
            (Speaks::Host, "See https://example.org, then."),
        ];
        assert_eq!(read.iter().map(|(part, text)| (*part, text.as_str())).collect::<Vec<_>>(), expected);
        let named = parts("Ada Lovelace: One.\nCharles: Two.\nada lovelace: Three.").unwrap();
        assert_eq!(named.iter().map(|(part, _)| *part).collect::<Vec<_>>(), [Speaks::Host, Speaks::Guest, Speaks::Host]);
    }

    #[test]
    fn what_is_no_conversation_is_refused() {
        assert!(parts("Just a text.").unwrap_err().contains("begin it with HOST:"));
        assert!(parts("Ann: a\nBen: b\nCid: c").unwrap_err().contains("\"Cid\" is a third speaker beside Ann and Ben"));
        assert_eq!(
            (speaker("note: small"), speaker("https://example.org"), speaker("We need four more words here: x")),
            (None, None, None)
        );
    }
}
