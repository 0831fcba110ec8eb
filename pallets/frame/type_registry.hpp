#pragma once
// Why: wallets learn every type of the chain from its metadata. The registry derives them from the declarations of the types
// themselves, so that metadata can never disagree with what is encoded. Paths that clients look for are frozen below and
// by a golden test (tests/golden/metadata).

#include <map>

#include "frame/dispatch.hpp"
#include "metadata/v14.hpp"
#include "primitives/extrinsic.hpp"

namespace phala::frame {

/// Describing runs once in the life of a process: small code, quickly compiled.
#define PHALA_ONCE __attribute__((cold, noinline, minsize))

class TypeRegistry;

/// How T appears in metadata. Specialise for types that are not covered by the cases below.
template <class T>
struct TypeInfo;

/// "phala::protocol::WorkerEvent" → "phala::protocol::WorkerEvent": the default path of a type.
template <class T>
constexpr std::string_view qualified_name() {
  std::string_view text = __PRETTY_FUNCTION__;
  text.remove_prefix(text.find("T = ") + 4);
  return text.substr(0, text.find_first_of("<;]"));
}
/// The path under which clients know a type. Specialise to freeze one.
template <class T>
inline constexpr std::string_view type_path = qualified_name<T>();
/// The name of a variant; specialise where the struct's own name differs.
template <class T>
inline constexpr std::string_view variant_name = scale::type_name<T>();
/// Variants and wrappers whose fields have positions, not names.
template <class T>
inline constexpr bool unnamed_fields = false;
/// Names of an `enum class X : u8`, comma separated.
template <class T>
inline constexpr std::string_view enumerators = "";

/// "TransferKeepAlive" → "transfer_keep_alive"; a capital, or a digit after a letter kept as in "V2" → "_v2".
std::string snake_case(std::string_view pascal);
std::vector<std::string> split_names(std::string_view comma_separated);
std::vector<std::string> split_path(std::string_view path);

/// Builds the portable registry: ids are positions, each type once, types may refer to themselves.
class TypeRegistry {
 public:
  template <class T>
  PHALA_ONCE u32 id() {
    if (const auto known = find(&key<T>)) return *known;
    const u32 at = reserve(&key<T>);
    types_[at].type = TypeInfo<T>::describe(*this);
    return at;
  }
  /// A type that exists in metadata only, by a name of its own.
  u32 add(metadata::Type type);
  const std::vector<metadata::PortableType>& types() const { return types_; }

  /// One field per member of a described struct.
  template <scale::Described T>
  PHALA_ONCE std::vector<metadata::Field> fields() {
    if constexpr (scale::field_count<T>() == 0) {
      return {};
    } else {
      static constexpr auto names = scale::field_names<T>();
      T sample{};
      return scale::visit_fields(sample, [this]<class... F>(const F&...) {
        const u32 ids[] = {this->template id<F>()...};
        return make_fields(unnamed_fields<T> ? std::span<const std::string_view>() : std::span<const std::string_view>(names), ids);
      });
    }
  }
  /// The variants of an Enum; names of calls are in snake case.
  template <class E, bool Snake = false>
  std::vector<metadata::VariantItem> variants() {
    return variants_of<E, Snake>(std::make_index_sequence<std::variant_size_v<decltype(E::value)>>{});
  }

 private:
  template <class T>
  static constexpr char key = 0;
  std::optional<u32> find(const void* key_of_type) const;
  u32 reserve(const void* key_of_type);

  template <class E, bool Snake, size_t... I>
  PHALA_ONCE std::vector<metadata::VariantItem> variants_of(std::index_sequence<I...>) {
    std::vector<metadata::VariantItem> out;
    (add_variant<std::variant_alternative_t<I, decltype(E::value)>>(out, E::indices[I], Snake), ...);
    return out;
  }
  template <class A>
  PHALA_ONCE void add_variant(std::vector<metadata::VariantItem>& out, u8 index, bool snake) {
    if constexpr (scale::Described<A>) push_variant(out, variant_name<A>, index, snake, fields<A>());
    else push_variant(out, variant_name<A>, index, snake, make_fields({}, std::array{id<A>()}));
  }
  /// Without names: fields by position.
  static std::vector<metadata::Field> make_fields(std::span<const std::string_view> names, std::span<const u32> ids);
  static void push_variant(std::vector<metadata::VariantItem>& out, std::string_view name, u8 index, bool snake, std::vector<metadata::Field> fields);

