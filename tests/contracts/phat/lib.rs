//! Uses every function of Phala's chain extension.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

extern crate alloc;

#[ink::contract(env = pink::PinkEnvironment)]
mod phat {
    use alloc::string::String;
    use alloc::vec::Vec;
    use pink::chain_extension::{signing, HttpRequest, HttpRequestError, HttpResponse, JsCode, JsValue, SigType};

    #[ink(storage)]
    pub struct Phat {
        /// What `record` kept of a transaction.
        recorded: Option<Facts>,
    }

    /// What the worker says about itself and the running call.
    #[derive(Debug, Clone, PartialEq, Eq, scale::Encode, scale::Decode)]
    #[cfg_attr(feature = "std", derive(scale_info::TypeInfo, ink::storage::traits::StorageLayout))]
    pub struct Facts {
        in_transaction: bool,
        system_contract: AccountId,
        worker: [u8; 32],
        clock_ms: u64,
        runtime: (u32, u32),
        chain_head: (u64, [u8; 32]),
        random: Vec<u8>,
        has_quote: bool,
    }

    /// A key's public part, a signature by it, and whether that verifies.
    #[derive(Debug, PartialEq, Eq, scale::Encode, scale::Decode)]
    #[cfg_attr(feature = "std", derive(scale_info::TypeInfo))]
    pub struct Signed {
        public: Vec<u8>,
        signature: Vec<u8>,
        good: bool,
    }

    /// Status, reason, number of headers and body.
    type Page = (u16, String, u32, Vec<u8>);

    fn page(response: HttpResponse) -> Page {
        (response.status_code, response.reason_phrase, response.headers.len() as u32, response.body)
    }

    impl Phat {
        #[ink(constructor)]
        pub fn new() -> Self {
            Self { recorded: None }
        }

        #[ink(message)]
        pub fn request(&self, url: String, method: String, headers: Vec<(String, String)>, body: Vec<u8>) -> Page {
            page(pink::ext().http_request(HttpRequest { url, method, headers, body }))
        }

        /// All at once; an error is the number of its kind.
        #[ink(message)]
        pub fn request_all(&self, urls: Vec<String>, timeout_ms: u64) -> Result<Vec<Result<Page, u32>>, u32> {
            use pink::chain_extension::CodableError;
            let requests = urls.into_iter().map(|url| HttpRequest { url, method: "GET".into(), headers: Vec::new(), body: Vec::new() }).collect();
            let code = |error: HttpRequestError| error.encode();
            let answers = pink::ext().batch_http_request(requests, timeout_ms).map_err(code)?;
            Ok(answers.into_iter().map(|answer| answer.map(page).map_err(code)).collect())
        }

        /// Signs with a key that only this contract has: 0 Ed25519, 1 Sr25519, 2 ECDSA.
        #[ink(message)]
        pub fn sign(&self, kind: u8, salt: Vec<u8>, message: Vec<u8>) -> Signed {
            let kind = || match kind {
                0 => SigType::Ed25519,
                1 => SigType::Sr25519,
                _ => SigType::Ecdsa,
            };
            let whole = pink::ext().derive_sr25519_key(salt.into());
            let key = if matches!(kind(), SigType::Sr25519) { &whole[..] } else { &whole[..32] };
            let public = pink::ext().get_public_key(kind(), key);
            let signature = pink::ext().sign(kind(), key, &message);
            let good = pink::ext().verify(kind(), &public, &message, &signature);
            Signed { public, signature, good }
        }

        #[ink(message)]
        pub fn sign_prehashed(&self, salt: Vec<u8>, hash: [u8; 32]) -> Signed {
            let key = &pink::ext().derive_sr25519_key(salt.into())[..32];
            let public = pink::ext().get_public_key(SigType::Ecdsa, key);
            let signature = signing::ecdsa_sign_prehashed(key, hash);
            let good = signing::ecdsa_verify_prehashed(signature, hash, public[..].try_into().expect("33 bytes"));
            Signed { public, signature: signature.to_vec(), good }
        }

        /// Whether there was room.
        #[ink(message)]
        pub fn remember(&self, key: Vec<u8>, value: Vec<u8>, seconds: Option<u64>) -> bool {
            let kept = pink::ext().cache_set(&key, &value).is_ok();
            if let Some(seconds) = seconds {
                pink::ext().cache_set_expiration(&key, seconds);
            }
            kept
        }

        #[ink(message)]
        pub fn recall(&self, key: Vec<u8>) -> Option<Vec<u8>> {
            pink::ext().cache_get(&key)
        }

        #[ink(message)]
        pub fn forget(&self, key: Vec<u8>) -> Option<Vec<u8>> {
            pink::ext().cache_remove(&key)
        }

        #[ink(message)]
        pub fn log(&self, level: u8, text: String) {
            pink::ext().log(level, &text);
        }

        #[ink(message)]
        pub fn facts(&self, random: u8) -> Facts {
            Facts {
                in_transaction: pink::ext().is_in_transaction(),
                system_contract: pink::ext().system_contract_id(),
                worker: pink::ext().worker_pubkey(),
                clock_ms: pink::ext().untrusted_millis_since_unix_epoch(),
                runtime: pink::ext().runtime_version(),
                chain_head: pink::ext().current_event_chain_head(),
                random: pink::ext().getrandom(random),
                has_quote: pink::ext().worker_sgx_quote().is_some(),
            }
        }

        /// Keeps the facts for a later query.
        #[ink(message)]
        pub fn record(&mut self, random: u8) {
            self.recorded = Some(self.facts(random));
        }

        #[ink(message)]
        pub fn recorded(&self) -> Option<Facts> {
            self.recorded.clone()
        }

        /// All that the account has, and what of it is free.
        #[ink(message)]
        pub fn funds(&self, account: AccountId) -> (Balance, Balance) {
            pink::ext().balance_of(account)
        }

        #[ink(message)]
        pub fn has_code(&self, hash: [u8; 32], sidevm: bool) -> bool {
            pink::ext().code_exists(hash, sidevm)
        }

        /// For the system contract alone: here it ends the call.
        #[ink(message)]
        pub fn import_system_code(&self) -> Option<[u8; 32]> {
            pink::ext().import_latest_system_code(self.env().caller())
        }

        #[ink(message)]
        pub fn evaluate(&self, script: String, arguments: Vec<String>) -> (u8, String) {
            match pink::ext().js_eval(alloc::vec![JsCode::Source(script)], arguments) {
                JsValue::Undefined => (0, String::new()),
                JsValue::Null => (1, String::new()),
                JsValue::String(text) => (2, text),
                JsValue::Bytes(bytes) => (3, String::from_utf8_lossy(&bytes).into()),
                JsValue::Other(text) => (4, text),
                JsValue::Exception(text) => (5, text),
            }
        }
    }
}
