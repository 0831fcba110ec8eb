//! A fungible token by the PSP22 standard in ink! 5, with a price: it is bought with, and cashed out in, the chain's own coin.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

pub use self::psp22::{PSP22Error, TokenRef};

use ink::prelude::{string::String, vec::Vec};
use ink::primitives::AccountId;

type Balance = u128;

/// The standard's messages; their selectors come from these names.
#[ink::trait_definition]
pub trait PSP22 {
    #[ink(message)]
    fn total_supply(&self) -> Balance;
    #[ink(message)]
    fn balance_of(&self, owner: AccountId) -> Balance;
    #[ink(message)]
    fn allowance(&self, owner: AccountId, spender: AccountId) -> Balance;
    #[ink(message)]
    fn transfer(&mut self, to: AccountId, value: Balance, data: Vec<u8>) -> Result<(), PSP22Error>;
    #[ink(message)]
    fn transfer_from(&mut self, from: AccountId, to: AccountId, value: Balance, data: Vec<u8>) -> Result<(), PSP22Error>;
    #[ink(message)]
    fn approve(&mut self, spender: AccountId, value: Balance) -> Result<(), PSP22Error>;
    #[ink(message)]
    fn increase_allowance(&mut self, spender: AccountId, delta_value: Balance) -> Result<(), PSP22Error>;
    #[ink(message)]
    fn decrease_allowance(&mut self, spender: AccountId, delta_value: Balance) -> Result<(), PSP22Error>;
}

/// What wallets show.
#[ink::trait_definition]
pub trait PSP22Metadata {
    #[ink(message)]
    fn token_name(&self) -> Option<String>;
    #[ink(message)]
    fn token_symbol(&self) -> Option<String>;
    #[ink(message)]
    fn token_decimals(&self) -> u8;
}

#[ink::contract]
mod psp22 {
    use super::{PSP22Metadata, PSP22};
    use ink::prelude::{string::String, vec::Vec};
    use ink::storage::Mapping;

