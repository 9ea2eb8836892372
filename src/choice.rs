//! Fields that take one of a few words.

/// Declares an enum whose values are the words of an authentik choice field.
///
/// The words are written once: parsing, printing and the list of all of them come from it.
macro_rules! choices {
    ($(#[$enum_doc:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$enum_doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $crate::choice::Choice for $name {
            const ALL: &'static [Self] = &[$(Self::$variant,)+];

            fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }
    };
}
pub(crate) use choices;

/// A field that takes one of a few words, in their exact spelling.
pub trait Choice: Copy + Sized + 'static {
    /// Every value, in the contract's order.
    const ALL: &'static [Self];

    /// The word on the wire and in the table.
    fn as_str(self) -> &'static str;

    /// The value spelled `word`, letter for letter; `None` for any other word.
    #[must_use]
    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|choice| choice.as_str() == word)
    }
}