  std::vector<metadata::PortableType> types_;
  std::map<const void*, u32> ids_;
};

// ---- the cases ----------------------------------------------------------------------------------------------------
namespace detail {
metadata::Type plain(std::string_view path, metadata::TypeDef def);
metadata::Type byte_array(TypeRegistry& types, u32 size, std::string_view path);
metadata::Type enum_of_names(std::string_view path, std::string_view names);
metadata::Type option_of(u32 inner);
metadata::StorageEntry plain_entry(std::string_view name, bool optional, u32 value, Bytes fallback);
metadata::StorageEntry map_entry(std::string_view name, bool optional, std::initializer_list<metadata::Hasher> hashers, u32 key, u32 value, Bytes fallback);
}  // namespace detail

template <metadata::Primitive P>
struct PrimitiveInfo {
  PHALA_ONCE static metadata::Type describe(TypeRegistry&) { return detail::plain("", P); }
};
template <> struct TypeInfo<bool> : PrimitiveInfo<metadata::Primitive::bool_> {};
template <> struct TypeInfo<std::string> : PrimitiveInfo<metadata::Primitive::str> {};
template <> struct TypeInfo<u8> : PrimitiveInfo<metadata::Primitive::u8_> {};
template <> struct TypeInfo<u16> : PrimitiveInfo<metadata::Primitive::u16_> {};
template <> struct TypeInfo<u32> : PrimitiveInfo<metadata::Primitive::u32_> {};
template <> struct TypeInfo<u64> : PrimitiveInfo<metadata::Primitive::u64_> {};
template <> struct TypeInfo<u128> : PrimitiveInfo<metadata::Primitive::u128_> {};

template <class T>
  requires std::is_enum_v<T>
struct TypeInfo<T> {
  PHALA_ONCE static metadata::Type describe(TypeRegistry&) { return detail::enum_of_names(type_path<T>, enumerators<T>); }
};
template <class T>
struct TypeInfo<Compact<T>> {
  PHALA_ONCE static metadata::Type describe(TypeRegistry& types) { return detail::plain("", metadata::CompactOf{types.id<T>()}); }
};
template <class T>
struct TypeInfo<std::vector<T>> {
  PHALA_ONCE static metadata::Type describe(TypeRegistry& types) { return detail::plain("", metadata::Sequence{types.id<T>()}); }
};
template <class T, size_t N>
struct TypeInfo<std::array<T, N>> {
  PHALA_ONCE static metadata::Type describe(TypeRegistry& types) { return detail::plain("", metadata::Array{N, types.id<T>()}); }
};
template <size_t N, class Tag>
struct TypeInfo<FixedBytes<N, Tag>> {
  PHALA_ONCE static metadata::Type describe(TypeRegistry& types) { return detail::byte_array(types, N, type_path<FixedBytes<N, Tag>>); }
};
template <class T>
struct TypeInfo<std::optional<T>> {
  PHALA_ONCE static metadata::Type describe(TypeRegistry& types) { return detail::option_of(types.id<T>()); }
};
template <class... T>
struct TypeInfo<std::tuple<T...>> {
  PHALA_ONCE static metadata::Type describe(TypeRegistry& types) { return detail::plain("", metadata::Tuple{{metadata::TypeId{types.id<T>()}...}}); }
};
template <class A, class B>
struct TypeInfo<std::pair<A, B>> : TypeInfo<std::tuple<A, B>> {};
template <class K, class V, class Less>
struct TypeInfo<std::map<K, V, Less>> {
  PHALA_ONCE static metadata::Type describe(TypeRegistry& types) { return detail::plain("", metadata::Sequence{types.id<std::pair<K, V>>()}); }
};
template <scale::Described T>
struct TypeInfo<T> {
  PHALA_ONCE static metadata::Type describe(TypeRegistry& types) { return detail::plain(type_path<T>, metadata::Composite{types.fields<T>()}); }
};
template <scale::IsTaggedEnum T>
struct TypeInfo<T> {
  PHALA_ONCE static metadata::Type describe(TypeRegistry& types) { return detail::plain(type_path<T>, metadata::Variant{types.variants<T>()}); }
};
template <> struct TypeInfo<Weight> { static metadata::Type describe(TypeRegistry&); };
template <> struct TypeInfo<DispatchError> { static metadata::Type describe(TypeRegistry&); };
template <> struct TypeInfo<RuntimeCall> { static metadata::Type describe(TypeRegistry&); };
template <> struct TypeInfo<MultiAddress> { static metadata::Type describe(TypeRegistry&); };
template <> struct TypeInfo<Era> { static metadata::Type describe(TypeRegistry&); };
template <> struct TypeInfo<Result<void, DispatchError>> { static metadata::Type describe(TypeRegistry&); };

// ---- frozen paths -------------------------------------------------------------------------------------------------
template <size_t N, class Tag> inline constexpr std::string_view type_path<FixedBytes<N, Tag>> = "";
template <> inline constexpr std::string_view type_path<Hash> = "primitive_types::H256";
template <> inline constexpr std::string_view type_path<AccountId> = "sp_core::crypto::AccountId32";
template <> inline constexpr std::string_view type_path<PublicKey> = "sp_core::sr25519::Public";
template <> inline constexpr std::string_view type_path<crypto::Signature> = "sp_core::sr25519::Signature";
template <> inline constexpr std::string_view type_path<crypto::EcdsaSignature> = "sp_core::ecdsa::Signature";
template <> inline constexpr std::string_view type_path<MultiAddress> = "sp_runtime::multiaddress::MultiAddress";
template <> inline constexpr std::string_view type_path<MultiSignature> = "sp_runtime::MultiSignature";
template <> inline constexpr std::string_view type_path<Digest> = "sp_runtime::generic::digest::Digest";
template <> inline constexpr std::string_view type_path<DigestItem> = "sp_runtime::generic::digest::DigestItem";
template <> inline constexpr std::string_view type_path<DispatchInfo> = "frame_support::dispatch::DispatchInfo";
template <> inline constexpr std::string_view type_path<DispatchClass> = "frame_support::dispatch::DispatchClass";
template <> inline constexpr std::string_view type_path<Pays> = "frame_support::dispatch::Pays";
template <> inline constexpr std::string_view type_path<TokenError> = "sp_runtime::TokenError";
template <> inline constexpr std::string_view type_path<ArithmeticError> = "sp_arithmetic::ArithmeticError";
template <> inline constexpr std::string_view type_path<RawOrigin> = "frame_support::dispatch::RawOrigin";
template <> inline constexpr std::string_view type_path<OriginCaller> = "phala_runtime::OriginCaller";
template <> inline constexpr std::string_view enumerators<DispatchClass> = "Normal, Operational, Mandatory";
template <> inline constexpr std::string_view enumerators<Pays> = "Yes, No";
template <> inline constexpr std::string_view enumerators<TokenError> =
    "FundsUnavailable, OnlyProvider, BelowMinimum, CannotCreate, UnknownAsset, Frozen, Unsupported, CannotCreateHold, NotExpendable, Blocked";
template <> inline constexpr std::string_view enumerators<ArithmeticError> = "Underflow, Overflow, DivisionByZero";
template <> inline constexpr std::string_view variant_name<RawOrigin> = "system";
template <> inline constexpr bool unnamed_fields<Signed> = true;
template <> inline constexpr bool unnamed_fields<address::Id> = true;
template <> inline constexpr bool unnamed_fields<address::Index> = true;
template <> inline constexpr bool unnamed_fields<address::Raw> = true;
template <> inline constexpr bool unnamed_fields<address::Address32> = true;
template <> inline constexpr bool unnamed_fields<address::Address20> = true;
template <> inline constexpr bool unnamed_fields<signature::Ed25519> = true;
template <> inline constexpr bool unnamed_fields<signature::Sr25519> = true;
template <> inline constexpr bool unnamed_fields<signature::Ecdsa> = true;
template <> inline constexpr bool unnamed_fields<digest::Other> = true;
template <> inline constexpr bool unnamed_fields<digest::Consensus> = true;
template <> inline constexpr bool unnamed_fields<digest::Seal> = true;
template <> inline constexpr bool unnamed_fields<digest::PreRuntime> = true;

}  // namespace phala::frame
