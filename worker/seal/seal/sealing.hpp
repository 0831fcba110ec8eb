#pragma once
// Why: who a worker is must survive a restart and must not leave the machine. How that is kept depends on the hardware, which is detected and
// never chosen: one row per kind. Where a TEE answers, a plain file would betray it, so the software row refuses there.

#include <functional>
#include <string>

#include "attest/tee.hpp"
#include "crypto/sign.hpp"
#include "light/light.hpp"
#include "seal/files.hpp"

namespace phala::worker {

/// What keeps secrets on one kind of machine.
struct Sealing {
  attest::TeeKind tee;
  std::string_view name;
  Result<> (*store)(Files& files, const std::string& file, ByteView secret);
  Result<Bytes> (*load)(Files& files, const std::string& file);
};
/// The row for what was detected. Error `refused`: this build has none for it.
Result<const Sealing*> sealing_for(attest::TeeKind tee);

/// A worker's identity at rest.
struct SealedIdentity {
  crypto::Seed seed;
  light::TrustRoot trust;       ///< of the chain it belongs to; another one is refused
};
/// Loads the identity, or makes one from `fresh_seed` (32 random bytes) and stores it before returning. Errors: corrupted (damaged, or missing beside
/// state that only it can open), refused (made for another chain or finalizer, or readable by others).
Result<SealedIdentity> load_or_create_identity(const Sealing& sealing, Files& files, const light::TrustRoot& trust, const crypto::Seed& fresh_seed);
/// The key of all other files: HKDF from the identity's secret.
SecretBytes<32> storage_key(const crypto::Sr25519Pair& identity);

}  // namespace phala::worker
