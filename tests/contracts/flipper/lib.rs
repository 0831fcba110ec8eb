//! The smallest contract with every kind of thing an engine must carry: a storage cell, a mapping, an event, a message
//! that fails, one that takes value, and two constructors.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

pub use self::flipper::{Error, FlipperRef};

#[ink::contract]
mod flipper {
    use ink::storage::Mapping;

    #[ink(storage)]
    pub struct Flipper {
        value: bool,
        counter: u32,
        flips: Mapping<AccountId, u32>,
    }

    /// Emitted by every `flip`.
    #[ink(event)]
    pub struct Flipped {
        #[ink(topic)]
        by: AccountId,
        value: bool,
    }

    #[derive(Debug, PartialEq, Eq, scale::Encode, scale::Decode)]
    #[cfg_attr(feature = "std", derive(scale_info::TypeInfo))]
    pub enum Error {
        /// The counter would exceed `u32::MAX`.
        Overflow,
    }

    impl Flipper {
        #[ink(constructor)]
        pub fn new(value: bool) -> Self {
            Self { value, counter: 0, flips: Mapping::default() }
        }

        #[ink(constructor, default)]
        pub fn default() -> Self {
            Self::new(false)
        }

        /// Negates the value and counts the flip for the caller.
        #[ink(message)]
        pub fn flip(&mut self) {
            let by = self.env().caller();
            self.value = !self.value;
            self.flips.insert(by, &(self.flips_of(by).saturating_add(1)));
            self.env().emit_event(Flipped { by, value: self.value });
        }

        #[ink(message)]
        pub fn get(&self) -> bool {
            self.value
        }

        #[ink(message)]
        pub fn counter(&self) -> u32 {
            self.counter
        }

        #[ink(message)]
        pub fn flips_of(&self, account: AccountId) -> u32 {
            self.flips.get(account).unwrap_or(0)
        }

        /// The counter after adding `by`. An overflow leaves it as it was.
        #[ink(message)]
        pub fn inc_by(&mut self, by: u32) -> Result<u32, Error> {
            self.counter = self.counter.checked_add(by).ok_or(Error::Overflow)?;
            Ok(self.counter)
        }

        /// What came with this call, and what the contract now has.
        #[ink(message, payable)]
        pub fn pay(&mut self) -> (Balance, Balance) {
            (self.env().transferred_value(), self.env().balance())
        }
    }
}
