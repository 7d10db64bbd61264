use super::kind::{CONTENT, DECKS, FILMS, PICTURES, SOUNDS};
use super::*;
use crate::http::hear_out::hear_out;
use crate::privacy::in_memory;
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Multipart, Request};
use axum::middleware::from_fn;
use axum::routing::post;
use futures_util::stream;
use std::convert::Infallible;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use tower::ServiceExt;

const ALL: [&[Kind]; 5] = [DECKS, CONTENT, PICTURES, SOUNDS, FILMS];

async fn send(folder: &Path, name: &str, content: &[u8], kinds: &[Kind]) -> Result<Upload, UploadError> {
    let chunks: Vec<Result<Bytes, Infallible>> = content.chunks(1000).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    receive(stream::iter(chunks), name, &Rules { folder, bytes: 1 << 20, kinds }).await
}

fn left(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    for (name, text) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[tokio::test]
async fn an_archive_that_says_it_has_millions_of_parts_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let deck = archive(&[("ppt/presentation.xml", "x")]);
    // In its comment: the record of how many there are, and where that record is.
    let claiming = |parts: u64| {
        let record = [b"PK\x06\x06".as_slice(), &[0; 28], &parts.to_le_bytes(), &[0; 16]].concat();
        let locator = [b"PK\x06\x07".as_slice(), &[0; 4], &(deck.len() as u64).to_le_bytes(), &[0; 4]].concat();
        let comment = [record, locator].concat();
        let length = (comment.len() as u16).to_le_bytes();
        [&deck[..deck.len() - 2], &length[..], &comment[..]].concat()
    };
    assert_eq!(send(folder.path(), "a.pptx", &claiming(65_535), DECKS).await.unwrap().kind, Kind::Pptx);
    let refused = send(folder.path(), "a.pptx", &claiming(1_000_000), DECKS).await;
    assert!(matches!(refused, Err(UploadError::Kind { found: None, .. })), "{refused:?}");
}

