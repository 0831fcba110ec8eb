#pragma once
// Why: every command that touches the chain does the same few things: read storage, sign a call, see it included, tell what
// happened. All of it by the node's metadata, so that a command never knows a pallet's layout.

#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "crypto/account.hpp"
#include "metadata/value.hpp"

namespace phala::cli {

/// One JSON-RPC call over HTTP. `url` may be ws:// or http:// (nodes serve both on one port). Errors carry the node's own
/// message and say when nobody listens, or who listens is no node.
Result<nlohmann::json> rpc(const std::string& url, std::string_view method, const nlohmann::json& params);

/// What became of a transaction.
struct Included {
  std::string extrinsic_hash, block_hash;
  u32 block_number = 0, index = 0;
  nlohmann::json* events() const { return events_.get(); }     ///< list of {pallet, name, data}
  std::shared_ptr<nlohmann::json> events_;
  std::optional<std::string> failure;                          ///< "Balances.InsufficientBalance: …" when the call failed
};

class Chain {
 public:
  /// Fetches metadata, genesis hash and runtime version.
  static Result<Chain> connect(const std::string& url);
  const std::string& url() const { return url_; }
  const metadata::Metadata& metadata() const { return *metadata_; }
  const metadata::Types& types() const { return *types_; }
  const Hash& genesis() const { return genesis_; }

  /// Value at a storage key; nothing when absent. `at` is a block hash or empty for the best block.
  Result<std::optional<Bytes>> get(ByteView key, const std::string& at = {}) const;
  /// Keys of `Pallet.Entry` or arguments of `Pallet.call` from what was typed (cli/argument.hpp). For a call one JSON object means
  /// arguments by name.
  Result<nlohmann::json> keys_from_texts(std::string_view pallet, std::string_view entry, const std::vector<std::string>& texts) const;
  Result<nlohmann::json> arguments_from_texts(std::string_view pallet, std::string_view call, const std::vector<std::string>& texts) const;
  /// `Pallet.Entry` with keys as JSON: the decoded value (its default when absent), or for a map without all keys a list
  /// of {key, value}. At most `limit` entries.
  Result<nlohmann::json> query(std::string_view pallet, std::string_view entry, const nlohmann::json& keys, size_t limit = 1000, const std::string& at = {}) const;
  Result<nlohmann::json> constant(std::string_view pallet, std::string_view name) const;
  Result<Bytes> call(std::string_view pallet, std::string_view name, const nlohmann::json& arguments) const {
    return metadata::encode_call(*metadata_, pallet, name, arguments);
  }
  /// The signed extrinsic (with length prefix). Nonce from the node's pool; mortal for 64 blocks.
  Result<Bytes> sign(ByteView call, const crypto::KeyPair& signer, u128 tip = 0, std::optional<u32> nonce = {}) const;
  /// Fee and weight as the node estimates them for a signed extrinsic.
  Result<nlohmann::json> estimate_fee(ByteView extrinsic) const;
  /// Sends it and waits until it is in a final block. `timeout_s` without inclusion is an error that says where it stands.
  Result<Included> submit(ByteView extrinsic, int timeout_s = 60) const;
  Result<Included> sign_and_submit(ByteView call, const crypto::KeyPair& signer) const;
  /// Text of a SCALE DispatchError given as decoded JSON.
  std::string explain(const nlohmann::json& dispatch_error) const;

 private:
  Result<std::optional<Included>> find_in_block(u32 number, const std::string& extrinsic_hex) const;
  std::string url_;
  std::shared_ptr<const metadata::Metadata> metadata_;
  std::shared_ptr<const metadata::Types> types_;
  Hash genesis_;
  u32 spec_version_ = 0, transaction_version_ = 0;
};

}  // namespace phala::cli
