use super::*;
use proptest::prelude::*;

fn good<T: FromStr<Err = UnitError> + PartialEq + fmt::Debug + fmt::Display>(text: &str, value: T, shown: &str) {
    assert_eq!(text.parse::<T>().as_ref(), Ok(&value), "{text}");
    assert_eq!(value.to_string(), shown);
    assert_eq!(shown.parse::<T>(), Ok(value), "{shown} reads back");
}

fn bad<T: FromStr<Err = UnitError> + fmt::Debug>(text: &str) -> String {
    text.parse::<T>().expect_err(text).to_string()
}

#[test]
fn durations() {
    good("400ms", DurationSetting(Span::from_millis(400)), "400ms");
    good("2s", DurationSetting(Span::from_seconds(2)), "2s");
    good("1.5s", DurationSetting(Span::from_millis(1500)), "1500ms");
    good("5min", DurationSetting(Span::from_seconds(300)), "5min");
    good("1h", DurationSetting(Span::from_seconds(3600)), "1h");
    good("0s", DurationSetting(Span::ZERO), "0ms");
    good("0.5ms", DurationSetting(Span(352_800)), "0.5ms");
    assert_eq!(bad::<DurationSetting>("400"), "\"400\" has no unit; write \"400ms\" or \"400s\"");
    assert_eq!(bad::<DurationSetting>("4 sec"), "\"4 sec\" has an unknown unit \" sec\"; write ms, s, min or h, such as \"400ms\"");
    assert_eq!(bad::<DurationSetting>("-2s"), "\"-2s\" is no length of time; write a number with ms, s, min or h, such as \"400ms\"");
    assert_eq!(bad::<DurationSetting>("1001h"), "\"1001h\" is too long; write at most \"1000h\"");
    for text in ["", "s", "1.s", ".5s", "1.2.3s", "1e3s", "9999999999999999999s", "+1s"] {
        bad::<DurationSetting>(text);
    }
}

#[test]
fn bytes() {
    good("512MiB", Bytes(512 << 20), "512MiB");
    good("8MB", Bytes(8_000_000), "8MB");
    good("1.5GiB", Bytes(1536 << 20), "1536MiB");
    good("100B", Bytes(100), "100B");
    good("0B", Bytes(0), "0B");
    assert_eq!(bad::<Bytes>("512"), "\"512\" has no unit; write \"512MiB\" or \"512B\"");
    assert_eq!(bad::<Bytes>("512mb"), "\"512mb\" has an unknown unit \"mb\"; write B, kB, MB, GB, KiB, MiB or GiB, such as \"512MiB\"");
    assert_eq!(bad::<Bytes>("lots"), "\"lots\" is no amount of bytes; write a number with its unit, such as \"512MiB\"");
    assert_eq!(bad::<Bytes>("99999999999TiB"), "\"99999999999TiB\" is too large; write a smaller amount, such as \"512MiB\"");
}

#[test]
fn bit_rates() {
    good("192k", BitRate(192_000), "192k");
    good("2.5M", BitRate(2_500_000), "2500k");
    good("2M", BitRate(2_000_000), "2M");
    good("0.001k", BitRate(1), "0.001k");
    assert_eq!(bad::<BitRate>("192000"), "\"192000\" has no unit; write thousands (k) or millions (M) of bits a second, such as \"192k\"");
    assert_eq!(bad::<BitRate>("192K"), "\"192K\" has an unknown unit \"K\"; write k or M, such as \"192k\" or \"2.5M\"");
    assert_eq!(bad::<BitRate>("0k"), "\"0k\" is out of range; write more than 0 and at most 4294M, such as \"192k\"");
    bad::<BitRate>("9999M");
    bad::<BitRate>("fast");
}

#[test]
fn frame_sizes() {
    good("1280x720", FrameSize { width: 1280, height: 720 }, "1280x720");
    assert_eq!(bad::<FrameSize>("1281x719"), "\"1281x719\" has an odd side; write \"1282x720\"");
    assert_eq!(bad::<FrameSize>("720p"), "\"720p\" is no picture size; write width x height in pixels, such as \"1280x720\"");
    assert_eq!(bad::<FrameSize>("0x720"), "\"0x720\" is out of range; each side is 2 to 8192 pixels, such as \"1280x720\"");
    for text in ["1280×720", "1280x", "x", "1280x720x3", "-2x2", "+2x2", "99999x2", "99999999999x2"] {
        bad::<FrameSize>(text);
    }
}

