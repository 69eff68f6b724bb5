//! The domain's values as the API spells them, and back.

use hufu_codes::chain::Tip;
use hufu_contract as types;
use hufu_registry::{
    Alarm, Brake, CredentialRequest, CurrentStatus, Device, HistoryEntry, HolderView, Issuance, Issuer,
    ListedCredential, Proposal, ProposalState, Registered, Roster, RosterSummary, Scopes, Site, StoredPhone,
    StoredTicket, Terms, Token, TrailEnd, TrailLine, TripIssuance,
};
use hufu_wire::{CodeKind, Colour, HubId, IssuerId, KeyId, StatusWord, Step, TestResult, UnixMillis, limits};

mod appeals;

/// `Into`, for types of two other crates.
pub(crate) trait Convert<T> {
    fn convert(self) -> T;
}

impl Convert<types::Issuer> for Issuer {
    fn convert(self) -> types::Issuer {
        types::Issuer {
            id: self.id.0,
            name: self.name,
            national: self.national.0,
            publisher: self.publisher.0,
            brake: self.brake.convert(),
            second_phone: self.second_phone,
        }
    }
}

impl Convert<types::Brake> for Brake {
    fn convert(self) -> types::Brake {
        types::Brake { share_permille: self.share_permille, window_s: self.window_s, free: self.free }
    }
}

/// An issuer as an administrator wrote it.
pub(crate) fn issuer(id: IssuerId, edit: types::IssuerEdit) -> Issuer {
    let brake = edit.brake.map_or(Brake::DEFAULT, |brake| Brake {
        share_permille: brake.share_permille,
        window_s: brake.window_s,
        free: brake.free,
    });
    Issuer {
        id,
        name: edit.name,
        national: IssuerId(edit.national),
        publisher: IssuerId(edit.publisher),
        brake,
        second_phone: edit.second_phone,
    }
}

impl Convert<types::RegisteredHolder> for Registered {
    fn convert(self) -> types::RegisteredHolder {
        types::RegisteredHolder { index: self.index.0, known: self.known }
    }
}

/// A holder of `issuer`.
pub(crate) fn holder(issuer: IssuerId, view: HolderView) -> types::Holder {
    types::Holder {
        issuer: issuer.0,
        index: view.index.0,
        display: view.display,
        registered_ms: view.registered.0,
        joined_into: view.joined.map(|into| into.0),
        status: view.status.convert(),
    }
}

impl Convert<types::CurrentStatus> for CurrentStatus {
    fn convert(self) -> types::CurrentStatus {
        types::CurrentStatus {
            index: self.index.0,
            registered: self.is_registered,
            joined_into: self.joined.map(|into| into.0),
            display: self.display,
            word: types::Hex(self.word.to_bits().to_be_bytes()),
            status: self.word.convert(),
        }
    }
}

/// A change of a holder, by a rule of this name.
pub(crate) fn history_entry(entry: HistoryEntry, rule_name: Option<&str>) -> types::HistoryEntry {
    types::HistoryEntry {
        sequence: entry.sequence.0,
        proposal: entry.proposal.0,
        confirmed_ms: entry.confirmed.0,
        rule: entry.rule.0,
        rule_name: rule_name.map(str::to_owned),
        reason: entry.reason,
        before: entry.before.convert(),
        after: entry.after.convert(),
    }
}

impl Convert<types::Colour> for Colour {
    fn convert(self) -> types::Colour {
        match self {
            Colour::Green => types::Colour::Green,
            Colour::Red => types::Colour::Red,
            Colour::Amber => types::Colour::Amber,
        }
    }
}

/// `None` when nothing is known.
impl Convert<Option<types::Status>> for StatusWord {
    fn convert(self) -> Option<types::Status> {
        let colour = self.colour()?.convert();
        let test = match self.test_result() {
            TestResult::None => types::TestResult::None,
            TestResult::Negative => types::TestResult::Negative,
            TestResult::Positive => types::TestResult::Positive,
            TestResult::Pending => types::TestResult::Pending,
        };
        let tested = (test != types::TestResult::None).then(|| self.test_minute().starts().millis().0);
        Some(types::Status {
            word: types::Hex(self.to_bits().to_be_bytes()),
            colour,
            generation: self.generation(),
            test,
            tested_ms: tested,
            doses: self.doses(),
            until_ms: self.until().map(|minute| minute.starts().millis().0),
        })
    }
}

