//! A contract that is made of other contracts, in ink! 3: calls them typed and by bare bytes, runs their code on its own storage, creates them,
//! forwards to them what it does not understand, changes its own code, and ends.
#![cfg_attr(not(feature = "std"), no_std)]

use ink_lang as ink;

#[ink::contract]
mod hub {
    use ink_env::call::{build_call, Call, DelegateCall, ExecutionInput, FromAccountId, Selector};
    use ink_env::hash::{Blake2x128, Blake2x256, Keccak256, Sha2x256};
    use ink_env::{CallFlags, DefaultEnvironment};
    use ink_lang::ToAccountId;
    use ink_prelude::{string::String, vec::Vec};
    use psp22::{PSP22Error, TokenRef, PSP22};

    #[ink(storage)]
    pub struct Hub {
        owner: AccountId,
        count: u32,
        target: Option<AccountId>,
    }

    #[ink(event)]
    pub struct Upgraded {
        #[ink(topic)]
        code: Hash,
    }

    /// Why a call, a creation or an upgrade did not succeed.
    #[derive(Debug, PartialEq, Eq, scale::Encode, scale::Decode)]
    #[cfg_attr(feature = "std", derive(scale_info::TypeInfo))]
    pub enum Error {
        NotOwner,
        Trapped,
        Reverted,
        NotCallable,
        TransferFailed,
        CodeNotFound,
        /// The answer is not of the expected type.
        Unreadable,
        Other,
        Token(PSP22Error),
    }

    impl From<ink_env::Error> for Error {
        fn from(error: ink_env::Error) -> Self {
            match error {
                ink_env::Error::CalleeTrapped => Self::Trapped,
                ink_env::Error::CalleeReverted => Self::Reverted,
                ink_env::Error::NotCallable => Self::NotCallable,
                ink_env::Error::TransferFailed => Self::TransferFailed,
                ink_env::Error::CodeNotFound => Self::CodeNotFound,
                ink_env::Error::Decode(_) => Self::Unreadable,
                _ => Self::Other,
            }
        }
    }

    impl From<PSP22Error> for Error {
        fn from(error: PSP22Error) -> Self {
            Self::Token(error)
        }
    }

    /// Arguments or an answer as they are, without a length before them.
    struct Raw(Vec<u8>);

    impl scale::Encode for Raw {
        fn encode_to<O: scale::Output + ?Sized>(&self, out: &mut O) {
            out.write(&self.0);
        }
    }

    impl scale::Decode for Raw {
        fn decode<I: scale::Input>(input: &mut I) -> Result<Self, scale::Error> {
            let mut bytes = ink_prelude::vec![0; input.remaining_len()?.unwrap_or(0)];
            input.read(&mut bytes)?;
            Ok(Self(bytes))
        }
    }

    /// What the host says about the running call.
    #[derive(Debug, PartialEq, Eq, scale::Encode, scale::Decode)]
    #[cfg_attr(feature = "std", derive(scale_info::TypeInfo))]
    pub struct Facts {
        caller: AccountId,
        caller_is_origin: bool,
        caller_is_contract: bool,
        address: AccountId,
        code: Hash,
        balance: Balance,
        minimum_balance: Balance,
        transferred: Balance,
        now: Timestamp,
        block: BlockNumber,
        fee: Balance,
        gas_left: u64,
    }

    type Digests = ([u8; 32], [u8; 32], [u8; 32], [u8; 16]);

    impl Hub {
        #[ink(constructor, payable)]
        pub fn new() -> Self {
            Self { owner: Self::env().caller(), count: 0, target: None }
        }

        #[ink(message)]
        pub fn version(&self) -> u32 {
            1
        }

        #[ink(message)]
        pub fn count(&self) -> u32 {
            self.count
        }

        #[ink(message)]
        pub fn bump(&mut self) -> u32 {
            self.count += 1;
            self.count
        }

        /// Pays each of `to` by the allowance that `from` gave this contract: all or none.
        #[ink(message)]
        pub fn pay_from(&mut self, token: AccountId, from: AccountId, to: Vec<(AccountId, Balance)>) -> Result<Balance, Error> {
            let mut token: TokenRef = FromAccountId::from_account_id(token);
            for (account, value) in to {
                token.transfer_from(from, account, value, Vec::new())?;
            }
            Ok(token.balance_of(from))
        }

        /// Creates a token that this contract owns.
        #[ink(message)]
        pub fn launch(&mut self, code: Hash, supply: Balance, symbol: String, salt: Vec<u8>) -> Result<AccountId, Error> {
            let token = TokenRef::new(supply, None, Some(symbol), 12).endowment(0).gas_limit(0).code_hash(code).salt_bytes(salt).instantiate()?;
            Ok(token.to_account_id())
        }

        /// Any call, with flags as the host has them: 1 forward the input, 2 clone it, 4 end with the callee's answer, 8 allow to be called back.
        #[ink(message, payable)]
        pub fn call(&self, callee: AccountId, selector: [u8; 4], arguments: Vec<u8>, value: Balance, gas: u64, flags: u32) -> Result<Vec<u8>, Error> {
            let flags = CallFlags::default()
                .set_forward_input(flags & 1 != 0)
                .set_clone_input(flags & 2 != 0)
                .set_tail_call(flags & 4 != 0)
                .set_allow_reentry(flags & 8 != 0);
            let answer = build_call::<DefaultEnvironment>()
                .call_type(Call::new().callee(callee).gas_limit(gas).transferred_value(value))
                .call_flags(flags)
                .exec_input(ExecutionInput::new(Selector::new(selector)).push_arg(Raw(arguments)))
                .returns::<Raw>()
                .fire()?;
            Ok(answer.0)
        }

