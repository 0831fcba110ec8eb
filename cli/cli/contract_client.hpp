#pragma once
// Why: what a client must do to talk to a contract, in one place: read its metadata, find its worker, encrypt, prove who asks,
// decode what comes back (spec/clients.md §3–§5).

#include <nlohmann/json.hpp>

#include "cli/chain.hpp"
#include "primitives/protocol.hpp"

namespace phala::cli {

/// A parsed `.contract` or metadata file (ink! metadata V3, 4 and 5).
struct ContractFile {
  metadata::Types types;
  nlohmann::json spec;
  Hash code_hash;
  Bytes wasm;              ///< empty when the file holds metadata only
  std::string name;

  static Result<ContractFile> parse(std::string_view json);
  static Result<ContractFile> read(const std::string& path);
  /// The entry of a constructor or message by label. Errors list what there is.
  Result<const nlohmann::json*> find(std::string_view kind, std::string_view label) const;
  /// Selector ‖ arguments.
  Result<Bytes> encode(const nlohmann::json& entry, const nlohmann::json& arguments) const;
  /// What a message returned, without ink!'s outer Ok; errors: the contract could not read its input.
  Result<nlohmann::json> decode_return(const nlohmann::json& entry, ByteView data) const;
};

/// Outcome of a dry run or query.
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

/// A worker of a cluster that answered and proved to be the one the chain names.
class ClusterClient {
 public:
  /// Picks the first worker of the cluster that answers. Empty `cluster`: the first cluster of the chain.
  static Result<ClusterClient> connect(const Chain& chain, const std::string& cluster, const crypto::KeyPair& user);
  const Hash& cluster() const { return cluster_; }
  const std::string& worker_url() const { return url_; }
  u128 gas_price() const { return gas_price_; }
  const Hash& system_contract() const { return system_contract_; }

  /// One encrypted query, signed by the user; `request` is the SCALE of the query's head and body after the id and nonce.
  Result<Bytes> query_raw(const Hash& contract, ByteView body) const;
  Result<ExecResult> query(const Hash& contract, ByteView input, bool estimating, u128 deposit = 0, u128 transfer = 0) const;
  Result<ExecResult> estimate_instantiate(const Hash& code_hash, ByteView salt, ByteView input, u128 deposit, u128 transfer) const;
  Result<nlohmann::json> logs(const Hash& contract, int64_t from, u64 count) const;
  /// The next block the worker will process.
  Result<u32> next_block() const;
  /// The balance of the user inside the cluster: free part.
  Result<u128> free_balance(const AccountId& who) const;
  Result<bool> code_exists(const Hash& code_hash) const;

 private:
  const crypto::KeyPair* user_ = nullptr;
  std::string url_;
  PublicKey worker_;
  Hash cluster_, system_contract_;
  u128 gas_price_ = 0;
};

/// The payload of a contract transaction: encrypted to the contract's key, or plain.
Result<Bytes> encrypt_command(const protocol::InkMessage& message, const PublicKey& contract_key);

}  // namespace phala::cli
