//! Phones that sign, and the API that they ask.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use hufu_api::{PhoneOptions, RunningPhones, serve_phones};
use hufu_contract::{Base64Url, PhoneName, PhoneRequest};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::world::{World, now, told};

/// Phones' API beside a world, and a client that asks it.
pub(super) struct Front {
    pub(super) running: RunningPhones,
    pub(super) client: Client,
}

/// A phone with its secret key and, once it has one, its name.
pub(super) struct Phone {
    pub(super) key: EcdsaKeyPair,
    pub(super) name: String,
}

impl Front {
    pub(super) fn start(world: &World, change: impl FnOnce(&mut PhoneOptions)) -> Front {
        let mut options = PhoneOptions::on(([127, 0, 0, 1], 0).into());
        options.appeal = Some("12345".into());
        change(&mut options);
        let running = serve_phones(&options, world.registry.clone(), None).unwrap();
        Front { running, client: Client::new() }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.addr())
    }

    pub(super) async fn about(&self) -> Value {
        told(self.client.get(self.url("/phone/v1/about")).send().await.unwrap()).await.1
    }

    /// A request as `phone` signs it at `time`.
    pub(super) fn request(&self, phone: &Phone, path: &str, time: u64, body: &str) -> RequestBuilder {
        let time = time.to_string();
        self.client
            .post(self.url(path))
            .header(CONTENT_TYPE, "application/json")
            .header("hufu-phone", &phone.name)
            .header("hufu-time", &time)
            .header("hufu-signature", phone.sign(path, &time, body))
            .body(body.to_owned())
    }

    pub(super) async fn ask(&self, phone: &Phone, path: &str, body: Value) -> (StatusCode, Value) {
        told(self.request(phone, path, now().0, &body.to_string()).send().await.unwrap()).await
    }

    pub(super) async fn activate(&self, phone: &mut Phone, number: &str) -> (StatusCode, Value) {
        let body = json!({"number": number, "public_key": phone.public_key()});
        let (status, answer) = self.ask(phone, "/phone/v1/activate", body).await;
        if status.is_success() {
            let number = |member: &str| u32::try_from(answer[member].as_u64().unwrap()).unwrap();
            let name =
                PhoneName { issuer: number("issuer"), holder: number("holder"), phone: number("phone") };
            phone.name = name.to_string();
        }
        (status, answer)
    }
}

impl Phone {
    pub(super) fn new() -> Phone {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Phone { key, name: String::new() }
    }

    pub(super) fn public_key(&self) -> String {
        Base64Url(self.key.public_key().as_ref().to_vec()).to_string()
    }

    pub(super) fn sign(&self, path: &str, time: &str, body: &str) -> String {
        let body = digest(&SHA256, body.as_bytes()).as_ref().try_into().unwrap();
        let message = PhoneRequest { method: "POST", path, phone: &self.name, time, body }.signed_bytes();
        let signature = self.key.sign(&SystemRandom::new(), &message).unwrap();
        Base64Url(signature.as_ref().to_vec()).to_string()
    }
}
