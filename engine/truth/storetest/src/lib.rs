//! What every store must show, whatever database it is: the same cases run on all of them, on the real thing.
//!
//! A store's tests implement [`Database`] and say [`store_suite!`](crate::store_suite) once; each case becomes a test
//! of its own. Most cases go through a [`Registry`](hufu_registry::Registry), so they show the domain's rules on that store too.
#![expect(
    clippy::missing_panics_doc,
    reason = "a case that does not hold panics: that is what cases are for"
)]

pub mod abroad;
pub mod appeals;
pub mod brake;
pub mod chain;
pub mod checkpoints;
pub mod clocks;
pub mod credentials;
pub mod damage;
pub mod devices;
pub mod facts;
pub mod families;
pub mod history;
pub mod holders;
pub mod issuers;
pub mod phones;
pub mod proposals;
pub mod races;
pub mod records;
pub mod rosters;
mod scene;
pub mod sites;
pub mod together;
pub mod tokens;
pub mod trail;
pub mod trips;

use std::sync::Arc;

use async_trait::async_trait;

use hufu_registry::TrailDigest;
use hufu_registry::store::Store;

pub use scene::{ISSUER, NATIONAL, PUBLISHER, Scene, amber, green, red};

/// An empty database of a store's own kind, gone when it is dropped.
#[async_trait]
pub trait Database: Send + Sync {
    /// Opens a store on it; every call another one, as another process would.
    async fn open(&self) -> Arc<dyn Store>;

    /// Does to it what an administrator could. Issuer and holders are those of the case.
    async fn tamper(&self, tampering: Tampering);

    /// Puts another digest into a line of the trail, as an administrator could: digests have no key.
    async fn put_digest(&self, number: u64, digest: TrailDigest);

    /// Everything it has stored, in any order, as bytes that values stand in as they are.
    async fn stored(&self) -> Vec<u8>;
}

/// What an administrator of the database may do behind the registry's back, to issuer [`ISSUER`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tampering {
    /// The sealed fields of holders 0 and 1 change places.
    SwapSealed,
    /// The subjects of holders 0 and 1 change places.
    SwapSubjects,
    /// One bit of the last byte of the first change in set 1 is turned.
    AlterSet,
    /// Set 1 is deleted.
    DropSet,
    /// The tip's digest becomes 32 bytes `0x77`.
    AlterTip,
    /// The last byte of proposal 1's instruction's content is turned.
    AlterInstruction,
    /// The members of every roster lose their last byte.
    CutRosters,
    /// The phase of proposal 1 becomes `certain`.
    OddPhase,
    /// Line 2 of the trail names somebody else.
    AlterTrail,
    /// Line 2 of the trail is deleted.
    DropTrail,
    /// Lines 2 and 3 of the trail change places.
    SwapTrail,
    /// A copy of the last line of the trail is put after it, with everything that stands in it.
    RepeatTrail,
    /// The last line of the trail is deleted.
    CutTrail,
    /// No line of the trail has a seal any more but the last.
    UnsealTrail,
    /// Line 3 of the trail has no seal any more.
    UnsealLine,
    /// Every binding that ends by itself ends a year later.
    StretchBindings,
}

