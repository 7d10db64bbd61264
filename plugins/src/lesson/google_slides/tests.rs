//! The importer against a server that speaks the API.

use super::super::raster::Rasterizer;
use super::super::{check_source, fetch as fetch_source, import as import_source, import_shared};
use super::fake::{CONTENT, Fake, Fault, PICTURE, REVISION, SECRET, THUMBNAIL, TOKEN, color, presentation};
use super::*;
use engine::run::Cancel;
use std::sync::Arc;

const ID: &str = "1EAYk18WDjIG-zp_0vLm3CsfQh_i8eXc67Jo2O9C6Vuc";

struct Bench {
    fake: Fake,
    cache: tempfile::TempDir,
    options: ImportOptions,
}

fn bench(slides: &[(&str, &str, bool)]) -> Bench {
    let fake = Fake::start(ID, presentation("Cats & dogs", slides));
    let cache = tempfile::tempdir().unwrap();
    let patience = Patience {
        connect: Duration::from_secs(10),
        answer: Duration::from_secs(60),
        first: Duration::from_millis(1),
        longest: Duration::from_secs(1),
        retries: 4,
    };
    let google_slides = GoogleSlides { url: fake.url(), token: Some(Secret::new(TOKEN)), token_file: None, patience };
    let options = ImportOptions { cache_dir: cache.path().into(), google_slides, ..ImportOptions::default() };
    Bench { fake, cache, options }
}

fn three() -> Bench {
    bench(&[("One", "Good morning.", false), ("Hidden", "Not said.", true), ("Three", "", false)])
}

impl Bench {
    fn address(&self) -> PathBuf {
        format!("https://docs.google.com/presentation/d/{ID}/edit#slide=id.g0").into()
    }

    fn import(&self) -> Lesson {
        import_source(&self.address(), &self.options).unwrap_or_else(|error| panic!("{error}"))
    }

    fn error(&self) -> String {
        let error = import_source(&self.address(), &self.options).expect_err("it fails").to_string();
        assert!(!error.contains(SECRET) && !error.contains(TOKEN), "{error}");
        self.nothing_half();
        error
    }

    /// The cache holds whole folders only.
    fn nothing_half(&self) {
        for entry in fs::read_dir(self.cache.path()).unwrap() {
            assert_eq!(entry.unwrap().file_name(), "google-slides");
        }
        for revision in fs::read_dir(self.cache.path().join("google-slides").join(ID)).into_iter().flatten() {
            assert!(revision.unwrap().path().join(FILE).is_file());
        }
    }

    fn asked(&self) -> [usize; 4] {
        [REVISION, CONTENT, THUMBNAIL, PICTURE].map(|kind| self.fake.lock().count(kind))
    }
}

#[test]
fn a_presentation_becomes_a_lesson() {
    let bench = three();
    let lesson = bench.import();
    assert_eq!(
        (lesson.id.as_str(), lesson.title.as_str(), lesson.language.as_str(), lesson.ratio()),
        ("Cats-dogs", "Cats & dogs", "en", (16, 9))
    );
    let said: Vec<_> =
        lesson.slides.iter().map(|slide| (slide.id.as_str(), slide.number, slide.title.as_str(), slide.narration.clone())).collect();
    assert_eq!(
        said,
        [("g0", 1, "One", Narration::Text("Good morning.".into())), ("g2", 3, "Three", Narration::Silence(SILENT_SLIDE))],
        "the skipped slide is left out, the numbers are the author's"
    );
    assert_eq!(lesson.warnings, []);
    for slide in &lesson.slides {
        let picture = Rasterizer::new().draw(&slide.visual, (160, 90)).unwrap();
        assert_eq!(picture.rgba[(45 * 160 + 80) * 4..][..3], color(&slide.id, 1), "{}", slide.id);
    }
    assert_eq!(bench.asked(), [2, 1, 2, 2], "the revision before and after");
    bench.nothing_half();
}

#[test]
fn the_second_time_only_the_revision_is_asked_for() {
    let bench = three();
    let first = bench.import();
    let before = bench.asked();
    assert_eq!(bench.import(), first);
    assert_eq!(bench.asked(), [before[0] + 1, before[1], before[2], before[3]]);
    // A change of the presentation is seen, and its pictures are new.
    bench.fake.lock().revision = 2;
    bench.fake.lock().presentation["title"] = "Cats".into();
    let second = bench.import();
    assert_eq!(second.title, "Cats");
    assert_ne!(second.slides[0].content_hash(), first.slides[0].content_hash());
    // And back: it is still there.
    bench.fake.lock().revision = 1;
    assert_eq!(bench.import(), first);
}

