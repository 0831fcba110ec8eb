#pragma once
// Why: what people see of a contract comes by encrypted queries, signed by a certificate's holder. This is the browser's end of it: each query has a key of
// its own, and the answer opens for that key only.

#include "crypto/account.hpp"
#include "sim/sim_worker.hpp"

namespace phala::sim {

class Asker {
 public:
  /// `user` must outlive the asker.
  Asker(const crypto::KeyPair& user, Chance& chance) : user_(&user), chance_(&chance) {}

  /// The data of a message without arguments, as the worker's contract answers it now. Errors: the worker's, or what is wrong with its answer.
  Result<Bytes> ask(SimWorker& worker, const Hash& contract, const Bytes& selector);
  /// The same from whoever must not be answered: without a certificate, with one of yesterday, with another's signature, with an altered query.
  /// Error: one of them learnt something.
  Result<> ask_wrongly(SimWorker& worker, const Hash& contract, const Bytes& selector);

 private:
  struct Sealed { crypto::Sr25519Pair key; SecretBytes<32> agreed; Hash nonce; Bytes data; };
  Sealed seal(const SimWorker& worker, const Hash& contract, const Bytes& selector);
  worker::SignatureChain sign(const Sealed& query, BlockNumber ttl) const;
  /// What follows the nonce in an answer.
  Result<Bytes> open(const SimWorker& worker, const Sealed& query, ByteView answer) const;

  const crypto::KeyPair* user_;
  Chance* chance_;
};

}  // namespace phala::sim
