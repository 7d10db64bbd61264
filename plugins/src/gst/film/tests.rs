use super::*;
use std::path::PathBuf;
use std::process::Command;

/// Has ffmpeg make a film; the arguments are separated by spaces.
pub(crate) fn make(folder: &Path, name: &str, arguments: &str) -> PathBuf {
    let path = folder.join(name);
    let output = Command::new("ffmpeg").args(["-v", "error", "-y"]).args(arguments.split(' ')).arg(&path).output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    path
}

/// So many pictures of 64x36, each brighter than the one before, as a source for ffmpeg. The n-th has luma 40 + 2n.
pub(crate) fn brighter(fps: &str, count: usize) -> String {
    format!("-f lavfi -i color=c=black:s=64x36:r={fps},trim=end_frame={count},format=yuv420p,geq=lum='40+2*N':cb=128:cr=128")
}

/// The number of a picture of [`brighter`].
pub(crate) fn number_of(frame: &VideoFrame) -> i64 {
    let size = frame.size();
    let plane = frame.picture.plane(0);
    (i64::from(plane.data[size.height as usize / 2 * plane.stride + size.width as usize / 2]) - 39) / 2
}

fn pictures(path: &Path, from: Span) -> Vec<FilmPicture> {
    let pool = Pool::new();
    let mut reader = FilmReader::open(path, Track::Pictures, from, Arc::default()).unwrap();
    std::iter::from_fn(|| reader.picture(&pool).unwrap()).collect()
}

fn sound(path: &Path) -> Vec<FilmSound> {
    let mut reader = FilmReader::open(path, Track::Sound, Span::ZERO, Arc::default()).unwrap();
    std::iter::from_fn(|| reader.sound().unwrap()).collect()
}

const TONE: &str = "-f lavfi -i sine=f=440:r=44100:d=2";

#[test]
fn every_usual_kind_of_film_is_read_whole_and_in_order() {
    let dir = tempfile::tempdir().unwrap();
    for (name, coding, slack) in [
        ("b.mp4", "-c:v libx264 -bf 3 -qp 0 -c:a aac", 0),
        ("m.mov", "-c:v mjpeg -q:v 1 -pix_fmt yuvj420p -c:a pcm_s16le", 0),
        ("v.webm", "-c:v libvpx -crf 4 -b:v 2M -c:a libopus -ar 48000", 8),
        ("x.mkv", "-c:v libx264 -bf 2 -c:a flac", 2),
        ("a.avi", "-c:v mpeg4 -q:v 1 -c:a mp3", 40),
    ] {
        let film = make(dir.path(), name, &format!("{} {TONE} {coding}", brighter("25", 50)));
        let facts = film_facts(&film).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((facts.shape, facts.has_sound), (Size::new(64, 36), true), "{name}");
        assert!((facts.length - Span::from_seconds(2)).to_millis().abs() < 100, "{name}: {}", facts.length);
        let seen = pictures(&film, Span::ZERO);
        let numbers: Vec<i64> = seen.iter().map(|picture| number_of(&picture.frame)).collect();
        assert_eq!(seen.len(), 50, "{name}: {numbers:?}");
        assert!(numbers.iter().enumerate().all(|(n, number)| number.abs_diff(n as i64) <= 2), "{name}: {numbers:?}");
        let late = seen.iter().enumerate().map(|(n, picture)| (picture.at - Span::from_millis(40 * n as i64)).to_millis().abs()).max();
        assert!(late <= Some(slack), "{name}: {late:?} ms");
        let heard = sound(&film);
        let samples: usize = heard.iter().map(|block| block.samples.len()).sum();
        let seconds = samples as f64 / f64::from(heard[0].rate);
        assert!((1.95..2.1).contains(&seconds), "{name}: {seconds} s");
        assert!(heard[0].at.to_millis() <= 50, "{name}: {}", heard[0].at);
        let peak = heard.iter().flat_map(|block| &block.samples).fold(0.0f32, |peak, sample| peak.max(sample.abs()));
        assert!((0.1..0.2).contains(&peak), "{name}: {peak}");
    }
}

