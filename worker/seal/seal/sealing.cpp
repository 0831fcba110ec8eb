#include "seal/sealing.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "crypto/cipher.hpp"
#include "scale/codec.hpp"

namespace phala::worker {

std::string_view to_string(TeeKind kind) {
  switch (kind) {
    case TeeKind::none: return "software";
    case TeeKind::gramine_sgx: return "SGX (Gramine)";
    case TeeKind::sgx: return "SGX";
    case TeeKind::tdx: return "TDX";
  }
  return "unknown";
}

TeeKind detect_tee(const std::string& root) {
  static constexpr std::pair<TeeKind, const char*> devices[] = {{TeeKind::gramine_sgx, "/dev/attestation"},
                                                                 {TeeKind::sgx, "/dev/sgx_enclave"},
                                                                 {TeeKind::tdx, "/dev/tdx_guest"}};
  for (const auto& [kind, device] : devices) {
    struct stat info {};
    if (stat((root + device).c_str(), &info) == 0) return kind;
  }
  return TeeKind::none;
}

namespace {

/// Mode 0600 is the folder's rule (files.hpp). Written beside and renamed, so that a crash leaves the old one or the new one.
Result<> store_file(Files& files, const std::string& file, ByteView secret) {
  const std::string draft = file + ".new";
  const auto names = TRY(files.list());
  if (std::find(names.begin(), names.end(), draft) != names.end()) TRY(files.remove(draft));
  TRY(files.append(draft, secret));
  return files.rename(draft, file);
}
Result<Bytes> load_file(Files& files, const std::string& file) { return files.read(file); }

const Sealing table[] = {{TeeKind::none, "file of mode 0600", store_file, load_file}};

constexpr u8 identity_version = 0;
const std::string identity_file = "identity.seal";

}  // namespace

Result<const Sealing*> sealing_for(TeeKind tee) {
  for (const Sealing& row : table)
    if (row.tee == tee) return &row;
  return fail(ErrorCode::refused, std::string(to_string(tee)) + " answers on this machine and this build cannot seal to it; software sealing is refused where hardware is",
              "run on a machine without that device, or use a build for it");
}

Result<SealedIdentity> load_or_create_identity(const Sealing& sealing, Files& files, const Hash& genesis_hash, const crypto::Seed& fresh_seed) {
  const auto names = TRY(files.list());
  if (std::find(names.begin(), names.end(), identity_file) == names.end()) {
    Bytes plain = concat(Bytes{identity_version}, genesis_hash, fresh_seed.expose());
    auto stored = sealing.store(files, identity_file, plain);
    wipe(plain.data(), plain.size());
    if (!stored) return fail(std::move(stored).error().in("store the worker's identity"));
    return SealedIdentity{genesis_hash, fresh_seed.clone()};
  }
  Bytes plain = TRY(sealing.load(files, identity_file).context("load the worker's identity"));
  const bool right = plain.size() == 65 && plain[0] == identity_version;
  SealedIdentity out{};
  if (right) out = {Hash(ByteView(plain).subspan(1, 32)), crypto::Seed(ByteView(plain).subspan(33, 32))};
  wipe(plain.data(), plain.size());
  if (!right) return fail(ErrorCode::corrupted, identity_file + " is not an identity this worker can read", "restore it from a backup; without it the worker is a new one");
  if (out.genesis_hash != genesis_hash)
    return fail(ErrorCode::refused, identity_file + " belongs to the chain with genesis " + to_hex0x(out.genesis_hash) + ", not to " + to_hex0x(genesis_hash),
                "use another --base-path for another chain");
  return out;
}

SecretBytes<32> storage_key(const crypto::Sr25519Pair& identity) {
  return crypto::hkdf_sha256(as_bytes("phala worker storage"), identity.secret().expose(), as_bytes("v1"));
}

}  // namespace phala::worker
