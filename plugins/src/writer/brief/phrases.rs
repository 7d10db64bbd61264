//! The words and phrases by which instructions are understood, in lower case.

pub(super) const NUMBERS: [(&str, f64); 24] = [
    ("a", 1.0),
    ("an", 1.0),
    ("half", 0.5),
    ("one", 1.0),
    ("two", 2.0),
    ("three", 3.0),
    ("four", 4.0),
    ("five", 5.0),
    ("six", 6.0),
    ("seven", 7.0),
    ("eight", 8.0),
    ("nine", 9.0),
    ("ten", 10.0),
    ("twelve", 12.0),
    ("fifteen", 15.0),
    ("twenty", 20.0),
    ("thirty", 30.0),
    ("sixty", 60.0),
    ("eine", 1.0),
    ("zwei", 2.0),
    ("une", 1.0),
    ("deux", 2.0),
    ("un", 1.0),
    ("dos", 2.0),
];
pub(super) const MINUTES: [&str; 8] = ["minute", "minutes", "min", "mins", "minuten", "minuto", "minutos", "分钟"];
pub(super) const SECONDS: [&str; 8] = ["second", "seconds", "sec", "secs", "sekunden", "secondes", "segundos", "秒"];
pub(super) const SLIDES: [&str; 7] = ["slide", "slides", "folie", "folien", "diapositives", "diapositivas", "张"];
pub(super) const POINTS: [&str; 5] = ["bullet", "bullets", "points", "punkte", "lines"];

pub(super) const VERBATIM: [&str; 8] =
    ["verbatim", "word for word", "as they are", "as it is", "as is", "unchanged", "exactly", "wörtlich"];
pub(super) const SIMPLE: [&str; 16] = [
    "short sentences",
    "simple",
    "simply",
    "plain language",
    "beginner",
    "beginners",
    "child",
    "children",
    "kids",
    "pupils",
    "laypeople",
    "laymen",
    "non-experts",
    "everyone",
    "einfach",
    "sencillo",
];
pub(super) const SHORT: [&str; 17] = [
    "short",
    "shorter",
    "brief",
    "briefly",
    "concise",
    "summarise",
    "summarize",
    "summary",
    "quick",
    "kurz",
    "kürzer",
    "court",
    "courte",
    "corto",
    "más corto",
    "简短",
    "简洁",
];
pub(super) const WHOLE: [&str; 15] = [
    "long",
    "longer",
    "detailed",
    "detail",
    "details",
    "in depth",
    "thorough",
    "everything",
    "complete",
    "whole",
    "ausführlich",
    "länger",
    "détaillé",
    "detallado",
    "详细",
];
pub(super) const CALM: [&str; 9] = ["calm", "calmly", "slow", "slowly", "pauses", "relaxed", "ruhig", "langsam", "calme"];
pub(super) const FRIENDLY: [&str; 8] = ["friendly", "warm", "warmly", "welcoming", "cheerful", "freundlich", "amical", "amable"];
pub(super) const FOCUS: [&str; 9] =
    ["focus on", "concentrate on", "emphasise", "emphasize", "stress", "mainly about", "especially about", "particularly", "highlight"];
pub(super) const ONLY: [&str; 3] = ["only about", "only", "nothing but"];
pub(super) const OMIT: [&str; 11] = [
    "leave out",
    "skip",
    "omit",
    "exclude",
    "without",
    "do not mention",
    "don't mention",
    "do not talk about",
    "don't talk about",
    "ignore",
    "no",
];
/// Languages as people name them.
pub(super) const LANGUAGES: [(&str, &str); 28] = [
    ("english", "en"),
    ("german", "de"),
    ("deutsch", "de"),
    ("french", "fr"),
    ("français", "fr"),
    ("spanish", "es"),
    ("español", "es"),
    ("italian", "it"),
    ("italiano", "it"),
    ("portuguese", "pt"),
    ("português", "pt"),
    ("chinese", "zh"),
    ("mandarin", "zh"),
    ("中文", "zh"),
    ("japanese", "ja"),
    ("日本語", "ja"),
    ("korean", "ko"),
    ("thai", "th"),
    ("russian", "ru"),
    ("arabic", "ar"),
    ("hindi", "hi"),
    ("dutch", "nl"),
    ("polish", "pl"),
    ("turkish", "tr"),
    ("swedish", "sv"),
    ("greek", "el"),
    ("ukrainian", "uk"),
    ("vietnamese", "vi"),
];
