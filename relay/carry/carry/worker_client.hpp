#pragma once
// Why: what the relay asks of a worker, over its private port: protobuf in, plain values out.

#include <functional>
#include <optional>

#include "carry/net.hpp"
#include "primitives/message.hpp"

namespace phala::relay {

struct WorkerInfo {
  PublicKey key;
  Hash genesis;
  BlockNumber next_block{};
  std::optional<u32> version;     ///< (major << 16) + (minor << 8) + patch
  u64 pending_messages = 0;
};
struct WorkerEgress {
  std::vector<SignedMessage> messages;   ///< the first that wait, senders one after the other, numbers ascending
  bool more = false;                     ///< others wait behind these
  std::vector<Bytes> settle_keys;
  Hash tip;
};
struct SignedEndpoint {
  Bytes payload;             ///< SCALE WorkerEndpointPayload
  Bytes signature;
  Hash endpoints_hash;       ///< BLAKE2b-256 of SCALE VersionedWorkerEndpoints, as the chain stores them
};
struct RegistrationEvidence {
  Bytes info;                ///< SCALE WorkerRegistrationInfoV2
  Bytes report;              ///< SCALE Option<AttestationReport>
};

class WorkerClient {
 public:
  template <class T>
  using Done = std::function<void(Result<T>)>;

  /// `token_file` is read before each request until it is there: the worker writes it when it first starts.
  WorkerClient(Loop& loop, Address address, std::string token_file);
  const std::string& name() const { return name_; }

  void info(Done<WorkerInfo> done);
  /// SCALE light::Batch; gives the next block wanted.
  void sync(Bytes batch, Done<BlockNumber> done);
  void egress(Done<WorkerEgress> done);
  /// Trie nodes; gives how many messages still wait.
  void settle(std::vector<Bytes> proof, Done<u64> done);
  /// Nothing when the worker has none.
  void endpoint(Done<std::optional<SignedEndpoint>> done);
  void registration(const std::optional<AccountId>& operator_, Done<RegistrationEvidence> done);

 private:
  template <class Answer, class T, class Convert>
  void call(const char* method, std::string body, u64 timeout_ms, Done<T> done, Convert convert);
  Result<std::string> authorization() const;

  const std::string name_, token_file_;
  HttpClient http_;
};

}  // namespace phala::relay
