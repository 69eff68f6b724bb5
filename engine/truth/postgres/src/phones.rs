//! Phones of holders, and invitations.

use async_trait::async_trait;
use hufu_registry::store::{DecidePhones, PhoneEdit, PhoneRecords, Phones, big};
use hufu_registry::{Fault, InvitationDigest, PhoneName, StoredHolder, StoredInvitation, StoredPhone};
use hufu_wire::{HolderIndex, IssuerId, UnixMillis};

use crate::fault::{TxFault, retried};
use crate::row::{all, one};
use crate::store::{PostgresStore, Tx};

const PHONES: &str = "SELECT * FROM phones WHERE issuer = $1 AND holder = $2 ORDER BY phone";

#[async_trait]
impl Phones for PostgresStore {
    async fn edit_phones(
        &self,
        issuer: IssuerId,
        holder: HolderIndex,
        decide: &DecidePhones<'_>,
    ) -> Result<(), Fault> {
        // As credentials: what is one holder's is written under the lock of the holder's row.
        const LOCK: &str = "SELECT * FROM holders WHERE issuer = $1 AND holder = $2 FOR NO KEY UPDATE";
        const INVITATIONS: &str =
            "SELECT * FROM invitations WHERE issuer = $1 AND holder = $2 ORDER BY number";
        const FORGET: &str = "DELETE FROM invitations WHERE issuer = $1 AND holder = $2 AND expires < $3";
        let of = |query| sqlx::query(query).bind(i64::from(issuer.0)).bind(i64::from(holder.0));
        retried(|| async {
            let mut tx = self.begin().await?;
            let record: Option<StoredHolder> = one(&mut *tx, of(LOCK)).await?;
            let records = PhoneRecords {
                holder: record.ok_or_else(|| Fault::no_holder(issuer, holder))?,
                invitations: all(&mut *tx, of(INVITATIONS)).await?,
                phones: all(&mut *tx, of(PHONES)).await?,
            };
            let PhoneEdit { invitations, phones, forget, line } = decide(&records)?;
            let Some(line) = line else { return Ok(()) };
            if let Some(before) = forget {
                of(FORGET).bind(big("expires", before.0)?).execute(&mut *tx).await?;
            }
            for invitation in &invitations {
                put_invitation(&mut tx, invitation).await?;
            }
            for phone in &phones {
                put_phone(&mut tx, phone).await?;
            }
            self.commit(tx, &line).await
        })
        .await
    }

    async fn invitation(&self, number: InvitationDigest) -> Result<Option<StoredInvitation>, Fault> {
        const ONE: &str = "SELECT * FROM invitations WHERE number = $1";
        Ok(one(&self.pool, sqlx::query(ONE).bind(&number.0[..])).await?)
    }

    async fn phones_named(&self, names: &[PhoneName]) -> Result<Vec<StoredPhone>, Fault> {
        const NAMED: &str = "
            SELECT phones.* FROM unnest($1, $2, $3) AS named (issuer, holder, phone)
            JOIN phones USING (issuer, holder, phone)";
        let of = |number: fn(&PhoneName) -> u32| -> Vec<i64> {
            names.iter().map(|name| i64::from(number(name))).collect()
        };
        let query = sqlx::query(NAMED).bind(of(|name| name.issuer)).bind(of(|name| name.holder));
        Ok(all(&self.pool, query.bind(of(|name| name.phone))).await?)
    }

    async fn phones_of(&self, issuer: IssuerId, holder: HolderIndex) -> Result<Vec<StoredPhone>, Fault> {
        let query = sqlx::query(PHONES).bind(i64::from(issuer.0)).bind(i64::from(holder.0));
        Ok(all(&self.pool, query).await?)
    }

    async fn note_renewals(&self, renewed: &[(PhoneName, UnixMillis)]) -> Result<(), Fault> {
        retried(|| async {
            let mut tx = self.begin().await?;
            note(&mut tx, renewed).await?;
            tx.commit().await?;
            Ok(())
        })
        .await
    }
}

/// Writes down when phones got credentials, unless a later time stands there.
pub(crate) async fn note(tx: &mut Tx, renewed: &[(PhoneName, UnixMillis)]) -> Result<(), TxFault> {
    // In one order, so that two registries never wait for each other. Of a phone that is named twice the latest counts.
    const NOTE: &str = "
        UPDATE phones AS p SET renewed = GREATEST(COALESCE(p.renewed, 0), new.at)
        FROM (
            SELECT q.issuer, q.holder, q.phone, n.at FROM phones AS q
            JOIN (
                SELECT issuer, holder, phone, MAX(at) AS at
                FROM unnest($1, $2, $3, $4) AS m (issuer, holder, phone, at) GROUP BY issuer, holder, phone
            ) AS n ON (q.issuer, q.holder, q.phone) = (n.issuer, n.holder, n.phone)
            ORDER BY q.issuer, q.holder, q.phone FOR NO KEY UPDATE OF q
        ) AS new
        WHERE (p.issuer, p.holder, p.phone) = (new.issuer, new.holder, new.phone)";
    if renewed.is_empty() {
        return Ok(());
    }
    let of = |number: fn(&PhoneName) -> u32| -> Vec<i64> {
        renewed.iter().map(|(name, _)| i64::from(number(name))).collect()
    };
    let at: Vec<i64> = renewed.iter().map(|(_, at)| big("renewed", at.0)).collect::<Result<_, _>>()?;
    let note = sqlx::query(NOTE)
        .bind(of(|name| name.issuer))
        .bind(of(|name| name.holder))
        .bind(of(|name| name.phone))
        .bind(at);
    note.execute(&mut **tx).await?;
    Ok(())
}

async fn put_invitation(tx: &mut Tx, invitation: &StoredInvitation) -> Result<(), TxFault> {
    const PUT: &str = "
        INSERT INTO invitations (number, issuer, holder, level, made, expires, ended, used, phone)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (number) DO UPDATE SET ended = excluded.ended, used = excluded.used, phone = excluded.phone";
    let put = sqlx::query(PUT)
        .bind(&invitation.number.0[..])
        .bind(i64::from(invitation.issuer.0))
        .bind(i64::from(invitation.holder.0))
        .bind(invitation.level.slug())
        .bind(big("made", invitation.made.0)?)
        .bind(big("expires", invitation.expires.0)?)
        .bind(invitation.ended.map(|at| big("ended", at.0)).transpose()?)
        .bind(invitation.used.map(|(at, _)| big("used", at.0)).transpose()?)
        .bind(invitation.used.map(|(_, phone)| i64::from(phone)));
    put.execute(&mut **tx).await?;
    Ok(())
}

async fn put_phone(tx: &mut Tx, phone: &StoredPhone) -> Result<(), TxFault> {
    const PUT: &str = "
        INSERT INTO phones (issuer, holder, phone, key, level, made, renewed, ended)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (issuer, holder, phone) DO UPDATE SET ended = excluded.ended";
    let put = sqlx::query(PUT)
        .bind(i64::from(phone.issuer.0))
        .bind(i64::from(phone.holder.0))
        .bind(i64::from(phone.phone))
        .bind(&phone.key.0[..])
        .bind(phone.level.slug())
        .bind(big("made", phone.made.0)?)
        .bind(phone.renewed.map(|at| big("renewed", at.0)).transpose()?)
        .bind(phone.ended.map(|at| big("ended", at.0)).transpose()?);
    put.execute(&mut **tx).await?;
    Ok(())
}
