use super::*;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;
use std::collections::BTreeMap;

fn read(shape: Value) -> Shape {
    Shape::read(&shape).unwrap_or_else(|error| panic!("{shape}: {error}"))
}

/// The faults of a value, as they are printed.
fn faults(shape: Value, value: Value) -> Vec<String> {
    Matcher::default().faults(&read(shape), Seen::Value(&value)).iter().map(Fault::to_string).collect()
}

fn fits(shape: Value, value: Value) -> bool {
    faults(shape, value).is_empty()
}

#[test]
fn types_and_forms() {
    let fit = [
        ("any", json!([1])),
        ("str|null", json!(null)),
        ("str|null", json!("")),
        ("int", json!(-7)),
        ("num", json!(7)),
        ("num", json!(0.5)),
        ("bool", json!(false)),
        ("obj", json!({})),
        ("arr", json!([])),
        ("uuid", json!("5b0f6a8e-93d1-4f52-8a53-7f0e5d1c2b3a")),
        ("time", json!("2026-01-02T03:04:05.6Z")),
        ("time", json!("2026-01-02 03:04")),
        ("time", json!("2026-01-02T03:04:05+0100")),
        ("epoch", json!(1_760_000_000.25)),
        ("url", json!("ws://127.0.0.1:7880/rtc")),
        ("path", json!("/files/a.mp4")),
        ("hex", json!("0af9")),
    ];
    for (shape, value) in fit {
        assert!(fits(json!(shape), value.clone()), "{value} is {shape}");
    }
    let misfit = [
        ("str", json!(1)),
        ("int", json!(1.0)),
        ("int|null", json!(true)),
        ("num", json!("1")),
        ("bool", json!(0)),
        ("null", json!(false)),
        ("obj", json!([])),
        ("uuid", json!("5b0f6a8e93d14f528a537f0e5d1c2b3a")),
        ("time", json!("2026-01-02")),
        ("time", json!("yesterday at 2026-01-02T03:04")),
        ("epoch", json!(1_760_000_000_000_u64)),
        ("url", json!("/files/a.mp4")),
        ("path", json!("files/a.mp4")),
        ("hex", json!("0AF9")),
    ];
    for (shape, value) in misfit {
        assert!(!fits(json!(shape), value.clone()), "{value} is not {shape}");
    }
}

#[test]
fn regular_expressions_are_found_anywhere() {
    assert!(fits(json!("/^a/i"), json!("Ab")) && !fits(json!("/^a/"), json!("Ab")) && !fits(json!("/1/"), json!(1)));
    assert!(fits(json!("/^b$/m"), json!("a\nb\nc")) && !fits(json!("/^b$/"), json!("a\nb\nc")));
    assert!(fits(json!("/^bytes 0-1\\/[0-9]+$/"), json!("bytes 0-1/77")));
}

#[test]
fn objects_may_have_more_keys_unless_they_are_closed() {
    let open = json!({ "a": "int", "b?": "str" });
    assert!(fits(open.clone(), json!({ "a": 1, "c": 2 })) && fits(open.clone(), json!({ "a": 1, "b": "" })));
    assert_eq!(faults(open.clone(), json!({ "b": "" })), ["at /a: is missing, found only [\"b\"]"]);
    assert_eq!(faults(open.clone(), json!({ "a": 1, "b": 2 })), ["at /b: str was due, found 2"]);
    assert_eq!(faults(open, json!([])), ["at the whole: an object was due, found []"]);
    let closed = json!({ "a": "int", "$closed": true });
    assert!(fits(closed.clone(), json!({ "a": 1 })));
    assert_eq!(faults(closed, json!({ "a": 1, "c": 2 })), ["at /c: is not allowed here"]);
    let inner = json!({ "a": { "b/c~": ["int"] } });
    assert_eq!(faults(inner, json!({ "a": { "b/c~": [1, "2"] } })), ["at /a/b~1c~0/1: int was due, found \"2\""]);
}

