//! The domain's values as the API spells them, and back.

use hufu_codes::chain::Tip;
use hufu_wire::{
    CodeKind, Colour, HolderIndex, HubId, IssuerId, KeyId, StatusWord, Step, TestResult, UnixMillis, limits,
};

use super::types;
use crate::{
    Alarm, Brake, Credentialed, Device, HolderView, Issuer, ListedCredential, Noted, Proposal, ProposalPhase,
    ProposalState, Registered, Roster, RosterSummary, Scope, Scopes, SecondPhone, Site, Terms, Token,
    TrailEnd, Wanted,
};

impl From<Issuer> for types::Issuer {
    fn from(issuer: Issuer) -> types::Issuer {
        types::Issuer {
            id: issuer.id.0,
            name: issuer.name,
            national: issuer.national.0,
            publisher: issuer.publisher.0,
            brake: issuer.brake.into(),
            second_phone: issuer.second_phone.into(),
        }
    }
}

impl From<Brake> for types::Brake {
    fn from(brake: Brake) -> types::Brake {
        types::Brake { share_permille: brake.share_permille, window_s: brake.window_s, free: brake.free }
    }
}

impl types::IssuerEdit {
    pub(super) fn into_domain(self, id: IssuerId) -> Issuer {
        let brake = self.brake.map_or(Brake::DEFAULT, |brake| Brake {
            share_permille: brake.share_permille,
            window_s: brake.window_s,
            free: brake.free,
        });
        Issuer {
            id,
            name: self.name,
            national: IssuerId(self.national),
            publisher: IssuerId(self.publisher),
            brake,
            second_phone: self.second_phone.into(),
        }
    }
}

impl From<SecondPhone> for types::SecondPhone {
    fn from(setting: SecondPhone) -> types::SecondPhone {
        match setting {
            SecondPhone::Tell => types::SecondPhone::Tell,
            SecondPhone::Supersede => types::SecondPhone::Supersede,
        }
    }
}

impl From<types::SecondPhone> for SecondPhone {
    fn from(setting: types::SecondPhone) -> SecondPhone {
        match setting {
            types::SecondPhone::Tell => SecondPhone::Tell,
            types::SecondPhone::Supersede => SecondPhone::Supersede,
        }
    }
}

impl From<Registered> for types::RegisteredHolder {
    fn from(holder: Registered) -> types::RegisteredHolder {
        types::RegisteredHolder { index: holder.index.0, known: holder.known }
    }
}

impl types::Holder {
    pub(super) fn of(issuer: IssuerId, view: HolderView) -> types::Holder {
        types::Holder {
            issuer: issuer.0,
            index: view.index.0,
            display: view.display,
            registered_ms: view.registered.0,
            status: types::Status::of(view.status),
        }
    }
}

impl types::Status {
    /// `None` when nothing is known.
    fn of(word: StatusWord) -> Option<types::Status> {
        let colour = match word.colour()? {
            Colour::Green => types::Colour::Green,
            Colour::Red => types::Colour::Red,
            Colour::Amber => types::Colour::Amber,
        };
        let test = match word.test_result() {
            TestResult::None => types::TestResult::None,
            TestResult::Negative => types::TestResult::Negative,
            TestResult::Positive => types::TestResult::Positive,
            TestResult::Pending => types::TestResult::Pending,
        };
        let tested = (test != types::TestResult::None).then(|| word.test_minute().starts().millis().0);
        Some(types::Status {
            word: types::Hex(word.to_bits().to_be_bytes()),
            colour,
            generation: word.generation(),
            test,
            tested_ms: tested,
            doses: word.doses(),
            until_ms: word.until().map(|minute| minute.starts().millis().0),
        })
    }
}

impl From<Terms> for types::Terms {
    fn from(terms: Terms) -> types::Terms {
        types::Terms {
            key: types::Hex(terms.key.0),
            generation: terms.generation,
            issued_ms: terms.issued.millis().0,
        }
    }
}

