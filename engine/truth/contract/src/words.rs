//! Enumerations that are words in JSON, in stores and on command lines, each word written once.
//!
//! In JSON it is the variant in kebab case: the derive of schemas does not see a word that comes through a macro. A test
//! holds the two equal.

/// Defines such an enumeration, with every variant, its word, and the variant of a word.
macro_rules! words {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "kebab-case")]
        $(#[$meta])*
        pub enum $name {
            $($(#[$doc])* $variant,)+
        }

        impl $name {
            /// Every variant, in the order of the definition.
            pub const ALL: [$name; [$($name::$variant),+].len()] = [$($name::$variant),+];

            /// Its word in the API and in the store.
            pub const fn slug(self) -> &'static str {
                match self {
                    $($name::$variant => $word,)+
                }
            }

            /// The variant of a word.
            pub fn from_slug(word: &str) -> Option<$name> {
                $name::ALL.into_iter().find(|variant| variant.slug() == word)
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.slug())
            }
        }
    };
}

pub(crate) use words;

#[cfg(test)]
mod tests {
    use crate::{
        AppealChannel, AppealDecision, AppealPhase, AppealSubject, BindingState, ConsentWay, Grade,
        PaperKind, ProofLevel, ProposalPhase, Risk, Sample, Scope, SecondPhone, Side, TicketPhase, TripOutcome,
    };

    #[test]
    fn a_word_is_the_same_in_json_and_elsewhere() {
        fn check<T: Copy + serde::Serialize>(all: &[T], word: fn(T) -> &'static str) {
            for variant in all {
                assert_eq!(serde_json::to_value(variant).unwrap(), word(*variant));
            }
        }
        check(&Scope::ALL, Scope::slug);
        check(&ProposalPhase::ALL, ProposalPhase::slug);
        check(&ProofLevel::ALL, ProofLevel::slug);
        check(&SecondPhone::ALL, SecondPhone::slug);
        check(&Sample::ALL, Sample::slug);
        check(&Risk::ALL, Risk::slug);
        check(&Grade::ALL, Grade::slug);
        check(&PaperKind::ALL, PaperKind::slug);
        check(&AppealSubject::ALL, AppealSubject::slug);
        check(&AppealChannel::ALL, AppealChannel::slug);
        check(&AppealPhase::ALL, AppealPhase::slug);
        check(&AppealDecision::ALL, AppealDecision::slug);
        check(&Side::ALL, Side::slug);
        check(&ConsentWay::ALL, ConsentWay::slug);
        check(&BindingState::ALL, BindingState::slug);
        check(&TicketPhase::ALL, TicketPhase::slug);
        check(&TripOutcome::ALL, TripOutcome::slug);
    }
}
