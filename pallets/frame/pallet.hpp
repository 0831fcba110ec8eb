#pragma once
// Why: a pallet is one class that declares storage, calls, events and errors top to bottom. What the runtime needs of it (decode,
// dispatch, describe) is a table of functions instantiated once, in the pallet's own .cpp by `PALLET_OPS`, so that neither the
// runtime nor other pallets pay for its templates.

#include "frame/storage.hpp"

namespace phala::frame {

/// What a pallet puts into the metadata as constants.
class Constants {
 public:
  explicit Constants(TypeRegistry& types, std::vector<metadata::Constant>& out) : types_(types), out_(out) {}
  template <class T>
  PHALA_ONCE void add(std::string_view name, const T& value) { out_.push_back({std::string(name), {types_.id<T>()}, scale::encode(value), {}}); }

 private:
  TypeRegistry& types_;
  std::vector<metadata::Constant>& out_;
};

/// A pallet as the runtime sees it. Null members: the pallet has none.
struct PalletOps {
  std::string_view name;
  u8 index;
  Result<std::shared_ptr<const void>, scale::CodecError> (*decode_call)(scale::Reader&);
  void (*encode_call)(Bytes&, const void* call);
  DispatchInfo (*info)(const void* call);
  DispatchResult (*dispatch)(void* pallet, const Origin&, const void* call);
  u32 (*call_type)(TypeRegistry&);
  u32 (*event_type)(TypeRegistry&);
  metadata::Pallet (*describe)(TypeRegistry&);
};
/// The table of contents: which pallets there are, by ascending index. The runtime defines it.
std::span<const PalletOps* const> all_pallets();

/// Sends calls to the pallets of one runtime instance.
class Dispatcher {
 public:
  explicit Dispatcher(State& state) : state_(state) {}
  void add(u8 index, void* pallet) { pallets_[index] = pallet; }
  /// Runs the call in a layer of its own: an error changes nothing.
  DispatchResult dispatch(const Origin& origin, const RuntimeCall& call) const;

 private:
  State& state_;
  std::array<void*, 256> pallets_{};
};

/// Adds a record to System.Events, in the current phase and without topics.
void deposit_event(State& state, u8 pallet, u8 event, ByteView fields);

namespace detail {
template <class E, class... A>
constexpr u8 index_in(const Enum<A...>*) {
  static_assert((std::is_same_v<E, typename A::type> || ...), "an event that is not in `using Event`");
  u8 index = 0;
  (static_cast<void>(std::is_same_v<E, typename A::type> && (index = A::index, true)), ...);
  return index;
}
}  // namespace detail

/// Base of every pallet. `Index` is frozen: it is the first byte of every call and event, and part of every error.
template <class Self, Name N, u8 Index>
class Pallet {
 public:
  static constexpr std::string_view name = N.view();
  static constexpr u8 index = Index;
  Pallet(const Pallet&) = delete;

 protected:
  explicit Pallet(State& state) : state_(state) {}
  StorageRoot state() const { return {state_, name_hash<N>()}; }
  State& raw_state() const { return state_; }
  template <class E>
  void emit(const E& event) const {
    deposit_event(state_, Index, detail::index_in<E>(static_cast<const typename Self::Event*>(nullptr)), scale::encode(event));
  }

