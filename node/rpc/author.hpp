#pragma once
// Why: transactions: submitting, watching, what waits, what they cost.

#include "rpc/chain.hpp"

namespace phala::rpc {

struct AuthorSubmitExtrinsic {
  static constexpr auto name = "author_submitExtrinsic", doc = "Puts an extrinsic into the pool; returns its hash.";
  static constexpr Cost cost = Cost::heavy;
  struct Params { Bytes extrinsic;  FIELDS(extrinsic) };
  static Answer<Hash> call(const Call& call, const Params& p);
};
struct AuthorSubmitAndWatchExtrinsic {
  static constexpr auto name = "author_submitAndWatchExtrinsic", doc = "Puts an extrinsic into the pool and tells what becomes of it.", notifies = "its status";
  static constexpr auto stream = Hub::Stream::extrinsic;
  static constexpr std::array unsubscribe{"author_unwatchExtrinsic"};
  static constexpr Cost cost = Cost::heavy;
  struct Params { Bytes extrinsic;  FIELDS(extrinsic) };
  static Answer<Subscribed> call(const Call& call, const Params& p);
};
struct AuthorPendingExtrinsics {
  static constexpr auto name = "author_pendingExtrinsics", doc = "The extrinsics that are ready for a block, however many.", returns = "list of hex";
  static constexpr Cost cost = Cost::heavy;
  struct Params { FIELDS() };
  /// A full pool.
  static size_t answer_bytes(const Node& node);
  static Answer<Raw> call(const Call& call, const Params&);
};
struct AuthorRemoveExtrinsic {
  static constexpr auto name = "author_removeExtrinsic", doc = "Removes extrinsics, given by {\"hash\"} or {\"extrinsic\"}, from the pool and bans them for a while; returns the hashes removed.";
  static constexpr bool unsafe = true;
  static constexpr Cost cost = Cost::heavy;
  struct Which { std::optional<Hash> hash; std::optional<Bytes> extrinsic;  FIELDS(hash, extrinsic) };
  struct Params { std::vector<Which> bytes_or_hash;  FIELDS(bytes_or_hash) };
  static Answer<std::vector<Hash>> call(const Call& call, const Params& p);
};

struct PaymentQueryInfo {
  static constexpr auto name = "payment_queryInfo", doc = "Weight, class and fee of an extrinsic.", returns = "{weight: {ref_time: number, proof_size: number}, class: text, partialFee: decimal text}";
  static constexpr Cost cost = Cost::heavy;
  struct Params { Bytes extrinsic; std::optional<Hash> at;  FIELDS(extrinsic, at) };
  static Answer<Raw> call(const Call& call, const Params& p);
};
struct PaymentQueryFeeDetails {
  static constexpr auto name = "payment_queryFeeDetails", doc = "The parts of the fee of an extrinsic.",
                        returns = "{inclusionFee: {baseFee: hex number, lenFee: hex number, adjustedWeightFee: hex number} or null}";
  static constexpr Cost cost = Cost::heavy;
  struct Params { Bytes extrinsic; std::optional<Hash> at;  FIELDS(extrinsic, at) };
  static Answer<Raw> call(const Call& call, const Params& p);
};

}  // namespace phala::rpc
