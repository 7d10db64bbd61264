//! English words for units, symbols and abbreviations, as tables.

/// Units by their symbol: singular, plural. Case counts (`m` and `M`, `b` and `B`).
const UNITS: &[(&str, &str, &str)] = &[
    ("km/h", "kilometer per hour", "kilometers per hour"),
    ("m/s", "meter per second", "meters per second"),
    ("km", "kilometer", "kilometers"),
    ("m", "meter", "meters"),
    ("cm", "centimeter", "centimeters"),
    ("mm", "millimeter", "millimeters"),
    ("µm", "micrometer", "micrometers"),
    ("nm", "nanometer", "nanometers"),
    ("kg", "kilogram", "kilograms"),
    ("g", "gram", "grams"),
    ("mg", "milligram", "milligrams"),
    ("l", "liter", "liters"),
    ("L", "liter", "liters"),
    ("ml", "milliliter", "milliliters"),
    ("mL", "milliliter", "milliliters"),
    ("s", "second", "seconds"),
    ("sec", "second", "seconds"),
    ("ms", "millisecond", "milliseconds"),
    ("µs", "microsecond", "microseconds"),
    ("us", "microsecond", "microseconds"),
    ("ns", "nanosecond", "nanoseconds"),
    ("min", "minute", "minutes"),
    ("h", "hour", "hours"),
    ("hr", "hour", "hours"),
    ("hrs", "hour", "hours"),
    ("Hz", "hertz", "hertz"),
    ("kHz", "kilohertz", "kilohertz"),
    ("MHz", "megahertz", "megahertz"),
    ("GHz", "gigahertz", "gigahertz"),
    ("kB", "kilobyte", "kilobytes"),
    ("KB", "kilobyte", "kilobytes"),
    ("MB", "megabyte", "megabytes"),
    ("GB", "gigabyte", "gigabytes"),
    ("TB", "terabyte", "terabytes"),
    ("KiB", "kibibyte", "kibibytes"),
    ("MiB", "mebibyte", "mebibytes"),
    ("GiB", "gibibyte", "gibibytes"),
    ("kbps", "kilobit per second", "kilobits per second"),
    ("kbit/s", "kilobit per second", "kilobits per second"),
    ("Mbps", "megabit per second", "megabits per second"),
    ("Mbit/s", "megabit per second", "megabits per second"),
    ("Gbps", "gigabit per second", "gigabits per second"),
    ("Gbit/s", "gigabit per second", "gigabits per second"),
    ("MB/s", "megabyte per second", "megabytes per second"),
    ("GB/s", "gigabyte per second", "gigabytes per second"),
    ("fps", "frame per second", "frames per second"),
    ("dpi", "dot per inch", "dots per inch"),
    ("px", "pixel", "pixels"),
    ("W", "watt", "watts"),
    ("kW", "kilowatt", "kilowatts"),
    ("MW", "megawatt", "megawatts"),
    ("GW", "gigawatt", "gigawatts"),
    ("kWh", "kilowatt hour", "kilowatt hours"),
    ("V", "volt", "volts"),
    ("mV", "millivolt", "millivolts"),
    ("kV", "kilovolt", "kilovolts"),
    ("A", "amp", "amps"),
    ("mA", "milliamp", "milliamps"),
    ("mAh", "milliamp hour", "milliamp hours"),
    ("J", "joule", "joules"),
    ("kJ", "kilojoule", "kilojoules"),
    ("kcal", "kilocalorie", "kilocalories"),
    ("N", "newton", "newtons"),
    ("Pa", "pascal", "pascals"),
    ("kPa", "kilopascal", "kilopascals"),
    ("dB", "decibel", "decibels"),
    ("°C", "degree Celsius", "degrees Celsius"),
    ("°F", "degree Fahrenheit", "degrees Fahrenheit"),
    ("°", "degree", "degrees"),
    ("K", "kelvin", "kelvin"),
    ("m²", "square meter", "square meters"),
    ("km²", "square kilometer", "square kilometers"),
    ("m³", "cubic meter", "cubic meters"),
    ("ft", "foot", "feet"),
    ("lb", "pound", "pounds"),
    ("lbs", "pound", "pounds"),
    ("oz", "ounce", "ounces"),
    ("mph", "mile per hour", "miles per hour"),
    ("%", "percent", "percent"),
    ("‰", "per mille", "per mille"),
    ("x", "times", "times"),
    ("×", "times", "times"),
];

/// Currency signs: one, many, a hundredth, hundredths.
const CURRENCIES: &[(char, [&str; 4])] = &[
    ('$', ["dollar", "dollars", "cent", "cents"]),
    ('€', ["euro", "euros", "cent", "cents"]),
    ('£', ["pound", "pounds", "penny", "pence"]),
    ('¥', ["yen", "yen", "sen", "sen"]),
    ('₹', ["rupee", "rupees", "paisa", "paise"]),
];