#[test]
fn a_reader_that_starts_in_the_middle_gives_the_same_pictures() {
    let dir = tempfile::tempdir().unwrap();
    let film = make(dir.path(), "long.mp4", "-f lavfi -i testsrc2=s=64x36:r=25:d=12 -c:v libx264 -bf 3 -g 60");
    let all = pictures(&film, Span::ZERO);
    let from = Span::from_millis(7_300);
    let later = pictures(&film, from);
    assert!(later[0].at <= from && later[0].at >= from - Span::from_seconds(2), "{}", later[0].at);
    assert!(later.len() < all.len());
    // The very first may be said to begin where it was asked for.
    for (a, b) in all.iter().rev().zip(later[1..].iter().rev()) {
        assert_eq!((a.at, a.frame.picture.bytes() == b.frame.picture.bytes()), (b.at, true), "{} pictures of {}", later.len(), all.len());
    }
}

#[test]
fn colours_of_any_kind_become_ours() {
    let dir = tempfile::tempdir().unwrap();
    // BT.709, limited range: 16 + 219 * (0.2126 r + 0.7152 g + 0.0722 b), and so on.
    let expected = [79, 108, 215];
    let red = "-f lavfi -i color=c=0xe62020:s=320x180:r=10:d=0.3";
    let tags =
        |matrix: &str, range: &str| format!("-colorspace {matrix} -color_primaries {matrix} -color_trc {matrix} -color_range {range}");
    let scale = |matrix: &str, range: &str| format!("-vf scale=out_color_matrix={matrix}:out_range={range}");
    for (name, coding) in [
        ("709.mp4", format!("{} -c:v libx264 -qp 0 -pix_fmt yuv420p {}", scale("bt709", "tv"), tags("bt709", "tv"))),
        ("601.mp4", format!("{} -c:v libx264 -qp 0 -pix_fmt yuv420p {}", scale("bt601", "tv"), tags("smpte170m", "tv"))),
        ("untagged.mp4", format!("{} -c:v libx264 -qp 0 -pix_fmt yuv420p", scale("bt601", "tv"))),
        ("full.mp4", format!("{} -c:v libx264 -qp 0 -pix_fmt yuv420p {}", scale("bt709", "pc"), tags("bt709", "pc"))),
        ("444.mp4", format!("{} -c:v libx264 -qp 0 -pix_fmt yuv444p {}", scale("bt709", "tv"), tags("bt709", "tv"))),
        ("ten.mp4", format!("{} -c:v libx264 -qp 0 -pix_fmt yuv420p10le {}", scale("bt709", "tv"), tags("bt709", "tv"))),
        ("rgb.mov", "-c:v png -pix_fmt rgb24".into()),
        ("full601.mp4", format!("{} -c:v libx264 -qp 0 -pix_fmt yuv420p {}", scale("bt601", "pc"), tags("smpte170m", "pc"))),
        ("jpeg.avi", format!("{} -c:v mjpeg -q:v 1 -pix_fmt yuvj420p", scale("bt601", "pc"))),
    ] {
        let film = make(dir.path(), name, &format!("{red} {coding}"));
        let frame = &pictures(&film, Span::ZERO)[1].frame;
        let middle = |plane: usize| {
            let plane = frame.picture.plane(plane);
            plane.data[plane.size.height as usize / 2 * plane.stride + plane.size.width as usize / 2]
        };
        let found = [0, 1, 2].map(middle);
        let near = found.iter().zip(expected).all(|(found, expected)| found.abs_diff(expected) <= 4);
        assert!(near, "{name}: {found:?} is not {expected:?}");
    }
}