    /// The standard's errors.
    #[derive(Debug, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum PSP22Error {
        Custom(String),
        InsufficientBalance,
        InsufficientAllowance,
        ZeroRecipientAddress,
        ZeroSenderAddress,
        SafeTransferCheckFailed(String),
    }

    /// `from` is absent when the tokens are new, `to` when they are gone.
    #[ink(event)]
    pub struct Transfer {
        #[ink(topic)]
        from: Option<AccountId>,
        #[ink(topic)]
        to: Option<AccountId>,
        value: Balance,
    }

    #[ink(event)]
    pub struct Approval {
        #[ink(topic)]
        owner: AccountId,
        #[ink(topic)]
        spender: AccountId,
        amount: Balance,
    }

    #[ink(storage)]
    pub struct Token {
        name: Option<String>,
        symbol: Option<String>,
        decimals: u8,
        supply: Balance,
        owner: AccountId,
        balances: Mapping<AccountId, Balance>,
        allowances: Mapping<(AccountId, AccountId), Balance>,
    }

    impl Token {
        /// The creator owns the whole supply.
        #[ink(constructor)]
        pub fn new(supply: Balance, name: Option<String>, symbol: Option<String>, decimals: u8) -> Self {
            let owner = Self::env().caller();
            let mut token = Self { name, symbol, decimals, supply: 0, owner, balances: Mapping::default(), allowances: Mapping::default() };
            token.create(owner, supply);
            token
        }

        /// The same for a token that wallets can show: without a symbol there is none.
        #[ink(constructor)]
        pub fn listed(supply: Balance, symbol: String) -> Result<Self, PSP22Error> {
            if symbol.is_empty() {
                return Err(PSP22Error::Custom(String::from("no symbol")));
            }
            Ok(Self::new(supply, None, Some(symbol), 12))
        }

        /// Whoever created the token makes more of it. More than there can be ends the call.
        #[ink(message)]
        pub fn mint(&mut self, to: AccountId, value: Balance) -> Result<(), PSP22Error> {
            if self.env().caller() != self.owner {
                return Err(PSP22Error::Custom(String::from("not the owner")));
            }
            self.create(to, value);
            Ok(())
        }

        /// One token for each unit sent along.
        #[ink(message, payable)]
        pub fn buy(&mut self) -> Balance {
            let value = self.env().transferred_value();
            self.create(self.env().caller(), value);
            value
        }

        /// Gives tokens back for as many units.
        #[ink(message)]
        pub fn cash_out(&mut self, value: Balance) -> Result<(), PSP22Error> {
            let from = self.env().caller();
            self.destroy(from, value)?;
            self.env().transfer(from, value).map_err(|_| PSP22Error::Custom(String::from("the contract cannot pay")))
        }

        /// Ends the caller's holding, whatever it is.
        #[ink(message)]
        pub fn abandon(&mut self) -> Balance {
            let from = self.env().caller();
            let value = self.balances.take(from).unwrap_or(0);
            self.supply -= value;
            self.env().emit_event(Transfer { from: Some(from), to: None, value });
            value
        }

        #[ink(message)]
        pub fn is_holder(&self, account: AccountId) -> bool {
            self.balances.contains(account)
        }

        fn create(&mut self, to: AccountId, value: Balance) {
            self.supply += value;
            self.put(to, self.balance_of(to) + value);
            self.env().emit_event(Transfer { from: None, to: Some(to), value });
        }

        fn destroy(&mut self, from: AccountId, value: Balance) -> Result<(), PSP22Error> {
            let left = self.balance_of(from).checked_sub(value).ok_or(PSP22Error::InsufficientBalance)?;
            self.put(from, left);
            self.supply -= value;
            self.env().emit_event(Transfer { from: Some(from), to: None, value });
            Ok(())
        }

        /// A holding of nothing takes no storage.
        fn put(&mut self, account: AccountId, value: Balance) {
            if value == 0 {
                self.balances.remove(account);
            } else {
                self.balances.insert(account, &value);
            }
        }

        fn allow(&mut self, owner: AccountId, spender: AccountId, amount: Balance) {
            if amount == 0 {
                self.allowances.remove((owner, spender));
            } else {
                self.allowances.insert((owner, spender), &amount);
            }
            self.env().emit_event(Approval { owner, spender, amount });
        }

        fn shift(&mut self, from: AccountId, to: AccountId, value: Balance) -> Result<(), PSP22Error> {
            if to == AccountId::from([0; 32]) {
                return Err(PSP22Error::ZeroRecipientAddress);
            }
            let left = self.balance_of(from).checked_sub(value).ok_or(PSP22Error::InsufficientBalance)?;
            self.put(from, left);
            self.put(to, self.balance_of(to) + value);
            self.env().emit_event(Transfer { from: Some(from), to: Some(to), value });
            Ok(())
        }
    }

    impl PSP22 for Token {
        #[ink(message)]
        fn total_supply(&self) -> Balance {
            self.supply
        }

        #[ink(message)]
        fn balance_of(&self, owner: AccountId) -> Balance {
            self.balances.get(owner).unwrap_or(0)
        }

        #[ink(message)]
        fn allowance(&self, owner: AccountId, spender: AccountId) -> Balance {
            self.allowances.get((owner, spender)).unwrap_or(0)
        }

        #[ink(message)]
        fn transfer(&mut self, to: AccountId, value: Balance, _data: Vec<u8>) -> Result<(), PSP22Error> {
            self.shift(self.env().caller(), to, value)
        }

        #[ink(message)]
        fn transfer_from(&mut self, from: AccountId, to: AccountId, value: Balance, _data: Vec<u8>) -> Result<(), PSP22Error> {
            let spender = self.env().caller();
            let left = self.allowance(from, spender).checked_sub(value).ok_or(PSP22Error::InsufficientAllowance)?;
            self.allow(from, spender, left);
            self.shift(from, to, value)
        }

        #[ink(message)]
        fn approve(&mut self, spender: AccountId, value: Balance) -> Result<(), PSP22Error> {
            self.allow(self.env().caller(), spender, value);
            Ok(())
        }

        #[ink(message)]
        fn increase_allowance(&mut self, spender: AccountId, delta_value: Balance) -> Result<(), PSP22Error> {
            let owner = self.env().caller();
            self.allow(owner, spender, self.allowance(owner, spender) + delta_value);
            Ok(())
        }

        #[ink(message)]
        fn decrease_allowance(&mut self, spender: AccountId, delta_value: Balance) -> Result<(), PSP22Error> {
            let owner = self.env().caller();
            let left = self.allowance(owner, spender).checked_sub(delta_value).ok_or(PSP22Error::InsufficientAllowance)?;
            self.allow(owner, spender, left);
            Ok(())
        }
    }

    impl PSP22Metadata for Token {
        #[ink(message)]
        fn token_name(&self) -> Option<String> {
            self.name.clone()
        }

        #[ink(message)]
        fn token_symbol(&self) -> Option<String> {
            self.symbol.clone()
        }

        #[ink(message)]
        fn token_decimals(&self) -> u8 {
            self.decimals
        }
    }
}