        /// Runs a message of other code on this contract's storage.
        #[ink(message)]
        pub fn delegate(&self, code: Hash, selector: [u8; 4]) -> Result<Vec<u8>, Error> {
            let answer = build_call::<DefaultEnvironment>()
                .call_type(DelegateCall::new().code_hash(code))
                .exec_input(ExecutionInput::new(Selector::new(selector)))
                .returns::<Raw>()
                .fire()?;
            Ok(answer.0)
        }

        /// Calls itself until the host refuses; how many calls deep that was.
        #[ink(message)]
        pub fn dive(&self, depth: u32) -> u32 {
            build_call::<DefaultEnvironment>()
                .call_type(Call::new().callee(self.env().account_id()))
                .call_flags(CallFlags::default().set_allow_reentry(true))
                .exec_input(ExecutionInput::new(Selector::new(ink_lang::selector_bytes!("dive"))).push_arg(depth + 1))
                .returns::<u32>()
                .fire()
                .unwrap_or(depth)
        }

        /// Where messages go that this contract does not have.
        #[ink(message)]
        pub fn set_target(&mut self, target: Option<AccountId>) -> Result<(), Error> {
            self.check_owner()?;
            self.target = target;
            Ok(())
        }

        #[ink(message, payable, selector = _)]
        pub fn fallback(&self) {
            let target = self.target.expect("no such message, and no target for it");
            build_call::<DefaultEnvironment>()
                .call_type(Call::new().callee(target).transferred_value(self.env().transferred_value()))
                .call_flags(CallFlags::default().set_forward_input(true).set_tail_call(true))
                .fire()
                .expect("the target failed");
        }

        #[ink(message)]
        pub fn upgrade(&mut self, code: Hash) -> Result<(), Error> {
            self.check_owner()?;
            ink_env::set_code_hash(code.as_ref().try_into().expect("a hash has 32 bytes"))?;
            // the token's crate emits its events through the same type, so whose event this is must be said
            ink_lang::codegen::EmitEvent::<Self>::emit_event(self.env(), Upgraded { code });
            Ok(())
        }

        #[ink(message)]
        pub fn close(&mut self, beneficiary: AccountId) -> Result<(), Error> {
            self.check_owner()?;
            self.env().terminate_contract(beneficiary)
        }

        #[ink(message)]
        pub fn send(&mut self, to: AccountId, value: Balance) -> Result<(), Error> {
            self.check_owner()?;
            Ok(self.env().transfer(to, value)?)
        }

        #[ink(message, payable)]
        pub fn facts(&self) -> Facts {
            Facts {
                caller: self.env().caller(),
                caller_is_origin: self.env().caller_is_origin(),
                caller_is_contract: self.env().is_contract(&self.env().caller()),
                address: self.env().account_id(),
                code: self.env().own_code_hash().expect("a contract has code"),
                balance: self.env().balance(),
                minimum_balance: self.env().minimum_balance(),
                transferred: self.env().transferred_value(),
                now: self.env().block_timestamp(),
                block: self.env().block_number(),
                fee: self.env().weight_to_fee(1000),
                gas_left: self.env().gas_left(),
            }
        }

        #[ink(message)]
        pub fn code_of(&self, account: AccountId) -> Option<Hash> {
            self.env().code_hash(&account).ok()
        }

        /// SHA2-256, Keccak-256, BLAKE2b-256 and BLAKE2b-128.
        #[ink(message)]
        pub fn digests(&self, data: Vec<u8>) -> Digests {
            (self.env().hash_bytes::<Sha2x256>(&data), self.env().hash_bytes::<Keccak256>(&data), self.env().hash_bytes::<Blake2x256>(&data), self.env().hash_bytes::<Blake2x128>(&data))
        }

        /// The Ethereum address of whoever signed this hash.
        #[ink(message)]
        pub fn signer(&self, signature: Vec<u8>, hash: [u8; 32]) -> Option<[u8; 20]> {
            let signature: [u8; 65] = signature.try_into().ok()?;
            let key = self.env().ecdsa_recover(&signature, &hash).ok()?;
            self.env().ecdsa_to_eth_address(&key).ok()
        }

        #[ink(message)]
        pub fn say(&self, text: String) {
            ink_env::debug_message(&text);
        }

        /// Counts and then fails.
        #[ink(message)]
        pub fn fail(&mut self) {
            self.count += 1;
            panic!("as asked")
        }

        /// Never ends by itself.
        #[ink(message)]
        pub fn spin(&self) {
            let mut data = [0; 32];
            loop {
                data = self.env().hash_bytes::<Blake2x256>(&data);
            }
        }

        fn check_owner(&self) -> Result<(), Error> {
            if self.env().caller() == self.owner { Ok(()) } else { Err(Error::NotOwner) }
        }
    }
}
