#pragma once
// Why: wallets sign extrinsics byte by byte as Substrate lays them out (docs/protocol.md §3.1). The chain that checks them and
// the programs that make them (command line, relay, tests) share this one description.

#include "crypto/sign.hpp"
#include "primitives/header.hpp"

namespace phala {

namespace address {
struct Id { AccountId id;  FIELDS(id) };
struct Index { scale::Compact<u32> index;  FIELDS(index) };
struct Raw { Bytes raw;  FIELDS(raw) };
struct Address32 { Hash bytes;  FIELDS(bytes) };
struct Address20 { FixedBytes<20> bytes;  FIELDS(bytes) };
}  // namespace address

/// How a call names an account. Only `Id` means one here: there is no index pallet.
struct MultiAddress : scale::Enum<scale::At<0, address::Id>, scale::At<1, address::Index>, scale::At<2, address::Raw>,
                                  scale::At<3, address::Address32>, scale::At<4, address::Address20>> {
  using Enum::Enum;
  MultiAddress() = default;
  MultiAddress(const AccountId& account) : Enum(address::Id{account}) {}
};

namespace signature {
struct Ed25519 { crypto::Signature bytes;  FIELDS(bytes) };
struct Sr25519 { crypto::Signature bytes;  FIELDS(bytes) };
struct Ecdsa { crypto::EcdsaSignature bytes;  FIELDS(bytes) };
}  // namespace signature

struct MultiSignature : scale::Enum<scale::At<0, signature::Ed25519>, scale::At<1, signature::Sr25519>, scale::At<2, signature::Ecdsa>> {
  using Enum::Enum;
  /// An ecdsa signer is known by the BLAKE2b-256 of the compressed key, recovered from the BLAKE2b-256 of the message.
  bool verify(ByteView message, const AccountId& signer) const;
};

/// For how long a signed extrinsic may enter a block. `period` 0 is for ever; otherwise a power of two from 4 to 65,536 blocks,
/// and `phase` is the birth block modulo the period, a multiple of max(period / 4096, 1).
struct Era {
  u32 period = 0, phase = 0;
  /// A mortal era that begins at or just before `current`. `period` is rounded up to a power of two and into range.
  static Era mortal(u32 period, BlockNumber current);
  bool is_immortal() const { return period == 0; }
  /// The block whose hash the signer signed over, for an extrinsic checked at block `current`.
  BlockNumber birth(BlockNumber current) const;
  /// The first block that may not include it any more.
  BlockNumber death(BlockNumber current) const;
  bool operator==(const Era&) const = default;
};

/// What the signer adds to the call: the `extra` part of the signed extensions.
struct SignedExtra { Era era; scale::Compact<u32> nonce; scale::Compact<u128> tip;  FIELDS(era, nonce, tip) };
/// What is signed but not sent.
struct SignedContext {
  u32 spec_version{}, transaction_version{};
  Hash genesis_hash;
  Hash birth_hash;   ///< of the era's first block; the genesis hash when immortal
  FIELDS(spec_version, transaction_version, genesis_hash, birth_hash)
};

/// The bytes to sign: call ‖ extra ‖ context, or their BLAKE2b-256 when longer than 256 bytes.
Bytes signing_payload(ByteView call, const SignedExtra& extra, const SignedContext& context);

struct ExtrinsicSignature { MultiAddress signer; MultiSignature signature; SignedExtra extra;  FIELDS(signer, signature, extra) };

/// Version 4: with its compact length prefix, `0x84` when signed and `0x04` when bare.
Bytes encode_extrinsic(const std::optional<ExtrinsicSignature>& signature, ByteView call);

/// An extrinsic taken apart. `call` is a view into the input: the encoded call, not looked into.
struct ExtrinsicParts {
  std::optional<ExtrinsicSignature> signature;
  ByteView call;
};
/// Errors: a length prefix that is not the length of the rest, an unknown version, a signature part that does not decode.
Result<ExtrinsicParts, scale::CodecError> split_extrinsic(ByteView extrinsic);

}  // namespace phala

template <>
struct phala::scale::Codec<phala::Era> {
  static void encode(Bytes& out, const Era& era);
  static Result<Era, CodecError> decode(Reader& in);
};
