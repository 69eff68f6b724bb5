//! Families: relatives who are bound to users (R27).

mod age;
mod binding;
mod evidence;
mod face;
mod fault;
mod settings;

pub use age::{ADULT_YEARS, COMMITMENT_YEARS_MAX, ELDER_YEARS};
pub(crate) use age::{Bindable, age, birthday, day_of, starts};
pub use binding::{Application, BindingView, ENDABLE_AFTER_MS, RELATIVES_MAX, StoredBinding, USERS_MAX};
pub use evidence::{Evidence, KeptAssurance};
pub use face::{FACE_BYTES, FACE_S_MAX, FaceStatement};
pub use fault::FamilyFault;
pub use settings::{Commitment, Families};
