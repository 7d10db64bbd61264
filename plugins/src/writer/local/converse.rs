//! A conversation by rules: the host opens each chapter and asks what the text asks, the guest explains. Nothing is added but the words
//! between chapters.

use super::super::dialogue::{Scene, Speaks, Turn};
use super::super::sentences::sentences;
use super::phrases::Phrases;

/// Sentences that the guest says in one go before the host takes one over.
const EXPLAINS: usize = 3;

/// The turns of each scene. Scenes without a text stay empty.
pub(in crate::writer) fn converse(scenes: &[Scene], language: &str) -> Vec<Vec<Turn>> {
    let phrases = Phrases::of(language);
    let said = |scene: &&Scene| !scene.text.trim().is_empty();
    let first = scenes.iter().position(|scene| said(&scene));
    let last = scenes.iter().rposition(|scene| said(&scene));
    let scene = |(index, scene): (usize, &Scene)| {
        let lines: Vec<String> = scene.text.lines().flat_map(sentences).collect();
        if lines.is_empty() {
            return Vec::new();
        }
        let mut turns: Vec<Turn> = Vec::new();
        let mut say = |who: Speaks, text: &str| match turns.last_mut().filter(|turn| turn.who == who) {
            Some(turn) => {
                turn.text.push(' ');
                turn.text.push_str(text);
            }
            None => turns.push(Turn { who, text: text.to_owned() }),
        };
        let is_edge = Some(index) == first || Some(index) == last;
        // A greeting, an overview and thanks are the host's.
        if is_edge && lines.len() <= EXPLAINS {
            lines.iter().for_each(|line| say(Speaks::Host, line));
            return turns;
        }
        // Slides that go on under one title are one chapter.
        let mut opening = index;
        while opening > 0 && goes_on(&scenes[opening].title, &scenes[opening - 1].title) {
            opening -= 1;
        }
        let is_named = scenes[opening..index].iter().any(|scene| said(&scene));
        let title = scenes[opening].title.trim_end_matches(['.', '。', '…']).trim();
        let named = phrases.filter(|_| Some(index) != first && !is_named && !title.is_empty() && !lines[0].contains(title));
        if let Some(phrases) = named {
            say(Speaks::Host, &phrases.turn_to.replace("{}", title));
        }
        // Without a phrase of its own the first sentence leads in.
        for (line, who) in lines.iter().zip(shared(&lines, named.is_none())) {
            say(who, line);
        }
        turns
    };
    scenes.iter().enumerate().map(scene).collect()
}

/// A slide goes on under the title of the one before, and is counted: `Method (2)`.
fn goes_on(title: &str, before: &str) -> bool {
    let counted = |title: &str| {
        let (name, number) = title.strip_suffix(')')?.rsplit_once(" (")?;
        Some((name.to_owned(), number.parse::<usize>().ok()?))
    };
    counted(title).is_some_and(|(name, number)| name == before && number == 2 || number > 2 && counted(before) == Some((name, number - 1)))
}

/// Who says each sentence: questions are the host's, and after some of the guest's one more; with `opens` the first one, too.
fn shared(lines: &[String], opens: bool) -> Vec<Speaks> {
    let mut explained = 0;
    let who = |(index, line): (usize, &String)| {
        let asks = line.trim_end_matches(['"', '”', '»']).ends_with(['?', '？', '؟']);
        let is_last = index + 1 == lines.len();
        if asks || index == 0 && opens && !is_last || explained == EXPLAINS && !is_last {
            explained = 0;
            return Speaks::Host;
        }
        explained += 1;
        Speaks::Guest
    };
    lines.iter().enumerate().map(who).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene(title: &str, text: &str) -> Scene {
        Scene { title: title.into(), text: text.into() }
    }

    #[test]
    fn the_host_leads_and_asks_and_the_guest_explains() {
        let scenes = [
            scene("Boats", "Welcome. This lecture is about boats."),
            scene("Sails", "A sail is a wing. It bends. It pulls. It turns. Why does it pull? The air bends.\nSo does the boat."),
            scene("Empty", ""),
            scene("Thanks", "Thank you."),
        ];
        let turns = converse(&scenes, "en");
        let flat = |turns: &[Turn]| turns.iter().map(|turn| format!("{:?}: {}", turn.who, turn.text)).collect::<Vec<_>>();
        assert_eq!(flat(&turns[0]), ["Host: Welcome. This lecture is about boats."]);
        assert_eq!(
            flat(&turns[1]),
            [
                "Host: Let us turn to this: Sails.",
                "Guest: A sail is a wing. It bends. It pulls.",
                "Host: It turns. Why does it pull?",
                "Guest: The air bends. So does the boat."
            ]
        );
        assert!(turns[2].is_empty());
        assert_eq!(flat(&turns[3]), ["Host: Thank you."]);
    }

    #[test]
    fn numbers_of_slides_are_not_said() {
        let text = "They are red. They smell. Bees like them.";
        let scenes = ["Hello", "Flowers", "Flowers (2)", "Flowers (3)", "Vatican (2)", "End"].map(|title| scene(title, text));
        let said: Vec<String> = converse(&scenes, "en").iter().map(|turns| turns[0].text.clone()).collect();
        assert_eq!(said[1], "Let us turn to this: Flowers.");
        assert_eq!((said[2].as_str(), said[3].as_str()), ("They are red.", "They are red."));
        assert_eq!(said[4], "Let us turn to this: Vatican (2).");
        let silent = [scene("Hello", text), scene("Flowers", ""), scene("Flowers (2)", text), scene("End", text)];
        assert_eq!(converse(&silent, "en")[2][0].text, "Let us turn to this: Flowers.");
    }

    #[test]
    fn every_sentence_is_said_once_in_any_language() {
        let text = "Eins. Zwei! Drei? Vier. Fünf. Sechs. Sieben. Acht.";
        for language in ["de", "xx", "ja"] {
            let turns = converse(&[scene("A", text), scene("B", text), scene("C", text)], language);
            for (index, turns) in turns.iter().enumerate() {
                let all = turns.iter().map(|turn| turn.text.as_str()).collect::<Vec<_>>().join(" ");
                assert!(all.ends_with(text), "{language} {index}: {all}");
                assert!(turns.windows(2).all(|pair| pair[0].who != pair[1].who) && turns.len() > 2);
            }
        }
    }
}
