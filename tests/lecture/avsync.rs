//! Sound against picture in a file.

use crate::support::together::{flashes_and_clicks, worst};
use crate::support::{lectern, root, sound, succeed};

#[test]
fn flash_and_click_stay_together_for_ten_minutes() {
    let home = tempfile::tempdir().unwrap();
    let film = home.path().join("avsync.mp4");
    let out = format!("out={}", film.display());
    succeed(lectern(home.path()).args(["run", "--quiet"]).arg(root().join("graphs/avsync.yaml")).args(["--set", &out]));
    let (flashes, clicks) = flashes_and_clicks(&film, 30.0);
    assert_eq!((flashes.len(), clicks.len()), (599, 599));
    let worst = worst(&flashes, &clicks);
    assert!(worst <= 0.001, "flash and click are up to {worst} s apart");
    assert_eq!(sound(&film).len(), 600 * 48_000);
}
