#include "seal/sealing.hpp"

#include <algorithm>

#include "crypto/cipher.hpp"
#include "scale/codec.hpp"

namespace phala::worker {
namespace {

/// Mode 0600 is the folder's rule (files.hpp). Written beside and renamed, so that a crash leaves the old one or the new one.
Result<> store_file(Files& files, const std::string& file, ByteView secret) {
  const std::string draft = file + ".new";
  const auto names = TRY(files.list());
  if (std::find(names.begin(), names.end(), draft) != names.end()) TRY(files.remove(draft));
  TRY(files.append(draft, secret));
  return files.rename(draft, file);
}
Result<Bytes> load_file(Files& files, const std::string& file) { return files.read_private(file); }

const Sealing table[] = {{attest::TeeKind::none, "file of mode 0600", store_file, load_file}};

constexpr u8 identity_version = 1;
const std::string identity_file = "identity.seal";

/// version ‖ seed ‖ SCALE(TrustRoot)
std::optional<SealedIdentity> decode_identity(ByteView plain) {
  if (plain.size() < 33 || plain[0] != identity_version) return std::nullopt;
  auto trust = scale::decode<light::TrustRoot>(plain.subspan(33));
  if (!trust) return std::nullopt;
  return SealedIdentity{crypto::Seed(plain.subspan(1, 32)), std::move(*trust)};
}

Result<SealedIdentity> create_identity(const Sealing& sealing, Files& files, const std::vector<std::string>& names, const light::TrustRoot& trust, const crypto::Seed& seed) {
  for (const auto& name : names)
    if (name.starts_with("state-") || name.starts_with("log-"))
      return fail(ErrorCode::corrupted, identity_file + " is missing, and " + name + " can be opened with nothing else",
                  "put " + identity_file + " back; to start as a new worker, move the state-* and log-* files away");
  Bytes plain = concat(Bytes{identity_version}, seed.expose(), scale::encode(trust));
  auto stored = sealing.store(files, identity_file, plain);
  wipe(plain.data(), plain.size());
  if (!stored) return fail(std::move(stored).error().in("store the worker's identity"));
  return SealedIdentity{seed.clone(), trust};
}

}  // namespace

Result<const Sealing*> sealing_for(attest::TeeKind tee) {
  for (const Sealing& row : table)
    if (row.tee == tee) return &row;
  return fail(attest::require_no_tee(tee, "software sealing").error());
}

Result<SealedIdentity> load_or_create_identity(const Sealing& sealing, Files& files, const light::TrustRoot& trust, const crypto::Seed& fresh_seed) {
  const auto names = TRY(files.list());
  if (std::find(names.begin(), names.end(), identity_file) == names.end()) return create_identity(sealing, files, names, trust, fresh_seed);
  Bytes plain = TRY(sealing.load(files, identity_file).context("load the worker's identity"));
  auto out = decode_identity(plain);
  wipe(plain.data(), plain.size());
  if (!out) return fail(ErrorCode::corrupted, identity_file + " is not an identity this worker can read", "restore it from a backup; without it the worker is a new one");
  if (out->trust.genesis_hash != trust.genesis_hash)
    return fail(ErrorCode::refused, identity_file + " belongs to the chain with genesis " + to_hex0x(out->trust.genesis_hash) + ", not to " + to_hex0x(trust.genesis_hash),
                "use another --base-path for another chain");
  if (out->trust != trust) return fail(ErrorCode::refused, identity_file + " was made for another finalizer of this chain", "use the chain spec it was made with");
  return std::move(*out);
}

SecretBytes<32> storage_key(const crypto::Sr25519Pair& identity) {
  return crypto::hkdf_sha256(as_bytes("phala worker storage"), identity.secret().expose(), as_bytes("v1"));
}

}  // namespace phala::worker
