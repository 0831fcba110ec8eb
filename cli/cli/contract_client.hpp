#pragma once
// Why: what a client must do to talk to a contract, in one place: find its worker, encrypt, prove who asks, read what comes back
// (docs/protocol.md §9).

#include <functional>
#include <nlohmann/json.hpp>

#include "cli/args.hpp"
#include "cli/chain.hpp"
#include "cli/contract_file.hpp"
#include "primitives/protocol.hpp"

namespace phala::cli {

/// Outcome of a dry run, a query, or a message that ran.
struct ExecResult {
  u64 gas_consumed = 0, gas_required = 0;
  bool deposit_is_charge = false;
  u128 deposit = 0;
  std::string debug_message;
  std::optional<std::string> error;   ///< a DispatchError in words
  u32 flags = 0;
  Bytes data;
  AccountId account;                  ///< of an instantiation
  bool reverted() const { return flags & 1; }
};
/// From its SCALE. Bytes that follow it are left in `in`.
Result<ExecResult> parse_result(scale::Reader& in, bool instantiation);

/// A worker of a cluster that answered and proved to be the one the chain names.
class ClusterClient {
 public:
  /// Picks the first worker of the cluster that answers. Empty `cluster`: the first cluster of the chain.
  static Result<ClusterClient> connect(const Chain& chain, const std::string& cluster, const crypto::KeyPair& user);
  const Hash& cluster() const { return cluster_; }
  const std::string& worker_url() const { return url_; }
  u128 gas_price() const { return gas_price_; }
  const Hash& system_contract() const { return system_contract_; }

  /// One encrypted query, signed by the user; `body` is the SCALE of the query's head and body after the id and nonce.
  Result<Bytes> query_raw(const Hash& contract, ByteView body) const;
  Result<ExecResult> query(const Hash& contract, ByteView input, bool estimating, u128 deposit = 0, u128 transfer = 0) const;
  Result<ExecResult> estimate_instantiate(const Hash& code_hash, ByteView salt, ByteView input, u128 deposit, u128 transfer) const;
  /// All records of one contract from number `from` on; numbers count over all contracts.
  Result<nlohmann::json> logs(const Hash& contract, u64 from) const;
  /// Its last `count` records.
  Result<nlohmann::json> last_logs(const Hash& contract, u64 count) const;
  /// The number that the next record gets.
  Result<u64> next_log() const;
  /// How the message with this nonce ended and its selector, among the records from number `from` on; nothing: it is not there.
  struct MessageOutput { ExecResult result; Bytes selector; };
  Result<std::optional<MessageOutput>> find_output(const Hash& contract, ByteView nonce, u64 from) const;
  /// The next block the worker will process.
  Result<u32> next_block() const;
  /// The balance of the user inside the cluster: free part.
  Result<u128> free_balance(const AccountId& who) const;
  Result<bool> code_exists(const Hash& code_hash) const;
  /// The contract that does this job in the cluster.
  Result<std::optional<Hash>> driver(std::string_view name) const;
  /// What the worker says of a contract (GetContractInfo), as JSON; nothing: it is not in the cluster.
  Result<std::optional<nlohmann::json>> contract_info(const Hash& contract) const;

 private:
  Result<nlohmann::json> ask_log(const nlohmann::json& request) const;
  const crypto::KeyPair* user_ = nullptr;
  std::string url_;
  PublicKey worker_;
  Hash cluster_, system_contract_;
  u128 gas_price_ = 0;
};

/// The result and selector in a `MessageOutput` record of the log.
Result<ClusterClient::MessageOutput> parse_output(const nlohmann::json& record);

/// Asks until it is done, a few times a second. Error `unavailable` after `timeout_s`: names what was waited for.
Result<> wait_until(const char* what, int timeout_s, const std::function<Result<bool>()>& done);
constexpr int run_timeout_s = 60;   ///< for the workers to run what a block says
/// The argument CONTRACT.
Result<Hash> contract_id(const Args& args);

/// The payload of a contract transaction: plain, or encrypted to the contract's key.
Bytes plain_command(const protocol::InkMessage& message);
Result<Bytes> encrypt_command(const protocol::InkMessage& message, const PublicKey& contract_key);

}  // namespace phala::cli
