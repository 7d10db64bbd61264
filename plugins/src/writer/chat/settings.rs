//! Where the model is, and what it may cost.

use super::super::WriterError;
use engine::graph::Secret;
use std::path::PathBuf;
use std::time::Duration;

/// How a language model behind an OpenAI-compatible address is asked.
#[derive(Clone, Debug)]
pub struct ChatSettings {
    /// Address up to and without `/chat/completions`: `https://api.example.org/v1`.
    pub base: String,
    /// Name of the model, as the service calls it.
    pub model: String,
    /// Sent as a bearer token; `None` for services without keys.
    pub key: Option<Secret>,
    /// How long one request may take. Default: 120 s.
    pub timeout: Duration,
    /// How often a request is tried. Default: 5.
    pub attempts: usize,
    /// Wait before the second attempt; each further one doubles it, with jitter. Default: 1 s.
    pub first_wait: Duration,
    /// What tokens cost; without it the cost is not known and not limited.
    pub prices: Option<Prices>,
    /// What one lecture may cost, in the currency of the prices. Default: 1.
    pub cost_limit: f64,
    /// Folder in which answers are kept, so that the same question gives the same answer and costs nothing; `None` = they are not.
    pub answers: Option<PathBuf>,
}

/// Prices in any one currency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prices {
    /// Of a million tokens of question.
    pub input: f64,
    /// Of a million tokens of answer.
    pub output: f64,
}

const URL: &str = "LECTERN_WRITER_URL";
const MODEL: &str = "LECTERN_WRITER_MODEL";
const KEY: &str = "LECTERN_WRITER_KEY";
const KEY_FILE: &str = "LECTERN_WRITER_KEY_FILE";
const PRICES: &str = "LECTERN_WRITER_PRICES";
const COST_LIMIT: &str = "LECTERN_WRITER_COST_LIMIT";

impl ChatSettings {
    /// A model at an address, everything else as by default.
    pub fn new(base: &str, model: &str) -> ChatSettings {
        ChatSettings {
            base: base.trim_end_matches('/').trim_end_matches("/chat/completions").into(),
            model: model.into(),
            key: None,
            timeout: Duration::from_secs(120),
            attempts: 5,
            first_wait: Duration::from_secs(1),
            prices: None,
            cost_limit: 1.0,
            answers: None,
        }
    }

    /// Reads `LECTERN_WRITER_URL`, `_MODEL`, `_KEY` or `_KEY_FILE`, `_PRICES` (`0.15/0.60`: of a million tokens in and out) and
    /// `_COST_LIMIT`. `base` takes the place of the first; `None` when there is no address.
    ///
    /// # Errors
    /// A variable that cannot be used, or an address without a model.
    pub fn from_env(base: Option<&str>) -> Result<Option<ChatSettings>, WriterError> {
        ChatSettings::from_variables(base, |name| std::env::var(name).ok())
    }

    fn from_variables(base: Option<&str>, variable: impl Fn(&str) -> Option<String>) -> Result<Option<ChatSettings>, WriterError> {
        let variable = |name: &str| variable(name).map(|value| value.trim().to_string()).filter(|value| !value.is_empty());
        let wrong = |text: String| WriterError::Setting(text);
        let Some(base) = base.map(str::to_string).or_else(|| variable(URL)) else { return Ok(None) };
        if !base.starts_with("https://") && !base.starts_with("http://") {
            return Err(wrong(format!("address {base:?} must be whole, such as https://api.example.org/v1")));
        }
        let model = variable(MODEL).ok_or_else(|| wrong(format!("model is not named; set {MODEL} to a model of {base}")))?;
        let mut settings = ChatSettings::new(&base, &model);
        settings.key = match (variable(KEY), variable(KEY_FILE)) {
            (Some(_), Some(_)) => return Err(wrong(format!("key is given twice; set {KEY} or {KEY_FILE}, not both"))),
            (Some(key), None) => Some(Secret::new(key)),
            (None, Some(path)) => {
                let key = std::fs::read_to_string(&path)
                    .map_err(|error| wrong(format!("key cannot be read: {KEY_FILE} names {path}: {error}")))?;
                Some(Secret::new(key.trim()))
            }
            (None, None) => None,
        };
        if settings.key.as_ref().is_some_and(|key| key.reveal().chars().any(|c| !c.is_ascii_graphic())) {
            return Err(wrong("key has characters that no key has; look for line ends and quotes in it".into()));
        }
        let amount = |name: &str, text: &str| {
            let value = text.trim().parse::<f64>().ok().filter(|value| value.is_finite() && *value >= 0.0);
            value.ok_or_else(|| wrong(format!("setting {name}={text:?} is no amount; write a number such as 0.60")))
        };
        if let Some(prices) = variable(PRICES) {
            let (input, output) = prices
                .split_once('/')
                .ok_or_else(|| wrong(format!("setting {PRICES}={prices:?} must hold two prices of a million tokens, such as 0.15/0.60")))?;
            settings.prices = Some(Prices { input: amount(PRICES, input)?, output: amount(PRICES, output)? });
        }
        if let Some(limit) = variable(COST_LIMIT) {
            settings.cost_limit = amount(COST_LIMIT, &limit)?;
            if settings.prices.is_none() {
                return Err(wrong(format!("limit {COST_LIMIT} needs the prices: set {PRICES}, such as 0.15/0.60")));
            }
        }
        Ok(Some(settings))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &[(&str, &str)]) -> Result<Option<ChatSettings>, String> {
        let value = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string());
        ChatSettings::from_variables(None, value).map_err(|error| error.to_string())
    }

    #[test]
    fn the_environment_says_where_the_model_is() {
        assert!(from(&[]).unwrap().is_none());
        let all = [(URL, "https://a.example/v1/"), (MODEL, "m"), (KEY, " k\n"), (PRICES, "0.15/0.60"), (COST_LIMIT, "0.5")];
        let settings = from(&all).unwrap().unwrap();
        assert_eq!((settings.base.as_str(), settings.model.as_str(), settings.cost_limit), ("https://a.example/v1", "m", 0.5));
        assert_eq!(settings.key.as_ref().unwrap().reveal(), "k");
        assert!(!format!("{settings:?}").contains("\"k\""));
        assert_eq!(settings.prices, Some(Prices { input: 0.15, output: 0.6 }));
    }

    #[test]
    fn what_cannot_be_used_is_said() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "secret\n").unwrap();
        let path = file.path().to_str().unwrap();
        let settings = from(&[(URL, "http://a"), (MODEL, "m"), (KEY_FILE, path)]).unwrap().unwrap();
        assert_eq!(settings.key.unwrap().reveal(), "secret");
        let cases: [(&[(&str, &str)], &str); 7] = [
            (&[(URL, "a.example")], "must be whole"),
            (&[(URL, "http://a")], "model is not named; set LECTERN_WRITER_MODEL"),
            (&[(URL, "http://a"), (MODEL, "m"), (KEY, "k"), (KEY_FILE, path)], "given twice"),
            (&[(URL, "http://a"), (MODEL, "m"), (KEY_FILE, "/no/key")], "/no/key"),
            (&[(URL, "http://a"), (MODEL, "m"), (PRICES, "1")], "two prices"),
            (&[(URL, "http://a"), (MODEL, "m"), (PRICES, "1/-2")], "no amount"),
            (&[(URL, "http://a"), (MODEL, "m"), (COST_LIMIT, "1")], "needs the prices"),
        ];
        for (variables, expected) in cases {
            let error = from(variables).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