#[tokio::test]
async fn kinds_are_known_by_content() {
    let folder = tempfile::tempdir().unwrap();
    let all = ALL.concat();
    let old: Vec<u8> = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".iter().copied().chain([0; 70_000]).collect();
    let ppt: Vec<u8> = old.iter().copied().chain("PowerPoint Document".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let padded = |head: &[u8]| [head, &[0; 60]].concat();
    let cases: Vec<(&str, Vec<u8>, Option<Kind>)> = vec![
        ("a.pptx", archive(&[("[Content_Types].xml", "x"), ("ppt/presentation.xml", "x")]), Some(Kind::Pptx)),
        ("a.zip", archive(&[("word/document.xml", "x")]), Some(Kind::Docx)),
        ("a.odp", archive(&[("mimetype", "application/vnd.oasis.opendocument.presentation")]), Some(Kind::Odp)),
        ("a.odt", archive(&[("mimetype", "application/vnd.oasis.opendocument.text")]), None),
        ("a.pptx", archive(&[("readme.txt", "x")]), None),
        ("a.pptx", padded(b"PK\x03\x04"), None),
        ("a.ppt", ppt, Some(Kind::Ppt)),
        ("a.doc", old, None),
        ("a.pdf", b"%PDF-1.7\n%\xff\xff".to_vec(), Some(Kind::Pdf)),
        ("a.pdf", b"\xef\xbb\xbf\r\n%PDF-1.4 later".to_vec(), Some(Kind::Pdf)),
        ("a.txt", "Grüße\n\tund mehr".into(), Some(Kind::Text)),
        ("a.wav", "some lines of text".into(), Some(Kind::Text)),
        ("NOTES.MD", "# Title".into(), Some(Kind::Markdown)),
        ("a.txt", vec![b'a', 0, b'b'], None),
        ("a.txt", b"\xff\xfe".to_vec(), None),
        ("a.txt", b"\xff\xfeH\0i\0".to_vec(), Some(Kind::Text)),
        ("a.md", b"\xfe\xff\0#\0 \0A".to_vec(), Some(Kind::Markdown)),
        ("a.mp3", b"\xff\xfe\0\xd8".to_vec(), None),
        ("a.png", padded(b"\x89PNG\r\n\x1a\n"), Some(Kind::Png)),
        ("a.jpg", padded(b"\xff\xd8\xff\xe0"), Some(Kind::Jpeg)),
        ("a.wav", padded(b"RIFF\x24\0\0\0WAVEfmt "), Some(Kind::Wav)),
        ("a.avi", padded(b"RIFF\x24\0\0\0AVI LIST"), Some(Kind::Avi)),
        ("a.mp3", padded(b"ID3\x04"), Some(Kind::Mp3)),
        ("a.mp3", padded(b"\xff\xfb\x90\x44"), Some(Kind::Mp3)),
        ("a.mp3", padded(b"\xff\xfb\xf0\x44"), None),
        ("a.aac", padded(b"\xff\xf1\x50\x80"), Some(Kind::Aac)),
        ("a.m4a", padded(b"\0\0\0\x20ftypM4A "), Some(Kind::M4a)),
        ("a.mp4", padded(b"\0\0\0\x20ftypisom"), Some(Kind::Mp4)),
        ("a.mov", padded(b"\0\0\0\x14ftypqt  "), Some(Kind::Mov)),
        ("a.mov", padded(b"\0\0\0\x08wide\0\0\0\0mdat"), Some(Kind::Mov)),
        ("a.flac", padded(b"fLaC"), Some(Kind::Flac)),
        ("a.ogg", padded(b"OggS"), Some(Kind::Ogg)),
        ("a.webm", padded(b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm"), Some(Kind::WebM)),
        ("a.mkv", padded(b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x88matroska"), Some(Kind::Mkv)),
        ("a.exe", padded(b"MZ\x90\0\x03"), None),
    ];
    for (name, content, kind) in cases {
        match send(folder.path(), name, &content, &all).await {
            Ok(upload) => assert_eq!(Some(upload.kind), kind, "{name} {:?}", &content[..content.len().min(20)]),
            Err(UploadError::Kind { found: None, .. }) => assert_eq!(None, kind, "{name}"),
            Err(error) => panic!("{name}: {error}"),
        }
    }
    assert_eq!(left(folder.path()), 0);
}

#[tokio::test]
async fn a_file_comes_whole_with_its_hash_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let coming = folder.path().join("coming");
    let upload = send(&coming, "../../etc/Talk 1.md", b"# Hello", CONTENT).await.unwrap();
    assert_eq!((upload.name.as_str(), upload.kind, upload.bytes), ("Talk 1.md", Kind::Markdown, 7));
    // printf '# Hello' | sha256sum
    assert_eq!(upload.sha256, "01c8de44e04d2f7a304f50963545a2aff58c33e9c44a1f33fdcb978fb224cb74");
    let kept = folder.path().join("kept.md");
    upload.keep(&kept).unwrap();
    assert_eq!((fs::read(&kept).unwrap(), left(&coming)), (b"# Hello".to_vec(), 0));

    drop(send(&coming, "a.md", b"# Hello", CONTENT).await.unwrap());
    let large = vec![b'a'; (1 << 20) + 1];
    assert!(matches!(send(&coming, "a.txt", &large, CONTENT).await, Err(UploadError::TooLarge(_))));
    assert!(send(&coming, "a.txt", &large[1..], CONTENT).await.is_ok(), "exactly as large as allowed");
    assert!(matches!(send(&coming, "a.txt", b"", CONTENT).await, Err(UploadError::Empty)));
    let error = send(&coming, "broken.wav", b"some text under another name", SOUNDS).await.unwrap_err();
    assert!(error.to_string().starts_with("the file is a plain text; send a WAV recording, "), "{error}");
    assert!(matches!(send(&coming, "a.wav", b"RIFF\x24\0\0\0WAVEfmt ", SOUNDS).await, Err(UploadError::Short(16))));
    assert_eq!(left(&coming), 0);
}

#[tokio::test]
async fn nothing_is_left_when_the_sender_goes_away() {
    let folder = tempfile::tempdir().unwrap();
    // It breaks off.
    let broken = stream::iter([Ok(Bytes::from_static(b"%PDF-1.4")), Err("the connection is gone")]);
    let rules = Rules { folder: folder.path(), bytes: LARGEST, kinds: DECKS };
    assert!(matches!(receive(broken, "a.pdf", &rules).await, Err(UploadError::Gone(_))));
    assert_eq!(left(folder.path()), 0);
    // It says nothing more, and the server gives the handler up.
    let begun = Arc::new(tokio::sync::Notify::new());
    let (tell, path) = (begun.clone(), folder.path().to_path_buf());
    let handler = tokio::spawn(async move {
        let said = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"%PDF-1.4"))]);
        let silent = stream::once(async move {
            tell.notify_one();
            std::future::pending().await
        });
        let bytes = Box::pin(said.chain(silent));
        receive(bytes, "a.pdf", &Rules { folder: &path, bytes: LARGEST, kinds: DECKS }).await.map(drop)
    });
    begun.notified().await;
    assert_eq!(left(folder.path()), 1);
    handler.abort();
    assert!(handler.await.unwrap_err().is_cancelled());
    assert_eq!(left(folder.path()), 0);
}

