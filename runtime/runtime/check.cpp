#include "runtime/check.hpp"

#include "crypto/hash.hpp"

namespace phala::runtime {

using Kind = TransactionError::Kind;

namespace {

/// CheckSpecVersion, CheckTxVersion, CheckGenesis, CheckMortality: what the signer signed besides the call.
Result<SignedContext, TransactionError> signed_context(Pallets& p, const Era& era) {
  const BlockNumber birth = era.is_immortal() ? 0 : era.birth(p.system.number.get());
  if (!p.system.block_hash.contains(birth)) return refuse(Kind::ancient_birth_block);
  return SignedContext{version().spec_version, version().transaction_version, p.system.block_hash.get(0), p.system.block_hash.get(birth)};
}

// ---- CheckNonce: accounts that nothing keeps alive cannot send
Result<u32, TransactionError> next_nonce(const AccountInfo& account) {
  if (!account.lives()) return refuse(Kind::payment);
  return account.nonce;
}

// ---- CheckWeight
/// Bytes that the block's own extrinsic, the timestamp, has at most. (Weights leave room by themselves: `block_initialization_allowance`.)
u32 inherent_bytes() {
  static const auto bytes = static_cast<u32>(encode_extrinsic({}, scale::encode(RuntimeCall::of<Timestamp>(Timestamp::Set{~Moment{0}}))).size());
  return bytes;
}

/// Does it fit into a block that holds nothing else?
Checked check_size_alone(const CheckedExtrinsic& x) {
  const auto& limit = block_weights.per_class.of(x.info.class_).max_extrinsic;
  if (limit && x.info.weight.any_gt(*limit)) return refuse(Kind::exhausts_resources);
  if (x.bytes > block_length.max.of(x.info.class_) - inherent_bytes()) return refuse(Kind::exhausts_resources);
  return {};
}

/// Adds the extrinsic to what the block has used, unless its class is full.
Checked take_block_space(Pallets& p, const CheckedExtrinsic& x) {
  const u32 length = p.system.all_extrinsics_len.get().value_or(0) + x.bytes;
  if (length > block_length.max.of(x.info.class_)) return refuse(Kind::exhausts_resources);
  auto used = p.system.block_weight.get();
  const auto& limits = block_weights.per_class.of(x.info.class_);
  Weight& mine = used.of(x.info.class_);
  mine += x.info.weight + limits.base_extrinsic;
  if (limits.max_total && mine.any_gt(*limits.max_total)) return refuse(Kind::exhausts_resources);
  const Weight total = used.normal + used.operational + used.mandatory;
  if (total.any_gt(max_block_weight) && limits.reserved && mine.any_gt(*limits.reserved)) return refuse(Kind::exhausts_resources);
  p.system.all_extrinsics_len.put(length);
  p.system.block_weight.put(used);
  return {};
}

void give_back_weight(Pallets& p, const DispatchInfo& info, const DispatchResult& result) {
  if (!result || !result->actual_weight) return;
  const Weight unused = info.weight - result->actual_weight->min(info.weight);
  if (unused == Weight{}) return;
  auto used = p.system.block_weight.get();
  used.of(info.class_) = used.of(info.class_) - unused;
  p.system.block_weight.put(used);
}

// ---- CheckMqSequence: messages of one sender enter in order
const SignedMessage* message_of(const CheckedExtrinsic& x) {
  const auto* call = x.call.get_if<Mq>();
  const auto* sync = call ? call->get_if<Mq::SyncOffchainMessage>() : nullptr;
  return sync ? &sync->signed_message : nullptr;
}
Checked check_sequence_now(Pallets& p, const CheckedExtrinsic& x) {
  const auto* message = message_of(x);
  if (!message) return {};
  const u64 expected = p.mq.expected_sequence(message->message.sender);
  if (message->sequence != expected) return refuse(message->sequence < expected ? Kind::stale : Kind::future);
  return {};
}
/// A place in the queue is for messages that their sender has signed: anybody could hold it against the real one else. A sender whose
/// key the chain does not know yet may become known.
Checked check_message_signature(const Pallets& p, const SignedMessage& message) {
  const auto checked = p.registry.check_message(message);
  if (checked) return {};
  using Error = Registry::Error;
  for (const auto unknown : {Error::UnknownCluster, Error::UnknownContract, Error::MasterKeyUninitialized})
    if (checked.error() == DispatchError(unknown)) return refuse(Kind::cannot_lookup);
  return refuse(Kind::bad_proof);
}
Checked note_sequence(Pallets& p, const CheckedExtrinsic& x, ValidTransaction& out) {
  const auto* message = message_of(x);
  if (!message) return {};
  const u64 expected = p.mq.expected_sequence(message->message.sender);
  if (message->sequence < expected) return refuse(Kind::stale);
  if (!x.known) TRY(check_message_signature(p, *message));
  out.provides.push_back(message_tag(message->message.sender, message->sequence));
  if (message->sequence > expected) out.requires_.push_back(message_tag(message->message.sender, message->sequence - 1));
  return {};
}

// ---- what is said to workers
/// Runs the call, unless its messages do not fit into the block's log: then it waits for the next block, or fails when it had this one for itself.
Result<DispatchResult, TransactionError> run_call(Pallets& p, const CheckedExtrinsic& x) {
  const size_t before = p.outbox.outbound.stored_bytes();
  Layer layer(p.state());
  auto result = p.dispatcher.dispatch(Origin::signed_as(*x.signer), x.call);
  const size_t after = p.outbox.outbound.stored_bytes();
  if (after > before && after > max_block_message_bytes) {
    if (before != 0) return refuse(Kind::exhausts_resources);
    return DispatchResult(fail(DispatchError(DispatchError::Kind::exhausted)));
  }
  layer.commit();
  return result;
}

}  // namespace

Result<CheckedExtrinsic, TransactionError> check_extrinsic(Pallets& p, ByteView extrinsic, const SignedContext* good_under) {
  if (extrinsic.size() > max_block_bytes) return refuse(Kind::exhausts_resources);
  const auto parts = split_extrinsic(extrinsic);
  if (!parts) return refuse(Kind::malformed);
  CheckedExtrinsic x;
  x.bytes = static_cast<u32>(extrinsic.size());
  auto call = scale::decode<RuntimeCall>(parts->call);
  if (!call) return refuse(Kind::malformed);
  x.call = std::move(*call);
  x.info = x.call.info();
  if (!parts->signature) return x;
  const auto signer = lookup(parts->signature->signer);
  if (!signer) return refuse(Kind::cannot_lookup);
  x.signer = *signer;
  x.extra = parts->signature->extra;
  x.context = TRY(signed_context(p, x.extra.era));
  x.known = good_under && *good_under == x.context;
  if (!x.known && !parts->signature->signature.verify(signing_payload(parts->call, x.extra, x.context), *signer)) return refuse(Kind::bad_proof);
  return x;
}

Result<ValidTransaction, TransactionError> validate_extensions(Pallets& p, const CheckedExtrinsic& x) {
  if (x.info.class_ == DispatchClass::mandatory) return refuse(Kind::mandatory_validation);
  if (!x.signer) return refuse(Kind::no_unsigned_validator);
  if (*x.signer == AccountId{}) return refuse(Kind::bad_signer);
  ValidTransaction out;
  out.sender = *x.signer;
  out.context = x.context;
  const BlockNumber now = p.system.number.get();
  out.longevity = x.extra.era.is_immortal() ? ~u64{0} : x.extra.era.death(now) - now;
  const u32 expected = TRY(next_nonce(p.system.account.get(*x.signer))), nonce = x.extra.nonce;
  if (nonce < expected) return refuse(Kind::stale);
  out.provides.push_back(scale::encode(*x.signer, nonce));
  if (nonce > expected) out.requires_.push_back(scale::encode(*x.signer, nonce - 1));
  TRY(check_size_alone(x));
  TRY(note_sequence(p, x, out));
  const auto fee = p.payment.fee_details(x.bytes, x.info, x.extra.tip);
  if (!p.payment.can_pay(*x.signer, fee.total())) return refuse(Kind::payment);
  out.priority = TransactionPayment::priority(x.info, x.bytes, x.extra.tip, fee.total());
  return out;
}

Checked apply_signed(Pallets& p, u32 index, const CheckedExtrinsic& x) {
  p.state().phase = {Phase::Kind::apply_extrinsic, index};
  Layer whole(p.state());
  if (x.info.class_ == DispatchClass::mandatory) return refuse(Kind::bad_mandatory);
  if (*x.signer == AccountId{}) return refuse(Kind::bad_signer);
  AccountInfo account = p.system.account.get(*x.signer);
  const u32 expected = TRY(next_nonce(account));
  if (x.extra.nonce.value != expected) return refuse(x.extra.nonce.value < expected ? Kind::stale : Kind::future);
  ++account.nonce;
  p.system.account.put(*x.signer, account);
  TRY(check_size_alone(x));
  TRY(take_block_space(p, x));
  TRY(check_sequence_now(p, x));
  const auto paid = p.payment.withdraw_fee(*x.signer, x.bytes, x.info, x.extra.tip);
  if (!paid) return refuse(Kind::payment);

  const auto result = TRY(run_call(p, x));

  give_back_weight(p, x.info, result);
  p.payment.settle_fee(*x.signer, *paid, x.bytes, x.info, result.value_or(PostInfo{}), x.extra.tip);
  p.system.extrinsic_done(index, result, x.info);
  whole.commit();
  return {};
}

Checked apply_bare(Pallets& p, u32 index, const CheckedExtrinsic& x, const Origin& origin) {
  p.state().phase = {Phase::Kind::apply_extrinsic, index};
  Layer whole(p.state());
  TRY(take_block_space(p, x));
  const auto result = p.dispatcher.dispatch(origin, x.call);
  if (!result) return refuse(Kind::bad_mandatory);
  give_back_weight(p, x.info, result);
  p.system.extrinsic_done(index, result, x.info);
  whole.commit();
  return {};
}

Result<ValidTransaction, TransactionError> validate(const StateView& state, const Header& head, ByteView extrinsic, const SignedContext* good_under) {
  Pallets p(state);
  p.system.begin_block(head.number + 1, head.hash());
  const auto x = TRY(check_extrinsic(p, extrinsic, good_under));
  return validate_extensions(p, x);
}

Result<SignedContext, TransactionError> signing_context(const StateView& state, const Header& head, const Era& era) {
  Pallets p(state);
  p.system.begin_block(head.number + 1, head.hash());
  return signed_context(p, era);
}

void in_order(size_t n, const std::function<void(size_t)>& body) {
  for (size_t i = 0; i < n; ++i) body(i);
}

namespace {

/// More at once would save little, and keep a block's threads busy less evenly.
constexpr size_t signatures_at_once = 128;

using Good = std::optional<SignedContext>;

void check_batch(const StateView& state, const Header& head, std::span<const Bytes> extrinsics, std::span<Good> good) {
  Pallets p(state);
  p.system.begin_block(head.number + 1, head.hash());
  struct Claim { size_t place; SignedContext context; Bytes message; };
  std::vector<Claim> claims;   // of sr25519, which can be checked together
  std::vector<crypto::SignedItem> items;
  claims.reserve(extrinsics.size());   // items have views of messages
  for (size_t i = 0; i < extrinsics.size(); ++i) {
    const auto parts = split_extrinsic(extrinsics[i]);
    if (!parts || !parts->signature) continue;
    const auto& [address, signature, extra] = *parts->signature;
    const auto signer = lookup(address);
    const auto context = signed_context(p, extra.era);
    if (!signer || !context) continue;
    Bytes message = signing_payload(parts->call, extra, *context);
    if (const auto* sr25519 = signature.get_if<signature::Sr25519>()) {
      claims.push_back({i, *context, std::move(message)});
      items.push_back({sr25519->bytes, claims.back().message, signer->as<PublicKey>()});
    } else if (signature.verify(message, *signer)) {
      good[i] = *context;
    }
  }
  if (!crypto::sr25519_verify_batch(items)) return;
  for (const auto& claim : claims) good[claim.place] = claim.context;
}

}  // namespace

std::vector<Good> check_signatures(const StateView& state, const Header& head, std::span<const Bytes> extrinsics, const ForEach& for_each) {
  std::vector<Good> good(extrinsics.size());
  const size_t batches = (extrinsics.size() + signatures_at_once - 1) / signatures_at_once;
  for_each(batches, [&](size_t batch) {
    const size_t from = batch * signatures_at_once, count = std::min(signatures_at_once, extrinsics.size() - from);
    check_batch(state, head, extrinsics.subspan(from, count), std::span(good).subspan(from, count));
  });
  return good;
}

std::string to_string(const TransactionError& error) {
  switch (error.kind) {
    case Kind::call: return "Transaction call is not expected";
    case Kind::payment: return "Inability to pay some fees (e.g. account balance too low)";
    case Kind::future: return "Transaction will be valid in the future";
    case Kind::stale: return "Transaction is outdated";
    case Kind::bad_proof: return "Transaction has a bad signature";
    case Kind::ancient_birth_block: return "Transaction has an ancient birth block";
    case Kind::exhausts_resources: return "Transaction would exhaust the block limits";
    case Kind::custom: return "InvalidTransaction custom error " + std::to_string(error.custom);
    case Kind::bad_mandatory: return "A call was labelled as mandatory, but resulted in an Error.";
    case Kind::mandatory_validation: return "Transaction dispatch is mandatory; transactions must not be validated.";
    case Kind::bad_signer: return "Invalid signing address";
    case Kind::cannot_lookup: return "Could not lookup information required to validate the transaction";
    case Kind::no_unsigned_validator: return "Could not find an unsigned validator for the unsigned transaction";
    case Kind::unknown_custom: return "UnknownTransaction custom error " + std::to_string(error.custom);
    case Kind::malformed: return "Transaction does not decode";
  }
  return "Transaction is invalid";
}

}  // namespace phala::runtime
