//! Decimal numbers as exact fractions, without floats and without overflow.

/// `digits / 10^places`, not negative.
pub(super) struct Decimal {
    digits: u64,
    places: u32,
}

impl Decimal {
    /// Splits `1.5GiB` into its number and its unit. `None` without a number, or with one of more than 18 digits.
    pub(super) fn with_unit(text: &str) -> Option<(Decimal, &str)> {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let bare_point = number.contains('.') && fraction.is_empty();
        if whole.is_empty() || bare_point || whole.len() + fraction.len() > 18 {
            return None;
        }
        // A second point in the fraction does not parse.
        let digits = format!("{whole}{fraction}").parse().ok()?;
        Some((Decimal { digits, places: fraction.len() as u32 }, unit))
    }

    /// The product with a whole number, rounded to the nearest; `None` when it does not fit.
    pub(super) fn times(&self, factor: u64) -> Option<u64> {
        let scale = 10u128.pow(self.places);
        // 18 digits times 64 bits fit 128 bits.
        let product = u128::from(self.digits) * u128::from(factor);
        u64::try_from((product + scale / 2) / scale).ok()
    }

    /// For settings that are no exact quantity.
    pub(super) fn as_f64(&self) -> f64 {
        self.digits as f64 / 10f64.powi(self.places as i32)
    }
}

/// A whole number: digits only, no sign.
pub(super) fn whole(text: &str) -> Option<u32> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// What was meant by a frame rate with a point: `29.97` is `"30000/1001"`, `30.0` is `30`.
pub(super) fn exact_rate(text: &str) -> Option<String> {
    let (number, _) = Decimal::with_unit(text).filter(|(_, unit)| unit.is_empty())?;
    let rate = number.as_f64();
    let ntsc = [24, 30, 48, 60, 120].into_iter().find(|base| (rate - f64::from(base * 1000) / 1001.0).abs() < 0.01);
    match ntsc {
        Some(base) => Some(format!("\"{}/1001\"", base * 1000)),
        None if rate.fract() == 0.0 => Some(rate.to_string()),
        None => None,
    }
}
