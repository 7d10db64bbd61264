//! The same tests over a folder and over a server that speaks S3.

pub(crate) mod place;

use super::*;
use axum::body::to_bytes;
use axum::http::{HeaderMap, Method, StatusCode, header};
use futures_util::TryStreamExt;
use place::Place;
use std::fs;
use std::io::{BufRead, BufReader};
use std::sync::Mutex;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

async fn both(test: impl AsyncFn(Place)) {
    test(Place::folder()).await;
    test(Place::bucket()).await;
}

async fn content(artifacts: &Artifacts, set: &str, name: &str) -> Result<Vec<u8>, StoreError> {
    let chunks: Vec<Bytes> = artifacts.find(set, name).await?.read().await?.try_collect().await?;
    Ok(chunks.concat())
}

#[tokio::test]
async fn a_set_comes_whole_and_a_later_one_takes_its_place() {
    both(async |place| {
        let artifacts = place.open();
        assert_eq!(artifacts.manifest("job/1").await.unwrap(), None);
        let large = vec![7; PART + CHUNK + 5];
        let items = [place.item("1_final.mp4", &large), place.item("1_metadata.json", b"{}"), place.item("a b #1.txt", b"")];
        let published = artifacts.publish("job/1", &items).await.unwrap();
        // Another process sees the same.
        let other = place.open();
        let manifest = other.manifest("job/1").await.unwrap().unwrap();
        assert_eq!(manifest, published);
        assert_eq!(manifest.files[0].size, large.len() as u64);
        assert_eq!(manifest.files[1].sha256, "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
        assert_eq!(content(&other, "job/1", "1_final.mp4").await.unwrap(), large);
        assert_eq!(content(&other, "job/1", "a b #1.txt").await.unwrap(), b"");
        assert!(matches!(other.find("job/1", "2").await, Err(StoreError::Missing { .. })));

        let reading = other.find("job/1", "1_metadata.json").await.unwrap();
        artifacts.publish("job/1", &[place.item("1_final.mp4", b"new")]).await.unwrap();
        assert_eq!(content(&other, "job/1", "1_final.mp4").await.unwrap(), b"new");
        assert!(matches!(other.find("job/1", "1_metadata.json").await, Err(StoreError::Missing { .. })));
        reading.check().await.expect("who has found a file may read it");

        let to = place.here.path().join("copy");
        other.fetch("job/1", "1_final.mp4", &to).await.unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"new");
        other.publish("job/1/more", &[place.item("1_final.mp4", b"new")]).await.unwrap();
        other.publish("job/10", &[place.item("1_final.mp4", b"new")]).await.unwrap();
        other.remove("job/1").await.unwrap();
        assert_eq!(artifacts.manifest("job/1").await.unwrap(), None);
        assert_eq!(artifacts.usage().await.unwrap().files, 2, "of the other set");
        other.remove("job/1").await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_publish_at_once_one_wins_whole() {
    both(async |place| {
        let artifacts = Arc::new(place.open());
        let tasks: Vec<_> = (0..8_u8)
            .map(|number| {
                let items = [place.item(&format!("a-{number}"), &[number; 3000]), place.item(&format!("b-{number}"), &[number; 10])];
                let items = items.map(|item| Item { name: item.name[..1].into(), ..item });
                let artifacts = artifacts.clone();
                tokio::spawn(async move { artifacts.publish("job/1", &items).await.map(drop) })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        let (a, b) = (content(&artifacts, "job/1", "a").await.unwrap(), content(&artifacts, "job/1", "b").await.unwrap());
        assert_eq!((a.len(), b.len(), a[0]), (3000, 10, b[0]));
        place.later(HOUR);
        assert_eq!(artifacts.sweep().await.unwrap().files, 14, "what the others had put there");
        assert!(artifacts.verify("job/1").await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_a_crash_leaves_is_never_seen_and_soon_swept() {
    both(async |place| {
        let artifacts = place.open();
        artifacts.publish("job/1", &[place.item("film.mp4", b"first")]).await.unwrap();
        let level = artifacts.usage().await.unwrap();

        // The second file cannot be read: nothing of the set is left.
        let mut broken = place.item("gone.mp4", b"x");
        fs::remove_file(&broken.path).unwrap();
        assert!(artifacts.publish("job/1", &[place.item("film.mp4", b"second"), broken.clone()]).await.is_err());
        fs::create_dir(&broken.path).unwrap();
        assert!(artifacts.publish("job/1", &[place.item("film.mp4", b"second"), broken.clone()]).await.is_err());
        assert_eq!(artifacts.usage().await.unwrap(), level);

        // Killed between the last file and the manifest, for a set that is there and one that is not.
        broken = place.item("film.mp4", b"second");
        for set in ["job/1", "job/2"] {
            let lost = Manifest::new(set, &format!("{:013}-00000000", artifacts.now()), artifacts.now());
            artifacts.put(&lost.key_of(broken.tier, &broken.name), &broken).await.unwrap();
        }
        assert_eq!(content(&artifacts, "job/1", "film.mp4").await.unwrap(), b"first");
        assert_eq!(artifacts.manifest("job/2").await.unwrap(), None);
        assert_eq!(artifacts.sweep().await.unwrap(), Swept::default(), "they may be on their way");
        place.later(HOUR);
        assert_eq!(artifacts.sweep().await.unwrap(), Swept { files: 2, bytes: 12, sets: 0, failed: 0 });
        assert_eq!(artifacts.usage().await.unwrap(), level);
        assert_eq!(content(&artifacts, "job/1", "film.mp4").await.unwrap(), b"first");
    })
    .await;
}

/// What a child process does that the test below kills; without its variable there is nothing to do.
#[tokio::test]
async fn publishes_until_it_is_killed() {
    let Some(address) = std::env::var_os("LECTERN_TEST_PUBLISH") else { return };
    let here = tempfile::tempdir_in(&address).unwrap();
    let artifacts =
        Artifacts::open(Path::new(&address).join("store").to_str().unwrap(), Options { floor: 0, ..Options::default() }).unwrap();
    for round in 0_u64.. {
        let items: Vec<Item> = ["a", "b", "c"]
            .map(|name| {
                let path = here.path().join(name);
                fs::write(&path, round.to_le_bytes().repeat(40_000)).unwrap();
                Item::new(name, path)
            })
            .into();
        artifacts.publish("job/1", &items).await.unwrap();
        println!("published");
    }
}

/// Ends it, whatever becomes of the test.
struct Killed(std::process::Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[tokio::test]
async fn a_killed_process_leaves_whole_sets() {
    let place = Place::folder();
    let root = place.behind.path();
    for kill in 0..5_u64 {
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "artifacts::tests::publishes_until_it_is_killed"])
            .env("LECTERN_TEST_PUBLISH", root)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut child = Killed(child);
        let said = BufReader::new(child.0.stdout.take().unwrap());
        assert_eq!(said.lines().map(Result::unwrap).filter(|line| line.contains("published")).take(2).count(), 2);
        // Somewhere in a later round.
        std::thread::sleep(Duration::from_millis(1 + 5 * kill));
        drop(child);
        let artifacts = Artifacts::open(root.join("store").to_str().unwrap(), Options { floor: 0, ..Options::default() }).unwrap();
        assert_eq!(artifacts.manifest("job/1").await.unwrap().unwrap().files.len(), 3);
        assert!(artifacts.verify("job/1").await.unwrap().is_empty());
        let all = [content(&artifacts, "job/1", "a").await.unwrap(), content(&artifacts, "job/1", "c").await.unwrap()];
        assert_eq!(all[0], all[1], "files of one round");
    }
    // What is left of it goes with the first sweep after an hour.
    let time = Arc::new(Mutex::new(OffsetDateTime::now_utc() + HOUR + Duration::from_secs(60)));
    let clock: Clock = Arc::new(move || *time.lock().unwrap());
    let options = Options { floor: 0, clock, ..Options::default() };
    let artifacts = Artifacts::open(root.join("store").to_str().unwrap(), options).unwrap();
    artifacts.sweep().await.unwrap();
    assert_eq!(artifacts.usage().await.unwrap().files, 4);
    assert_eq!(fs::read_dir(root.join("store/job/1")).unwrap().count(), 2, "a manifest and a generation");
}

#[tokio::test]
async fn files_stay_as_long_as_their_tier_says() {
    both(async |place| {
        let artifacts = place.open_as(Options { in_use: Arc::new(|set| set == "job/busy"), ..Options::default() });
        let names = [Piece::Original, Piece::Audio, Piece::Transparent, Piece::Final].map(|piece| piece.name("7"));
        let items: Vec<Item> = names.iter().map(|name| place.item(name, b"12345")).collect();
        let passing = place.item("note.txt", b"1").kept(Tier::Temporary);
        artifacts.publish("job/7", &[items.as_slice(), &[passing]].concat()).await.unwrap();
        artifacts.publish("job/busy", &items[2..3]).await.unwrap();
        let mut passed = 0;
        for (hours, swept) in [(0, 0), (1, 1), (3 * 24, 1), (7 * 24, 2), (30 * 24, 1)] {
            place.later(HOUR * (hours - passed));
            passed = hours;
            let result = artifacts.sweep().await.unwrap();
            assert_eq!((result.files, result.failed), (swept, 0), "after {hours} hours");
            let found = artifacts.find("job/7", &names[3]).await;
            assert_eq!(found.is_ok(), hours < 30 * 24);
            assert_eq!(artifacts.find("job/7", &names[2]).await.is_ok(), hours < 3 * 24);
        }
        assert_eq!(artifacts.manifest("job/7").await.unwrap(), None, "nothing is left of it");
        assert!(artifacts.find("job/busy", &names[2]).await.is_ok(), "a job needs it");
    })
    .await;
}

#[tokio::test]
async fn a_day_of_jobs_leaves_no_more_than_its_films() {
    let place = Place::folder();
    let retention = Retention { uploads: HOUR * 6, processed: HOUR * 3, videos: HOUR * 12, temporary: HOUR };
    let artifacts = place.open_as(Options { retention, ..Options::default() });
    let mut levels = Vec::new();
    for hour in 0..36 {
        for job in 0..2 {
            let set = format!("job/{hour}-{job}");
            let items = [place.item("x_final.mp4", &[1; 4000]), place.item("x_mask.png", &[2; 500]), place.item("x_audio.wav", &[3; 800])];
            artifacts.publish(&set, &items).await.unwrap();
            artifacts.keep(Blob::Segment, &format!("{hour:08x}{job:08x}"), Bytes::from_static(&[5; 64])).await.unwrap();
        }
        place.later(HOUR);
        artifacts.sweep().await.unwrap();
        levels.push(artifacts.usage().await.unwrap().bytes);
    }
    assert_eq!(levels[23], levels[35], "{levels:?}");
    assert!(levels[35] < 2 * 12 * 6500, "{levels:?}");
}

#[tokio::test]
async fn a_full_disk_costs_what_is_made_again_and_never_films() {
    let place = Place::folder();
    let mut artifacts = place.open_as(Options { in_use: Arc::new(|set| set == "job/busy"), ..Options::default() });
    let items = ["x_final.mp4", "x_audio.wav", "x_mask.png"].map(|name| place.item(name, &[1; 1000]));
    for set in ["job/1", "job/2", "job/busy"] {
        artifacts.publish(set, &items).await.unwrap();
        place.later(HOUR * 2);
    }
    artifacts.publish("job/young", &items).await.unwrap();
    place.later(HOUR * 24);
    // A disk that holds so many bytes of the store's own.
    let disk = |size: u64| {
        let root = place.behind.path().to_path_buf();
        let used = move || {
            fn sum(folder: &Path) -> u64 {
                fs::read_dir(folder)
                    .unwrap()
                    .flatten()
                    .map(|it| if it.path().is_dir() { sum(&it.path()) } else { it.metadata().unwrap().len() })
                    .sum()
            }
            size.saturating_sub(sum(&root))
        };
        Room::pretended(place.behind.path(), 5_000, used)
    };
    let used = artifacts.usage().await.unwrap().bytes;
    // 1,500 bytes too few: the two oldest pictures go, whose job is over.
    artifacts.room = Some(disk(used + 5_000 + 1_000 - 1_500));
    artifacts.publish("job/new", &items[..1]).await.unwrap();
    assert!(artifacts.find("job/1", "x_mask.png").await.unwrap().check().await.is_err());
    assert!(artifacts.find("job/2", "x_mask.png").await.unwrap().check().await.is_err());
    assert!(artifacts.find("job/young", "x_mask.png").await.unwrap().check().await.is_ok());
    assert!(artifacts.find("job/1", "x_audio.wav").await.unwrap().check().await.is_ok());

    artifacts.room = Some(disk(6_000));
    let error = artifacts.publish("job/next", &items).await.unwrap_err();
    assert!(matches!(error, StoreError::NoRoom { needed: 3000, floor: 5000, .. }), "{error}");
    assert!(error.to_string().contains("lower store.floor"), "{error}");
    for set in ["job/1", "job/2", "job/busy", "job/young", "job/new"] {
        assert!(artifacts.find(set, "x_final.mp4").await.unwrap().check().await.is_ok(), "{set}");
    }
    assert!(artifacts.find("job/busy", "x_audio.wav").await.unwrap().check().await.is_ok(), "a job needs it");
    assert_eq!(artifacts.manifest("job/next").await.unwrap(), None);
}

#[tokio::test]
async fn the_disk_of_what_is_sent_and_made_keeps_its_floor_wherever_the_store_is() {
    both(async |place| {
        let mut artifacts = place.open();
        artifacts.make_room_to_work(u64::MAX).await.expect("nobody said where it lies");
        let elsewhere = Path::new("/proc");
        artifacts.work = Some(Room::pretended(elsewhere, 5_000, || 6_000));
        artifacts.make_room_to_work(1_000).await.unwrap();
        for (needed, free) in [(1_001, 6_000), (0, 4_999), (u64::MAX, 6_000)] {
            artifacts.work = Some(Room::pretended(elsewhere, 5_000, move || free));
            let error = artifacts.make_room_to_work(needed).await.unwrap_err();
            assert!(matches!(error, StoreError::NoRoom { floor: 5_000, .. }), "{error}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_store_gives_up_what_is_made_again_for_what_is_sent_to_the_same_disk() {
    let place = Place::folder();
    let mut artifacts = place.open();
    artifacts.publish("job/1", &[place.item("x_final.mp4", &[1; 1000]), place.item("x_mask.png", &[2; 1000])]).await.unwrap();
    place.later(HOUR * 24);
    // The picture goes, and there is room.
    let picture = place.files_behind("x_mask.png").remove(0);
    artifacts.work = Some(Room::pretended(place.behind.path(), 5_000, move || if picture.exists() { 5_000 } else { 6_000 }));
    artifacts.make_room_to_work(1_000).await.unwrap();
    assert!(artifacts.find("job/1", "x_mask.png").await.unwrap().check().await.is_err());
    artifacts.find("job/1", "x_final.mp4").await.unwrap().check().await.unwrap();
    assert!(matches!(artifacts.make_room_to_work(1_001).await, Err(StoreError::NoRoom { needed: 1_001, free: 6_000, .. })));
}

#[tokio::test]
async fn damage_is_found() {
    both(async |place| {
        let artifacts = place.open();
        artifacts.publish("job/1", &[place.item("film.mp4", &vec![1; 3 * CHUNK])]).await.unwrap();
        assert!(artifacts.verify("job/1").await.unwrap().is_empty());
        let film = place.files_behind("film.mp4").remove(0);
        let mut bytes = fs::read(&film).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&film, bytes).unwrap();
        assert!(matches!(artifacts.verify("job/1").await.unwrap()[..], [StoreError::Damaged { .. }]));
        let to = place.here.path().join("copy");
        assert!(artifacts.fetch("job/1", "film.mp4", &to).await.is_err());
        assert!(!to.exists() && !place.here.path().join("copy.part").exists());
        fs::write(&film, b"short").unwrap();
        assert!(artifacts.find("job/1", "film.mp4").await.unwrap().part(0..2).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn files_are_answered_whole_or_in_part() {
    both(async |place| {
        let artifacts = place.open();
        let film: Vec<u8> = (0..=255).cycle().take(2 * CHUNK + 100).collect();
        artifacts.publish("job/1", &[place.item("film.mp4", &film)]).await.unwrap();
        let ask = async |method: Method, asked: &[(&'static str, &str)]| {
            let headers: HeaderMap = asked.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
            let response = answer(&artifacts.find("job/1", "film.mp4").await.unwrap(), &method, &headers, Some("talk.mp4")).await.unwrap();
            let (head, body) = response.into_parts();
            (head.status, head.headers, to_bytes(body, usize::MAX).await.unwrap())
        };
        let (status, headers, body) = ask(Method::GET, &[]).await;
        assert_eq!((status, &body[..]), (StatusCode::OK, &film[..]));
        assert_eq!((&headers["accept-ranges"], &headers["content-type"]), (&"bytes".parse().unwrap(), &"video/mp4".parse().unwrap()));
        assert!(headers["content-disposition"].to_str().unwrap().contains("talk.mp4"));
        let tag = headers[header::ETAG].to_str().unwrap().to_string();

        let from = CHUNK - 10;
        let (status, headers, body) = ask(Method::GET, &[("range", &format!("bytes={from}-{}", from + 19))]).await;
        assert_eq!((status, &body[..]), (StatusCode::PARTIAL_CONTENT, &film[from..from + 20]));
        assert_eq!(headers["content-range"].to_str().unwrap(), format!("bytes {from}-{}/{}", from + 19, film.len()));
        assert_eq!(headers["content-length"], "20");
        let (_, _, body) = ask(Method::GET, &[("range", "bytes=-7"), ("if-range", &tag)]).await;
        assert_eq!(body[..], film[film.len() - 7..]);

        let (status, headers, _) = ask(Method::GET, &[("range", "bytes=99999999-")]).await;
        assert_eq!(
            (status, headers["content-range"].to_str().unwrap()),
            (StatusCode::RANGE_NOT_SATISFIABLE, format!("bytes */{}", film.len()).as_str())
        );
        assert_eq!(ask(Method::GET, &[("if-none-match", &tag)]).await.0, StatusCode::NOT_MODIFIED);
        assert_eq!(ask(Method::GET, &[("range", "bytes=0-1"), ("if-range", "\"other\"")]).await.0, StatusCode::OK);
        let (status, headers, body) = ask(Method::HEAD, &[]).await;
        assert_eq!((status, headers["content-length"].to_str().unwrap(), body.len()), (StatusCode::OK, film.len().to_string().as_str(), 0));
    })
    .await;
}

#[tokio::test]
async fn blobs_are_named_by_their_hash() {
    both(async |place| {
        let artifacts = place.open();
        let hash = "00ff00ff00ff00ff";
        assert_eq!(artifacts.blob(Blob::Speech, hash).await.unwrap(), None);
        artifacts.keep(Blob::Speech, hash, Bytes::from_static(b"pcm")).await.unwrap();
        artifacts.keep(Blob::Speech, hash, Bytes::from_static(b"pcm")).await.unwrap();
        assert_eq!(artifacts.blob(Blob::Speech, hash).await.unwrap().unwrap(), "pcm");
        assert_eq!(artifacts.blob(Blob::Segment, hash).await.unwrap(), None);
        assert!(artifacts.blob(Blob::Speech, "../../etc/passwd/x").await.is_err());
    })
    .await;
}

#[tokio::test]
async fn names_and_addresses_that_cannot_be_used_are_refused() {
    let place = Place::folder();
    let artifacts = place.open();
    let item = place.item("a", b"a");
    let named = |name: &str| Item { name: name.into(), ..item.clone() };
    for name in ["", "..", ".hidden", "manifest.json", "a/b", "a\\b", "a\nb", &"x".repeat(256)] {
        assert!(matches!(artifacts.publish("job/1", &[named(name)]).await, Err(StoreError::Name(..))), "{name:?}");
    }
    for set in ["", "job/", "../job", "job//1", "a/b/c/d/e", "job/ü"] {
        assert!(matches!(artifacts.publish(set, std::slice::from_ref(&item)).await, Err(StoreError::Name(..))), "{set:?}");
    }
    assert!(artifacts.publish("job/1", &[item.clone(), item.clone()]).await.is_err() && artifacts.publish("job/1", &[]).await.is_err());
    for (address, cause) in [("ftp://x", "speaks ftp"), ("s3://", "no bucket")] {
        let error = Artifacts::open_with(address, std::iter::empty(), Options::default()).err().unwrap();
        assert!(error.to_string().contains(cause), "{error}");
    }
}
