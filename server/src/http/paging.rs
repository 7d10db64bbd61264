//! Lists that come in parts, as `/v1/jobs` does: `limit` and `offset`, and where the next part begins.

use super::problem::Problem;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

/// How many of a list come at once at most, and where nobody says how many.
pub const MOST: u32 = 1000;

/// Which part of a list is wanted, as a query.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Part {
    /// So many at most; without it 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// From this one on.
    #[param(value_type = Option<i64>, minimum = 0)]
    offset: Option<u32>,
}

impl Part {
    /// The part of all of them, under the name that they have together; beside it how many there are, and where the next part begins, if
    /// there is one.
    ///
    /// # Errors
    /// So many do not come at once.
    pub fn of<T>(self, name: &str, all: &[T], view: impl Fn(&T) -> Value) -> Result<Value, Problem> {
        let (limit, offset) = (self.limit.unwrap_or(MOST), self.offset.unwrap_or(0));
        if !(1..=MOST).contains(&limit) {
            return Err(Problem::bad(format!("limit goes from 1 to {MOST}")));
        }
        let end = u64::from(offset) + u64::from(limit);
        let part: Vec<Value> = all.iter().skip(offset as usize).take(limit as usize).map(view).collect();
        let next = (end < all.len() as u64).then_some(end);
        Ok(json!({ name: part, "total": all.len(), "limit": limit, "offset": offset, "next_offset": next }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_together_are_the_list() {
        let all: Vec<u32> = (0..7).collect();
        let mut offset = Some(0);
        let mut seen = Vec::new();
        while let Some(from) = offset {
            let part = Part { limit: Some(3), offset: Some(from) }.of("numbers", &all, |number| json!(number)).unwrap();
            assert_eq!((&part["total"], &part["limit"], &part["offset"]), (&json!(7), &json!(3), &json!(from)));
            seen.extend(part["numbers"].as_array().unwrap().iter().map(|number| number.as_u64().unwrap() as u32));
            offset = part["next_offset"].as_u64().map(|next| next as u32);
        }
        assert_eq!(seen, all);
        let whole = Part::default().of("numbers", &all, |number| json!(number)).unwrap();
        assert_eq!((&whole["numbers"], &whole["next_offset"]), (&json!(all), &Value::Null));
        let past = Part { limit: None, offset: Some(u32::MAX) }.of("numbers", &all, |number| json!(number)).unwrap();
        assert_eq!((&past["numbers"], &past["next_offset"]), (&json!([]), &Value::Null));
        for limit in [0, MOST + 1] {
            assert!(Part { limit: Some(limit), offset: None }.of("numbers", &all, |number| json!(number)).is_err());
        }
    }
}