#[test]
fn without_a_right_to_edit_the_content_is_the_revision() {
    let bench = three();
    bench.fake.lock().may_edit = false;
    let first = bench.import();
    let before = bench.asked();
    assert_eq!(bench.import(), first, "addresses of pictures in it change with every answer");
    assert_eq!(bench.asked()[2..], before[2..]);
    bench.fake.lock().revision = 2;
    bench.import();
    assert_eq!(bench.asked()[2], before[2] + 2);
}

#[test]
fn a_damaged_cache_is_made_anew() {
    let bench = three();
    let lesson = bench.import();
    let Visual::Image { path, .. } = &lesson.slides[1].visual else { panic!("a picture") };
    fs::remove_file(path).unwrap();
    assert_eq!(bench.import(), lesson);
    assert_eq!(bench.asked()[2], 4);
}

#[test]
fn few_pictures_are_asked_for_at_a_time() {
    let slides: Vec<_> = (0..24).map(|_| ("T", "N", false)).collect();
    let bench = bench(&slides);
    assert_eq!(bench.import().slides.len(), 24);
    let most = bench.fake.lock().most_at_work();
    assert!(most <= AT_A_TIME, "{most}");
}

#[test]
fn what_passes_is_waited_out() {
    let bench = three();
    bench.fake.fail(REVISION, [Fault::Status(429, Some(0)), Fault::Status(503, None)]);
    bench.fake.fail(CONTENT, [Fault::Status(500, None), Fault::Breaks]);
    bench.fake.fail(THUMBNAIL, [Fault::Status(429, Some(1)), Fault::Breaks]);
    bench.fake.fail(PICTURE, [Fault::HalfPicture, Fault::Status(500, None), Fault::Breaks]);
    assert_eq!(bench.import().slides.len(), 2);
    assert_eq!(bench.asked(), [4, 3, 4, 5]);
}

#[test]
fn what_does_not_pass_is_told() {
    let mut bench = three();
    bench.fake.fail(REVISION, (0..5).map(|_| Fault::Status(503, None)));
    let error = bench.error();
    assert!(error.contains("503: the service fails") && error.contains("try again later"), "{error}");
    assert_eq!(bench.asked()[0], 5);
    bench.fake.fail(REVISION, [Fault::Status(429, Some(3600))]);
    assert!(bench.error().contains("429"), "whoever asks for an hour is not waited for");
    assert_eq!(bench.asked()[0], 6);
    bench.fake.fail(THUMBNAIL, (0..10).map(|_| Fault::Status(500, None)));
    assert!(bench.error().contains("500"));
    bench.fake.lock().faults.clear();
    bench.fake.fail(PICTURE, (0..10).map(|_| Fault::HalfPicture));
    assert!(bench.error().contains("the picture is damaged"));
    bench.fake.lock().faults.clear();
    bench.options.google_slides.patience =
        Patience { answer: Duration::from_millis(200), retries: 1, ..bench.options.google_slides.patience };
    bench.fake.fail(CONTENT, [Fault::Hangs, Fault::Hangs]);
    let error = bench.error();
    assert!(error.contains("timed out") || error.contains("operation timed out"), "{error}");
    bench.fake.fail(PICTURE, [Fault::Hangs]);
    assert_eq!(bench.import().slides.len(), 2, "asked again, it came");
}

#[test]
fn refusals_say_what_to_do() {
    let mut bench = three();
    bench.fake.fail(REVISION, [Fault::Status(403, None)]);
    let error = bench.error();
    assert!(error.contains("scope presentations.readonly") && error.contains("it says: The caller does not have permission"), "{error}");
    bench.fake.fail(REVISION, [Fault::Status(400, None)]);
    assert!(bench.error().contains("PowerPoint file"));
    bench.options.google_slides.token = Some(Secret::new("wrong"));
    assert!(bench.error().contains("export GOOGLE_SLIDES_TOKEN="));
    bench.options.google_slides.token = None;
    assert!(bench.error().contains("set GOOGLE_SLIDES_TOKEN"));
    let other = import_source(Path::new("https://docs.google.com/presentation/d/other/edit"), &three().options);
    assert!(other.unwrap_err().to_string().contains("share it with that account"));
    assert_eq!(bench.asked()[0], 3, "none of it is asked twice");
    bench.options.google_slides.url = "http://example.org".into();
    bench.options.google_slides.token = Some(Secret::new(TOKEN));
    assert!(bench.error().contains("in the clear"));
}

