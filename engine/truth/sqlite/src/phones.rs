//! Phones of holders, and invitations.

use async_trait::async_trait;
use hufu_registry::store::{DecidePhones, PhoneEdit, PhoneRecords, Phones, big};
use hufu_registry::{Fault, InvitationDigest, PhoneName, StoredHolder, StoredInvitation, StoredPhone};
use hufu_wire::{HolderIndex, IssuerId, UnixMillis};
use sqlx::SqliteConnection;

use crate::fault::fault;
use crate::row::{all, change, one};
use crate::store::SqliteStore;

const PHONES: &str = "SELECT * FROM phones WHERE issuer = ? AND holder = ? ORDER BY phone";

#[async_trait]
impl Phones for SqliteStore {
    async fn edit_phones(
        &self,
        issuer: IssuerId,
        holder: HolderIndex,
        decide: &DecidePhones<'_>,
    ) -> Result<(), Fault> {
        const HOLDER: &str = "SELECT * FROM holders WHERE issuer = ? AND holder = ?";
        const INVITATIONS: &str = "SELECT * FROM invitations WHERE issuer = ? AND holder = ? ORDER BY number";
        const FORGET: &str = "DELETE FROM invitations WHERE issuer = ? AND holder = ? AND expires < ?";
        let mut write = self.write().await?;
        let of = |query| sqlx::query(query).bind(issuer.0).bind(holder.0);
        let record: Option<StoredHolder> = one(&mut *write, of(HOLDER)).await?;
        let records = PhoneRecords {
            holder: record.ok_or_else(|| Fault::no_holder(issuer, holder))?,
            invitations: all(&mut *write, of(INVITATIONS)).await?,
            phones: all(&mut *write, of(PHONES)).await?,
        };
        let PhoneEdit { invitations, phones, forget, line } = decide(&records)?;
        let Some(line) = line else { return Ok(()) };
        if let Some(before) = forget {
            change(&mut *write, of(FORGET).bind(big("expires", before.0)?)).await?;
        }
        for invitation in &invitations {
            put_invitation(&mut write, invitation).await?;
        }
        for phone in &phones {
            put_phone(&mut write, phone).await?;
        }
        self.commit(write, &line).await
    }

    async fn invitation(&self, number: InvitationDigest) -> Result<Option<StoredInvitation>, Fault> {
        const ONE: &str = "SELECT * FROM invitations WHERE number = ?";
        one(&self.readers, sqlx::query(ONE).bind(number.0.as_slice())).await
    }

    async fn phones_named(&self, names: &[PhoneName]) -> Result<Vec<StoredPhone>, Fault> {
        const NAMED: &str = "
            SELECT p.* FROM json_each(?) AS named CROSS JOIN phones AS p
            ON p.issuer = named.value ->> 0 AND p.holder = named.value ->> 1 AND p.phone = named.value ->> 2";
        let json = |name: &PhoneName| format!("[{},{},{}]", name.issuer, name.holder, name.phone);
        let names: Vec<_> = names.iter().map(json).collect();
        all(&self.readers, sqlx::query(NAMED).bind(format!("[{}]", names.join(",")))).await
    }

    async fn phones_of(&self, issuer: IssuerId, holder: HolderIndex) -> Result<Vec<StoredPhone>, Fault> {
        all(&self.readers, sqlx::query(PHONES).bind(issuer.0).bind(holder.0)).await
    }

    async fn note_renewals(&self, renewed: &[(PhoneName, UnixMillis)]) -> Result<(), Fault> {
        let mut write = self.write().await?;
        note(&mut write, renewed).await?;
        write.commit().await.map_err(fault)
    }
}

/// Writes down when phones got credentials, unless a later time stands there.
pub(crate) async fn note(
    write: &mut SqliteConnection,
    renewed: &[(PhoneName, UnixMillis)],
) -> Result<(), Fault> {
    const NOTE: &str = "
        UPDATE phones SET renewed = MAX(COALESCE(renewed, 0), ?)
        WHERE issuer = ? AND holder = ? AND phone = ?";
    for (PhoneName { issuer, holder, phone }, at) in renewed {
        let note = sqlx::query(NOTE).bind(big("renewed", at.0)?).bind(*issuer).bind(*holder);
        change(&mut *write, note.bind(*phone)).await?;
    }
    Ok(())
}

async fn put_invitation(write: &mut SqliteConnection, invitation: &StoredInvitation) -> Result<(), Fault> {
    const PUT: &str = "
        INSERT INTO invitations (number, issuer, holder, level, made, expires, ended, used, phone)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (number) DO UPDATE SET ended = excluded.ended, used = excluded.used, phone = excluded.phone";
    let put = sqlx::query(PUT)
        .bind(invitation.number.0.as_slice())
        .bind(invitation.issuer.0)
        .bind(invitation.holder.0)
        .bind(invitation.level.slug())
        .bind(big("made", invitation.made.0)?)
        .bind(big("expires", invitation.expires.0)?)
        .bind(invitation.ended.map(|at| big("ended", at.0)).transpose()?)
        .bind(invitation.used.map(|(at, _)| big("used", at.0)).transpose()?)
        .bind(invitation.used.map(|(_, phone)| phone));
    change(write, put).await?;
    Ok(())
}

async fn put_phone(write: &mut SqliteConnection, phone: &StoredPhone) -> Result<(), Fault> {
    const PUT: &str = "
        INSERT INTO phones (issuer, holder, phone, key, level, made, renewed, ended)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (issuer, holder, phone) DO UPDATE SET ended = excluded.ended";
    let put = sqlx::query(PUT)
        .bind(phone.issuer.0)
        .bind(phone.holder.0)
        .bind(phone.phone)
        .bind(phone.key.0.as_slice())
        .bind(phone.level.slug())
        .bind(big("made", phone.made.0)?)
        .bind(phone.renewed.map(|at| big("renewed", at.0)).transpose()?)
        .bind(phone.ended.map(|at| big("ended", at.0)).transpose()?);
    change(write, put).await?;
    Ok(())
}
