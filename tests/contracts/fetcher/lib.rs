//! Reads a number from a JSON document on the web: the kind of contract that only a confidential off-chain query can run.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

extern crate alloc;

#[ink::contract]
mod fetcher {
    use alloc::string::{String, ToString};
    use pink::chain_extension::signing;
    use serde::Deserialize;

    #[ink(storage)]
    pub struct Fetcher {}

    #[derive(Debug, PartialEq, Eq, scale::Encode, scale::Decode)]
    #[cfg_attr(feature = "std", derive(scale_info::TypeInfo))]
    pub enum Error {
        /// The server answered with this status.
        BadStatus(u16),
        /// The body is not a JSON object with a string member `price`.
        BadBody,
    }

    #[derive(Deserialize)]
    struct Quote<'a> {
        price: &'a str,
    }

    impl Fetcher {
        #[ink(constructor, default)]
        pub fn default() -> Self {
            Self {}
        }

        /// Status and body of a GET of `url`.
        #[ink(message)]
        pub fn fetch(&self, url: String) -> Result<(u16, String), Error> {
            let response = pink::http_get!(url);
            match String::from_utf8(response.body) {
                Ok(body) => Ok((response.status_code, body)),
                Err(_) => Err(Error::BadBody),
            }
        }

        /// The whole part of the member `price` of the JSON object at `url`.
        #[ink(message)]
        pub fn price(&self, url: String) -> Result<u64, Error> {
            let (status, body) = self.fetch(url)?;
            if status != 200 {
                return Err(Error::BadStatus(status));
            }
            let quote: Quote = pink_json::from_str(&body).map_err(|_| Error::BadBody)?;
            quote.price.split('.').next().unwrap_or("").parse().map_err(|_| Error::BadBody)
        }

        /// A public key that only this contract in this cluster can derive, and whether a signature by it verifies.
        #[ink(message)]
        pub fn sign_check(&self, message: String) -> (alloc::vec::Vec<u8>, bool) {
            let key = pink::ext().derive_sr25519_key(b"fetcher"[..].into());
            let public = pink::ext().get_public_key(signing::SigType::Sr25519, &key);
            let signature = pink::ext().sign(signing::SigType::Sr25519, &key, message.as_bytes());
            let good = pink::ext().verify(signing::SigType::Sr25519, &public, message.as_bytes(), &signature);
            pink::info!("signed {} bytes", message.to_string().len());
            (public, good)
        }
    }
}
