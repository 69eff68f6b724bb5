//! `hufu keys trust show`: what a list says.

use std::path::Path;

use comfy_table::{Table, presets};
use hufu_codes::keyring::ListedKey;
use hufu_files::keys::{Owner, PublicKey};
use hufu_files::moment;
use hufu_files::trust_list::{open, state};
use hufu_signature::PreparedKey;
use hufu_wire::KeyId;
use serde_json::json;

use crate::term::say;

/// Shows a list, after verifying it.
pub(super) fn run(operator: &Path, list: &Path, as_json: bool) -> anyhow::Result<()> {
    let operator = PreparedKey::new(&PublicKey::load(operator, Owner::Operator)?.public)?;
    let list = open(list, &operator)?;
    if as_json {
        let keys: Vec<_> = list.keys().iter().map(|(kid, key)| to_json(*kid, key)).collect();
        let settles: Vec<_> = list.settles().iter().map(|digest| hex::encode(digest.0)).collect();
        let list = json!({
            "version": list.version(), "made_at_s": list.made_at().0,
            "next_by_s": list.next_by().map(|next_by| next_by.0),
            "digest": hex::encode(list.digest().0), "settles": settles, "keys": keys,
        });
        say!("{list:#}");
        return Ok(());
    }
    let next_by = list.next_by().map_or_else(
        || "no time by which the next one is due".to_owned(),
        |next_by| format!("the next one is due by {}", moment::show(next_by)),
    );
    say!("version {}, made {}; {next_by}", list.version(), moment::show(list.made_at()));
    say!("digest {}", hex::encode(list.digest().0));
    for digest in list.settles() {
        say!("settles {}", hex::encode(digest.0));
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
    say!("{table}");
    Ok(())
}

fn to_json(kid: KeyId, key: &ListedKey) -> serde_json::Value {
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
