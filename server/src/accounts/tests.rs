use super::*;
use crate::auth::{Denied, Keys};
use std::sync::{Arc, Mutex};

const ADA: NewAccount<'static> = NewAccount { email: "Ada@lessons.example", password: "correct-horse", name: Some("Ada") };

fn accounts() -> (tempfile::TempDir, Accounts, impl Fn(u64)) {
    let folder = tempfile::tempdir().unwrap();
    let now = Arc::new(Mutex::new(Duration::ZERO));
    let turned = now.clone();
    let accounts = Accounts::open_with(&folder.path().join("data/accounts.db"), Ticks::by(move || *now.lock().unwrap())).unwrap();
    (folder, accounts, move |seconds| *turned.lock().unwrap() += Duration::from_secs(seconds))
}

#[test]
fn somebody_registers_and_signs_in_after_a_restart() {
    let (folder, accounts, _) = accounts();
    let ada = accounts.register(&ADA).unwrap();
    assert_eq!((ada.email.as_str(), ada.name.as_deref(), ada.role), ("Ada@lessons.example", Some("Ada"), Role::Author));
    drop(accounts);
    let path = folder.path().join("data/accounts.db");
    let accounts = Accounts::open(&path).unwrap();
    assert_eq!(accounts.login(" ada@LESSONS.example", ADA.password).unwrap(), ada);
    assert_eq!(accounts.get(&ada.id).unwrap(), ada);
    assert!(matches!(accounts.login(ADA.email, "correct-horsf"), Err(AccountError::Wrong)));
    assert!(matches!(accounts.login("nobody@lessons.example", ADA.password), Err(AccountError::Wrong)));
    assert!(matches!(accounts.register(&NewAccount { email: "ADA@lessons.example", ..ADA }), Err(AccountError::Taken)));
    assert!(matches!(accounts.get("nobody"), Err(AccountError::Missing)));
    // What lies on the disk is a hash.
    let kept: String = accounts.lock().query_row("SELECT password FROM accounts", [], |row| row.get(0)).unwrap();
    assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
    for file in std::fs::read_dir(folder.path().join("data")).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(ADA.password.len()).any(|window| window == ADA.password.as_bytes()));
    }
}

#[test]
fn what_cannot_be_used_is_named() {
    let (_folder, accounts, _) = accounts();
    let long = format!("{}@lessons.example", "a".repeat(250));
    for email in ["ada", "@b", "a@", "a b@c", "a@b@c", "a@.b", long.as_str(), ""] {
        let refused = accounts.register(&NewAccount { email, ..ADA });
        assert!(matches!(refused, Err(AccountError::Invalid { field: "email", .. })), "{email:?}");
    }
    for password in ["short12", &"x".repeat(1025)] {
        let refused = accounts.register(&NewAccount { password, ..ADA });
        assert!(matches!(refused, Err(AccountError::Invalid { field: "password", .. })));
    }
    let ada = accounts.register(&ADA).unwrap();
    let long_theme = Change { preferred_theme: Some("a-theme-name-much-longer-than-thirty-two"), ..Change::default() };
    assert!(matches!(accounts.change(&ada.id, &long_theme), Err(AccountError::Invalid { field: "preferred_theme", .. })));
    let change = Change { preferred_language: Some("fr"), preferred_theme: Some("dark"), name: None };
    let changed = accounts.change(&ada.id, &change).unwrap();
    assert_eq!((changed.name.as_deref(), changed.preferred_language.as_deref()), (Some("Ada"), Some("fr")));
    assert!(matches!(accounts.change("nobody", &change), Err(AccountError::Missing)));
}

#[test]
fn an_account_that_is_tried_too_often_is_closed_for_a_while() {
    let (_folder, accounts, turn) = accounts();
    accounts.register(&ADA).unwrap();
    for email in [ADA.email, "nobody@lessons.example"] {
        for _ in 0..10 {
            assert!(matches!(accounts.login(email, "guess-guess"), Err(AccountError::Wrong)));
        }
        let Err(AccountError::TooMany(wait)) = accounts.login(email, ADA.password) else { panic!("it is closed") };
        assert_eq!(wait.seconds(), 900);
    }
    turn(899);
    assert!(matches!(accounts.login(ADA.email, ADA.password), Err(AccountError::TooMany(_))));
    turn(1);
    assert!(accounts.login(ADA.email, ADA.password).is_ok());
}

#[test]
fn a_provider_vouches_for_its_own_accounts_only() {
    let (_folder, accounts, _) = accounts();
    let gus = Vouched { provider: "google", subject: "g-1", email: "gus@lessons.example", name: Some("Gus"), picture: None };
    let first = accounts.vouched(&gus).unwrap();
    assert_eq!(accounts.vouched(&Vouched { email: "new@lessons.example", ..gus }).unwrap(), first, "the provider's id counts");
    assert!(matches!(accounts.login(&first.email, ""), Err(AccountError::Wrong)), "it has no password");
    accounts.register(&ADA).unwrap();
    let eve = Vouched { subject: "g-2", email: ADA.email, ..gus };
    assert!(matches!(accounts.vouched(&eve), Err(AccountError::Taken)), "an address is no proof");
    assert!(matches!(accounts.vouched(&Vouched { subject: "", ..gus }), Err(AccountError::Invalid { .. })));
}

#[test]
fn tokens_speak_for_the_account() {
    let (folder, accounts, _) = accounts();
    let auth = Auth::new(Keys::new(vec![7; 32], "a test").unwrap(), Denied::open(folder.path()));
    let ada = accounts.register(&ADA).unwrap();
    let claims = auth.check(&accounts.token(&auth, &ada).unwrap()).unwrap();
    assert_eq!((claims.sub.as_str(), claims.role, claims.exp - claims.iat), (ada.id.as_str(), Role::Author, 24 * 3600));
    accounts.set_role(&ada.id, Role::Operator).unwrap();
    let ada = accounts.get(&ada.id).unwrap();
    assert_eq!(auth.check(&accounts.token(&auth, &ada).unwrap()).unwrap().role, Role::Operator);
    accounts.set_password(&ada.id, "another-horse").unwrap();
    assert!(accounts.login(ADA.email, ADA.password).is_err() && accounts.login(ADA.email, "another-horse").is_ok());
    assert!(matches!(accounts.set_role("nobody", Role::Viewer), Err(AccountError::Missing)));
}

#[test]
fn a_file_of_a_newer_program_is_left_alone() {
    let (folder, accounts, _) = accounts();
    accounts.lock().pragma_update(None, "user_version", 99).unwrap();
    drop(accounts);
    let error = Accounts::open(&folder.path().join("data/accounts.db")).err().unwrap();
    assert!(error.to_string().contains("a newer version"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.db"), "no database at all, only some text that is long enough").unwrap();
    assert!(matches!(Accounts::open(&folder.path().join("x.db")), Err(AccountError::Database { .. })));
}