#[test]
fn lists_and_dictionaries() {
    assert!(fits(json!(["int"]), json!([])) && !fits(json!(["int"]), json!({})));
    let one_or_two = json!({ "$list": "int", "$min": 1, "$max": 2 });
    assert!(fits(one_or_two.clone(), json!([1])) && fits(one_or_two.clone(), json!([1, 2])));
    assert_eq!(faults(one_or_two, json!([])), ["at the whole: a list of 1 to 2 was due, found 0 members"]);
    assert!(!fits(json!({ "$list": "any", "$max": 0 }), json!([1])));
    let dictionary = json!({ "$map": "int", "$keys": "/^[a-z]+$/" });
    assert!(fits(dictionary.clone(), json!({ "x": 1, "y": 2 })) && fits(json!({ "$map": "int" }), json!({ "X": 1 })));
    assert_eq!(faults(dictionary.clone(), json!({ "x": null })), ["at /x: int was due, found null"]);
    assert_eq!(faults(dictionary, json!({ "X": 1 })), ["at /X: its key does not match /^[a-z]+$/"]);
}

#[test]
fn values_ranges_and_alternatives() {
    assert!(fits(json!({ "$const": [1, "a"] }), json!([1, "a"])) && fits(json!({ "$range": [0, 1] }), json!(0.5)));
    assert_eq!(faults(json!({ "$const": 1 }), json!(true)), ["at the whole: 1 was due, found true"]);
    assert_eq!(faults(json!({ "$enum": [1, "x"] }), json!(2)), ["at the whole: one of [1,\"x\"] was due, found 2"]);
    assert_eq!(faults(json!({ "$range": [-1, 100] }), json!(101)), ["at the whole: a number from -1 to 100 was due, found 101"]);
    assert!(!fits(json!({ "$range": [0, 1] }), json!("0.5")));
    assert!(fits(json!({ "$any": ["int", "null"] }), json!(null)));
    let nearest = faults(json!({ "$any": [{ "a": "int", "b": "int" }, { "a": "str" }] }), json!({ "a": 1 }));
    assert_eq!(nearest, ["at /b: is missing, found only [\"a\"] (the nearest of 2 SHAPEs)"]);
    assert_eq!(faults(json!({ "$all": [{ "a": "int" }, { "b": "int" }] }), json!({})).len(), 2);
}

