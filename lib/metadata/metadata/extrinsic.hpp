#pragma once
// Why: whoever sends transactions (command line, relay) signs them as the chain's own metadata says, so that a chain with another
// set of signed extensions is refused by name and never gets a bad signature (docs/protocol.md §3.1).

#include "crypto/account.hpp"
#include "metadata/value.hpp"
#include "primitives/extrinsic.hpp"

namespace phala::metadata {

/// What a signature covers beside the call.
struct SigningContext {
  u32 spec_version = 0, transaction_version = 0;
  Hash genesis_hash;
  Era era;                 ///< immortal by default
  Hash birth_hash;         ///< of the era's first block; the genesis hash when immortal
  u32 nonce = 0;
  u128 tip = 0;
};

/// A signed extrinsic with its length prefix. Error: the chain wants a signed extension that is not known here.
Result<Bytes> sign_call(const Metadata& metadata, ByteView call, const crypto::KeyPair& signer, const SigningContext& context);

/// One call whose arguments are encoded already, one after the other: pallet index ‖ call index ‖ arguments. They are checked to be exactly
/// what the call takes. `types`: types_of(metadata).
Result<Bytes> call_with(const Metadata& metadata, const Types& types, std::string_view pallet, std::string_view call, ByteView arguments);

}  // namespace phala::metadata
