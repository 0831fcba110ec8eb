#pragma once
// Why: collateral is the same for a whole platform family and a certificate chain the same for every quote of a machine, so the
// seven signatures around a quote need checking once. What is remembered is only "this content carries a good signature of that
// key" and its decoded form: never a date, a revocation or a level. Found by comparing the full content, so that a hit cannot be forged.

#include <memory>

#include "attest/documents.hpp"
#include "attest/x509.hpp"

namespace phala::attest {

/// At most `Capacity` entries, the oldest goes first. Values are immutable and shared with verifications in progress.
template <class Value, size_t Capacity>
class Memo {
 public:
  /// Content is what was signed (or the text of a chain), `signer` who signed it and `signature` how (zero where the content holds it).
  std::shared_ptr<const Value> find(ByteView content, const P256Key& signer, const P256Signature& signature) const {
    for (const auto& e : entries_)
      if (same_bytes(e.content, content) && e.signer == signer && e.signature == signature) return e.value;
    return nullptr;
  }
  std::shared_ptr<const Value> put(ByteView content, const P256Key& signer, const P256Signature& signature, Value value) {
    Entry entry{to_bytes(content), signer, signature, std::make_shared<const Value>(std::move(value))};
    auto shared = entry.value;
    if (entries_.size() < Capacity) entries_.push_back(std::move(entry));
    else entries_[std::exchange(oldest_, (oldest_ + 1) % Capacity)] = std::move(entry);
    return shared;
  }
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Bytes content;
    P256Key signer;
    P256Signature signature;
    std::shared_ptr<const Value> value;
  };
  std::vector<Entry> entries_;
  size_t oldest_ = 0;
};

/// Signer first, root last; every certificate but the last carries a good signature of the next one's key.
using Chain = std::vector<std::shared_ptr<const Certificate>>;

/// A revocation list whose signature is good.
struct TrustedList {
  Bytes issuer, authority_key_id;
  UnixSeconds this_update = 0, next_update = 0;
  std::vector<Serial> serials;   ///< ascending
};

/// A value: copy it, drop it, start with an empty one. It changes how long a verification takes and nothing else. At most about 2 MiB
/// in ordinary use; bounded by the limits of collateral times the capacities below.
struct VerifiedCache {
  Memo<Chain, 64> chains;                       ///< by PEM text; not tied to an anchor
  Memo<Certificate, 64> certificates;           ///< by DER and issuer's key
  Memo<TrustedList, 8> revocation_lists;     ///< by hex text and issuer's key
  Memo<TcbInfo, 16> tcb_infos;
  Memo<QeIdentity, 8> qe_identities;
};

}  // namespace phala::attest
