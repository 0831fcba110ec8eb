//! Calls and creates another contract: typed through `FlipperRef`, and by a bare selector through `build_call`.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

#[ink::contract]
mod caller {
    use flipper::FlipperRef;
    use ink::env::call::{build_call, ExecutionInput, FromAccountId, Selector};
    use ink::env::DefaultEnvironment;
    use ink::prelude::vec::Vec;
    use ink::ToAccountId;

    #[ink(storage)]
    pub struct Caller {
        flipper: AccountId,
    }

    #[derive(Debug, PartialEq, Eq, scale::Encode, scale::Decode)]
    #[cfg_attr(feature = "std", derive(scale_info::TypeInfo))]
    pub enum Error {
        /// The callee trapped, does not exist or answered something unreadable.
        CallFailed,
        /// The callee understood the call and refused.
        Refused,
        /// The new contract could not be created.
        InstantiateFailed,
    }

    impl Caller {
        #[ink(constructor)]
        pub fn new(flipper: AccountId) -> Self {
            Self { flipper }
        }

        #[ink(message)]
        pub fn flipper(&self) -> AccountId {
            self.flipper
        }

        /// Flips the other contract and returns its new value.
        #[ink(message)]
        pub fn flip_and_get(&mut self) -> Result<bool, Error> {
            let mut other = FlipperRef::from_account_id(self.flipper);
            other.flip();
            self.get_by_selector()
        }

        /// Adds to the other contract's counter and returns the counter.
        #[ink(message)]
        pub fn increase(&mut self, by: u32) -> Result<u32, Error> {
            let result = build_call::<DefaultEnvironment>()
                .call(self.flipper)
                .exec_input(ExecutionInput::new(Selector::new(ink::selector_bytes!("inc_by"))).push_arg(by))
                .returns::<Result<u32, flipper::Error>>()
                .try_invoke();
            match result {
                Ok(Ok(Ok(counter))) => Ok(counter),
                Ok(Ok(Err(_))) => Err(Error::Refused),
                _ => Err(Error::CallFailed),
            }
        }

        /// Creates a flipper from uploaded code, follows it from now on, and returns its address.
        #[ink(message)]
        pub fn create(&mut self, code_hash: Hash, value: bool, salt: Vec<u8>) -> Result<AccountId, Error> {
            let created = FlipperRef::new(value)
                .endowment(0)
                .code_hash(code_hash)
                .salt_bytes(salt)
                .try_instantiate();
            match created {
                Ok(Ok(flipper)) => {
                    self.flipper = flipper.to_account_id();
                    Ok(self.flipper)
                }
                _ => Err(Error::InstantiateFailed),
            }
        }

        fn get_by_selector(&self) -> Result<bool, Error> {
            build_call::<DefaultEnvironment>()
                .call(self.flipper)
                .exec_input(ExecutionInput::new(Selector::new(ink::selector_bytes!("get"))))
                .returns::<bool>()
                .try_invoke()
                .map_err(|_| Error::CallFailed)?
                .map_err(|_| Error::CallFailed)
        }
    }
}
