#pragma once
// Why: who asks, what it costs and how it may fail are the same for every call of every pallet. These are consensus types:
// their SCALE layout is Substrate's, because wallets decode them from events.

#include <memory>
#include <optional>

#include "scale/codec.hpp"

namespace phala::frame {

using scale::At;
using scale::Compact;
using scale::Enum;
using Balance = u128;
/// Milliseconds since 1970.
using Moment = u64;

/// Time on the reference machine in picoseconds, and bytes of state proof (not limited here).
struct Weight {
  u64 ref_time = 0, proof_size = 0;
  constexpr Weight operator+(const Weight& o) const { return {add(ref_time, o.ref_time), add(proof_size, o.proof_size)}; }
  constexpr Weight operator-(const Weight& o) const { return {sub(ref_time, o.ref_time), sub(proof_size, o.proof_size)}; }
  constexpr Weight& operator+=(const Weight& o) { return *this = *this + o; }
  /// Greater in any dimension.
  constexpr bool any_gt(const Weight& o) const { return ref_time > o.ref_time || proof_size > o.proof_size; }
  constexpr Weight min(const Weight& o) const { return {std::min(ref_time, o.ref_time), std::min(proof_size, o.proof_size)}; }
  constexpr bool operator==(const Weight&) const = default;

 private:
  static constexpr u64 add(u64 a, u64 b) { return a + b < a ? ~u64{0} : a + b; }
  static constexpr u64 sub(u64 a, u64 b) { return a < b ? 0 : a - b; }
};
constexpr u64 nanoseconds = 1'000, microseconds = 1'000'000, milliseconds = 1'000'000'000;   // of ref_time

enum class DispatchClass : u8 { normal, operational, mandatory };
constexpr bool is_valid(DispatchClass c) { return c <= DispatchClass::mandatory; }
enum class Pays : u8 { yes, no };
constexpr bool is_valid(Pays p) { return p <= Pays::no; }
struct DispatchInfo { Weight weight; DispatchClass class_{}; Pays pays_fee{};  FIELDS(weight, class_, pays_fee) };

/// What a call says of itself after it ran.
struct PostInfo {
  std::optional<Weight> actual_weight;   ///< when less than declared
  Pays pays = Pays::yes;                 ///< `no` frees the sender of the fee
};

enum class TokenError : u8 { funds_unavailable, only_provider, below_minimum, cannot_create, unknown_asset, frozen, unsupported, cannot_create_hold, not_expendable, blocked };
enum class ArithmeticError : u8 { underflow, overflow, division_by_zero };

/// Why a call failed: closed, because it is part of the state (events) and of every client.
struct DispatchError {
  enum class Kind : u8 { other, cannot_lookup, bad_origin, module, consumer_remaining, no_providers, too_many_consumers, token, arithmetic, transactional, exhausted, corruption, unavailable };
  Kind kind = Kind::other;
  u8 pallet = 0;   ///< index, when `module`
  u8 detail = 0;   ///< the error of the pallet, token, arithmetic or transactional error

  constexpr DispatchError(Kind k) : kind(k) {}
  constexpr DispatchError(TokenError e) : kind(Kind::token), detail(static_cast<u8>(e)) {}
  constexpr DispatchError(ArithmeticError e) : kind(Kind::arithmetic), detail(static_cast<u8>(e)) {}
  constexpr DispatchError(u8 pallet_index, u8 error) : kind(Kind::module), pallet(pallet_index), detail(error) {}
  /// Any pallet's `Error`, so that `return fail(Error::X)` works where a DispatchError is due.
  template <class E>
    requires requires(E e) { { to_dispatch_error(e) } -> std::same_as<DispatchError>; }
  constexpr DispatchError(E error) : DispatchError(to_dispatch_error(error)) {}
  constexpr DispatchError() = default;
  constexpr bool operator==(const DispatchError&) const = default;
};
/// For test output and logs: "module 7 error 2".
std::string to_string(const DispatchError& error);

using DispatchResult = Result<PostInfo, DispatchError>;
template <class T = void>
using Try = Result<T, DispatchError>;

struct Root { FIELDS() };
struct Signed { AccountId who;  FIELDS(who) };
struct None { FIELDS() };
struct RawOrigin : Enum<At<0, Root>, At<1, Signed>, At<2, None>> { using Enum::Enum; };
/// Origins by the pallet that makes them; the index is the pallet's.
struct OriginCaller : Enum<At<1, RawOrigin>> { using Enum::Enum; };

/// Who a call speaks for.
class Origin {
 public:
  static Origin root() { return Origin(RawOrigin(Root{})); }
  static Origin signed_as(const AccountId& who) { return Origin(RawOrigin(Signed{who})); }
  static Origin none() { return Origin(RawOrigin(None{})); }
  explicit Origin(OriginCaller caller) : caller_(std::move(caller)) {}

