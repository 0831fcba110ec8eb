//! What `hub` becomes after an upgrade: the same storage, another `bump`. Also code to run on the hub's storage by a delegate call. The same file for ink! 4 and 5.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

#[ink::contract]
mod hub_next {
    #[ink(storage)]
    pub struct HubNext {
        owner: AccountId,
        count: u32,
        target: Option<AccountId>,
    }

    impl HubNext {
        #[ink(constructor)]
        pub fn new() -> Self {
            Self { owner: Self::env().caller(), count: 0, target: None }
        }

        #[ink(message)]
        pub fn version(&self) -> u32 {
            2
        }

        #[ink(message)]
        pub fn count(&self) -> u32 {
            self.count
        }

        #[ink(message)]
        pub fn bump(&mut self) -> u32 {
            self.count += 10;
            self.count
        }

        /// Owner, own address, caller and own code hash, as this code sees them where it runs.
        #[ink(message)]
        pub fn whoami(&self) -> (AccountId, AccountId, AccountId, Hash) {
            (self.owner, self.env().account_id(), self.env().caller(), self.env().own_code_hash().expect("a contract has code"))
        }
    }
}
