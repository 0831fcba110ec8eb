#pragma once
// Why: the functions of the chain extension that make, use and check keys (docs/protocol.md §15): the same everywhere, but for signatures
// that differ each time. Rows: extension.cpp.

#include "engine/run.hpp"

namespace phala::engine {

enum class SigType : u8 { ed25519, sr25519, ecdsa };
constexpr bool is_valid(SigType t) { return t <= SigType::ecdsa; }

/// What no error of a pallet says.
inline Stop refused(std::string why) { return Stop(DispatchError(dispatch::Other{}), std::move(why)); }

namespace extension {

Hosted<Bytes> sign(Frame&, SigType, Bytes key, Bytes message);
/// sr25519 signatures are meant to differ each time, so there is none; a key that is none is one everywhere.
Hosted<Bytes> sign_repeatably(Frame&, SigType, Bytes key, Bytes message);
Hosted<bool> verify(Frame&, SigType, Bytes key, Bytes message, Bytes signature);
Hosted<Bytes> derive_sr25519_key(Frame&, Bytes salt);
Hosted<Bytes> get_public_key(Frame&, SigType, Bytes key);
Hosted<FixedBytes<65>> ecdsa_sign_prehashed(Frame&, Bytes key, Hash digest);
Hosted<bool> ecdsa_verify_prehashed(Frame&, FixedBytes<65> signature, Hash digest, FixedBytes<33> key);

}  // namespace extension
}  // namespace phala::engine
