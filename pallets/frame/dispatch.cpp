#include "frame/dispatch.hpp"

#include "frame/pallet.hpp"

namespace phala::frame {

std::string to_string(const DispatchError& error) {
  static constexpr std::string_view names[] = {"other", "cannot lookup", "bad origin", "module", "consumer remaining", "no providers", "too many consumers",
                                               "token", "arithmetic", "transactional", "exhausted", "corruption", "unavailable"};
  std::string out(names[static_cast<u8>(error.kind)]);
  if (error.kind == DispatchError::Kind::module) out += " " + std::to_string(error.pallet) + " error";
  return out + " " + std::to_string(error.detail);
}

Try<AccountId> Origin::signed_by() const {
  if (const auto* raw = caller_.get_if<RawOrigin>())
    if (const auto* by = raw->get_if<Signed>()) return by->who;
  return fail(DispatchError::Kind::bad_origin);
}
bool Origin::is_root() const {
  const auto* raw = caller_.get_if<RawOrigin>();
  return raw && raw->is<Root>();
}
Try<> Origin::ensure_root() const {
  if (!is_root()) return fail(DispatchError::Kind::bad_origin);
  return {};
}
Try<> Origin::ensure_none() const {
  const auto* raw = caller_.get_if<RawOrigin>();
  if (!raw || !raw->is<None>()) return fail(DispatchError::Kind::bad_origin);
  return {};
}

AccountId pallet_account(std::string_view id) {
  AccountId out;
  const Bytes text = concat(as_bytes("modl"), as_bytes(id));
  std::copy_n(text.begin(), std::min(text.size(), out.size()), out.begin());
  return out;
}

u128 mul_div(u128 a, u128 b, u128 c) {
  if (c == 0) return ~u128{0};
  if (a == 0 || b <= ~u128{0} / a) return a * b / c;
  // 256-bit product as two halves, then binary long division
  const u128 mask = ~u64{0};
  const u128 al = a & mask, ah = a >> 64, bl = b & mask, bh = b >> 64;
  const u128 mid = ah * bl + (al * bl >> 64);
  const u128 mid2 = al * bh + (mid & mask);
  const u128 high = ah * bh + (mid >> 64) + (mid2 >> 64);
  u128 low = (mid2 << 64) | (al * bl & mask);
  if (high >= c) return ~u128{0};
  u128 rest = high;
  for (int i = 0; i < 128; ++i) {
    const bool carry = rest >> 127;
    rest = rest << 1 | low >> 127;
    low <<= 1;
    if (carry || rest >= c) {
      rest -= c;
      low |= 1;
    }
  }
  return low;
}

namespace {
const PalletOps* ops_of(u8 index) {
  static const auto table = [] {
    std::array<const PalletOps*, 256> out{};
    for (const PalletOps* ops : all_pallets()) out[ops->index] = ops;
    return out;
  }();
  return table[index];
}
}  // namespace

bool RuntimeCall::operator==(const RuntimeCall& other) const { return scale::encode(*this) == scale::encode(other); }

DispatchResult Dispatcher::dispatch(const Origin& origin, const RuntimeCall& call) const {
  Layer layer(state_);
  auto result = ops_of(call.pallet_)->dispatch(pallets_[call.pallet_], origin, call.call_.get());
  if (result) layer.commit();
  return result;
}

}  // namespace phala::frame

namespace phala::scale {

using namespace frame;

void Codec<Weight>::encode(Bytes& out, const Weight& weight) {
  encode_compact(out, weight.ref_time);
  encode_compact(out, weight.proof_size);
}
Result<Weight, CodecError> Codec<Weight>::decode(Reader& in) {
  const auto ref_time = TRY(decode_from<Compact<u64>>(in));
  const auto proof_size = TRY(decode_from<Compact<u64>>(in));
  return Weight{ref_time, proof_size};
}

void Codec<DispatchError>::encode(Bytes& out, const DispatchError& error) {
  using Kind = DispatchError::Kind;
  out.push_back(static_cast<u8>(error.kind));
  if (error.kind == Kind::module) append(out, Bytes{error.pallet, error.detail, 0, 0, 0});
  if (error.kind == Kind::token || error.kind == Kind::arithmetic || error.kind == Kind::transactional) out.push_back(error.detail);
}
Result<DispatchError, CodecError> Codec<DispatchError>::decode(Reader& in) {
  using Kind = DispatchError::Kind;
  const u8 raw = TRY(in.take(1))[0];
  if (raw > static_cast<u8>(Kind::unavailable)) return fail(CodecError::unknown_variant);
  DispatchError out(static_cast<Kind>(raw));
  if (out.kind == Kind::module) {
    const auto more = TRY(in.take(5));
    out.pallet = more[0];
    out.detail = more[1];
  }
  if (out.kind == Kind::token || out.kind == Kind::arithmetic || out.kind == Kind::transactional) out.detail = TRY(in.take(1))[0];
  return out;
}

void Codec<RuntimeCall>::encode(Bytes& out, const RuntimeCall& call) {
  out.push_back(call.pallet_);
  ops_of(call.pallet_)->encode_call(out, call.call_.get());
}
Result<RuntimeCall, CodecError> Codec<RuntimeCall>::decode(Reader& in) {
  if (!in.spend_heavy()) return fail(CodecError::length_too_large);
  if (!in.enter()) return fail(CodecError::too_deep);
  RuntimeCall out;
  out.pallet_ = TRY(in.take(1))[0];
  const PalletOps* ops = ops_of(out.pallet_);
  if (!ops || !ops->decode_call) return fail(CodecError::unknown_variant);
  out.call_ = TRY(ops->decode_call(in));
  out.info_ = ops->info(out.call_.get());
  in.leave();
  return out;
}

}  // namespace phala::scale
