//! Currencies, and the large numbers that follow an amount of them, as tables.

/// A currency.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Currency {
    /// Its sign, where it has one of its own.
    sign: Option<char>,
    /// Its code (ISO 4217).
    code: &'static str,
    /// One of it.
    pub one: &'static str,
    /// Several.
    pub many: &'static str,
    /// A hundredth; empty where nobody counts those.
    pub part: &'static str,
    /// Hundredths.
    pub parts: &'static str,
}

const fn money(sign: char, code: &'static str, names: [&'static str; 4]) -> Currency {
    let [one, many, part, parts] = names;
    Currency { sign: if sign == ' ' { None } else { Some(sign) }, code, one, many, part, parts }
}

const CURRENCIES: &[Currency] = &[
    money('$', "", ["dollar", "dollars", "cent", "cents"]),
    money('€', "EUR", ["euro", "euros", "cent", "cents"]),
    money('£', "GBP", ["pound", "pounds", "penny", "pence"]),
    money('¥', "JPY", ["yen", "yen", "", ""]),
    money('₹', "INR", ["rupee", "rupees", "paisa", "paise"]),
    money('₩', "KRW", ["won", "won", "", ""]),
    money('₽', "RUB", ["ruble", "rubles", "kopeck", "kopecks"]),
    money('₺', "TRY", ["lira", "lira", "", ""]),
    money('₿', "BTC", ["bitcoin", "bitcoins", "", ""]),
    money('¢', "", ["cent", "cents", "", ""]),
    money(' ', "USD", ["U.S dollar", "U.S dollars", "cent", "cents"]),
    money(' ', "CAD", ["Canadian dollar", "Canadian dollars", "cent", "cents"]),
    money(' ', "AUD", ["Australian dollar", "Australian dollars", "cent", "cents"]),
    money(' ', "HKD", ["Hong Kong dollar", "Hong Kong dollars", "cent", "cents"]),
    money(' ', "CHF", ["Swiss franc", "Swiss francs", "centime", "centimes"]),
    money(' ', "SEK", ["Swedish krona", "Swedish kronor", "", ""]),
    money(' ', "NOK", ["Norwegian krone", "Norwegian kroner", "", ""]),
    money(' ', "DKK", ["Danish krone", "Danish kroner", "", ""]),
    money(' ', "PLN", ["zloty", "zloty", "grosz", "grosz"]),
    money(' ', "CZK", ["Czech koruna", "Czech koruna", "", ""]),
    money(' ', "CNY", ["yuan", "yuan", "", ""]),
    money(' ', "RMB", ["yuan", "yuan", "", ""]),
    money(' ', "BRL", ["Brazilian real", "Brazilian reals", "centavo", "centavos"]),
    money(' ', "MXN", ["Mexican peso", "Mexican pesos", "centavo", "centavos"]),
];

/// Large numbers that follow an amount of money.
const MAGNITUDES: &[(&str, &str)] = &[
    ("hundred", "hundred"),
    ("thousand", "thousand"),
    ("million", "million"),
    ("billion", "billion"),
    ("trillion", "trillion"),
    ("k", "thousand"),
    ("K", "thousand"),
    ("M", "million"),
    ("m", "million"),
    ("bn", "billion"),
    ("b", "billion"),
    ("B", "billion"),
    ("T", "trillion"),
];

/// The currency of a sign.
pub(super) fn currency_sign(sign: char) -> Option<&'static Currency> {
    CURRENCIES.iter().find(|currency| currency.sign == Some(sign))
}

/// The currency of a code.
pub(super) fn currency_code(code: &str) -> Option<&'static Currency> {
    CURRENCIES.iter().find(|currency| !code.is_empty() && currency.code == code)
}

/// The word for a magnitude.
pub(super) fn magnitude(word: &str) -> Option<&'static str> {
    MAGNITUDES.iter().find(|(written, _)| *written == word).map(|(_, read)| *read)
}