impl Convert<types::Terms> for Terms {
    fn convert(self) -> types::Terms {
        types::Terms {
            key: types::Hex(self.key.0),
            generation: self.generation,
            issued_ms: self.issued.millis().0,
        }
    }
}

impl Convert<CredentialRequest> for types::IssueCredential {
    fn convert(self) -> CredentialRequest {
        let seconds = |ms: u64| UnixMillis(ms).seconds();
        match self {
            types::IssueCredential::Phone { step_root, origin_step, terms, valid_s } => {
                CredentialRequest::Phone {
                    terms: Terms {
                        key: KeyId(terms.key.0),
                        generation: terms.generation,
                        issued: seconds(terms.issued_ms),
                    },
                    root: step_root.0,
                    origin: Step(origin_step),
                    valid_s: valid_s.unwrap_or(limits::PHONE_VALIDITY_S_MAX),
                }
            }
            types::IssueCredential::Paper { valid_s } => {
                CredentialRequest::Paper { valid_s: valid_s.unwrap_or(limits::PAPER_VALIDITY_S_MAX) }
            }
            types::IssueCredential::Trip { hub, from_ms, until_ms } => {
                CredentialRequest::Trip { hub: HubId(hub), from: seconds(from_ms), until: seconds(until_ms) }
            }
        }
    }
}

impl Convert<types::Issued> for Issuance {
    fn convert(self) -> types::Issued {
        let Issuance { bytes, code, issued, phones } = self;
        types::Issued {
            credential: types::Base64Url(bytes),
            code,
            generation: issued.generation,
            issued_ms: issued.issued.millis().0,
            expires_ms: issued.expires.millis().0,
            key: types::Hex(issued.key.0),
            other_phones: phones.others,
            other_phones_until_ms: phones.until.map(|until| until.millis().0),
        }
    }
}

impl Convert<types::Phone> for StoredPhone {
    fn convert(self) -> types::Phone {
        types::Phone {
            phone: self.phone,
            level: self.level,
            activated_ms: self.made.0,
            renewed_ms: self.renewed.map(|at| at.0),
            ended_ms: self.ended.map(|at| at.0),
            key: types::Hex(self.key.short()),
        }
    }
}

/// A ticket, with its traveller as gates show them.
pub(crate) fn trip(ticket: StoredTicket, display: String) -> types::Trip {
    types::Trip {
        office: ticket.office,
        phase: ticket.phase,
        holder: ticket.holder.0,
        display,
        hub: ticket.hub.0,
        from_ms: ticket.from.millis().0,
        until_ms: ticket.until.millis().0,
        digest: types::Hex(ticket.digest),
        made_ms: ticket.made.0,
        changed_ms: ticket.changed.0,
    }
}

impl Convert<types::IssuedTrip> for TripIssuance {
    fn convert(self) -> types::IssuedTrip {
        let TripIssuance { outcome, ticket, traveller, display, bytes, code } = self;
        let trip = trip(ticket, traveller);
        types::IssuedTrip { outcome, trip, display, credential: types::Base64Url(bytes), code }
    }
}

impl Convert<types::Credential> for ListedCredential {
    fn convert(self) -> types::Credential {
        let ListedCredential { number, credential } = self;
        types::Credential {
            number,
            kind: match credential.kind {
                CodeKind::Phone => types::CredentialKind::Phone,
                // No registry keeps a certificate of another system as a credential: its stores refuse to read one.
                CodeKind::Paper | CodeKind::Foreign => types::CredentialKind::Paper,
                CodeKind::Trip => types::CredentialKind::Trip,
                CodeKind::Family => types::CredentialKind::Family,
            },
            generation: credential.generation,
            issued_ms: credential.issued.millis().0,
            expires_ms: credential.expires.millis().0,
            key: types::Hex(credential.key.0),
            digest: types::Hex(credential.digest),
        }
    }
}

impl Convert<types::Site> for Site {
    fn convert(self) -> types::Site {
        types::Site { id: self.id.0, name: self.name, policy: self.policy }
    }
}

