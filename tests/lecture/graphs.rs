//! The graph files of the repository run. (That they are valid is tested with the command line.)

use crate::support::{decodes_cleanly, lectern, probe, root, succeed};

#[test]
fn hello_runs() {
    let home = tempfile::tempdir().unwrap();
    let film = home.path().join("hello.mp4");
    succeed(
        lectern(home.path())
            .args(["run", "--quiet"])
            .arg(root().join("graphs/hello.yaml"))
            .args(["--set", &format!("out={}", film.display())]),
    );
    decodes_cleanly(&film);
    let said = probe(&film, &["-show_streams", "-count_frames"]);
    assert_eq!(said["streams"][0]["nb_read_frames"].as_str(), Some("90"));
}

#[test]
fn the_presenter_before_a_green_screen_is_keyed() {
    let home = tempfile::tempdir().unwrap();
    let frames = home.path().join("frames");
    let green = home.path().join("green.yaml");
    // The presenter drawn over green, as a camera would see one; then keyed by the graph under test.
    let text = format!(
        "version: 1\ngraph: green\ndefaults: {{ video: {{ size: 640x360, fps: 30 }} }}\nnodes:\n  ground: {{ type: color, config: {{ color: \"#00b140\", duration: 2s }} }}\n  voice: {{ type: audio_file, config: {{ path: {} }} }}\n  avatar: {{ type: lip_sync, inputs: {{ audio: voice.audio, cues: voice.cues }}, config: {{ height: 100% }} }}\n  scene: {{ type: chroma_compositor, inputs: {{ slide: ground, avatar: avatar }}, config: {{ place: {{ anchor: bottom, height: 100%, margin: 0 }} }} }}\n  hold: {{ type: playout, inputs: {{ video: scene }} }}\n  files: {{ type: frame_sink, inputs: {{ video: hold.video }}, config: {{ path: {} }} }}\n",
        home.path().join("speech.wav").display(),
        frames.display()
    );
    std::fs::write(&green, text).unwrap();
    std::fs::create_dir(&frames).unwrap();
    succeed(lectern(home.path()).args(["speak", "Hello there.", "-o"]).arg(home.path().join("speech.wav")));
    succeed(lectern(home.path()).args(["run", "--quiet"]).arg(&green));

    let film = home.path().join("greenscreen.mp4");
    let sets = [format!("out={}", film.display()), format!("frames={}", frames.display()), "slides=1".to_string()];
    let mut run = lectern(home.path());
    run.args(["run", "--quiet"]).arg(root().join("graphs/greenscreen.yaml"));
    for set in &sets {
        run.args(["--set", set]);
    }
    succeed(&mut run);
    decodes_cleanly(&film);
    // No pixel of the film is anywhere near the screen's green.
    let rgb = succeed(std::process::Command::new("ffmpeg").args(["-v", "error", "-ss", "1", "-i"]).arg(&film).args([
        "-frames:v",
        "1",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        "-",
    ]));
    let greenish = rgb.stdout.chunks_exact(3).filter(|p| i32::from(p[1]) - i32::from(p[0].max(p[2])) > 60).count();
    assert!(greenish < 20, "{greenish} pixels are still green");
}
