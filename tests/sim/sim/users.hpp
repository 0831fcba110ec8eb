#pragma once
// Why: what people do is decided from the chain alone, once per block, so that whatever was lost on the way is simply done again. The owner sets the
// network up, contracts are put into the cluster, and two users add to a counter in ways that tell in the end whether each message counted once.

#include "crypto/account.hpp"
#include "sim/chain.hpp"
#include "sim/sim_worker.hpp"

namespace phala::sim {

constexpr u128 pha = 1'000'000'000'000;
/// ink! selectors of the flipper.
inline const Bytes select_new{0x9b, 0xae, 0x9d, 0x5e}, select_inc_by{0xfe, 0x5b, 0xd8, 0xea}, select_counter{0x94, 0xfc, 0x95, 0x1c};
/// Of the caller: adds to the flipper's counter.
inline const Bytes select_increase{0x52, 0xd0, 0xa9, 0x64};

using Workers = std::vector<std::unique_ptr<SimWorker>>;

class Users {
 public:
  Users(const World& world, const Config& config, Chance& chance, SimChain& chain) : world_(world), config_(config), chance_(chance), chain_(chain) {}

  /// What they do next.
  void turn(const Workers& workers, u64 now_ms);
  /// The flipper, once the chain has it.
  const std::optional<Hash>& contract() const { return flipper_; }
  /// All that was to be sent is in blocks.
  bool all_sent() const;
  /// Messages in blocks, of the user who has fewest there.
  u32 fewest_sent() const { return std::min(sent_by(bob_), sent_by(charlie_)); }
  /// The flipper's counter when every message counted once.
  u32 expected_counter() const;
  const Hash& cluster() const { return cluster_; }
  const crypto::KeyPair& bob() const { return bob_; }

 private:
  u32 sent_by(const crypto::KeyPair& user) const;
  /// A user sends no more after so many.
  bool enough(u32 sent) const;
  void submit(const crypto::KeyPair& by, const Bytes& call);
  void sudo(const Bytes& call) { submit(alice_, concat(Bytes{22, 0}, call)); }
  /// False: something is still to be done for it.
  bool set_up(const Workers& workers);
  /// The contract of that code and input, when it is there and its key is known; else does what is next for it.
  std::optional<Hash> deploy(const Workers& workers, const Bytes& code, const Bytes& input);
  /// Each user keeps its own nonce, so that what is on the chain is known.
  void use();
  /// A message in clear, or encrypted to the contract's key.
  void command(const crypto::KeyPair& by, const Hash& contract, Bytes message, bool encrypted);
  /// Messages that fit nothing: they must be noted and stop nobody.
  void talk_nonsense();

  const World& world_;
  const Config& config_;
  Chance& chance_;
  SimChain& chain_;
  u64 now_ms_ = start_ms;
  const crypto::KeyPair alice_ = *crypto::KeyPair::from_uri("//Alice"), bob_ = *crypto::KeyPair::from_uri("//Bob"), charlie_ = *crypto::KeyPair::from_uri("//Charlie"),
                        dave_ = *crypto::KeyPair::from_uri("//Dave");
  const Hash cluster_ = [] { Hash id; id[31] = 1; return id; }();
  std::optional<Hash> flipper_, caller_;
};

}  // namespace phala::sim
