use super::*;

fn of(text: &str) -> Option<Range> {
    range(text.parse().unwrap_or_else(|error| panic!("{text}: {error}")))
}

fn resolve(guard: &Guard, host: &str, port: u16) -> Result<Vec<SocketAddr>, Refused> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(guard.resolve(host, port))
}

#[test]
fn public_addresses_pass() {
    for ip in [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2001:200::1",
        "2001:4860:4860::8888",
        "2606:4700:4700::1111",
        "3ffe::1",
        "64:ff9b::8.8.8.8",
        "::ffff:8.8.8.8",
    ] {
        assert_eq!(of(ip), None, "{ip}");
    }
}

#[test]
fn every_range_that_is_not_public_is_known_at_both_ends() {
    let ranges: &[(Range, &[&str])] = &[
        (Range::Unspecified, &["0.0.0.0", "0.255.255.255", "::"]),
        (Range::Loopback, &["127.0.0.0", "127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1", "64:ff9b::127.0.0.1"]),
        (Range::Private, &["10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255"]),
        (Range::Private, &["fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::ffff:10.1.2.3", "::ffff:c0a8:1"]),
        (Range::LinkLocal, &["169.254.0.0", "169.254.169.254", "169.254.255.255", "fe80::", "febf::1", "::ffff:169.254.169.254"]),
        (Range::CarrierGrade, &["100.64.0.0", "100.127.255.255", "::ffff:100.64.0.1"]),
        (Range::Multicast, &["224.0.0.0", "239.255.255.255", "ff00::", "ff02::1", "ffff::"]),
        (Range::Reserved, &["192.0.0.1", "192.0.2.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "198.18.0.0", "198.19.255.255"]),
        (Range::Reserved, &["240.0.0.0", "255.255.255.255", "::ffff:255.255.255.255"]),
        (Range::Reserved, &["::127.0.0.1", "::2", "100::1", "64:ff9b:1::1", "fec0::1", "4000::1", "5f00::1"]),
        (Range::Reserved, &["2001::1", "2001:1ff::", "2001:db8::1", "2002:7f00:1::", "3fff::1", "3fff:fff::1"]),
    ];
    for (range, addresses) in ranges {
        for ip in *addresses {
            assert_eq!(of(ip), Some(*range), "{ip}");
        }
    }
}

#[test]
fn an_address_is_seen_through_however_it_is_written() {
    let guard = Guard::default();
    for (text, address) in [
        ("http://127.0.0.1/", "127.0.0.1"),
        ("http://127.1/", "127.0.0.1"),
        ("http://2130706433/", "127.0.0.1"),
        ("http://0x7f000001/", "127.0.0.1"),
        ("http://0x7f.0.0.1/", "127.0.0.1"),
        ("http://0177.0.0.01/", "127.0.0.1"),
        ("http://①②⑦.⓪.⓪.①/", "127.0.0.1"),
        ("http://127。0。0。1/", "127.0.0.1"),
        ("http://%31%32%37.0.0.1/", "127.0.0.1"),
        ("http:127.0.0.1", "127.0.0.1"),
        ("http:\\\\127.0.0.1\\", "127.0.0.1"),
        ("HTTP://127.0.0.1:8080/x", "127.0.0.1"),
        ("http://0/", "0.0.0.0"),
        ("http://[::]/", "::"),
        ("https://[::1]:8443/", "::1"),
        ("http://[::ffff:127.0.0.1]/", "::ffff:127.0.0.1"),
        ("http://[0:0:0:0:0:ffff:7f00:1]/", "::ffff:127.0.0.1"),
        ("http://169.254.169.254/latest/meta-data", "169.254.169.254"),
        ("http://10.0.0.1./", "10.0.0.1"),
    ] {
        match guard.check_url(text) {
            Err(Refused::Private { address: found, .. }) => assert_eq!(found, address.parse::<IpAddr>().unwrap(), "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    for text in ["https://example.org/", "http://example.org:8080/a?b#c", "https://8.8.8.8/", "https://bücher.example/"] {
        guard.check_url(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}

#[test]
fn what_is_no_plain_web_address_is_refused() {
    let guard = Guard::default();
    let refused = |text: &str| guard.check_url(text).expect_err(text);
    for text in [
        "",
        "example.org",
        "//example.org",
        "https://",
        "http://:80/",
        "http://a b/",
        "http://[::1",
        "http://300.1.1.1/",
        "http://1.2.3.4.5/",
    ] {
        assert!(matches!(refused(text), Refused::NoAddress(_)), "{text}: {:?}", refused(text));
    }
    for text in
        ["file:///etc/passwd", "ftp://example.org/", "javascript:alert(1)", "data:text/html,x", "chrome://version", "view-source:http://x/"]
    {
        assert!(matches!(refused(text), Refused::Scheme(_)), "{text}");
    }
    // Where it leads stands behind the @.
    for text in ["https://example.org@127.0.0.1/", "https://user:secret@example.org/", "http://:x@example.org"] {
        assert_eq!(refused(text), Refused::UserInfo, "{text}");
    }
    // A backslash ends the host as a slash does: this one is example.org's.
    assert_eq!(guard.check_url("http://example.org\\@127.0.0.1/").unwrap().host_str(), Some("example.org"));
    assert!(!refused("https://user:secret@example.org/").to_string().contains("secret"));
}

#[test]
fn all_that_a_name_resolves_to_is_checked() {
    let guard = Guard::default();
    for host in ["127.0.0.1", "::1", "[::1]", "0x7f.1", "2130706433", "localhost", "LocalHost", "::ffff:10.0.0.1"] {
        let answer = resolve(&guard, host, 80);
        assert!(matches!(answer, Err(Refused::Private { .. })), "{host}: {answer:?}");
    }
    assert_eq!(resolve(&guard, "8.8.8.8", 53).unwrap(), ["8.8.8.8:53".parse().unwrap()]);
    for host in ["", " ", "a b", "no-such-name.invalid", "\0"] {
        assert!(matches!(resolve(&guard, host, 80), Err(Refused::Unresolved { .. })), "{host:?}");
    }
}

#[test]
fn an_exemption_holds_for_its_host_and_port_only() {
    let guard = Guard::new(["127.0.0.1:8000", "[::1]:8000", "LocalHost:9000"].map(|text| text.parse().unwrap()));
    assert!(guard.check_url("http://127.0.0.1:8000/").is_ok() && guard.check_url("http://2130706433:8000/").is_ok());
    assert!(guard.check_url("http://[::1]:8000/").is_ok() && guard.check_url("http://[::ffff:127.0.0.1]:8000/").is_ok());
    for text in ["http://127.0.0.1:8001/", "http://127.0.0.1/", "http://127.0.0.2:8000/", "http://[::1]:8001/", "http://10.0.0.1:8000/"] {
        assert!(guard.check_url(text).is_err(), "{text}");
    }
    assert!(resolve(&guard, "localhost", 9000).is_ok(), "by its name");
    assert!(resolve(&guard, "localhost", 8000).is_ok(), "by the addresses it resolves to");
    assert!(resolve(&guard, "localhost", 80).is_err() && resolve(&guard, "127.0.0.1", 9000).is_err());
    for text in ["", "example.org", "example.org:", "example.org:0", "example.org:99999", ":80", "a b:80", "http://x:80"] {
        assert!(text.parse::<Exemption>().is_err(), "{text}");
    }
}

#[test]
fn a_refusal_says_how_to_allow_it() {
    let text = Guard::default().check_url("http://192.168.1.5:8080/poll").unwrap_err().to_string();
    assert!(
        text.contains("192.168.1.5") && text.contains("private network") && text.contains("allow_private: [\"192.168.1.5:8080\"]"),
        "{text}"
    );
}