impl From<types::IssueCredential> for Wanted {
    fn from(wanted: types::IssueCredential) -> Wanted {
        let seconds = |ms: u64| UnixMillis(ms).seconds();
        match wanted {
            types::IssueCredential::Phone { step_root, origin_step, terms, valid_s } => Wanted::Phone {
                terms: Terms {
                    key: KeyId(terms.key.0),
                    generation: terms.generation,
                    issued: seconds(terms.issued_ms),
                },
                root: step_root.0,
                origin: Step(origin_step),
                valid_s: valid_s.unwrap_or(limits::PHONE_VALIDITY_S_MAX),
            },
            types::IssueCredential::Paper { valid_s } => {
                Wanted::Paper { valid_s: valid_s.unwrap_or(limits::PAPER_VALIDITY_S_MAX) }
            }
            types::IssueCredential::Trip { hub, from_ms, until_ms } => {
                Wanted::Trip { hub: HubId(hub), from: seconds(from_ms), until: seconds(until_ms) }
            }
        }
    }
}

impl From<Credentialed> for types::Issued {
    fn from(credential: Credentialed) -> types::Issued {
        let Credentialed { bytes, code, issued, phones } = credential;
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

impl From<ListedCredential> for types::Credential {
    fn from(listed: ListedCredential) -> types::Credential {
        let ListedCredential { number, credential } = listed;
        types::Credential {
            number,
            kind: match credential.kind {
                CodeKind::Phone => types::CredentialKind::Phone,
                CodeKind::Paper => types::CredentialKind::Paper,
                CodeKind::Trip => types::CredentialKind::Trip,
            },
            generation: credential.generation,
            issued_ms: credential.issued.millis().0,
            expires_ms: credential.expires.millis().0,
            key: types::Hex(credential.key.0),
            digest: types::Hex(credential.digest),
        }
    }
}

impl From<Site> for types::Site {
    fn from(site: Site) -> types::Site {
        types::Site { id: site.id.0, name: site.name, policy: site.policy }
    }
}

impl From<Device> for types::Device {
    fn from(device: Device) -> types::Device {
        types::Device {
            id: device.id.0,
            site: device.site.0,
            name: device.name,
            generation: device.generation.0,
            revoked_ms: device.revoked.map(|at| at.0),
            added_ms: device.added.0,
        }
    }
}

impl From<RosterSummary> for types::RosterSummary {
    fn from(roster: RosterSummary) -> types::RosterSummary {
        types::RosterSummary { name: roster.name, members: roster.members }
    }
}

impl From<Roster> for types::Roster {
    fn from(roster: Roster) -> types::Roster {
        let groups = roster.groups.into_iter().map(|(issuer, holders)| types::RosterGroup {
            issuer: issuer.0,
            holders: holders.into_iter().map(|holder| holder.0).collect(),
        });
        types::Roster { site: roster.site.0, name: roster.name, groups: groups.collect() }
    }
}

impl types::RosterEdit {
    /// Every member, in the request's order.
    pub(super) fn members(&self) -> impl Iterator<Item = (IssuerId, HolderIndex)> {
        self.groups.iter().flat_map(|group| {
            group.holders.iter().map(|holder| (IssuerId(group.issuer), HolderIndex(*holder)))
        })
    }
}

impl types::Proposal {
    pub(super) fn of(issuer: IssuerId, proposal: Proposal) -> types::Proposal {
        let Proposal { id, facts, state, released, added } = proposal;
        types::Proposal {
            id: id.0,
            issuer: issuer.0,
            state: state.phase().into(),
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
                ProposalState::Braked(alarm) => Some(alarm.into()),
                _ => None,
            },
            released_reds: released,
            added_ms: added.0,
            local_key: types::Hex(facts.local_key.0),
        }
    }
}

impl From<ProposalPhase> for types::ProposalState {
    fn from(phase: ProposalPhase) -> types::ProposalState {
        match phase {
            ProposalPhase::Pending => types::ProposalState::Pending,
            ProposalPhase::Braked => types::ProposalState::Braked,
            ProposalPhase::Confirmed => types::ProposalState::Confirmed,
            ProposalPhase::Withdrawn => types::ProposalState::Withdrawn,
            ProposalPhase::Expired => types::ProposalState::Expired,
            ProposalPhase::Overtaken => types::ProposalState::Overtaken,
        }
    }
}

impl From<types::ProposalState> for ProposalPhase {
    fn from(state: types::ProposalState) -> ProposalPhase {
        match state {
            types::ProposalState::Pending => ProposalPhase::Pending,
            types::ProposalState::Braked => ProposalPhase::Braked,
            types::ProposalState::Confirmed => ProposalPhase::Confirmed,
            types::ProposalState::Withdrawn => ProposalPhase::Withdrawn,
            types::ProposalState::Expired => ProposalPhase::Expired,
            types::ProposalState::Overtaken => ProposalPhase::Overtaken,
        }
    }
}

impl From<Alarm> for types::BrakeReport {
    fn from(alarm: Alarm) -> types::BrakeReport {
        types::BrakeReport {
            reds: alarm.reds,
            recent: alarm.recent,
            holders: alarm.holders,
            share_permille: alarm.share_permille,
        }
    }
}

impl From<Tip> for types::Tip {
    fn from(tip: Tip) -> types::Tip {
        types::Tip {
            sequence: tip.sequence.0,
            digest: types::Hex(tip.digest.0),
            proposed_ms: tip.proposed.at().0,
            era: tip.proposed.era(),
            confirmed_ms: tip.confirmed.0,
            now_ms: None,
        }
    }
}

impl From<Scope> for types::Scope {
    fn from(scope: Scope) -> types::Scope {
        match scope {
            Scope::Admin => types::Scope::Admin,
            Scope::Holders => types::Scope::Holders,
            Scope::Credentials => types::Scope::Credentials,
            Scope::Sites => types::Scope::Sites,
            Scope::Devices => types::Scope::Devices,
            Scope::Rosters => types::Scope::Rosters,
            Scope::Propose => types::Scope::Propose,
            Scope::Confirm => types::Scope::Confirm,
            Scope::Checkpoint => types::Scope::Checkpoint,
            Scope::Feed => types::Scope::Feed,
            Scope::Audit => types::Scope::Audit,
        }
    }
}

impl From<types::Scope> for Scope {
    fn from(scope: types::Scope) -> Scope {
        match scope {
            types::Scope::Admin => Scope::Admin,
            types::Scope::Holders => Scope::Holders,
            types::Scope::Credentials => Scope::Credentials,
            types::Scope::Sites => Scope::Sites,
            types::Scope::Devices => Scope::Devices,
            types::Scope::Rosters => Scope::Rosters,
            types::Scope::Propose => Scope::Propose,
            types::Scope::Confirm => Scope::Confirm,
            types::Scope::Checkpoint => Scope::Checkpoint,
            types::Scope::Feed => Scope::Feed,
            types::Scope::Audit => Scope::Audit,
        }
    }
}

impl From<Token> for types::Token {
    fn from(token: Token) -> types::Token {
        types::Token {
            id: token.id.0,
            label: token.label,
            scopes: token.scopes.iter().map(types::Scope::from).collect(),
            issuer: token.issuer.map(|issuer| issuer.0),
            made_ms: token.made.0,
            expires_ms: token.expires.0,
            revoked_ms: token.revoked.map(|at| at.0),
        }
    }
}

impl From<types::NewToken> for crate::NewToken {
    fn from(token: types::NewToken) -> crate::NewToken {
        crate::NewToken {
            label: token.label,
            scopes: Scopes::of(token.scopes.into_iter().map(Scope::from)),
            issuer: token.issuer.map(IssuerId),
            expires: UnixMillis(token.expires_ms),
        }
    }
}

impl From<Noted> for types::TrailEntry {
    fn from(noted: Noted) -> types::TrailEntry {
        let Noted { number, entry, digest, seal: _ } = noted;
        types::TrailEntry {
            number,
            at_ms: entry.at.0,
            actor: entry.who,
            action: entry.deed.slug().to_owned(),
            issuer: entry.issuer.map(|issuer| issuer.0),
            target: entry.what,
            digest: digest.map(|digest| types::Hex(digest.0)),
        }
    }
}

impl From<TrailEnd> for types::TrailEnd {
    fn from(end: TrailEnd) -> types::TrailEnd {
        types::TrailEnd { number: end.number, digest: types::Hex(end.digest.0) }
    }
}
