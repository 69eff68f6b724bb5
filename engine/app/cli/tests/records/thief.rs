//! A thief's afternoon (R41): everything that anybody but the phone has.

use std::fs;
use std::path::Path;

use hufu_codes::cbor::Reader;
use hufu_codes::{Detail, SignedCredential};
use hufu_records::{CodeKey, Day, Finder, Folder, Found, KeyFolder, Secret, SegmentHeader};
use sha2::{Digest as _, Sha256};

use crate::common::{Deployment, said};
use crate::{FOLDERS, lines};

/// No other number of this test looks like it.
const HOLDER: &str = "765432";

#[test]
fn r41_a_thief_of_everything_finds_no_record_of_a_phone_holder() {
    let deployment = Deployment::new();
    deployment.keep_records();
    for holder in [HOLDER, "43"] {
        deployment.set(holder, "green");
        deployment.issue(holder);
    }
    for _ in 0..2 {
        let engine = deployment.serve();
        for holder in [HOLDER, "43", HOLDER] {
            assert_eq!(deployment.check(holder), ("clear".to_owned(), Some(0)));
        }
        engine.signal("-TERM");
        assert_eq!(engine.ended(), Some(0));
    }
    let day = deployment.day();
    fs::create_dir(deployment.path("shelf")).unwrap();
    deployment.run("records archive --folder records --store shelf");
    let of_day = format!("{FOLDERS} --day {day} --because theft");
    deployment.run(&format!("records export {of_day} --out day.csv"));
    deployment.run(&format!("records export {of_day} --out day.parquet"));
    fs::write(deployment.path("list.json"), deployment.run(&format!("records list {of_day} --json")))
        .unwrap();

    // The thief: the records, the keys of today and their secret, the archive, what was exported, and what issuer and
    // registry know of this holder.
    let (found, code_keys) = stolen(&deployment, day.parse().unwrap());
    let known = known_of(&deployment.path(&format!("{HOLDER}.holder")));
    let slips: Vec<_> = found.iter().filter_map(|one| one.slip).collect();
    assert!(slips.len() >= 6, "every check of a phone has a slip: {}", slips.len());
    let finders = known.values.iter().flat_map(|value| {
        let half: [u8; 16] = value[..16].try_into().unwrap();
        let of_codes = code_keys.iter().map(|key| Finder::of_code(key, value));
        of_codes.chain([Finder::of_step(&half)]).collect::<Vec<_>>()
    });
    for finder in finders {
        assert!(slips.iter().all(|slip| slip.tag != *finder.tag() && finder.open(slip).is_none()));
    }
    let mut haystacks: Vec<(String, Vec<u8>)> = Vec::new();
    for one in &found {
        haystacks.push(("a record".to_owned(), one.row.to_bytes().to_vec()));
        haystacks.extend(
            one.slip.map(|slip| ("a slip".to_owned(), zerocopy::IntoBytes::as_bytes(&slip).to_vec())),
        );
    }
    for name in ["day.csv", "day.parquet", "list.json", "records", "record-keys", "shelf"] {
        files(&deployment.path(name), &mut haystacks);
    }
    for (place, bytes) in &haystacks {
        for needle in &known.needles {
            let lies_there = bytes.windows(needle.len()).any(|window| window == needle);
            assert!(!lies_there, "{} lies in {place}", hex::encode(needle));
        }
    }

    // The phones find everything, each its own.
    let find = |holder: &str| {
        let output = deployment
            .attempt(&format!("records find {FOLDERS} --day {day} --holder {holder}.holder --json"));
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        lines(&String::from_utf8(output.stdout).unwrap()).len()
    };
    let (mine, theirs) = (find(HOLDER), find("43"));
    assert!(mine >= 4 && theirs >= 2, "{mine} and {theirs}");
    assert_eq!(mine + theirs, slips.len());
}

/// Every record of the day with its slip, and the keys that codes are found by.
fn stolen(deployment: &Deployment, day: Day) -> (Vec<Found>, Vec<CodeKey>) {
    let digits = fs::read_to_string(deployment.path("records.secret")).unwrap();
    let secret = Secret::new(hex::decode(digits).unwrap().try_into().unwrap());
    let keys = KeyFolder::new(Folder::read(&deployment.path("record-keys")).unwrap(), Box::new(secret));
    let mut found = Vec::new();
    let records = Folder::read(&deployment.path("records")).unwrap();
    hufu_records::read(&records, &keys, day, |one| {
        found.push(one);
        Ok(())
    })
    .unwrap();
    let headers = (1..=2).map(|number| {
        let bytes = fs::read(deployment.path(&format!("records/segment-{number:012}.rec"))).unwrap();
        SegmentHeader::from_bytes(bytes.first_chunk().unwrap()).unwrap()
    });
    let code_keys = headers.map(|header| CodeKey::of(keys.find(day, &header.key).unwrap().unwrap().bytes()));
    let code_keys = code_keys.collect();
    (found, code_keys)
}

struct Known {
    /// What a value or a signature could be made from.
    values: Vec<[u8; 32]>,
    /// What names the holder.
    needles: Vec<Vec<u8>>,
}

/// What issuer and registry have of a phone's holder: the credential and its parts, and not the seed.
fn known_of(file: &Path) -> Known {
    let file: toml::Table = fs::read_to_string(file).unwrap().parse().unwrap();
    let credential = hex::decode(file["credential"].as_str().unwrap()).unwrap();
    let signed = SignedCredential::read(&mut Reader::new(&credential)).unwrap();
    let claims = *signed.claims();
    let Detail::Phone { root, .. } = claims.detail else { panic!("a phone's credential") };
    assert!(credential.windows(root.len()).any(|window| *window == root), "the search finds what is there");
    let index = claims.holder.0;
    let digest = |bytes: &[u8]| <[u8; 32]>::from(Sha256::digest(bytes));
    let mut values: Vec<[u8; 32]> = credential.windows(32).map(|window| window.try_into().unwrap()).collect();
    let (little, big, text) = (index.to_le_bytes(), index.to_be_bytes(), index.to_string());
    let parts: [&[u8]; 6] = [&credential, &root, &claims.payload(), &little, &big, text.as_bytes()];
    for part in parts {
        values.push(digest(part));
        values.push(digest(&digest(part)));
        values.push(digest(&[part, &root].concat()));
        values.push(digest(&[&credential, part].concat()));
        let mut padded = [0; 32];
        let length = part.len().min(32);
        padded[..length].copy_from_slice(&part[..length]);
        values.push(padded);
    }
    let mut needles = vec![little.to_vec(), big.to_vec(), text.into_bytes(), root.to_vec()];
    for whole in [digest(&credential), digest(&root), digest(&claims.payload())] {
        needles.extend([whole[..8].to_vec(), hex::encode(&whole[..8]).into_bytes()]);
    }
    needles.extend([hex::encode(root).into_bytes(), credential[credential.len() - 32..].to_vec()]);
    Known { values, needles }
}

/// A file, or every file of a folder.
fn files(path: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            files(&entry.unwrap().path(), found);
        }
    } else {
        found.push((path.display().to_string(), fs::read(path).unwrap()));
    }
}
