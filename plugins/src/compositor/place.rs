//! Where the presenter stands: one rule, for those who draw it and for those who place it. And the place of what is not seen.

use engine::cue::{Anchor, Placement};
use engine::frame::{PixelFormat, Point, Rect, Size, VideoFrame};
use engine::graph::unit::Percent;
use engine::pool::Pool;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Margins count in pixels of a picture this high.
const MARGIN_HEIGHT: u32 = 720;

/// Where the presenter stands unless a slide says otherwise.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PlaceConfig {
    /// Which point of the presenter meets which point of the picture. At the bottom the figure stands on the picture's edge.
    pub anchor: Anchor,
    /// Height as part of the picture's, over 0% to 100%.
    pub height: Percent,
    /// Distance from the sides and the top, in pixels of a picture 720 high, 0 to 720. The bottom has none: the figure is cut there.
    pub margin: u32,
}

impl Default for PlaceConfig {
    fn default() -> PlaceConfig {
        PlaceConfig { anchor: Anchor::BottomRight, height: Percent(40.0), margin: 24 }
    }
}

impl PlaceConfig {
    /// What is wrong with these values, if anything.
    pub fn validate(&self) -> Result<(), String> {
        let height = self.height.fraction();
        if !(height > 0.0 && height <= 1.0) {
            return Err(format!("place.height {} is out of range; it goes from over 0% to 100%", self.height));
        }
        if self.margin > MARGIN_HEIGHT {
            return Err(format!("place.margin {} is out of range; it goes from 0 to {MARGIN_HEIGHT}", self.margin));
        }
        Ok(())
    }
}

/// Where a presenter with the proportions of `presenter` stands in a picture of `frame`, as the slide says and, where it is silent,
/// as `place` says. All numbers are even; parts may lie outside the picture when the presenter is wider than it.
///
/// The height is that part of the picture's (rounded to the nearest even number), the width follows the proportions. Filling means the
/// whole height, in the middle. Whether the presenter is visible is not asked.
pub fn placement_rect(frame: Size, presenter: Size, placement: &Placement, place: &PlaceConfig) -> Rect {
    let (part, anchor) = if placement.fill {
        (1.0, Anchor::Bottom)
    } else {
        (placement.height.unwrap_or(place.height.fraction()), placement.anchor.unwrap_or(place.anchor))
    };
    let height = nearest_even(f64::from(frame.height) * part);
    let width = match presenter.height {
        same if same == height => presenter.width,
        other => nearest_even(f64::from(height) * f64::from(presenter.width) / f64::from(other.max(1))),
    };
    if let Some((x, y)) = placement.at.filter(|_| !placement.fill) {
        let even = |part: f64, side: u32| ((part * f64::from(side) / 2.0).round() as i32).clamp(-16_384, 16_384) * 2;
        return Rect { x: even(x, frame.width), y: even(y, frame.height), width, height };
    }
    let margin = placement.margin.unwrap_or(place.margin).min(MARGIN_HEIGHT);
    let margin = i64::from(margin) * i64::from(frame.height) / i64::from(MARGIN_HEIGHT);
    let (across, down) = (i64::from(frame.width) - i64::from(width), i64::from(frame.height) - i64::from(height));
    let x = match anchor {
        Anchor::TopLeft | Anchor::Left | Anchor::BottomLeft => margin,
        Anchor::Top | Anchor::Center | Anchor::Bottom => across / 2,
        Anchor::TopRight | Anchor::Right | Anchor::BottomRight => across - margin,
    };
    let y = match anchor {
        Anchor::TopLeft | Anchor::Top | Anchor::TopRight => margin,
        Anchor::Left | Anchor::Center | Anchor::Right => down / 2,
        Anchor::BottomLeft | Anchor::Bottom | Anchor::BottomRight => down,
    };
    Rect { x: (x & !1) as i32, y: (y & !1) as i32, width, height }
}

/// At least 2.
fn nearest_even(length: f64) -> u32 {
    ((length / 2.0).round() as u32).max(1) * 2
}