impl Convert<types::Device> for Device {
    fn convert(self) -> types::Device {
        types::Device {
            id: self.id.0,
            site: self.site.0,
            name: self.name,
            generation: self.generation.0,
            revoked_ms: self.revoked.map(|at| at.0),
            added_ms: self.added.0,
        }
    }
}

impl Convert<types::RosterSummary> for RosterSummary {
    fn convert(self) -> types::RosterSummary {
        types::RosterSummary { name: self.name, members: self.members }
    }
}

impl Convert<types::Roster> for Roster {
    fn convert(self) -> types::Roster {
        let groups = self.groups.into_iter().map(|(issuer, holders)| types::RosterGroup {
            issuer: issuer.0,
            holders: holders.into_iter().map(|holder| holder.0).collect(),
        });
        types::Roster { site: self.site.0, name: self.name, groups: groups.collect() }
    }
}

/// A proposal of `issuer`.
pub(crate) fn proposal(issuer: IssuerId, proposal: Proposal) -> types::Proposal {
    let Proposal { id, facts, state, released, added } = proposal;
    types::Proposal {
        id: id.0,
        issuer: issuer.0,
        state: state.phase(),
        sequence: match state {
            ProposalState::Confirmed(sequence) => Some(sequence.0),
            _ => None,
        },
        content_digest: types::Hex(facts.content.0),
        proposed_ms: facts.proposed.at().0,
        era: facts.proposed.era(),
        expires_ms: facts.expires.0,
        rule: facts.rule.0,
        inputs: types::Hex(facts.inputs.0),
        reason: facts.reason,
        changes: facts.changes,
        reds: facts.reds,
        brake: match state {
            ProposalState::Braked(alarm) => Some(alarm.convert()),
            _ => None,
        },
        released_for: released,
        added_ms: added.0,
        local_key: types::Hex(facts.local_key.0),
    }
}

impl Convert<types::BrakeReport> for Alarm {
    fn convert(self) -> types::BrakeReport {
        types::BrakeReport {
            set_back: self.set_back.all(),
            reds: self.set_back.reds,
            ambers: self.set_back.ambers,
            forgotten: self.set_back.forgotten,
            generations: self.set_back.generations,
            recent: self.recent,
            holders: self.holders,
            share_permille: self.share_permille,
        }
    }
}

impl Convert<types::Tip> for Tip {
    fn convert(self) -> types::Tip {
        types::Tip {
            sequence: self.sequence.0,
            digest: types::Hex(self.digest.0),
            proposed_ms: self.proposed.at().0,
            era: self.proposed.era(),
            confirmed_ms: self.confirmed.0,
            now_ms: None,
        }
    }
}

impl Convert<types::Token> for Token {
    fn convert(self) -> types::Token {
        types::Token {
            id: self.id.0,
            label: self.label,
            scopes: self.scopes.iter().collect(),
            issuer: self.issuer.map(|issuer| issuer.0),
            made_ms: self.made.0,
            expires_ms: self.expires.0,
            revoked_ms: self.revoked.map(|at| at.0),
        }
    }
}

impl Convert<hufu_registry::NewToken> for types::NewToken {
    fn convert(self) -> hufu_registry::NewToken {
        hufu_registry::NewToken {
            label: self.label,
            scopes: Scopes::of(self.scopes),
            issuer: self.issuer.map(IssuerId),
            expires: UnixMillis(self.expires_ms),
        }
    }
}

impl Convert<types::TrailEntry> for TrailLine {
    fn convert(self) -> types::TrailEntry {
        let TrailLine { number, entry, digest, seal: _ } = self;
        types::TrailEntry {
            number,
            at_ms: entry.at.0,
            actor: entry.who,
            action: entry.action.slug().to_owned(),
            issuer: entry.issuer.map(|issuer| issuer.0),
            target: entry.what,
            digest: digest.map(|digest| types::Hex(digest.0)),
        }
    }
}

impl Convert<types::TrailEnd> for TrailEnd {
    fn convert(self) -> types::TrailEnd {
        types::TrailEnd { number: self.number, digest: types::Hex(self.digest.0) }
    }
}