#[test]
fn raw_bodies() {
    let matcher = Matcher::default();
    let look = |shape: Value, raw: &[u8]| {
        let json = serde_json::from_slice::<Value>(raw).ok();
        matcher.faults(&read(shape), Seen::Body(raw, json.as_ref())).iter().map(Fault::to_string).collect::<Vec<_>>()
    };
    let mp4 = json!({ "$bytes": { "min": 12, "at": 4, "magic": "ftyp" } });
    assert!(look(mp4.clone(), b"\0\0\0\x18ftypisom").is_empty());
    assert!(!look(mp4.clone(), b"\0\0\0\x18ftyp").is_empty() && !look(mp4.clone(), b"ftypisomisomisom").is_empty());
    assert!(!look(mp4, b"").is_empty());
    assert!(look(json!({ "$text": "/^WEBVTT/" }), b"WEBVTT\n").is_empty());
    assert!(look(json!({ "$all": [{ "$text": "/^a 1/m" }, { "$text": "/^b 2/m" }] }), b"a 1\nb 2\n").is_empty());
    assert_eq!(
        look(json!({ "$text": "/^b/" }), b"WEBVTT\n"),
        ["at the whole: a text in which /^b/ is found was due, found 7 bytes that are no JSON, \"WEBVTT\\n\""]
    );
    assert_eq!(look(json!({ "a": "int" }), b"oops"), ["at the whole: an object was due, found 4 bytes that are no JSON, \"oops\""]);
    assert!(look(json!({ "a": "int" }), br#"{"a": 1}"#).is_empty() && look(json!("any"), b"oops").is_empty());
    assert!(!fits(json!({ "$bytes": {} }), json!("text")), "a value in JSON is no raw body");
    assert!(fits(json!({ "$text": "/b/" }), json!("abc")));
}

#[test]
fn tokens_are_signed_by_somebody_known() {
    let secret = "a secret that is long enough to sign with";
    let token = |algorithm, secret: &str| {
        let claims = json!({ "sub": "anna", "exp": 1 });
        encode(&Header::new(algorithm), &claims, &EncodingKey::from_secret(secret.as_bytes())).expect("a token")
    };
    let good = json!(token(Algorithm::HS256, secret));
    let shape = json!({ "$alg": ["HS256"], "$jwt": { "sub": { "$const": "anna" }, "exp": "int" } });
    assert!(fits(shape.clone(), good.clone()), "that it has run out is not the SHAPE's business");
    assert_eq!(faults(json!({ "$jwt": { "sub": "int" } }), good.clone()), ["at /sub: int was due, found \"anna\""]);
    let of_another_kind = faults(shape.clone(), json!(token(Algorithm::HS384, secret)));
    assert!(of_another_kind[0].contains("signed with HS384, not with HS256"), "{of_another_kind:?}");
    let unsigned = good.as_str().and_then(|token| token.rsplit_once('.')).map(|(rest, _)| format!("{rest}."));
    assert!(!fits(shape.clone(), json!(unsigned)) && !fits(shape.clone(), json!("not.a.token")) && !fits(shape.clone(), json!(1)));

    let matcher = Matcher { secrets: vec!["another secret".into(), secret.into()], ..Matcher::default() };
    let of = |token: &Value| matcher.faults(&read(shape.clone()), Seen::Value(token));
    assert!(of(&good).is_empty());
    let forged = of(&json!(token(Algorithm::HS256, "somebody else's secret, long enough")));
    assert!(forged[0].text.contains("no secret of the server made its signature"), "{forged:?}");
}

#[test]
fn names_stand_for_shapes_of_the_contract() {
    let shapes = BTreeMap::from([("User".to_string(), read(json!({ "id": "str" }))), ("Users".to_string(), read(json!(["@User"])))]);
    let matcher = Matcher { shapes: shapes.into(), secrets: Vec::new() };
    let faults = matcher.faults(&read(json!({ "all": "@Users" })), Seen::Value(&json!({ "all": [{ "id": "a" }, { "id": 1 }] })));
    assert_eq!(faults, [Fault { pointer: "/all/1/id".into(), text: "str was due, found 1".into() }]);
    assert_eq!(read(json!({ "a": { "$any": ["@User", ["@Users"]] } })).names(), ["User", "Users"]);
    assert!(!matcher.faults(&read(json!("@Nobody")), Seen::Value(&json!(1))).is_empty());
}

#[test]
fn what_no_notation_allows_is_refused() {
    let wrong = [
        json!("string"),
        json!("int|"),
        json!("/(/"),
        json!("/a/x"),
        json!("/a"),
        json!([]),
        json!(["int", "str"]),
        json!(7),
        json!({ "$one_of": ["int"] }),
        json!({ "$const": 1, "a": "int" }),
        json!({ "$list": "int", "$keys": "/a/" }),
        json!({ "$list": "int", "$min": "one" }),
        json!({ "$range": [1] }),
        json!({ "$any": [] }),
        json!({ "$any": "int" }),
        json!({ "$enum": "int" }),
        json!({ "$bytes": { "length": 3 } }),
        json!({ "$alg": ["HS256"] }),
        json!({ "$alg": "HS256", "$jwt": "any" }),
        json!({ "$closed": "yes" }),
    ];
    for shape in wrong {
        assert!(Shape::read(&shape).is_err(), "{shape}");
    }
    let error = Shape::read(&json!({ "a": { "b?": "integer" } })).expect_err("no type");
    assert_eq!(error, "a: b: \"integer\" is no type");
}
