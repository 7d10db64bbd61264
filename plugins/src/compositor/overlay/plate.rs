//! What overlays are made of: plates with a shadow and a rim, which stand out on light and dark slides alike, and letters on them.

use crate::lesson::canvas::{Animation, Canvas, Color, Content, Object, Outline, Paint, Paragraph, Run, Shape, Stroke, Style, Text};

/// A plate, and the rim that is seen on dark slides.
const PLATE: Color = Color::rgb(0x12, 0x18, 0x25);
const RIM: Color = Color([255, 255, 255, 72]);
/// The shadow, which is seen on light ones: rectangles that grow by this much each, in pixels of a picture 1080 high, one as dark as the
/// other. So many that no edge of one is seen.
const SHADOW: [f64; 10] = [0.8, 1.7, 2.8, 4.0, 5.3, 6.8, 8.5, 10.4, 12.6, 15.0];
const SHADE: Color = Color([0, 0, 0, 8]);
/// How far it falls.
const FALL: f64 = 4.0;
const FAMILY: &str = "Carlito, Noto Sans, sans-serif";
const LINE_HEIGHT: f64 = 1.16;

/// How something comes and goes.
pub(super) type Animations = (Option<Animation>, Option<Animation>);

/// A clear canvas that objects are put on.
pub(super) struct Sheet {
    pub canvas: Canvas,
    /// Where the objects of each overlay begin.
    pub starts: Vec<usize>,
}

impl Sheet {
    /// An empty one.
    pub fn new(width: f64, height: f64) -> Sheet {
        Sheet { canvas: Canvas::new(width, height, Paint::Color(Color([0; 4]))), starts: Vec::new() }
    }

    /// Objects of another overlay follow.
    pub fn begin(&mut self) {
        self.starts.push(self.canvas.objects.len());
    }

    /// Adds an object above the others; gives its place among them.
    pub fn add(&mut self, place: [f64; 4], content: Content, (enter, exit): Animations) -> usize {
        let index = self.canvas.objects.len();
        self.canvas.objects.push(Object { enter, exit, ..Object::new(index.to_string(), place, content) });
        index
    }

    /// Adds a plate with its shadow; `unit` is the length of a pixel of a picture 1080 high.
    pub fn plate(&mut self, [x, y, width, height]: [f64; 4], radius: f64, unit: f64, moves: &Animations) {
        for grow in SHADOW.map(|grow| grow * unit) {
            let place = [x - grow, y - grow + FALL * unit, width + 2.0 * grow, height + 2.0 * grow];
            self.add(place, rectangle(radius + grow, SHADE), moves.clone());
        }
        // Half of the rim's line lies inside.
        let (inset, line) = (unit / 2.0, Stroke { color: RIM, width: unit, dash: Vec::new() });
        self.add([x, y, width, height], rectangle(radius, PLATE), moves.clone());
        let rim = Content::Shape(Shape { outline: Outline::Rectangle { radius }, fill: None, stroke: Some(line) });
        self.add([x + inset, y + inset, width - 2.0 * inset, height - 2.0 * inset], rim, moves.clone());
    }
}

/// Lines of text, from the left and the top.
pub(super) fn letters(text: &str, size: f64, weight: u16, color: Color) -> Text {
    let style = Style { family: FAMILY.into(), size, weight, color, ..Style::default() };
    let line = |line: &str| Paragraph { runs: vec![Run { text: line.trim().into(), style: style.clone() }], ..Paragraph::default() };
    Text { paragraphs: text.trim().lines().map(line).collect(), line_height: LINE_HEIGHT, ..Text::default() }
}

fn rectangle(radius: f64, color: Color) -> Content {
    Content::Shape(Shape { outline: Outline::Rectangle { radius }, fill: Some(Paint::Color(color)), stroke: None })
}