#[test]
fn the_token_may_lie_in_a_file() {
    let mut bench = three();
    let file = bench.cache.path().parent().unwrap().join(format!("{}.token", bench.cache.path().file_name().unwrap().to_string_lossy()));
    bench.options.google_slides.token = None;
    bench.options.google_slides.token_file = Some(file.clone());
    assert!(bench.error().contains("cannot read"));
    fs::write(&file, "two words").unwrap();
    assert!(bench.error().contains("holds no token"));
    fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let lesson = bench.import();
    fs::remove_file(&file).unwrap();
    assert_eq!(lesson.slides.len(), 2);
}

#[test]
fn an_edit_meanwhile_starts_it_again() {
    let bench = three();
    bench.fake.fail(PICTURE, [Fault::Edited]);
    let lesson = bench.import();
    for slide in &lesson.slides {
        let picture = Rasterizer::new().draw(&slide.visual, (160, 90)).unwrap();
        assert_eq!(picture.rgba[(45 * 160 + 80) * 4..][..3], color(&slide.id, 2), "all of one state");
    }
    bench.fake.lock().revision += 1;
    bench.fake.fail(CONTENT, [Fault::Edited]);
    bench.import();
    bench.fake.lock().revision += 1;
    bench.fake.fail(PICTURE, (0..6).map(|_| Fault::Edited));
    assert!(bench.error().contains("somebody is editing it"));
}

#[test]
fn cancelled_it_stops_wherever_it_waits() {
    let mut bench = three();
    bench.fake.fail(THUMBNAIL, [Fault::Hangs]);
    let cancel = Cancel::default();
    bench.options.cancel = cancel.clone();
    let (address, options) = (bench.address(), bench.options.clone());
    let reading = std::thread::spawn(move || import_source(&address, &options));
    while bench.fake.lock().count(THUMBNAIL) == 0 {
        assert!(!reading.is_finished(), "it ended before it was stopped");
        std::thread::yield_now();
    }
    cancel.cancel();
    assert!(matches!(reading.join().unwrap(), Err(LessonError::Cancelled)));
    bench.nothing_half();
}

#[test]
fn presentations_that_cannot_be_given_are_refused_before_their_pictures_are_made() {
    let long = "word ".repeat(5000);
    type Page<'a> = (&'a str, &'a str, bool);
    let cases: [(&[Page<'_>], &str); 3] = [
        (&[], "no slides that are shown"),
        (&[("A", "a", true)], "no slides that are shown"),
        (&[("A", "a", true), ("B", &long, false)], "slide 2: its narration has"),
    ];
    for (slides, wanted) in cases {
        let bench = bench(slides);
        let error = bench.error();
        assert!(error.contains(wanted), "{error}");
        assert_eq!(bench.asked()[2], 0);
    }
}

#[test]
fn what_is_not_shown_is_warned_about() {
    let bench = bench(&[("A", "", false)]);
    bench.fake.lock().presentation["slides"][0]["pageElements"][0] =
        serde_json::json!({ "objectId": "v", "video": { "source": "YOUTUBE", "id": "x" } });
    let warnings: Vec<String> = bench.import().warnings.iter().map(ToString::to_string).collect();
    assert!(
        warnings[0].contains("no slide has speaker notes") && warnings[1].starts_with("slide 1: its video is not played"),
        "{warnings:?}"
    );
}

#[test]
fn all_parts_of_a_run_see_the_same_state() {
    let bench = three();
    let first = import_shared(&bench.address(), &bench.options).unwrap();
    bench.fake.lock().revision = 2;
    assert!(Arc::ptr_eq(&first, &import_shared(&bench.address(), &bench.options).unwrap()), "while somebody holds it");
    drop(first);
    let second = import_shared(&bench.address(), &bench.options).unwrap();
    assert_eq!(bench.asked()[2], 4, "read anew");
    // The folder can be named in place of the address: it stays as it is.
    let folder = fetch_source(&bench.address(), &bench.options).unwrap();
    bench.fake.lock().revision = 3;
    assert_eq!(import_source(&folder, &bench.options).unwrap(), *second);
}

#[test]
fn sources_are_checked_without_the_network() {
    assert!(check_source(Path::new("https://docs.google.com/presentation/d/abc/edit")).is_ok());
    assert!(check_source(Path::new("https://example.org/talk")).unwrap_err().contains("no importer reads pages of example.org"));
    assert!(check_source(Path::new("/no/such/deck.pptx")).unwrap_err().contains("there is no file /no/such/deck.pptx"));
}
