//! Which files of sentences there are. A new area is one more line here and one more file in each language.

use crate::Language;

macro_rules! areas {
    ($($(#[$doc:meta])* $name:ident $file:literal;)*) => {
        /// What a sentence is for: one file in each language.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Area { $($(#[$doc])* $name,)* }

        impl Area {
            /// Every area.
            pub const ALL: [Area; [$($file),*].len()] = [$(Area::$name),*];

            /// The name of its file, without `.ftl`.
            pub const fn name(self) -> &'static str {
                match self { $(Area::$name => $file,)* }
            }
        }

        macro_rules! files {
            ($tag:literal) => { [$(include_str!(concat!("../texts/", $tag, "/", $file, ".ftl"))),*] };
        }
    };
}

areas! {
    /// Why a verdict is what it is, long and short.
    Reasons "reasons";
    /// A gate's screen, a terminal, a printed list.
    Gate "gate";
    /// What every page has: menus, login, errors.
    Web "web";
    /// The operators' console.
    Console "console";
    /// A school's page.
    School "school";
    /// A holder's page.
    Holder "holder";
    /// A certificate for abroad, printed.
    Abroad "abroad";
}

/// In the order of [`Language::ALL`].
static FILES: [[&str; Area::ALL.len()]; Language::ALL.len()] = [
    files!("zh"),
    files!("en"),
    files!("fr"),
    files!("de"),
    files!("es"),
    files!("ms"),
    files!("ar"),
    files!("it"),
    files!("pt"),
    files!("ru"),
    files!("tr"),
    files!("id"),
    files!("ko"),
    files!("ja"),
    files!("th"),
    files!("vi"),
];

/// The file of one area in one language.
pub(crate) fn file(language: Language, area: Area) -> &'static str {
    FILES[language as usize][area as usize]
}
