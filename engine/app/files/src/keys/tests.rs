use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn public_half() -> PublicKey {
    let public = hufu_signature::PublicKey::Ed25519([7; 32]);
    PublicKey { owner: Owner::Issuer, issuer: Some(310_000), public }
}

/// The files of before schemes were named, as they were written, and those of today.
#[test]
fn key_files_name_their_scheme_and_those_from_before_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("issuer.pub");
    let load = |text: &str| {
        fs::write(&path, text).unwrap();
        PublicKey::load(&path, Owner::Issuer).map_err(|error| format!("{error:#}"))
    };
    let digits = "07".repeat(32);
    let earlier = format!(
        "# Hufu public key. Nothing secret.\nowner = \"issuer\"\nissuer = 310000\nkey_id = \"{}\"\npublic = \
         \"{digits}\"\n",
        public_half().kid()
    );
    let today = earlier.replace("key_id", "scheme = \"EdDSA\"\nkey_id");
    assert_eq!(public_half().to_text().unwrap(), today);
    assert_eq!([load(&earlier), load(&today)], [Ok(public_half()), Ok(public_half())]);

    let unknown = load(&today.replace("EdDSA", "ES256")).unwrap_err();
    assert!(
        unknown.contains("issuer.pub: scheme \"ES256\" is unknown to this program, which knows EdDSA, SM2"),
        "{unknown}"
    );
    let other = load(&today.replace("EdDSA", "SM2")).unwrap_err();
    assert!(other.contains("a public key of SM2 has 65 bytes, and this has 32"), "{other}");
    let long = load(&today.replace(&digits, &"07".repeat(33))).unwrap_err();
    assert!(long.contains("a public key of EdDSA has 32 bytes, and this has 33"), "{long}");

    let secret =
        |text: &str| SecretKey::parse(text, Owner::Issuer, "a.key").map_err(|error| error.to_string());
    let earlier = format!("owner = \"issuer\"\nissuer = 310000\nseed = \"{digits}\"\n");
    let today = earlier.replace("seed", "scheme = \"EdDSA\"\nseed");
    let of = |scheme| SecretKey::of(Owner::Issuer, Some(IssuerId(310_000)), scheme, &[7; 32]);
    assert_eq!(toml::to_string(&of(Scheme::Ed25519)).unwrap(), today);
    let expected = *Secret::ed25519(&[7; 32]).public();
    for text in [&earlier, &today] {
        assert_eq!(*secret(text).ok().unwrap().secret().unwrap().public(), expected);
    }
    let unknown = secret(&today.replace("EdDSA", "ES256")).err().unwrap();
    assert!(unknown.starts_with("a.key: scheme \"ES256\" is unknown"), "{unknown}");

    let sm2 = today.replace("EdDSA", "SM2");
    assert_eq!(toml::to_string(&of(Scheme::Sm2)).unwrap(), sm2);
    assert_eq!(secret(&sm2).ok().unwrap().secret().unwrap().public().scheme(), Scheme::Sm2);
    for no_key in ["00".repeat(32), "ff".repeat(32)] {
        let key = secret(&sm2.replace(&digits, &no_key)).ok().unwrap();
        let said = format!("{:#}", key.secret().unwrap_err());
        assert!(said.contains("not a private key of SM2"), "{said}");
        assert!(!said.contains(&no_key), "{said}");
    }
}

#[test]
fn a_secret_key_that_others_can_use_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = Some(IssuerId(310_000));
    let secret = SecretKey::generate(Owner::Issuer, issuer, Scheme::Ed25519).unwrap();
    let public = public_half();
    let [key, _] = secret.store(&folder.path().join("issuer"), &public).unwrap();
    let seed = folder.path().join("seed");
    fs::write(&seed, "ab".repeat(32)).unwrap();
    for (mode, is_private) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o620, false)] {
        for path in [&key, &seed] {
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        }
        let refused = [SecretKey::load(&key, Owner::Issuer).err(), read_seed(&seed).err()];
        for (refused, path) in refused.iter().zip([&key, &seed]) {
            assert_eq!(refused.is_none(), is_private, "{mode:o} {refused:?}");
            let said = refused.as_ref().map(ToString::to_string).unwrap_or_default();
            assert!(is_private || said.contains(&format!("chmod 600 {}", path.display())), "{said}");
        }
    }
}