/// Abbreviations with their dots, in lower case, and what is read. An empty reading: the dot ends no sentence, the voice reads it as
/// written.
const ABBREVIATIONS: &[(&str, &str)] = &[
    ("dr.", "doctor"),
    ("mr.", "mister"),
    ("mrs.", "missus"),
    ("ms.", "miz"),
    ("prof.", "professor"),
    ("st.", "saint"),
    ("jr.", "junior"),
    ("sr.", "senior"),
    ("gen.", "general"),
    ("col.", "colonel"),
    ("sgt.", "sergeant"),
    ("lt.", "lieutenant"),
    ("capt.", "captain"),
    ("rev.", "reverend"),
    ("hon.", "honorable"),
    ("vs.", "versus"),
    ("e.g.", "for example"),
    ("eg.", "for example"),
    ("i.e.", "that is"),
    ("ie.", "that is"),
    ("etc.", "et cetera"),
    ("cf.", "compare"),
    ("viz.", "namely"),
    ("approx.", "approximately"),
    ("al.", ""),
    ("fig.", "figure"),
    ("figs.", "figures"),
    ("eq.", "equation"),
    ("eqs.", "equations"),
    ("sec.", "section"),
    ("ch.", "chapter"),
    ("vol.", "volume"),
    ("pp.", "pages"),
    ("p.", "page"),
    ("ed.", "edition"),
    ("dept.", "department"),
    ("univ.", "university"),
    ("inc.", "incorporated"),
    ("ltd.", "limited"),
    ("corp.", "corporation"),
    ("co.", "company"),
    ("ave.", "avenue"),
    ("blvd.", "boulevard"),
    ("max.", "maximum"),
    ("min.", "minimum"),
    ("jan.", "January"),
    ("feb.", "February"),
    ("aug.", "August"),
    ("sept.", "September"),
    ("oct.", "October"),
    ("nov.", "November"),
    ("dec.", "December"),
    ("a.m.", "a m"),
    ("p.m.", "p m"),
    ("w/", "with"),
    ("w/o", "without"),
    ("b/c", "because"),
    ("and/or", "and or"),
];

/// Symbols read as words wherever they stand between other things.
const SYMBOLS: &[(char, &str)] = &[
    ('&', "and"),
    ('+', "plus"),
    ('=', "equals"),
    ('×', "times"),
    ('÷', "divided by"),
    ('±', "plus or minus"),
    ('≈', "approximately"),
    ('≠', "is not equal to"),
    ('≤', "at most"),
    ('≥', "at least"),
    ('<', "less than"),
    ('>', "greater than"),
    ('→', "to"),
    ('⇒', "implies"),
    ('←', "from"),
    ('↔', "to and from"),
    ('∞', "infinity"),
    ('√', "square root of"),
    ('∑', "sum of"),
    ('∈', "in"),
    ('%', "percent"),
    ('‰', "per mille"),
    ('°', "degrees"),
    ('²', "squared"),
    ('³', "cubed"),
    ('½', "one half"),
    ('¼', "one quarter"),
    ('¾', "three quarters"),
    ('µ', "micro"),
    ('@', "at"),
    ('$', "dollars"),
    ('€', "euros"),
    ('£', "pounds"),
    ('¥', "yen"),
    ('§', "section"),
    ('©', "copyright"),
    ('™', "trademark"),
    ('/', "slash"),
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
    ("B", "billion"),
];

/// The spoken unit for a symbol, by whether the number is exactly one.
pub(super) fn unit(symbol: &str, one: bool) -> Option<&'static str> {
    UNITS.iter().find(|(written, ..)| *written == symbol).map(|(_, single, many)| if one { *single } else { *many })
}

/// The four names of a currency.
pub(super) fn currency(sign: char) -> Option<&'static [&'static str; 4]> {
    CURRENCIES.iter().find(|(written, _)| *written == sign).map(|(_, names)| names)
}

/// The reading of an abbreviation; `Some("")` when it is one but is read as written.
pub(super) fn abbreviation(word: &str) -> Option<&'static str> {
    let lower = word.to_lowercase();
    ABBREVIATIONS.iter().find(|(written, _)| *written == lower).map(|(_, read)| *read)
}

/// The word for a symbol.
pub(super) fn symbol(ch: char) -> Option<&'static str> {
    SYMBOLS.iter().find(|(written, _)| *written == ch).map(|(_, read)| *read)
}

/// The word for a magnitude.
pub(super) fn magnitude(word: &str) -> Option<&'static str> {
    MAGNITUDES.iter().find(|(written, _)| *written == word).map(|(_, read)| *read)
}