  /// The signer. Error: bad origin.
  Try<AccountId> signed_by() const;
  /// Error: bad origin unless root.
  Try<> ensure_root() const;
  /// Error: bad origin unless this is an inherent.
  Try<> ensure_none() const;
  bool is_root() const;
  const OriginCaller& caller() const { return caller_; }

 private:
  OriginCaller caller_;
};

/// A call of any pallet, held without knowing which pallets there are.
class RuntimeCall {
 public:
  RuntimeCall() = default;
  template <class Pallet>
  static RuntimeCall of(typename Pallet::Call call) {
    RuntimeCall out;
    out.pallet_ = Pallet::index;
    out.call_ = std::make_shared<const typename Pallet::Call>(std::move(call));
    out.info_ = Pallet::ops.info(out.call_.get());
    return out;
  }
  /// The call if it is one of `Pallet`, else null.
  template <class Pallet>
  const typename Pallet::Call* get_if() const {
    return pallet_ == Pallet::index ? static_cast<const typename Pallet::Call*>(call_.get()) : nullptr;
  }
  u8 pallet() const { return pallet_; }
  /// What it declares. Computed once: nested calls ask for that of their parts again and again.
  const DispatchInfo& info() const { return info_; }
  bool operator==(const RuntimeCall& other) const;

 private:
  friend struct scale::Codec<RuntimeCall>;
  friend class Dispatcher;
  u8 pallet_ = 0;
  std::shared_ptr<const void> call_;
  DispatchInfo info_;
};

/// `modl` ‖ id ‖ zeros: an account that belongs to a pallet. `id` has 8 bytes.
AccountId pallet_account(std::string_view id);
/// floor(a · b / c) without losing the upper half of the product; the largest value when the quotient does not fit or c is 0.
u128 mul_div(u128 a, u128 b, u128 c);
constexpr u128 saturating_add(u128 a, u128 b) { return a + b < a ? ~u128{0} : a + b; }
constexpr u128 saturating_sub(u128 a, u128 b) { return a < b ? 0 : a - b; }
constexpr u128 saturating_mul(u128 a, u128 b) { return a != 0 && b > ~u128{0} / a ? ~u128{0} : a * b; }

}  // namespace phala::frame

namespace phala::scale {
template <>
struct Codec<frame::Weight> {
  static void encode(Bytes& out, const frame::Weight& weight);
  static Result<frame::Weight, CodecError> decode(Reader& in);
};
template <>
struct Codec<frame::DispatchError> {
  static void encode(Bytes& out, const frame::DispatchError& error);
  static Result<frame::DispatchError, CodecError> decode(Reader& in);
};
template <>
struct Codec<frame::RuntimeCall> {
  static void encode(Bytes& out, const frame::RuntimeCall& call);
  static Result<frame::RuntimeCall, CodecError> decode(Reader& in);
};
/// Result of a nested call in an event: 0 for success, 1 and the error.
template <class T>
struct Codec<Result<T, frame::DispatchError>> {
  static void encode(Bytes& out, const Result<T, frame::DispatchError>& result) {
    out.push_back(result ? 0 : 1);
    if (!result) encode_to(out, result.error());
    else if constexpr (!std::is_void_v<T>) encode_to(out, *result);
  }
};
}  // namespace phala::scale
