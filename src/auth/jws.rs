//! Signatures. The one file that calls the libraries of JWT and cryptography: what a key is, how it
//! is checked, how a signature is verified and made.

use std::fmt;

use aws_lc_rs::encoding::AsBigEndian as _;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED,
    ECDSA_P384_SHA384_FIXED_SIGNING, ED25519, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair,
    KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    VerificationAlgorithm,
};
use aws_lc_rs::{rand, rsa};
use jsonwebtoken::{DecodingKey, EncodingKey, crypto};

use super::algorithm::Algorithm;

/// The shortest HMAC secret, in bytes: RFC 7518, section 3.2, for SHA-256.
pub(super) const SECRET_BYTES_MIN: usize = 32;
/// The shortest RSA modulus, in bits: RFC 7518, section 3.3.
pub(super) const MODULUS_BITS_MIN: usize = 2048;

/// A key that cannot be used, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableKey {
    /// The secret of an HMAC key is too short.
    #[error("is shorter than {SECRET_BYTES_MIN} bytes")]
    ShortSecret,
    /// The modulus of an RSA key is too short.
    #[error("is an RSA key of fewer than {MODULUS_BITS_MIN} bits")]
    ShortModulus,
    /// The numbers or bytes are no key of this type.
    #[error("is no valid key of its type")]
    Invalid,
}

/// A key that verifies signatures; its form was checked.
#[derive(Clone)]
pub(super) struct VerifyingKey(DecodingKey);

/// The type of a public key in DER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PublicKeyType {
    Rsa,
    P256,
    P384,
    Ed25519,
}

/// The curve of an ECDSA key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
}

impl VerifyingKey {
    /// An HMAC key.
    pub(super) fn hmac(secret: &[u8]) -> Result<Self, UnusableKey> {
        if secret.len() < SECRET_BYTES_MIN {
            return Err(UnusableKey::ShortSecret);
        }
        DecodingKey::from_secret(secret)
            .map(Self)
            .map_err(|_| UnusableKey::Invalid)
    }

    /// An RSA key of its modulus and exponent, big-endian.
    pub(super) fn rsa(n: &[u8], e: &[u8]) -> Result<Self, UnusableKey> {
        if bits(n) < MODULUS_BITS_MIN {
            return Err(UnusableKey::ShortModulus);
        }
        RsaPublicKeyComponents { n, e }
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            .map_err(|_| UnusableKey::Invalid)?;
        Ok(Self(DecodingKey::from_rsa_raw_components(n, e)))
    }

    /// An ECDSA key of the coordinates of its point, big-endian and of full length.
    pub(super) fn ecdsa(curve: Curve, x: &[u8], y: &[u8]) -> Result<Self, UnusableKey> {
        let length = curve.coordinate_bytes();
        if x.len() != length || y.len() != length {
            return Err(UnusableKey::Invalid);
        }
        // SEC 1, section 2.3.3: an uncompressed point.
        let point = [&[4], x, y].concat();
        check(curve.verification(), &point)?;
        Ok(Self(DecodingKey::from_ec_der(&point)))
    }

    /// An Ed25519 key of its 32 bytes.
    pub(super) fn ed25519(x: &[u8]) -> Result<Self, UnusableKey> {
        if x.len() != 32 {
            return Err(UnusableKey::Invalid);
        }
        check(&ED25519, x)?;
        Ok(Self(DecodingKey::from_ed_der(x)))
    }

    /// The key in a `SubjectPublicKeyInfo` (RFC 5280, section 4.1.2.7), and its type.
    pub(super) fn spki(der: &[u8]) -> Result<(Self, PublicKeyType), UnusableKey> {
        if let Ok(key) = rsa::PublicKey::from_der(der) {
            check_modulus(&key)?;
            return Ok((Self(DecodingKey::from_rsa_der(der)), PublicKeyType::Rsa));
        }
        if check(&ECDSA_P256_SHA256_FIXED, der).is_ok() {
            return Ok((Self(DecodingKey::from_ec_der(der)), PublicKeyType::P256));
        }
        if check(&ECDSA_P384_SHA384_FIXED, der).is_ok() {
            return Ok((Self(DecodingKey::from_ec_der(der)), PublicKeyType::P384));
        }
        check(&ED25519, der)?;
        Ok((Self(DecodingKey::from_ed_der(der)), PublicKeyType::Ed25519))
    }

    /// Whether `signature`, in base64url, is this key's under the message.
    pub(super) fn verifies(&self, algorithm: Algorithm, message: &str, signature: &str) -> bool {
        crypto::verify(signature, message.as_bytes(), &self.0, library(algorithm)).unwrap_or(false)
    }
}

/// Keys are secrets, or say nothing to a reader.
impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifyingKey")
    }
}

/// A key that makes signatures.
pub(super) struct SigningKey(EncodingKey);

impl SigningKey {
    /// An HMAC key.
    pub(super) fn hmac(secret: &[u8]) -> Result<Self, UnusableKey> {
        if secret.len() < SECRET_BYTES_MIN {
            return Err(UnusableKey::ShortSecret);
        }
        EncodingKey::from_secret(secret)
            .map(Self)
            .map_err(|_| UnusableKey::Invalid)
    }

