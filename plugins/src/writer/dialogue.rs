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

/// The two parts, in the order of their names.
const PARTS: [Speaks; 2] = [Speaks::Host, Speaks::Guest];

/// The names of host and guest that a script calls so, empty for others: for [`turns`], which finds out who takes the part.
pub fn cast(script: &str) -> [String; 2] {
    let mut names = <[String; 2]>::default();
    for (name, _) in script.lines().filter_map(labelled) {
        for (part, own) in PARTS.iter().zip(&mut names) {
            if own.is_empty() && part.name().eq_ignore_ascii_case(name) {
                name.clone_into(own);
            }
        }
    }
    names
}

/// Reads the turns of a script, or of a part of it. `names` are its [`cast`]; who has a name of their own gets the part that is left, in the
/// order in which they first speak. Lines without a name go on with the turn before.
///
/// # Errors
/// Why it cannot be read: nobody speaks first, or there are more than two.
pub fn turns(script: &str, names: &mut [String; 2]) -> Result<Vec<Turn>, String> {
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
    PARTS.iter().any(|part| part.name().eq_ignore_ascii_case(name))
}

fn who(name: &str, names: &mut [String; 2]) -> Result<Speaks, String> {
    if let Some(part) = PARTS.into_iter().find(|part| part.name().eq_ignore_ascii_case(name)) {
        return Ok(part);
    }
    let known = names.iter().position(|known| known.eq_ignore_ascii_case(name));
    let Some(index) = known.or_else(|| names.iter().position(String::is_empty)) else {
        return Err(format!(
            "{name:?} is a third speaker beside {} and {}; a conversation has two: give the line to one of them, or, if {name:?} is no name, \
             write it without the colon",
            names[0], names[1]
        ));
    };
    if known.is_none() {
        name.clone_into(&mut names[index]);
    }
    Ok(PARTS[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(script: &str) -> Result<Vec<(Speaks, String)>, String> {
        Ok(turns(script, &mut cast(script))?.into_iter().map(|turn| (turn.who, turn.text)).collect())
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
        let mixed = parts("Anna: One.\nHOST: Two.\nANNA: Three.").unwrap();
        assert_eq!(mixed.iter().map(|(part, _)| *part).collect::<Vec<_>>(), [Speaks::Guest, Speaks::Host, Speaks::Guest]);
    }

    #[test]
    fn what_is_no_conversation_is_refused() {
        assert!(parts("Just a text.").unwrap_err().contains("begin it with HOST:"));
        assert!(parts("Ann: a\nBen: b\nCid: c").unwrap_err().contains("\"Cid\" is a third speaker beside Ann and Ben"));
        assert!(parts("HOST: a\nGUEST: b\nANNA: c").unwrap_err().contains("\"ANNA\" is a third speaker beside HOST and GUEST"));
        assert_eq!(
            (speaker("note: small"), speaker("https://example.org"), speaker("We need four more words here: x")),
            (None, None, None)
        );
    }
}
