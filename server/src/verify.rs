//! A film that has been made, decoded again and held against what it should be.

use engine::pool::Pool;
use engine::time::{Rate, Span};
use plugins::gst::{FilmReader, Track};
use std::path::Path;
use std::sync::Arc;

/// Times in a file are rounded to its own scale.
const ROUNDING: Span = Span::from_millis(1);
/// Sound is coded in blocks; the last one may be shorter or longer than what was heard.
const BLOCK: Span = Span::from_millis(45);

/// Decodes all of a film. It must have pictures at times of `fps`, the first one at its beginning, and sound without a gap, both as long
/// as it should be: `seconds`.
///
/// # Errors
/// What is not as it should be.
pub fn verify(film: &Path, seconds: f64, fps: Rate) -> Result<(), String> {
    let length = Span::from_seconds_f64(seconds);
    let (first, last) = pictures(film, fps)?;
    if first > ROUNDING {
        return Err(format!("its first picture comes at {first}, not at its beginning"));
    }
    // The last picture may stand for as long as a still slide.
    if last >= length {
        return Err(format!("a picture comes at {last}, but the film is {length} long"));
    }
    let (begin, end) = sound(film)?;
    if begin > ROUNDING {
        return Err(format!("its sound begins at {begin}, its pictures at {first}"));
    }
    if (end - length).0.abs() > BLOCK.0 {
        return Err(format!("its sound ends at {end}, but the film is {length} long"));
    }
    let told = plugins::gst::film_facts(film).map_err(|error| error.to_string())?.length;
    if (told - length).0.abs() > fps.interval().0 {
        return Err(format!("it says that it is {told} long, but it is {length}"));
    }
    Ok(())
}

/// When the first and the last picture come.
fn pictures(film: &Path, fps: Rate) -> Result<(Span, Span), String> {
    let told = |error: plugins::gst::GstError| format!("its pictures cannot be decoded: {error}");
    let mut reader = FilmReader::open(film, Track::Pictures, Span::ZERO, Arc::default()).map_err(told)?;
    let (pool, mut times) = (Pool::new(), None);
    while let Some(picture) = reader.picture(&pool).map_err(told)? {
        let at = picture.at;
        let tick = fps.span_of(fps.count_in(at + fps.interval() / 2));
        if (at - tick).0.abs() > ROUNDING.0 {
            return Err(format!("a picture comes at {at}, between two of its rate"));
        }
        let (first, last) = times.unwrap_or((at, at));
        if at < last {
            return Err(format!("a picture comes at {at} after one at {last}"));
        }
        times = Some((first, at));
    }
    times.ok_or_else(|| "it has no pictures".into())
}

/// When the sound begins and ends.
fn sound(film: &Path) -> Result<(Span, Span), String> {
    let told = |error: plugins::gst::GstError| format!("its sound cannot be decoded: {error}");
    let mut reader = FilmReader::open(film, Track::Sound, Span::ZERO, Arc::default()).map_err(told)?;
    let mut times: Option<(Span, Span)> = None;
    while let Some(block) = reader.sound().map_err(told)? {
        let length = Span::from_seconds_f64(block.samples.len() as f64 / f64::from(block.rate));
        let (begin, due) = times.unwrap_or((block.at, block.at));
        if (block.at - due).0.abs() > ROUNDING.0 {
            return Err(format!("its sound has a gap from {due} to {}", block.at));
        }
        times = Some((begin, block.at + length));
    }
    times.ok_or_else(|| "it has no sound".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// What is said of a film that ffmpeg makes, which should be two seconds long at 25 pictures a second.
    fn said(arguments: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let film = folder.path().join("film.mov");
        let output = Command::new("ffmpeg").args(["-v", "error"]).args(arguments.split(' ')).arg(&film).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        verify(&film, 2.0, Rate::per_second(25)).err().unwrap_or_default()
    }

    #[test]
    fn a_film_is_held_against_what_it_should_be() {
        let pictures = |rate: u32, length: &str| format!("-f lavfi -i testsrc2=s=64x36:r={rate}:d={length}");
        let sound = |length: &str| format!("-f lavfi -i sine=r=48000:d={length} -c:v libx264 -bf 2 -c:a pcm_s16le");
        assert_eq!(said(&format!("{} {}", pictures(25, "2"), sound("2"))), "");
        assert!(said(&format!("{} {}", pictures(25, "2"), sound("1.5"))).contains("its sound ends at"));
        assert!(said(&format!("{} {}", pictures(25, "2.2"), sound("2"))).contains("a picture comes at"));
        assert!(said(&format!("{} {}", pictures(30, "2"), sound("2"))).contains("between two of its rate"));
        assert!(said(&format!("{} -c:v libx264", pictures(25, "2"))).contains("sound"));
        assert!(said("-f lavfi -i sine=r=48000:d=2 -c:a pcm_s16le").contains("pictures"));
    }
}
