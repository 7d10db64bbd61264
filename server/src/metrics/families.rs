//! What the exporter of the `metrics` facade cannot say: counters that are no whole numbers, and summaries of what the engine has counted
//! itself.
//!
//! Source: <https://prometheus.io/docs/instrumenting/exposition_formats/>, version 0.0.4.

use metrics::Label;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Families of samples by their name.
#[derive(Default)]
pub struct Families(BTreeMap<&'static str, Family>);

#[derive(Default)]
struct Family {
    kind: &'static str,
    /// By name and labels.
    samples: BTreeMap<String, f64>,
}

impl Families {
    /// A counter that stands at `value`; one that was taken in before with these labels is replaced.
    pub fn counter(&mut self, name: &'static str, labels: &[Label], value: f64) {
        self.of("counter", name).insert(sample(name, labels), value);
    }

    /// Quantiles, such as `("0.99", 0.02)`, of what is `sum` together and was observed `count` times.
    pub fn summary(&mut self, name: &'static str, labels: &[Label], quantiles: &[(&'static str, f64)], sum: f64, count: u64) {
        let samples = self.of("summary", name);
        for (quantile, value) in quantiles {
            let labels = [labels, &[Label::new("quantile", *quantile)]].concat();
            // As a summary without observations has it.
            samples.insert(sample(name, &labels), if count == 0 { f64::NAN } else { *value });
        }
        samples.insert(sample(&format!("{name}_sum"), labels), sum);
        samples.insert(sample(&format!("{name}_count"), labels), count as f64);
    }

    fn of(&mut self, kind: &'static str, name: &'static str) -> &mut BTreeMap<String, f64> {
        let family = self.0.entry(name).or_default();
        family.kind = kind;
        &mut family.samples
    }

    /// All of them as text.
    pub fn render(&self) -> String {
        let mut text = String::new();
        for (name, Family { kind, samples }) in &self.0 {
            let _ = writeln!(text, "# TYPE {name} {kind}");
            for (sample, value) in samples {
                let _ = writeln!(text, "{sample} {value}");
            }
        }
        text
    }
}

/// `name{key="value",…}`.
fn sample(name: &str, labels: &[Label]) -> String {
    if labels.is_empty() {
        return name.into();
    }
    let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let labels: Vec<String> = labels.iter().map(|label| format!("{}=\"{}\"", label.key(), escaped(label.value()))).collect();
    format!("{name}{{{}}}", labels.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_and_summaries_are_written_as_families() {
        let mut families = Families::default();
        families.counter("waited_seconds_total", &[Label::new("edge", "a \"b\" \\ c\nd")], 0.25);
        families.counter("waited_seconds_total", &[Label::new("edge", "a \"b\" \\ c\nd")], 0.5);
        families.summary("took_seconds", &[], &[("0.5", 0.01), ("1", 0.02)], 0.03, 2);
        families.summary("late_seconds", &[Label::new("room", "r")], &[("0.99", 0.0)], 0.0, 0);
        let expected = "# TYPE late_seconds summary\n\
            late_seconds_count{room=\"r\"} 0\n\
            late_seconds_sum{room=\"r\"} 0\n\
            late_seconds{room=\"r\",quantile=\"0.99\"} NaN\n\
            # TYPE took_seconds summary\n\
            took_seconds_count 2\n\
            took_seconds_sum 0.03\n\
            took_seconds{quantile=\"0.5\"} 0.01\n\
            took_seconds{quantile=\"1\"} 0.02\n\
            # TYPE waited_seconds_total counter\n\
            waited_seconds_total{edge=\"a \\\"b\\\" \\\\ c\\nd\"} 0.5\n";
        assert_eq!(families.render(), expected);
    }
}
