//! An issuer of tokens: a key of any algorithm, and tokens signed with it whatever they say. It
//! signs with the library of cryptography directly, not as the gateway does.

mod claims;

pub use claims::{claims, key_set, now};

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
    RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
use aws_lc_rs::{hmac, rand};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::{Value, json};

/// A key, with the name and the algorithm that its tokens carry.
pub struct Issuer {
    algorithm: String,
    kid: Option<String>,
    key: IssuerKey,
}

enum IssuerKey {
    Hmac(Vec<u8>),
    Rsa(Box<RsaKeyPair>),
    Ecdsa(&'static str, Box<EcdsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
}

impl Issuer {
    /// A fresh key for an algorithm, such as `RS256`, without a name.
    pub fn new(algorithm: &str) -> Self {
        let ecdsa = |curve, signing: &'static EcdsaSigningAlgorithm| {
            let pair = EcdsaKeyPair::generate(signing).expect("a key");
            IssuerKey::Ecdsa(curve, Box::new(pair))
        };
        let key = match algorithm {
            "ES256" => ecdsa("P-256", &ECDSA_P256_SHA256_FIXED_SIGNING),
            "ES384" => ecdsa("P-384", &ECDSA_P384_SHA384_FIXED_SIGNING),
            "EdDSA" => IssuerKey::Ed25519(Box::new(Ed25519KeyPair::generate().expect("a key"))),
            _ if algorithm.starts_with("HS") => {
                let mut secret = vec![0; 64];
                rand::fill(&mut secret).expect("randomness");
                IssuerKey::Hmac(secret)
            }
            _ => IssuerKey::Rsa(Box::new(
                RsaKeyPair::generate(KeySize::Rsa2048).expect("a key"),
            )),
        };
        Self {
            algorithm: algorithm.to_owned(),
            kid: None,
            key,
        }
    }

    /// An HMAC key of these bytes.
    pub fn with_secret(algorithm: &str, secret: &[u8]) -> Self {
        Self {
            algorithm: algorithm.to_owned(),
            kid: None,
            key: IssuerKey::Hmac(secret.to_vec()),
        }
    }

    /// The same with a name.
    #[must_use]
    pub fn named(mut self, kid: &str) -> Self {
        self.kid = Some(kid.to_owned());
        self
    }

    /// The key that a gateway is given: the public half, or the secret.
    pub fn jwk(&self) -> Value {
        let mut jwk = match &self.key {
            IssuerKey::Hmac(secret) => json!({"kty": "oct", "k": encode(secret)}),
            IssuerKey::Rsa(pair) => {
                let public = pair.public_key();
                let n = public.modulus();
                let e = public.exponent();
                json!({
                    "kty": "RSA", "n": encode(n.big_endian_without_leading_zero()),
                    "e": encode(e.big_endian_without_leading_zero()),
                })
            }
            IssuerKey::Ecdsa(curve, pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y)})
            }
            IssuerKey::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref())})
            }
        };
        jwk["alg"] = json!(self.algorithm);
        if let Some(kid) = &self.kid {
            jwk["kid"] = json!(kid);
        }
        jwk
    }

    /// The public half in DER (`SubjectPublicKeyInfo`).
    pub fn der(&self) -> Vec<u8> {
        let der: PublicKeyX509Der<'_> = match &self.key {
            IssuerKey::Hmac(_) => panic!("a secret has no public half"),
            IssuerKey::Rsa(pair) => pair.public_key().as_der().expect("DER"),
            IssuerKey::Ecdsa(_, pair) => pair.public_key().as_der().expect("DER"),
            IssuerKey::Ed25519(pair) => pair.public_key().as_der().expect("DER"),
        };
        der.as_ref().to_vec()
    }

    /// The public half in PEM.
    pub fn pem(&self) -> String {
        let text = BASE64.encode(&self.der());
        let lines: Vec<&str> = text
            .as_bytes()
            .chunks(64)
            .map(|line| std::str::from_utf8(line).expect("ASCII"))
            .collect();
        format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            lines.join("\n")
        )
    }

    /// A token with these claims.
    pub fn token(&self, claims: &Value) -> String {
        self.sign(&self.header().to_string(), &claims.to_string())
    }

    /// The header of its tokens.
    pub fn header(&self) -> Value {
        let mut header = json!({"alg": self.algorithm, "typ": "JWT"});
        if let Some(kid) = &self.kid {
            header["kid"] = json!(kid);
        }
        header
    }

    /// A token of any header and any claims, whose signature is right.
    pub fn sign(&self, header: &str, claims: &str) -> String {
        let message = format!(
            "{}.{}",
            encode(header.as_bytes()),
            encode(claims.as_bytes())
        );
        let signature = encode(&self.signature(message.as_bytes()));
        format!("{message}.{signature}")
    }

    fn signature(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.key {
            IssuerKey::Hmac(secret) => {
                let algorithm = match self.algorithm.as_str() {
                    "HS384" => hmac::HMAC_SHA384,
                    "HS512" => hmac::HMAC_SHA512,
                    _ => hmac::HMAC_SHA256,
                };
                let key = hmac::Key::new(algorithm, secret);
                hmac::sign(&key, message).as_ref().to_vec()
            }
            IssuerKey::Rsa(pair) => {
                let encoding: &'static dyn RsaEncoding = match self.algorithm.as_str() {
                    "RS384" => &RSA_PKCS1_SHA384,
                    "RS512" => &RSA_PKCS1_SHA512,
                    "PS256" => &RSA_PSS_SHA256,
                    "PS384" => &RSA_PSS_SHA384,
                    "PS512" => &RSA_PSS_SHA512,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message, &mut signature)
                    .expect("a signature");
                signature
            }
            IssuerKey::Ecdsa(_, pair) => {
                let signature = pair.sign(&random, message).expect("a signature");
                signature.as_ref().to_vec()
            }
            IssuerKey::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }
}

/// Base64url without padding.
pub fn encode(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}
