//! Which sentences matter: by the weight of their words in the whole text, by their place, and by what the heading says.
//!
//! The weight of a word is its frequency times the logarithm of its rarity among sentences (tf-idf over sentences; Salton and Buckley,
//! 1988), which needs no list of stop words and so works in every language.

use super::super::brief::Wishes;
use super::super::content::Content;
use super::super::sentences::{likeness, terms};
use std::collections::{BTreeMap, BTreeSet};

/// A sentence with its worth.
#[derive(Clone, Debug)]
pub(super) struct Scored {
    pub text: String,
    /// Begins a paragraph or an item of a list.
    pub first: bool,
    /// Comparable within one content; higher is better.
    pub score: f64,
}

/// A statement repeats another when so many of its terms are the same.
const SAME: f64 = 0.7;

/// The sentences of each passage in order, scored; what is not wanted is left out, and what repeats an earlier one unless `repeats`
/// are welcome.
pub(super) fn score(content: &Content, wishes: &Wishes, repeats: bool) -> Vec<Vec<Scored>> {
    let said: Vec<Vec<(bool, String)>> = content.passages.iter().map(|passage| passage.said()).collect();
    let mut rarity: BTreeMap<String, f64> = BTreeMap::new();
    let mut frequency: BTreeMap<String, f64> = BTreeMap::new();
    let mut count = 0.0;
    for (_, sentence) in said.iter().flatten() {
        let all = terms(sentence);
        all.iter().for_each(|term| *frequency.entry(term.clone()).or_default() += 1.0);
        all.into_iter().collect::<BTreeSet<_>>().into_iter().for_each(|term| *rarity.entry(term).or_default() += 1.0);
        count += 1.0;
    }
    let weight = |term: &String| {
        let (often, rare) = (frequency.get(term).copied().unwrap_or(0.0), rarity.get(term).copied().unwrap_or(1.0));
        (1.0 + often).ln() * (1.0 + count / rare).ln()
    };
    let mut known: Vec<BTreeSet<String>> = Vec::new();
    let mut scored = Vec::new();
    for (passage, sentences) in content.passages.iter().zip(said) {
        let heading: BTreeSet<String> = terms(&format!("{} {}", passage.heading, content.title)).into_iter().collect();
        let dropped = wishes.drops(&passage.heading) || wishes.drops(&passage.chapter);
        let favoured = wishes.favours(&passage.heading) || wishes.favours(&passage.chapter);
        let last = sentences.len().saturating_sub(1);
        let mut kept = Vec::new();
        for (index, (first, text)) in sentences.into_iter().enumerate() {
            let own: BTreeSet<String> = terms(&text).into_iter().collect();
            let unwanted = dropped || wishes.drops(&text) || (wishes.only && !favoured && !wishes.favours(&text));
            // Of short statements two may look alike and say different things.
            let repeated = !repeats
                && own.len() >= 5
                && known.iter().any(|earlier| numbers(earlier).eq(numbers(&own)) && likeness(earlier, &own) >= SAME);
            if unwanted || repeated {
                continue;
            }
            let density = own.iter().map(weight).sum::<f64>() / (own.len().max(4) as f64);
            let place = match index {
                0 => 0.4,
                _ if first => 0.2,
                _ if index == last => 0.1,
                _ => 0.0,
            };
            let shared = own.intersection(&heading).count() as f64 / heading.len().max(1) as f64;
            let length = match own.len() {
                0..=2 => -0.3,
                31.. => -0.2,
                _ => 0.0,
            };
            let asks = if text.ends_with(['?', '？', '؟']) { -0.2 } else { 0.0 };
            let focus = if favoured || wishes.favours(&text) { 1.0 } else { 0.0 };
            // About 1 for a sentence of weight; the ratio keeps long and short texts comparable.
            let normal = density / (1.0 + count).ln().max(1.0);
            kept.push(Scored { score: normal + place + 0.5 * shared + length + asks + focus, text, first });
            known.push(own);
        }
        scored.push(kept);
    }
    scored
}

/// Statements that differ in a number are two.
fn numbers(terms: &BTreeSet<String>) -> impl Iterator<Item = &String> {
    terms.iter().filter(|term| term.chars().any(|c| c.is_ascii_digit()))
}

/// The best sentences whose lengths (as `cost` says) fit into `budget`, in their own order; the best one comes even if it does not.
pub(super) fn best(sentences: &[Scored], budget: f64, cost: impl Fn(&Scored) -> f64) -> Vec<Scored> {
    let mut order: Vec<usize> = (0..sentences.len()).collect();
    order.sort_by(|a, b| sentences[*b].score.total_cmp(&sentences[*a].score).then(a.cmp(b)));
    let mut left = budget;
    let mut chosen = BTreeSet::new();
    for index in order {
        let cost = cost(&sentences[index]);
        if cost <= left || chosen.is_empty() {
            left -= cost;
            chosen.insert(index);
        }
    }
    chosen.into_iter().map(|index| sentences[index].clone()).collect()
}