#[test]
fn films_are_upright_with_square_and_even_pixels() {
    let dir = tempfile::tempdir().unwrap();
    // Bright above, dark below.
    let source = "-f lavfi -i color=c=black:s=320x180:r=10:d=0.5,format=yuv420p,geq=lum='if(lt(Y,60),200,30)':cb=128:cr=128";
    let flat = make(dir.path(), "flat.mp4", &format!("{source} -c:v libx264"));
    let turned = make(dir.path(), "turned.mp4", &format!("-i {} -c copy -metadata:s:v:0 rotate=90", flat.display()));
    assert_eq!(film_facts(&turned).unwrap().shape, Size::new(180, 320));
    let frame = &pictures(&turned, Span::ZERO)[0].frame;
    let luma = frame.picture.plane(0);
    let at = |x: usize, y: usize| luma.data[y * luma.stride + x];
    // What was above is left now, as in ffmpeg.
    assert!((frame.size(), at(20, 160) > 150, at(160, 160) < 60) == (Size::new(180, 320), true, true), "{} {}", at(20, 160), at(160, 160));

    let wide = make(dir.path(), "wide.mp4", "-f lavfi -i color=c=gray:s=720x576:r=10:d=0.5 -c:v libx264 -aspect 16:9");
    assert_eq!(film_facts(&wide).unwrap().shape, Size::new(1024, 576));
    let odd = make(dir.path(), "odd.mov", "-f lavfi -i color=c=gray:s=321x181:r=10:d=0.5 -c:v png");
    assert_eq!(pictures(&odd, Span::ZERO)[0].frame.size(), Size::new(320, 180));
    let fields = make(dir.path(), "fields.mp4", "-f lavfi -i testsrc2=s=320x240:r=50:d=1 -vf interlace -c:v libx264 -flags +ilme+ildct");
    assert_eq!(pictures(&fields, Span::ZERO).len(), 25, "one picture a frame");
}

#[test]
fn a_film_that_does_not_tell_its_length_is_measured() {
    let dir = tempfile::tempdir().unwrap();
    let film = make(dir.path(), "live.webm", &format!("{} -c:v libvpx -live 1", brighter("25", 50)));
    let facts = film_facts(&film).unwrap();
    assert!((facts.length - Span::from_seconds(2)).to_millis().abs() <= 2 && !facts.has_sound, "{facts:?}");
}

#[test]
fn what_is_no_film_is_an_error_that_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let told = |path: &Path| film_facts(path).err().map(|error| error.to_string()).unwrap_or_default();
    let write = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let good = make(dir.path(), "good.mp4", &format!("{} -c:v libx264", brighter("25", 50)));
    let bytes = std::fs::read(&good).unwrap();
    let headless = told(&write("headless.mp4", &bytes[..bytes.len() / 2]));
    assert!(headless.contains("damaged") || headless.contains("no track"), "{headless}");
    let text = told(&write("text.mp4", b"This is no film at all, just some text."));
    assert!(text.contains("no film that can be read"), "{text}");
    let voice = told(&make(dir.path(), "voice.m4a", TONE));
    assert!(voice.contains("no track of that kind"), "{voice}");
    let huge = told(&make(dir.path(), "huge.avi", "-f lavfi -i color=s=30000x16:r=5:d=0.4 -c:v mjpeg -pix_fmt yuvj420p"));
    assert!(huge.contains("30000x16") && huge.contains("scale it down"), "{huge}");
    let list = told(&write("list.mp4", b"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n"));
    assert!(!list.is_empty());
}

#[test]
fn a_film_that_breaks_off_gives_what_it_has_and_then_an_error_or_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let film = make(dir.path(), "cut.mp4", "-f lavfi -i testsrc2=s=320x180:r=25:d=4 -c:v libx264 -movflags +faststart");
    let bytes = std::fs::read(&film).unwrap();
    std::fs::write(&film, &bytes[..bytes.len() * 2 / 3]).unwrap();
    let pool = Pool::new();
    let mut reader = FilmReader::open(&film, Track::Pictures, Span::ZERO, Arc::default()).unwrap();
    let (mut seen, mut fault) = (0, None);
    loop {
        match reader.picture(&pool) {
            Ok(Some(_)) => seen += 1,
            Ok(None) => break,
            Err(error) => {
                fault = Some(error.to_string());
                break;
            }
        }
    }
    assert!((20..100).contains(&seen), "{seen} pictures, then {fault:?}");
}
