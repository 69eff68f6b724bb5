//! Where to listen: one address, or several.

use std::fmt;
use std::net::SocketAddr;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
#[cfg(test)]
use serde::{Serialize, Serializer};

/// One address and port or several, never none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    pub first: SocketAddr,
    pub also: Vec<SocketAddr>,
}

impl Addresses {
    /// Whether all of them have one port.
    pub fn have_one_port(&self) -> bool {
        self.also.iter().all(|address| address.port() == self.first.port())
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = SocketAddr> {
        core::iter::once(self.first).chain(self.also.iter().copied())
    }
}

impl<A: Into<SocketAddr>> From<A> for Addresses {
    fn from(address: A) -> Addresses {
        Addresses { first: address.into(), also: Vec::new() }
    }
}

/// A text, or a list of texts.
impl<'de> Deserialize<'de> for Addresses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Addresses, D::Error> {
        deserializer.deserialize_any(OneOrMany)
    }
}

struct OneOrMany;

impl<'de> Visitor<'de> for OneOrMany {
    type Value = Addresses;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an address and port, such as \"0.0.0.0:7410\" or \"[::]:7410\", or a list of them")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Addresses, E> {
        Ok(read(text)?.into())
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Addresses, S::Error> {
        let mut addresses = Vec::new();
        while let Some(text) = list.next_element::<String>()? {
            let address = read(&text)?;
            if addresses.contains(&address) {
                return Err(S::Error::custom(format_args!("{address} is named twice")));
            }
            addresses.push(address);
        }
        let mut addresses = addresses.into_iter();
        let first = addresses.next().ok_or_else(|| S::Error::invalid_length(0, &self))?;
        Ok(Addresses { first, also: addresses.collect() })
    }
}

fn read<E: Error>(text: &str) -> Result<SocketAddr, E> {
    text.parse().map_err(|_| E::custom(format_args!("{text:?} is not an address and port")))
}

#[cfg(test)]
impl Serialize for Addresses {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.also.is_empty() {
            return self.first.serialize(serializer);
        }
        serializer.collect_seq(self.iter())
    }
}