#[tokio::test]
async fn a_form_with_a_file_is_read_as_it_comes() {
    async fn take(folder: Arc<PathBuf>, mut form: Multipart) -> Result<String, StatusCode> {
        let field = form.next_field().await.unwrap().unwrap();
        let name = field.file_name().unwrap_or_default().to_string();
        let rules = Rules { folder: &folder, bytes: 300_000, kinds: DECKS };
        receive(field, &name, &rules).await.map(|upload| format!("{} {}", upload.name, upload.bytes)).map_err(|error| error.status())
    }
    let folder = tempfile::tempdir().unwrap();
    let path = Arc::new(folder.path().to_path_buf());
    let app = Router::new().route("/", post(move |form| take(path.clone(), form))).layer(DefaultBodyLimit::disable());
    let form = |content: &[u8]| {
        let head = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"C:\\\\talks\\\\deck.pdf\"\r\n\r\n";
        let body = [head.as_bytes(), content, b"\r\n--b--\r\n"].concat();
        Request::post("/").header("content-type", "multipart/form-data; boundary=b").body(Body::from(body)).unwrap()
    };
    let answer = app.clone().oneshot(form(&[b"%PDF-1.4".as_slice(), &[b'x'; 200_000]].concat())).await.unwrap();
    let said = axum::body::to_bytes(answer.into_body(), 1000).await.unwrap();
    assert_eq!(said, "deck.pdf 200008");
    let statuses = [(vec![b'x'; 300_001], StatusCode::PAYLOAD_TOO_LARGE), (b"text".to_vec(), StatusCode::UNSUPPORTED_MEDIA_TYPE)];
    for (content, status) in statuses {
        assert_eq!(app.clone().oneshot(form(&content)).await.unwrap().status(), status);
    }
    assert_eq!(left(folder.path()), 0);
}

#[test]
fn names_lose_their_paths() {
    for (sent, kept) in [
        ("deck.pptx", "deck.pptx"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        (" Vortrag über\u{0}\n Äpfel.pdf ", "Vortrag über Äpfel.pdf"),
        (".htaccess", "htaccess"),
        (&"x".repeat(255), &"x".repeat(255)),
    ] {
        assert_eq!(clean(sent).unwrap(), kept);
    }
    for wrong in ["", "/", "a/", "..", "\u{7}", &"x".repeat(256), &"ü".repeat(128)] {
        assert!(matches!(clean(wrong), Err(UploadError::Name(_))), "{wrong:?}");
    }
}

#[test]
fn what_a_killed_server_left_is_cleared() {
    let folder = tempfile::tempdir().unwrap();
    let coming = folder.path().join("coming");
    clear(&coming).unwrap();
    fs::create_dir(&coming).unwrap();
    fs::write(coming.join(".tmpAbC"), "x").unwrap();
    clear(&coming).unwrap();
    assert!(!coming.exists());
}

#[tokio::test]
async fn who_sends_too_much_gets_an_answer_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = Arc::new(folder.path().to_path_buf());
    let take = move |form: Request| {
        let path = path.clone();
        async move {
            let rules = Rules { folder: &path, bytes: 1 << 20, kinds: CONTENT };
            receive(form.into_body().into_data_stream(), "a.txt", &rules).await.map(drop).map_err(|error| error.status())
        }
    };
    let app = Router::new().route("/", post(take)).layer(DefaultBodyLimit::disable()).layer(from_fn(hear_out));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.post(format!("http://{address}/")).body(vec![b'a'; 2 << 20]).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 413);
    assert_eq!(left(folder.path()), 0);
}

#[tokio::test]
async fn an_upload_may_have_come_in_on_another_disk() {
    let memory = tempfile::tempdir_in(in_memory().unwrap_or_else(std::env::temp_dir)).unwrap();
    let disk = tempfile::tempdir().unwrap();
    let upload = send(memory.path(), "a.txt", b"words", &[Kind::Text]).await.unwrap();
    upload.keep(&disk.path().join("a.txt")).unwrap();
    assert_eq!((fs::read(disk.path().join("a.txt")).unwrap(), left(memory.path()), left(disk.path())), (b"words".to_vec(), 0, 1));
}