#[test]
fn frame_rates() {
    good("30", FrameRate(Rate::per_second(30)), "30");
    good("30000/1001", FrameRate(Rate::new(30000, 1001).unwrap()), "30000/1001");
    good("50/2", FrameRate(Rate::per_second(25)), "25");
    assert_eq!(bad::<FrameRate>("29.97"), "29.97 frames a second is not exact; write \"30000/1001\"");
    assert_eq!(bad::<FrameRate>("23.976"), "23.976 frames a second is not exact; write \"24000/1001\"");
    assert_eq!(bad::<FrameRate>("59.94"), "59.94 frames a second is not exact; write \"60000/1001\"");
    assert_eq!(bad::<FrameRate>("30.0"), "30.0 frames a second is not exact; write 30");
    assert_eq!(
        bad::<FrameRate>("31"),
        "31 frames a second cannot be timed exactly; write a usual rate, such as 24, 25, 30, 60 or \"30000/1001\""
    );
    assert_eq!(bad::<FrameRate>("48000"), "48000 frames a second is out of range; write 1 to 240, such as 30");
    assert_eq!(bad::<FrameRate>("fast"), "\"fast\" is no frame rate; write a whole number or a fraction, such as 30 or \"30000/1001\"");
    for text in ["0", "30/0", "1/2", "-30", "30/", "/", "12.34"] {
        bad::<FrameRate>(text);
    }
}

#[test]
fn percentages_and_lengths() {
    good("40%", Percent(40.0), "40%");
    good("12.5%", Percent(12.5), "12.5%");
    assert_eq!(Percent(40.0).fraction(), 0.4);
    assert_eq!(bad::<Percent>("40"), "\"40\" has no unit; write \"40%\"");
    assert_eq!(bad::<Percent>("1001%"), "\"1001%\" is out of range; write 0% to 1000%, such as \"40%\"");
    assert_eq!(bad::<Percent>("half"), "\"half\" is no percentage; write a number with %, such as \"40%\"");
    good("24", Length::Pixels(24), "24");
    good("40%", Length::Part(Percent(40.0)), "40%");
    assert_eq!((Length::Pixels(24).pixels(720), Length::Part(Percent(40.0)).pixels(721)), (24, 288));
    assert_eq!(bad::<Length>("24px"), "\"24px\" is no length; write whole pixels or a percentage, such as 24 or \"40%\"");
    assert_eq!(bad::<Length>("9000"), "9000 pixels is out of range; write at most 8192");
    bad::<Length>("-1");
    bad::<Length>("%");
}

#[test]
fn colours() {
    good("#00b140", Rgb([0, 0xb1, 0x40]), "#00b140");
    assert_eq!("#00B140".parse(), Ok(Rgb([0, 0xb1, 0x40])));
    assert_eq!(bad::<Rgb>("green"), "\"green\" is no colour; write # and six hexadecimal digits in quotes, such as \"#00b140\"");
    for text in ["#00b14", "00b140", "#00b14g", "#00b1400", "#+0b140", "#ä00b"] {
        bad::<Rgb>(text);
    }
}

/// Serde takes bare numbers where a type does; every example in a schema is accepted.
#[test]
fn json_and_schema_agree() {
    fn check<T: JsonSchema + Serialize + for<'a> Deserialize<'a>>() {
        let schema = schemars::schema_for!(T);
        let examples = schema.get("examples").and_then(|examples| examples.as_array()).expect("examples");
        for example in examples {
            let value: T = serde_json::from_value(example.clone()).expect("an example is right");
            let shown = serde_json::to_value(&value).unwrap();
            serde_json::from_value::<T>(shown).expect("reads back");
        }
        assert!(schema.get("description").is_some());
    }
    check::<DurationSetting>();
    check::<Bytes>();
    check::<BitRate>();
    check::<FrameSize>();
    check::<FrameRate>();
    check::<Percent>();
    check::<Length>();
    check::<Rgb>();
    assert_eq!(
        serde_json::from_value::<DurationSetting>(400.into()).unwrap_err().to_string(),
        "\"400\" has no unit; write \"400ms\" or \"400s\""
    );
    assert_eq!(
        serde_json::from_value::<FrameRate>(29.97.into()).unwrap_err().to_string(),
        "29.97 frames a second is not exact; write \"30000/1001\""
    );
}

proptest! {
    #[test]
    fn nothing_panics(text in "[0-9.x/%#kMGiBsmhna-]{0,24}") {
        let _ = text.parse::<DurationSetting>();
        let _ = text.parse::<Bytes>();
        let _ = text.parse::<BitRate>();
        let _ = text.parse::<FrameSize>();
        let _ = text.parse::<FrameRate>();
        let _ = text.parse::<Percent>();
        let _ = text.parse::<Length>();
        let _ = text.parse::<Rgb>();
    }

    #[test]
    fn what_is_printed_reads_back(flicks in 0i64..2_540_160_000_000_000, bytes in any::<u64>(), bits in 1u32.., colour in any::<[u8; 3]>()) {
        let duration = DurationSetting(Span(flicks));
        prop_assert_eq!(duration.to_string().parse::<DurationSetting>(), Ok(duration));
        if bytes < 1_000_000_000_000_000_000 {
            prop_assert_eq!(Bytes(bytes).to_string().parse::<Bytes>(), Ok(Bytes(bytes)));
        }
        prop_assert_eq!(BitRate(bits).to_string().parse::<BitRate>(), Ok(BitRate(bits)));
        prop_assert_eq!(Rgb(colour).to_string().parse::<Rgb>(), Ok(Rgb(colour)));
    }
}
