//! Licence expressions (SPDX 2.3 annex D) held against a list of licences.

/// Whether `expression` can be met with licences of `allowed` alone. An expression that cannot be read is not.
pub(crate) fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    // "MIT/Apache-2.0" is how crates wrote "or" before they wrote SPDX.
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader { tokens: &tokens, allowed };
    let verdict = reader.any_of();
    verdict == Some(true) && reader.tokens.is_empty()
}

struct Reader<'t> {
    tokens: &'t [&'t str],
    allowed: &'t [String],
}

impl<'t> Reader<'t> {
    fn any_of(&mut self) -> Option<bool> {
        let mut verdict = self.all_of()?;
        while self.take_if("OR") {
            verdict |= self.all_of()?;
        }
        Some(verdict)
    }

    fn all_of(&mut self) -> Option<bool> {
        let mut verdict = self.one()?;
        while self.take_if("AND") {
            verdict &= self.one()?;
        }
        Some(verdict)
    }

    fn one(&mut self) -> Option<bool> {
        if self.take_if("(") {
            let verdict = self.any_of()?;
            return self.take_if(")").then_some(verdict);
        }
        let id = self.take().filter(|token| !["OR", "AND", "WITH", ")"].contains(token))?;
        let licence =
            if self.take_if("WITH") { format!("{id} WITH {}", self.take()?) } else { id.to_owned() };
        Some(self.allowed.contains(&licence))
    }

    fn take(&mut self) -> Option<&'t str> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    fn take_if(&mut self, wanted: &str) -> bool {
        let found = self.tokens.first() == Some(&wanted);
        if found {
            self.tokens = &self.tokens[1..];
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expression: &str, expected: bool) {
        let allowed = ["MIT", "ISC", "Apache-2.0"].map(str::to_owned);
        assert_eq!(is_allowed(expression, &allowed), expected, "{expression}");
    }

    #[test]
    fn expressions_are_met_or_not() {
        check("MIT", true);
        check("GPL-3.0-only", false);
        check("MIT OR GPL-3.0-only", true);
        check("GPL-3.0-only/MIT", true);
        check("MIT AND GPL-3.0-only", false);
        check("GPL-3.0-only OR MIT AND ISC", true);
        check("(GPL-3.0-only OR MIT) AND ISC", true);
        check("GPL-2.0-only WITH Classpath-exception-2.0", false);
        check("Apache-2.0 WITH LLVM-exception", false);
        check("Apache-2.0 WITH LLVM-exception OR Apache-2.0", true);
    }

    #[test]
    fn what_cannot_be_read_is_not_allowed() {
        for expression in ["", "MIT OR", "(MIT", "MIT)", "AND MIT", "MIT MIT", "MIT WITH", "OR"] {
            check(expression, false);
        }
    }
}
