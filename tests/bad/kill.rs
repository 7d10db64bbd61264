//! Killed at any moment, a render leaves nothing that looks like a film and is none.

use super::{LESSON, Place, content};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn a_killed_render_leaves_parts_only_and_the_next_one_is_right() {
    let place = Place::with("two.yaml", LESSON);
    place.write_small_graph();
    let render = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lectern"));
        command
            .args(["render", "two.yaml", "--graph", "small.yaml", "-q"])
            .current_dir(place.folder.path())
            .env("XDG_CACHE_HOME", place.cache.path());
        command.stderr(Stdio::inherit()).spawn().unwrap()
    };
    let start = Instant::now();
    assert!(render().wait().unwrap().success());
    let whole = content(place.folder.path());
    // How long a render takes: with what was spoken before, and without.
    let mut lengths = [start.elapsed(); 2];
    let seed = u64::from(std::process::id()) << 32 | u64::from(std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos());
    println!("seed {seed}");
    let mut random = seed;
    let kills = std::env::var("LECTERN_KILLS").map_or(5, |kills| kills.parse().expect("LECTERN_KILLS is a number"));
    let (mut hits, mut tries) = (0, 0);
    while hits < kills {
        assert!(tries < 2 * kills, "seed {seed}: only {hits} of {tries} kills met a render that was under way");
        tries += 1;
        for name in ["two.mp4", "two.srt", "two.vtt"] {
            fs::remove_file(place.path(name)).unwrap();
        }
        // Half of the times without what was spoken before.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let speaks = random >> 63 == 1;
        if speaks {
            fs::remove_dir_all(place.cache.path().join("lectern/speech")).unwrap();
        }
        let length = &mut lengths[usize::from(speaks)];
        let due = length.mul_f64(f64::from((random >> 32) as u32 & 0x7fff_ffff) / f64::from(1u32 << 31));
        let start = Instant::now();
        let mut running = render();
        // Any moment: there is no event to wait for.
        while start.elapsed() < due && running.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        running.kill().unwrap();
        if running.wait().unwrap().signal().is_some() {
            hits += 1;
        } else {
            *length = start.elapsed();
        }
        for (path, bytes) in content(place.folder.path()) {
            let part = path.extension().is_some_and(|extension| extension == "part");
            assert!(part || whole.get(&path) == Some(&bytes), "seed {seed}: {} is neither a part nor whole", path.display());
        }
        assert!(render().wait().unwrap().success());
        assert!(content(place.folder.path()) == whole, "seed {seed}: the next render differs or leaves something");
    }
}
