#pragma once
// Why: blocks are fetched once and given to every worker that needs them, so they are kept, encoded, until nobody does.

#include "carry/node_client.hpp"
#include "plan/view.hpp"

namespace phala::relay {

class Blocks {
 public:
  using Done = std::function<void(Result<Chunk>)>;
  explicit Blocks(NodeClient& node) : node_(node) {}
  Blocks(const Blocks&) = delete;

  /// Gets [from, to], or fewer where they are large, and the proof that the last is final; a few more where only a later block can be proved.
  void fetch(BlockNumber from, BlockNumber to, Done done);
  void forget(const Chunk& chunk);
  /// SCALE light::Batch of [from, to]. Error: not at hand.
  Result<Bytes> batch(BlockNumber from, BlockNumber to) const;

 private:
  struct Kept {
    Chunk chunk;
    std::vector<Bytes> headers, messages;   ///< encoded, one each per block
    Bytes proof;
  };
  struct Job;
  void ask_messages(std::shared_ptr<Job> job);
  void ask_headers(std::shared_ptr<Job> job, std::vector<Bytes> messages);
  void ask_proof(std::shared_ptr<Job> job);
  NodeClient& node_;
  std::vector<Kept> kept_;
};

/// Bytes of a JSON "0x…" text. Error: it is not that.
Result<Bytes> bytes_of_hex(const nlohmann::json& value);

}  // namespace phala::relay
