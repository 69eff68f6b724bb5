//! Sites and their policies.

use hufu_policy::Sites;
use hufu_wire::SiteId;

use crate::fault::Fault;
use crate::issuer::check_name;

/// A place with gates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Its id.
    pub id: SiteId,
    /// Its name.
    pub name: String,
    /// The keys of its policy as `sites.toml` has them, `docs/POLICY.md`, without `[[site]]`, `id` and `name`.
    pub policy: String,
}

/// Longest policy of one site, bytes.
pub const POLICY_BYTES_MAX: usize = 16 * 1024;

impl Site {
    /// Whether every engine would take it.
    ///
    /// # Errors
    /// [`Fault::Invalid`]: `name`, or `policy` with the line of the policy and the key.
    pub fn check(&self) -> Result<(), Fault> {
        check_name("name", &self.name)?;
        if self.policy.len() > POLICY_BYTES_MAX {
            return Err(Fault::invalid("policy", format!("at most {POLICY_BYTES_MAX} bytes")));
        }
        match Sites::parse(&self.render(), "policy") {
            // One policy is one site: one that opens another table would speak for somebody else.
            Ok(sites) if sites.iter().len() == 1 && sites.get(self.id).is_some() => Ok(()),
            Ok(_) => Err(Fault::invalid("policy", "it begins another site: send one site per request")),
            Err(mut fault) => {
                // Lines are counted as the policy's author counts them.
                fault.line = fault.line.saturating_sub(HEAD_LINES).max(1);
                Err(Fault::invalid("policy", fault.to_string()))
            }
        }
    }

    /// The site as it stands in the engine's `sites.toml`. What stands after it there cannot change what it means,
    /// nor it that: it is checked alone, to its end.
    fn render(&self) -> String {
        // TOML 1.0.0, basic strings: of what a name may have, these two are escaped.
        let name = self.name.replace('\\', "\\\\").replace('"', "\\\"");
        format!("[[site]]\nid = {}\nname = \"{name}\"\n{}\n", self.id, self.policy.trim_end())
    }
}

/// Lines of a site before its policy.
const HEAD_LINES: usize = 3;

/// The engine's `sites.toml`.
pub fn render(sites: &[Site]) -> String {
    let mut text = String::from("# Site policies, as the registry has them. Changes made here are lost.\n");
    for site in sites {
        text.push('\n');
        text.push_str(&site.render());
    }
    text
}
