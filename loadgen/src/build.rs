//! What was measured, on what machine.

use serde::Serialize;

/// The software and the processor that a figure belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Build {
    /// What verifies signatures on this machine.
    pub signature_backend: String,
    /// Features of this processor that matter to it.
    pub cpu_features: Vec<&'static str>,
    /// The commit the generator was built from, with `-dirty` when the tree had changes.
    pub commit: &'static str,
    /// Cores that can be used.
    pub cores: usize,
    /// Whether the generator was built with optimisation.
    pub optimised: bool,
}

impl Build {
    /// This program on this machine. A server of another build on the same machine chooses its back end by the
    /// same rule.
    pub fn here() -> Build {
        Build {
            signature_backend: hufu_fixtures::signature_backend().to_owned(),
            cpu_features: cpu_features(),
            commit: env!("HUFU_COMMIT"),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            optimised: !cfg!(debug_assertions),
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn cpu_features() -> Vec<&'static str> {
    macro_rules! present {
        ($($name:tt),*) => {
            [$(($name, std::arch::is_x86_feature_detected!($name))),*]
        };
    }
    let features =
        present!("aes", "avx2", "avx512f", "avx512ifma", "avx512vbmi", "bmi2", "pclmulqdq", "sha", "vaes");
    features.into_iter().filter_map(|(name, there)| there.then_some(name)).collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn cpu_features() -> Vec<&'static str> {
    Vec::new()
}