 private:
  State& state_;
};

/// A pallet's items, in metadata order.
#define PALLET_STORAGE(...) using Storage = decltype(std::make_tuple(__VA_ARGS__));
/// A pallet's errors; the position is the frozen index.
#define PALLET_ERRORS(...)                                                                    \
  enum class Error : ::phala::u8 { __VA_ARGS__ };                                             \
  static constexpr std::string_view error_names = #__VA_ARGS__;                               \
  friend constexpr ::phala::frame::DispatchError to_dispatch_error(Error e) { return {index, static_cast<::phala::u8>(e)}; }
/// In the class: what the runtime sees. In its .cpp: `PALLET_OPS(Balances)`.
#define PALLET_DECLARE_OPS static const ::phala::frame::PalletOps ops;
#define PALLET_OPS(P) constinit const ::phala::frame::PalletOps P::ops = ::phala::frame::make_ops<P>()

namespace detail {
template <class P>
concept HasCalls = requires { typename P::Call; };
template <class P>
concept HasEvents = requires { typename P::Event; };
template <class P>
concept HasErrors = requires { P::error_names; };
template <class P>
concept HasStorage = requires { typename P::Storage; };
template <class P>
concept HasConstants = requires(Constants& c) { P::constants(c); };

void add_entry(metadata::PalletStorage& storage, metadata::StorageEntry entry);
metadata::Type module_type(std::string_view crate, std::string_view kind, metadata::Variant variant);

/// A call's declared weight, and its class and whether it pays where those differ from normal and yes.
template <class P>
DispatchInfo info_of(const void* call) {
  return std::visit([](const auto& c) {
    DispatchInfo info{P::weight(c), DispatchClass::normal, Pays::yes};
    if constexpr (requires { P::class_of(c); }) info.class_ = P::class_of(c);
    if constexpr (requires { P::pays(c); }) info.pays_fee = P::pays(c);
    return info;
  }, static_cast<const typename P::Call*>(call)->value);
}
template <class P>
PHALA_ONCE metadata::Pallet describe_pallet(TypeRegistry& types, const PalletOps& ops) {
  metadata::Pallet out{};
  out.name = P::name;
  out.index = P::index;
  if constexpr (HasStorage<P>) {
    out.storage = metadata::PalletStorage{out.name, {}};
    [&]<class... Items>(std::type_identity<std::tuple<Items...>>) { (add_entry(*out.storage, Items::describe(types)), ...); }(
        std::type_identity<typename P::Storage>{});
  }
  if (ops.call_type) out.calls = metadata::TypeId{ops.call_type(types)};
  if (ops.event_type) out.event = metadata::TypeId{ops.event_type(types)};
  if constexpr (HasConstants<P>) {
    Constants constants(types, out.constants);
    P::constants(constants);
  }
  if constexpr (HasErrors<P>) out.error = metadata::TypeId{types.add(enum_of_names(std::string(P::crate) + "::pallet::Error", P::error_names))};
  return out;
}
/// Tags under which the registry finds a pallet's call and event types again.
template <class P>
struct CallOf {};
template <class P>
struct EventOf {};
}  // namespace detail

template <class P>
struct TypeInfo<detail::CallOf<P>> {
  PHALA_ONCE static metadata::Type describe(TypeRegistry& types) {
    return detail::module_type(P::crate, "Call", {types.variants<typename P::Call, true>()});
  }
};
template <class P>
struct TypeInfo<detail::EventOf<P>> {
  PHALA_ONCE static metadata::Type describe(TypeRegistry& types) { return detail::module_type(P::crate, "Event", {types.variants<typename P::Event>()}); }
};

template <class P>
constexpr PalletOps make_ops() {
  PalletOps ops{};
  ops.name = P::name;
  ops.index = P::index;
  if constexpr (detail::HasCalls<P>) {
    using Call = typename P::Call;
    ops.decode_call = [](scale::Reader& in) -> Result<std::shared_ptr<const void>, scale::CodecError> {
      return std::make_shared<const Call>(TRY(scale::decode_from<Call>(in)));
    };
    ops.encode_call = [](Bytes& out, const void* call) { scale::encode_to(out, *static_cast<const Call*>(call)); };
    ops.info = detail::info_of<P>;
    ops.dispatch = [](void* pallet, const Origin& origin, const void* call) {
      return std::visit([&](const auto& c) -> DispatchResult { return (*static_cast<P*>(pallet))(origin, c); }, static_cast<const Call*>(call)->value);
    };
    ops.call_type = [](TypeRegistry& types) { return types.id<detail::CallOf<P>>(); };
  }
  if constexpr (detail::HasEvents<P>) ops.event_type = [](TypeRegistry& types) { return types.id<detail::EventOf<P>>(); };
  ops.describe = [](TypeRegistry& types) { return detail::describe_pallet<P>(types, P::ops); };
  return ops;
}

}  // namespace phala::frame
