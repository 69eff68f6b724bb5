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
        // The policy comes first, so that lines are counted as its author counts them.
        let text = format!("[[site]] # {}\n{}\n{}", self.id, self.policy, self.head());
        match Sites::parse(&text, "policy") {
            // One fragment is one site: a fragment that opens another table would speak for somebody else.
            Ok(sites) if sites.iter().len() == 1 && sites.get(self.id).is_some() => Ok(()),
            Ok(_) => Err(Fault::invalid("policy", "it opens another site; send each by itself")),
            Err(mut fault) => {
                fault.line = fault.line.saturating_sub(1).max(1);
                Err(Fault::invalid("policy", fault.to_string()))
            }
        }
    }

    fn head(&self) -> String {
        // Debug of a string escapes as a TOML basic string does, for what check_name lets in.
        format!("id = {}\nname = {:?}\n", self.id, self.name)
    }
}

/// The engine's `sites.toml`.
pub fn render(sites: &[Site]) -> String {
    let mut text = String::from("# Site policies, as the registry has them. Changes made here are lost.\n");
    for site in sites {
        text.push_str("\n[[site]]\n");
        text.push_str(&site.head());
        text.push_str(site.policy.trim_end());
        text.push('\n');
    }
    text
}