/// A layer that is not seen: it lies outside of the picture.
pub(super) fn unseen(pool: &Pool) -> VideoFrame {
    VideoFrame { place: Some(Point { x: -2, y: -2 }), ..pool.black(PixelFormat::A420, Size::new(2, 2)).freeze() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HD: Size = Size::new(1280, 720);

    fn at(placement: Placement, presenter: Size) -> Rect {
        placement_rect(HD, presenter, &placement, &PlaceConfig::default())
    }

    #[test]
    fn each_anchor_has_its_place() {
        let presenter = Size::new(240, 288);
        let corner = |anchor| {
            let rect = at(Placement { anchor: Some(anchor), ..Placement::default() }, presenter);
            assert_eq!((rect.width, rect.height), (240, 288));
            (rect.x, rect.y)
        };
        use Anchor::*;
        let places = [TopLeft, Top, TopRight, Left, Center, Right, BottomLeft, Bottom, BottomRight].map(corner);
        let (middle, right, floor) = (520, 1280 - 240 - 24, 720 - 288);
        let expected =
            [(24, 24), (middle, 24), (right, 24), (24, 216), (middle, 216), (right, 216), (24, floor), (middle, floor), (right, floor)];
        assert_eq!(places, expected);
    }

    #[test]
    fn a_slide_overrides_what_it_names_and_all_numbers_are_even() {
        let presenter = Size::new(101, 77);
        for height in [0.013, 0.333, 0.5, 0.777, 1.0] {
            for margin in [0, 7, 25] {
                for anchor in [Anchor::Center, Anchor::TopRight, Anchor::Right] {
                    let placement = Placement { height: Some(height), margin: Some(margin), anchor: Some(anchor), ..Placement::default() };
                    let rect = placement_rect(Size::new(854, 480), presenter, &placement, &PlaceConfig::default());
                    assert!((f64::from(rect.height) - 480.0 * height).abs() <= 1.0 && rect.height > 0);
                    assert!((f64::from(rect.width) - 480.0 * height * 101.0 / 77.0).abs() <= 2.5);
                    assert_eq!((rect.x & 1, rect.y & 1, rect.width & 1, rect.height & 1), (0, 0, 0, 0), "{rect:?}");
                }
            }
        }
        // The margin grows with the picture.
        let hd = placement_rect(Size::new(1920, 1080), Size::new(360, 432), &Placement::default(), &PlaceConfig::default());
        assert_eq!(hd, Rect { x: 1920 - 360 - 36, y: 1080 - 432, width: 360, height: 432 });
    }

    #[test]
    fn a_place_of_its_own_is_where_the_corner_lies() {
        let placed = |x, y| Placement { at: Some((x, y)), height: Some(0.5), anchor: Some(Anchor::Top), ..Placement::default() };
        let presenter = Size::new(100, 200);
        assert_eq!(at(placed(600.0 / 1280.0, 300.0 / 720.0), presenter), Rect { x: 600, y: 300, width: 180, height: 360 });
        let odd = placement_rect(Size::new(854, 480), presenter, &placed(0.5, -0.1), &PlaceConfig::default());
        assert_eq!((odd.x, odd.y), (428, -48), "427 lies between two even numbers");
        let fill = Placement { fill: true, ..placed(0.1, 0.1) };
        assert_eq!(at(fill, presenter), at(Placement { at: None, ..fill }, presenter));
    }

    #[test]
    fn filling_takes_the_whole_height_in_the_middle() {
        let fill = Placement { fill: true, anchor: Some(Anchor::TopLeft), height: Some(0.2), ..Placement::default() };
        assert_eq!(at(fill, Size::new(640, 360)), HD.rect());
        assert_eq!(at(fill, Size::new(600, 720)), Rect { x: 340, y: 0, width: 600, height: 720 });
        assert_eq!(at(fill, Size::new(200, 50)).x, (1280 - 2880) / 2, "what is too wide is cut on both sides");
    }
}
