//! The holder's side: a tree from a secret seed.

use zeroize::Zeroizing;

use super::node::{self, CHAIN_LINKS, LEVELS, NODE_BYTES, Node, Salt};
use super::step::StepIndex;
use super::{PATH_BYTES, PresentationBuf};

const LEAVES: usize = 1 << LEVELS;

/// A phone's step tree: 8 KiB, made with 4607 hashes (0.2 ms). The seed is wiped
/// when it is dropped.
pub struct StepTree {
    seed: Zeroizing<[u8; 32]>,
    salt: Salt,
    /// As a heap: the root at 1, the children of `n` at `2n` and `2n + 1`, the leaves in the last half.
    nodes: Box<[Node; 2 * LEAVES]>,
}

impl StepTree {
    /// The tree of `seed` for the credential with this salt. One seed may serve many credentials.
    pub fn new(seed: &[u8; 32], salt: &Salt) -> StepTree {
        let mut nodes = Box::new([[0; NODE_BYTES]; 2 * LEAVES]);
        for (leaf, value) in (0..=u8::MAX).zip(&mut nodes[LEAVES..]) {
            *value = node::chain(salt, leaf, 0..CHAIN_LINKS, &node::chain_start(seed, salt, leaf));
        }
        for at in (1..LEAVES).rev() {
            let (level, place) = level_and_place(at);
            nodes[at] = node::inner(salt, level, place, &nodes[2 * at], &nodes[2 * at + 1]);
        }
        StepTree { seed: Zeroizing::new(*seed), salt: *salt, nodes }
    }

    /// What the issuer signs.
    pub fn root(&self) -> Node {
        self.nodes[1]
    }

    /// The presentation of `step`. Releasing it gives away every earlier step of the same leaf and no later
    /// one, so a phone makes it when the step has come and not before.
    pub fn present(&self, step: StepIndex) -> PresentationBuf {
        let (leaf, link) = step.place();
        let start = Zeroizing::new(node::chain_start(&self.seed, &self.salt, leaf));
        let preimage = node::chain(&self.salt, leaf, 0..link, &start);
        let mut path = [0; PATH_BYTES];
        let mut at = LEAVES + usize::from(leaf);
        for sibling in path.as_chunks_mut::<NODE_BYTES>().0 {
            *sibling = self.nodes[at ^ 1];
            at /= 2;
        }
        PresentationBuf { step, preimage, path }
    }
}

/// The level above the leaves and the place in it of the inner node at `at` of the heap.
fn level_and_place(at: usize) -> (u8, u8) {
    let depth = at.ilog2();
    let place = at - (1 << depth);
    let level = LEVELS.to_le_bytes()[0] - depth.to_le_bytes()[0];
    (level, place.to_le_bytes()[0])
}

#[cfg(test)]
mod tests {
    use super::super::{Presentation, verify};
    use super::*;
    use hufu_wire::{HolderIndex, KeyId, Step, UnixSeconds};

    fn salt(holder: u32) -> Salt {
        Salt::of(KeyId([7; 8]), HolderIndex(holder), 1, Step(59_000_000), UnixSeconds(1_770_000_000))
    }

    fn steps() -> impl Iterator<Item = StepIndex> {
        (0..=4095).filter_map(StepIndex::new)
    }

    #[test]
    fn r02_every_step_verifies_as_itself_and_as_no_other() {
        let salt = salt(1);
        let tree = StepTree::new(&[3; 32], &salt);
        for step in steps() {
            let made = tree.present(step);
            let shown = made.borrowed();
            assert!(verify(&tree.root(), &salt, &shown));
            for other in [-1, 1, -16, 16] {
                let other = u32::try_from(i32::from(step.get()) + other).ok().and_then(StepIndex::new);
                if let Some(step) = other {
                    assert!(!verify(&tree.root(), &salt, &Presentation { step, ..shown }));
                }
            }
        }
    }

    #[test]
    fn r02_one_step_verifies_as_no_other_of_all_4096() {
        let salt = salt(1);
        let tree = StepTree::new(&[3; 32], &salt);
        let made = tree.present(StepIndex::new(1234).expect("in range"));
        let accepted: Vec<_> = steps()
            .filter(|&step| verify(&tree.root(), &salt, &Presentation { step, ..made.borrowed() }))
            .collect();
        assert_eq!(accepted, [made.step]);
    }

    #[test]
    fn r02_a_screenshot_yields_the_past_of_its_leaf_and_no_future() {
        let salt = salt(1);
        let tree = StepTree::new(&[3; 32], &salt);
        let stolen = tree.present(StepIndex::new(16 * 9 + 5).expect("in range"));
        let (leaf, released) = stolen.step.place();
        for (later, step) in (0..16).zip(steps().skip(16 * 9)) {
            // Everything the thief can compute: the chain forward from the released value.
            let (_, link) = step.place();
            let derived: Vec<Node> =
                (released..=16).map(|to| node::chain(&salt, leaf, released..to, &stolen.preimage)).collect();
            let forged = derived.iter().any(|preimage| {
                verify(&tree.root(), &salt, &Presentation { step, preimage, path: &stolen.path })
            });
            assert_eq!(forged, later <= 5, "step {later} of the leaf");
            assert_eq!(link < released, later > 5);
        }
        // Nor in the next leaf, whose end the path shows.
        let (siblings, _) = stolen.path.as_chunks::<NODE_BYTES>();
        assert_eq!(siblings[0], tree.nodes[LEAVES + usize::from(leaf ^ 1)]);
        let next = StepIndex::new(16 * 8 + 15).expect("in range");
        assert!(!verify(
            &tree.root(),
            &salt,
            &Presentation { step: next, preimage: &siblings[0], path: &stolen.path }
        ));
    }

    #[test]
    fn another_salt_or_seed_is_another_tree() {
        let tree = StepTree::new(&[3; 32], &salt(1));
        let made = tree.present(StepIndex::LAST);
        assert!(!verify(&tree.root(), &salt(2), &made.borrowed()));
        assert_ne!(StepTree::new(&[3; 32], &salt(2)).root(), tree.root());
        assert_ne!(StepTree::new(&[4; 32], &salt(1)).root(), tree.root());
    }

    #[test]
    fn every_bit_of_a_presentation_counts() {
        let salt = salt(1);
        let tree = StepTree::new(&[3; 32], &salt);
        let made = tree.present(StepIndex::new(77).expect("in range"));
        for bit in 0..128 {
            let mut changed = made.clone();
            changed.preimage[bit / 8] ^= 1 << (bit % 8);
            assert!(!verify(&tree.root(), &salt, &changed.borrowed()));
        }
        for bit in 0..PATH_BYTES * 8 {
            let mut changed = made.clone();
            changed.path[bit / 8] ^= 1 << (bit % 8);
            assert!(!verify(&tree.root(), &salt, &changed.borrowed()));
        }
    }
}