/// One test for each case of the suite, over a type that implements [`Database`](crate::Database) and has an
/// `async fn fresh() -> Self`.
#[macro_export]
macro_rules! store_suite {
    ($database:ty) => {
        $crate::store_suite! { $database:
            issuers::an_issuer_is_put_changed_and_keeps_its_national_platform,
            issuers::nobody_confirms_their_own_changes,
            issuers::what_is_not_there_is_told_and_is_no_empty_list,
            holders::indices_are_dense_and_a_person_is_registered_once,
            holders::r10_a_holder_is_shown_masked,
            holders::r10_a_list_of_people_is_looked_up,
            holders::r45_no_personal_field_is_stored_in_clear,
            holders::holders_are_read_page_by_page,
            holders::another_sealing_key_takes_over,
            holders::r45_sealing_passes_from_aes_to_sm4_and_back,
            records::r47_a_known_number_with_another_name_is_refused_whole,
            records::r47_one_number_of_two_states_is_two_people,
            records::r47_a_name_is_corrected_and_nothing_else,
            records::r47_two_records_of_one_person_are_joined,
            records::r47_a_join_does_not_lose_the_stricter_colour,
            records::r47_one_record_of_two_people_is_parted,
            records::r47_two_clerks_at_once_leave_one_outcome,
            facts::r28_a_fact_is_taken_once_and_each_by_itself,
            facts::r28_what_cannot_be_a_fact_is_refused_with_what_to_write,
            facts::r28_facts_of_a_holder_end_at_what_one_answer_takes,
            facts::r28_facts_are_sealed_and_places_are_gone_after_60_days,
            facts::r28_facts_of_joined_records_go_on_with_the_one,
            facts::r28_every_join_has_colours_computed_again,
            facts::r28_a_colour_keeps_the_time_that_gave_it,
            facts::r28_only_who_computes_colours_opens_facts,
            facts::r28_who_follows_facts_misses_none,
            facts::r28_a_paper_never_changes,
            abroad::r63_a_certificate_says_nothing_that_the_registry_does_not_know,
            abroad::r63_a_certificate_is_of_the_person_who_is_registered,
            credentials::r04_every_kind_is_issued_and_believed,
            credentials::a_lost_phone_gets_another_generation,
            credentials::a_second_phone_is_told_to_who_issues_it,
            credentials::a_second_phone_waits_for_a_generation_where_the_issuer_wants_that,
            credentials::what_no_gate_would_take_is_not_signed,
            credentials::credentials_are_written_down_once_and_listed,
            together::r46_of_many_credentials_together_each_has_its_own_outcome,
            together::r46_the_second_phone_rule_holds_among_those_that_come_together,
            together::r46_every_credential_of_a_rush_has_its_row_and_its_line,
            families::r27_a_wrong_number_is_told_so,
            families::r27_ages_are_those_of_the_day_of_application,
            families::r27_a_document_without_a_date_of_birth_needs_one,
            families::r27_names_are_compared_with_the_register,
            families::r27_up_to_six_years_a_signed_commitment_stands_for_the_face_check,
            families::r27_a_face_check_is_believed_by_its_signature_alone,
            families::r27_the_consent_of_the_relative_is_recorded,
            families::r27_a_user_has_8_relatives_and_a_relative_3_users,
            families::r27_many_applicants_at_once_do_not_pass_the_limits,
            families::r27_the_same_application_twice_is_one_binding,
            families::r27_either_side_ends_a_binding_after_24_hours,
            families::r27_a_child_s_binding_ends_on_the_17th_birthday,
            families::r27_a_family_code_is_the_relative_s_own,
            families::r27_what_an_application_showed_is_kept_sealed,
            families::r27_an_altered_binding_is_found,
            families::r27_bindings_follow_a_record_that_was_joined,
            families::r27_only_who_may_binds_relatives,
            trips::r04_a_ticket_gets_its_code_ahead_and_the_same_again,
            trips::r04_a_changed_ticket_ends_the_code_before,
            trips::r04_a_clock_that_was_ahead_gives_no_cancelled_code_back,
            trips::r04_a_cancelled_ticket_ends_its_code_and_gets_no_other,
            trips::r04_a_code_stays_good_when_its_key_has_a_successor,
            trips::r04_a_ticket_that_outlives_the_keys_is_refused_alone,
            trips::r04_two_tickets_of_one_traveller_end_apart,
            trips::r04_a_list_of_tickets_is_taken_line_by_line,
            trips::r04_no_number_and_no_reference_of_a_ticket_is_stored,
            trips::r04_two_changes_at_once_leave_one_code_that_is_good,
            trips::r04_a_record_that_is_joined_meanwhile_gets_no_code,
            phones::r41_a_number_makes_a_phone_that_gets_credentials,
            phones::r41_a_number_is_good_once_and_for_its_time,
            phones::r41_one_of_two_phones_at_once_gets_the_number,
            phones::r41_a_phone_is_believed_by_its_signature_alone,
            phones::r46_an_ended_phone_is_refused_at_once,
            phones::r46_a_second_phone_waits_where_the_issuer_wants_one,
            phones::r47_phones_end_with_a_record_that_was_joined,
            phones::r44_phones_leave_lines_of_the_trail,
            sites::a_site_is_put_rendered_and_removed,
            sites::a_policy_that_no_engine_would_take_is_refused,
            sites::what_stands_in_a_name_or_a_policy_changes_no_other_site,
            devices::devices_are_dense_and_named_once_at_a_site,
            devices::a_device_is_revoked_and_renewed,
            rosters::r12_a_roster_is_kept_signed_and_believed,
            proposals::the_same_instruction_twice_is_one_proposal,
            proposals::a_proposal_is_withdrawn_expires_or_is_overtaken,
            proposals::proposals_are_listed_by_phase_and_page,
            proposals::what_no_engine_would_believe_is_no_proposal,
            history::r47_proposals_are_found_by_holder_and_time,
            history::r47_a_holder_s_history_is_told_with_rule_and_reason,
            history::r47_an_authority_sees_whom_it_changes_from_what,
            history::r47_only_a_known_rule_gives_colours,
            chain::r21_both_signatures_and_nothing_less_append_a_set,
            chain::words_follow_the_chain,
            chain::a_set_comes_twice_late_or_early,
            chain::a_confirmation_that_came_late_was_still_in_time,
            chain::sets_are_handed_out_in_order_and_by_size,
            chain::a_full_set_is_appended_whole,
            chain::r23_whoever_waits_is_woken,
            chain::r24_heads_say_where_the_chain_ends,
            brake::a_bulk_red_stops_until_it_is_released,
            brake::a_bulk_red_in_slices_stops_too,
            brake::only_the_national_key_releases,
            brake::r21_each_kind_of_setback_is_braked,
            brake::r21_kinds_of_setback_count_together,
            races::one_of_two_appenders_wins_each_place,
            races::two_imports_register_everybody_once,
            races::the_same_proposal_from_two_sides_is_one,
            races::an_append_is_all_or_nothing,
            races::lines_of_several_writers_are_one_trail,
            checkpoints::the_newest_checkpoint_of_this_history_is_kept,
            clocks::r21_the_time_of_a_chain_is_reset_by_both_authorities,
            clocks::r21_a_chain_as_far_ahead_as_clocks_differ_is_not_reset,
            clocks::r21_a_registry_whose_clock_is_wrong_takes_nothing_and_goes_on,
            clocks::r21_what_a_wrong_clock_dated_is_no_proposal,
            clocks::a_clock_that_was_ahead_holds_no_brake_for_long,
            appeals::r29_an_accepted_appeal_is_carried_out_by_both_authorities,
            appeals::r29_a_reviewer_is_somebody_else,
            appeals::r29_one_appeal_at_a_time_about_the_same,
            appeals::r29_an_overdue_appeal_is_listed_and_taken_over,
            appeals::r29_one_of_two_reviewers_at_once_has_it,
            appeals::r29_what_an_appellant_says_is_sealed,
            appeals::r29_a_decision_outlives_its_proposal,
            appeals::r29_figures_say_how_many_and_how_long,
            tokens::a_token_opens_until_it_ends_or_is_revoked,
            tokens::a_token_is_stored_hashed_and_its_label_used_once,
            tokens::a_token_may_do_what_it_says_and_nothing_else,
            trail::r44_reads_of_personal_data_and_exports_leave_a_line,
            trail::nothing_lies_beyond_the_last_number,
            trail::every_write_leaves_a_line_and_a_refused_one_leaves_none,
            damage::a_row_moved_to_another_holder_does_not_open,
            damage::a_person_found_by_another_s_number_is_noticed,
            damage::an_altered_set_is_found,
            damage::a_missing_set_is_found,
            damage::an_altered_end_of_the_chain_is_found,
            damage::an_altered_instruction_is_found,
            damage::cut_rosters_are_found,
            damage::words_that_nothing_writes_are_found,
            damage::r44_an_altered_line_of_the_trail_is_found,
            damage::r44_a_missing_line_of_the_trail_is_found,
            damage::r44_lines_of_the_trail_that_changed_places_are_found,
            damage::r44_a_line_put_into_the_trail_is_found,
            damage::r44_an_altered_line_whose_digests_were_computed_again_is_found_by_its_seal,
            damage::r44_a_seal_taken_from_the_trail_is_found,
            damage::r44_a_seal_taken_from_a_line_between_sealed_ones_is_found,
            damage::r44_a_shortened_trail_is_found_by_the_end_that_was_noted,
        }
    };
    ($database:ty: $($noun:ident::$case:ident),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::$noun::$case(&<$database>::fresh().await).await;
            }
        )+
    };
}
