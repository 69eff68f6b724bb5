//! `hufu keys trust show`: what a list says.

use std::fmt::Write as _;
use std::path::Path;

use comfy_table::{Table, presets};
use hufu_codes::keyring::{ListedKey, TrustList};
use hufu_files::keys::{Owner, PublicKey};
use hufu_files::moment;
use hufu_files::trust_list::{open, state};
use hufu_signature::PreparedKey;
use hufu_wire::KeyId;
use serde_json::{Value, json};

use crate::term;

/// Shows a list, after verifying it.
pub(super) fn run(operator: &Path, list: &Path) -> anyhow::Result<()> {
    let operator = PreparedKey::new(&PublicKey::load(operator, Owner::Operator)?.public)?;
    let list = open(list, &operator)?;
    term::outcome(|| to_json(&list), || to_text(&list));
    Ok(())
}

fn to_text(list: &TrustList) -> String {
    let next_by = list.next_by().map_or_else(
        || "no time by which the next one is due".to_owned(),
        |next_by| format!("the next one is due by {}", moment::show(next_by)),
    );
    let mut text = format!("version {}, made {}; {next_by}\n", list.version(), moment::show(list.made_at()));
    let _ = writeln!(text, "digest {}", hex::encode(list.digest().0));
    for digest in list.settles() {
        let _ = writeln!(text, "settles {}", hex::encode(digest.0));
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["key", "issuer", "may sign", "from", "until", "now"]);
    let now = moment::now().seconds();
    for (kid, key) in list.keys() {
        table.add_row([
            kid.to_string(),
            key.issuer.to_string(),
            key.uses.to_string(),
            moment::show(key.from),
            moment::show(key.until),
            state(key, now).to_owned(),
        ]);
    }
    text + &table.to_string()
}

fn to_json(list: &TrustList) -> Value {
    let keys: Vec<_> = list.keys().iter().map(|(kid, key)| key_to_json(*kid, key)).collect();
    let settles: Vec<_> = list.settles().iter().map(|digest| hex::encode(digest.0)).collect();
    json!({
        "version": list.version(), "made_at_s": list.made_at().0,
        "next_by_s": list.next_by().map(|next_by| next_by.0),
        "digest": hex::encode(list.digest().0), "settles": settles, "keys": keys,
    })
}

fn key_to_json(kid: KeyId, key: &ListedKey) -> Value {
    json!({
        "key_id": kid.to_string(),
        "issuer": key.issuer.0,
        "scheme": key.public.scheme().name(),
        "public": hex::encode(key.public.bytes()),
        "uses": key.uses.to_string(),
        "from_s": key.from.0,
        "until_s": key.until.0,
        "published_s": key.published.0,
        "revoked": key.revoked,
    })
}
