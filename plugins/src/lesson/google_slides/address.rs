//! The addresses under which people know a presentation.

use url::Url;

/// A presentation, named by its id in the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presentation {
    /// 1 to 128 of `A-Z a-z 0-9 _ -`.
    pub id: String,
}

impl Presentation {
    /// Reads an address as the browser shows it or the share dialogue gives it: `…/presentation/d/ID/edit`, `…/u/0/…`, `…/a/DOMAIN/…`,
    /// Drive's `…/file/d/ID` and `…/open?id=ID`, each with whatever follows.
    ///
    /// # Errors
    /// What to write instead.
    pub fn read(address: &str) -> Result<Presentation, String> {
        let hint = "give the address of a Google Slides presentation as the browser shows it, \
                    such as https://docs.google.com/presentation/d/ID/edit";
        let url = Url::parse(address).map_err(|_| format!("it is no address; {hint}"))?;
        let parts: Vec<&str> = url.path_segments().into_iter().flatten().filter(|part| !part.is_empty()).collect();
        let id = match (url.host_str(), parts.as_slice()) {
            (Some("docs.google.com"), parts) => match skip_account(parts) {
                ["presentation", rest @ ..] => match skip_account(rest) {
                    ["d", "e", ..] => {
                        let text = "it is the published copy, whose speaker notes nobody can read; give the address of the editor";
                        return Err(format!("{text} (…/presentation/d/ID/edit)"));
                    }
                    ["d", id, ..] => (*id).to_string(),
                    _ => return Err(hint.into()),
                },
                [kind @ ("document" | "spreadsheets" | "forms"), ..] => return Err(format!("it is one of Google's {kind}; {hint}")),
                _ => return Err(hint.into()),
            },
            (Some("drive.google.com"), ["file", "d", id, ..]) => (*id).to_string(),
            (Some("drive.google.com"), ["open" | "uc"]) => {
                url.query_pairs().find(|(name, _)| name == "id").map(|(_, id)| id.into_owned()).ok_or(hint)?
            }
            _ => return Err(format!("no importer reads pages of {}; {hint}", url.host_str().unwrap_or("this kind"))),
        };
        let is_id = (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
        if is_id { Ok(Presentation { id }) } else { Err(format!("\"{}\" is no id of a presentation; {hint}", id.escape_default())) }
    }

    /// The address in its shortest form, without what may be private in it. For messages.
    pub fn address(&self) -> String {
        format!("https://docs.google.com/presentation/d/{}", self.id)
    }
}

/// Without `u/0` or `a/example.org`, which say who looks.
fn skip_account<'a, 'b>(parts: &'a [&'b str]) -> &'a [&'b str] {
    match parts {
        ["u" | "a", _, rest @ ..] => rest,
        parts => parts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_of_an_address_name_the_same_presentation() {
        let id = "1EAYk18WDjIG-zp_0vLm3CsfQh_i8eXc67Jo2O9C6Vuc";
        for form in [
            "https://docs.google.com/presentation/d/ID",
            "https://docs.google.com/presentation/d/ID/",
            "https://docs.google.com/presentation/d/ID/edit",
            "https://docs.google.com/presentation/d/ID/edit?usp=sharing&resourcekey=0-abc#slide=id.g1_0_0",
            "http://docs.google.com/presentation/d/ID/view",
            "https://DOCS.google.com/presentation/d/ID/preview",
            "https://docs.google.com/presentation/u/1/d/ID/present?slide=id.p",
            "https://docs.google.com/u/0/presentation/d/ID/edit",
            "https://docs.google.com/a/example.org/presentation/d/ID/edit",
            "https://docs.google.com/presentation/d/ID/export/pptx",
            "https://drive.google.com/file/d/ID/view?usp=drive_link",
            "https://drive.google.com/open?authuser=0&id=ID",
        ] {
            let read = Presentation::read(&form.replace("ID", id)).unwrap_or_else(|error| panic!("{form}: {error}"));
            assert_eq!(read.id, id, "{form}");
            assert_eq!(Presentation::read(&read.address()).unwrap(), read);
        }
    }

    #[test]
    fn other_addresses_are_told_apart() {
        let wrong = |address: &str| Presentation::read(address).expect_err(address);
        assert!(wrong("https://docs.google.com/presentation/d/e/2PACX-1v/pub?start=false").contains("published copy"));
        assert!(wrong("https://docs.google.com/document/d/abc/edit").contains("Google's document;"));
        assert!(wrong("https://example.org/deck.pptx").contains("no importer reads pages of example.org"));
        assert!(wrong("https://docs.google.com.example.org/presentation/d/abc/edit").contains("no importer"));
        assert!(wrong("https://docs.google.com@example.org/presentation/d/abc/edit").contains("no importer"));
        for address in [
            "https://docs.google.com/presentation/d/",
            "https://docs.google.com/presentation/",
            "https://docs.google.com/",
            "https://drive.google.com/open",
            "https://docs.google.com/presentation/d/a%2fb/edit",
            "https://docs.google.com/presentation/d/..%2f..%2fx/edit",
            "https://",
        ] {
            assert!(wrong(address).contains("presentation/d/ID/edit"), "{address}");
        }
        assert!(wrong(&format!("https://docs.google.com/presentation/d/{}/edit", "a".repeat(129))).contains("is no id"));
    }
}
