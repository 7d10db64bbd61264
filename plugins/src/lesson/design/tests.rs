use super::super::canvas::{Content, Object};
use super::super::content::Picture;
use super::super::hash::ContentHash;
use super::*;
use crate::drawing::TextBlock;

const SHORT: &str = "Short";
const LONG: &str = "A very long statement that goes on and on about the many things that a careful author wanted to say in one single line";
const CJK: &str = "機械学習は人工知能の一分野で、データから規則を見つけて新しい状況を判断する技術です。大量のデータと計算資源が必要です";
const ARABIC: &str = "التعلم الآلي فرع من فروع الذكاء الاصطناعي يتيح للحاسوب أن يتعلم من البيانات دون برمجة صريحة لكل حالة على حدة";
const WORD: &str =
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaftsdirektorenstellvertreterinnenversammlungsprotokoll";

fn exhibits(text: &str) -> Vec<Option<Exhibit>> {
    let row = |count: usize| (0..count).map(|_| text.to_string()).collect::<Vec<_>>();
    let picture = |size| Picture { path: "a.png".into(), hash: ContentHash::of(b"a"), size, text: text.into() };
    vec![
        None,
        Some(Exhibit::Quote(text.repeat(3))),
        Some(Exhibit::Table((0..8).map(|_| row(6)).collect())),
        Some(Exhibit::Table(vec![row(2), row(1)])),
        Some(Exhibit::Table(vec![vec![]])),
        Some(Exhibit::Code((0..40).map(|_| text).collect::<Vec<_>>().join("\n"))),
        Some(Exhibit::Picture(picture((4000, 300)))),
        Some(Exhibit::Picture(picture((30, 40)))),
    ]
}

/// All slides of all kinds with a text of one kind.
fn slides(text: &str, language: &str, design: Design) -> Vec<(String, Canvas)> {
    let mut slides = Vec::new();
    for role in [Role::Title, Role::Agenda, Role::Chapter, Role::Points, Role::Closing] {
        for count in [0, 1, 6] {
            let points = vec![text.to_string(); count];
            for (index, exhibit) in exhibits(text).iter().enumerate().filter(|(index, _)| *index == 0 || role == Role::Points) {
                let page = Page {
                    role,
                    title: text,
                    points: &points,
                    exhibit: exhibit.as_ref(),
                    lecture: &text.repeat(2),
                    number: (498, 500),
                    language,
                };
                slides.push((format!("{role:?} {count} {index} {language} {design:?}"), design.slide(&page).0));
            }
        }
    }
    slides
}

fn inside(object: &Object, canvas: &Canvas) -> bool {
    let slack = 1.0;
    object.x >= -slack
        && object.y >= -slack
        && object.x + object.width <= canvas.width + slack
        && object.y + object.height <= canvas.height + slack
}

#[test]
fn no_text_is_larger_than_its_box_and_none_stands_where_the_presenter_does() {
    for shape in [Proportions::Wide, Proportions::Classic] {
        for (text, language) in [(SHORT, "en"), (LONG, "en"), (CJK, "ja"), (ARABIC, "ar"), (WORD, "de")] {
            // Fonts differ between themes; what is laid out is the same.
            let theme = Theme::ALL[text.len() % 3];
            for (name, canvas) in slides(text, language, Design { theme, shape }) {
                canvas.check("").unwrap_or_else(|error| panic!("{name}: {error}"));
                let stage = Grid::of(shape).stage;
                for object in &canvas.objects {
                    let Content::Text(text) = &object.content else { continue };
                    let (width, height) = TextBlock::lay_out(text, object.width).size();
                    assert!(
                        width <= object.width + 1.0 && height <= object.height + 1.0,
                        "{name}: {} is {width}x{height} in {}x{}",
                        object.id,
                        object.width,
                        object.height
                    );
                    assert!(
                        inside(object, &canvas),
                        "{name}: {} at {} {} {} {}",
                        object.id,
                        object.x,
                        object.y,
                        object.width,
                        object.height
                    );
                    let free = if language == "ar" { object.x >= canvas.width - stage } else { object.x + object.width <= stage };
                    assert!(free, "{name}: {} stands on the stage", object.id);
                }
            }
        }
    }
}

#[test]
fn texts_do_not_run_into_each_other() {
    for (name, canvas) in slides(LONG, "en", Design::default()) {
        let texts: Vec<&Object> =
            canvas.objects.iter().filter(|object| matches!(object.content, Content::Text(_)) && !object.id.starts_with("mark")).collect();
        for (index, a) in texts.iter().enumerate() {
            for b in &texts[index + 1..] {
                let apart =
                    a.x + a.width <= b.x + 0.5 || b.x + b.width <= a.x + 0.5 || a.y + a.height <= b.y + 0.5 || b.y + b.height <= a.y + 0.5;
                assert!(apart, "{name}: {} and {}", a.id, b.id);
            }
        }
    }
}

#[test]
fn scripts_from_the_right_have_the_presenter_on_the_left() {
    let page = |language| Page { role: Role::Points, title: "T", points: &[], exhibit: None, lecture: "L", number: (1, 2), language };
    let (left, placement) = Design::default().slide(&page("ar"));
    assert_eq!(placement.anchor, Some(Anchor::BottomLeft));
    let (right, placement) = Design::default().slide(&page("en"));
    assert_eq!(placement.anchor, None);
    let stage = |canvas: &Canvas| canvas.objects.iter().find(|object| object.id.starts_with("stage")).map(|object| object.x).unwrap();
    assert_eq!((stage(&left), stage(&right)), (0.0, 950.0));
}

#[test]
fn themes_have_names() {
    for theme in Theme::ALL {
        assert_eq!(theme.to_string().parse(), Ok(theme));
    }
    assert!("pink".parse::<Theme>().unwrap_err().contains("there are light, dark and warm"));
    assert!("4:3".parse::<Proportions>() == Ok(Proportions::Classic) && "1x1".parse::<Proportions>().is_err());
}