    /// An ECDSA key: its number and its point.
    pub(super) fn ecdsa(curve: Curve, d: &[u8], x: &[u8], y: &[u8]) -> Result<Self, UnusableKey> {
        let point = [&[4], x, y].concat();
        let pair = EcdsaKeyPair::from_private_key_and_public_key(curve.signing(), d, &point);
        let der = pair
            .map_err(|_| UnusableKey::Invalid)?
            .to_pkcs8v1()
            .map_err(|_| UnusableKey::Invalid)?;
        Ok(Self(EncodingKey::from_ec_der(der.as_ref())))
    }

    /// An Ed25519 key: its seed and its public half.
    pub(super) fn ed25519(seed: &[u8], x: &[u8]) -> Result<Self, UnusableKey> {
        let pair = Ed25519KeyPair::from_seed_and_public_key(seed, x);
        let der = pair
            .map_err(|_| UnusableKey::Invalid)?
            .to_pkcs8()
            .map_err(|_| UnusableKey::Invalid)?;
        Ok(Self(EncodingKey::from_ed_der(der.as_ref())))
    }

    /// The signature under a message, in base64url.
    pub(super) fn sign(&self, algorithm: Algorithm, message: &str) -> Result<String, UnusableKey> {
        crypto::sign(message.as_bytes(), &self.0, library(algorithm))
            .map_err(|_| UnusableKey::Invalid)
    }
}

/// A fresh key, in the numbers of its JWK.
pub(super) enum FreshKey {
    /// A secret.
    Hmac(Vec<u8>),
    /// An ECDSA key.
    Ecdsa {
        /// The private number.
        d: Vec<u8>,
        /// The point, uncompressed.
        point: Vec<u8>,
    },
    /// An Ed25519 key.
    Ed25519 {
        /// The seed.
        d: Vec<u8>,
        /// The public half.
        x: Vec<u8>,
    },
}

/// Makes a key for an algorithm; none for RSA.
pub(super) fn fresh_key(algorithm: Algorithm) -> Option<FreshKey> {
    let secret = |bytes| {
        let mut secret = vec![0; bytes];
        rand::fill(&mut secret).expect("the system has randomness");
        FreshKey::Hmac(secret)
    };
    let ecdsa = |curve: Curve| {
        let pair = EcdsaKeyPair::generate(curve.signing()).expect("the system has randomness");
        let d = pair.private_key().as_be_bytes().expect("its own number");
        FreshKey::Ecdsa {
            d: d.as_ref().to_vec(),
            point: pair.public_key().as_ref().to_vec(),
        }
    };
    Some(match algorithm {
        Algorithm::Hs256 => secret(32),
        Algorithm::Hs384 => secret(48),
        Algorithm::Hs512 => secret(64),
        Algorithm::Es256 => ecdsa(Curve::P256),
        Algorithm::Es384 => ecdsa(Curve::P384),
        Algorithm::EdDsa => {
            let pair = Ed25519KeyPair::generate().expect("the system has randomness");
            let seed = pair.seed().expect("its own seed");
            FreshKey::Ed25519 {
                d: seed.as_be_bytes().expect("32 bytes").as_ref().to_vec(),
                x: pair.public_key().as_ref().to_vec(),
            }
        }
        Algorithm::Rs256
        | Algorithm::Rs384
        | Algorithm::Rs512
        | Algorithm::Ps256
        | Algorithm::Ps384
        | Algorithm::Ps512 => return None,
    })
}

impl Curve {
    /// The name in a JWK's `crv`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
        }
    }

    /// The length of a coordinate.
    pub(super) const fn coordinate_bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }

    fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::P256 => &ECDSA_P256_SHA256_FIXED,
            Self::P384 => &ECDSA_P384_SHA384_FIXED,
        }
    }

    fn signing(self) -> &'static EcdsaSigningAlgorithm {
        match self {
            Self::P256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
            Self::P384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
        }
    }
}

fn check(algorithm: &'static dyn VerificationAlgorithm, key: &[u8]) -> Result<(), UnusableKey> {
    ParsedPublicKey::new(algorithm, key)
        .map(drop)
        .map_err(|_| UnusableKey::Invalid)
}

fn check_modulus(key: &rsa::PublicKey) -> Result<(), UnusableKey> {
    if bits(key.modulus().big_endian_without_leading_zero()) < MODULUS_BITS_MIN {
        return Err(UnusableKey::ShortModulus);
    }
    Ok(())
}

/// The length of a number in bits.
fn bits(number: &[u8]) -> usize {
    let number: &[u8] = match number.iter().position(|byte| *byte != 0) {
        Some(first) => &number[first..],
        None => return 0,
    };
    number.len() * 8 - number[0].leading_zeros() as usize
}

const fn library(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    match algorithm {
        Algorithm::Hs256 => jsonwebtoken::Algorithm::HS256,
        Algorithm::Hs384 => jsonwebtoken::Algorithm::HS384,
        Algorithm::Hs512 => jsonwebtoken::Algorithm::HS512,
        Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
        Algorithm::Rs384 => jsonwebtoken::Algorithm::RS384,
        Algorithm::Rs512 => jsonwebtoken::Algorithm::RS512,
        Algorithm::Ps256 => jsonwebtoken::Algorithm::PS256,
        Algorithm::Ps384 => jsonwebtoken::Algorithm::PS384,
        Algorithm::Ps512 => jsonwebtoken::Algorithm::PS512,
        Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::Es384 => jsonwebtoken::Algorithm::ES384,
        Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
    }
}
