#pragma once
// Why: the description of a contract for clients comes from the declarations that also make its code. This header walks them in a
// native build and prints the JSON of ink! metadata version 4, which published clients read. Not part of the wasm build.

#include <map>
#include <set>

#include "phala/contract.hpp"

namespace phala::sdk::metadata {

struct Field {
  std::string name;        ///< empty: unnamed
  u32 type{};
  std::string type_name;   ///< as a reader would write it: "Vec<u8>"
};
struct Variant {
  std::string name;
  std::vector<Field> fields;
  u8 index{};
};
enum class Kind : u8 { primitive, composite, variant, sequence, array, tuple };
/// One entry of the type table (scale-info's shape).
struct Type {
  Kind kind{};
  std::vector<std::string> path;
  std::vector<std::pair<std::string, u32>> parameters;
  std::string primitive;
  std::vector<Field> fields;
  std::vector<Variant> variants;
  std::vector<u32> items;   ///< of a tuple; the one element type of a sequence or array
  u32 length{};
};

struct Argument { std::string label; u32 type{}; std::vector<std::string> display; bool indexed = false; };
struct MessageSpec {
  std::string label;
  Selector selector{};
  bool mutates = false, payable = false, is_default = false;
  std::vector<Argument> arguments;
  u32 return_type{};
  std::string docs;
};
struct EventSpec { std::string label; std::vector<Argument> arguments; };
struct StorageField { std::string name; u32 key{}; u32 type{}; bool own_cell = false; };
struct ContractSpec {
  std::string name;
  std::vector<MessageSpec> constructors, messages;
  std::vector<EventSpec> events;
  std::vector<StorageField> storage;
  u32 lang_error{}, account_id{}, balance{}, hash{}, timestamp{}, block_number{}, no_extension{};
  std::vector<Type> types;
};

/// The JSON document {version, types, storage, spec}.
std::string to_json(const ContractSpec& contract);
/// Path segments of a C++ type as the compiler spells it: "a::(anonymous namespace)::B<int>" → {a, B}.
std::vector<std::string> path_of(std::string_view pretty);
/// The last name in a compiler's spelling of an enumerator; empty when there is none with that value: "(E)7".
std::string_view enumerator_in(std::string_view pretty);

template <class T>
std::string_view spelled() { return __PRETTY_FUNCTION__; }
template <auto V>
std::string_view spelled_value() { return __PRETTY_FUNCTION__; }
template <class T>
std::vector<std::string> type_path() {
  const std::string_view text = spelled<T>();
  const size_t from = text.find("T = ") + 4;
  return path_of(text.substr(from, text.size() - from - 1));
}

/// What the trait below needs of the registry, and what it gives: `describe` and `name` of a type.
class Registry;
template <class T>
struct Describe;

class Registry {
 public:
  /// Index of T in the type table; describes T, and what it is made of, on first use.
  template <class T>
  u32 id() {
    if constexpr (OwnCell<T>) return id<typename T::Value>();   // shown to clients as the type of its values
    else return own_id<T>();
  }
  std::vector<Type> take() { return std::move(types_); }

 private:
  template <class T>
  u32 own_id() {
    static const char key = 0;   // one address per T
    const auto [at, is_new] = ids_.try_emplace(&key, static_cast<u32>(types_.size()));
    const u32 id = at->second;
    if (is_new) {
      types_.emplace_back();
      Type type = Describe<T>::type(*this);
      types_[id] = std::move(type);
    }
    return id;
  }

  std::map<const void*, u32> ids_;
  std::vector<Type> types_;
};

/// "Vec<u8>" and the like.
template <class T>
std::string name_of() { return Describe<T>::name(); }
/// The name without its parameters, as clients show it: {"Vec"}; nothing for tuples and arrays.
template <class T>
std::vector<std::string> display_of() {
  const std::string name = name_of<T>();
  if (name.empty() || name[0] == '(' || name[0] == '[') return {};
  return {name.substr(0, name.find('<'))};
}

template <class T>
Field unnamed(Registry& r) { return {"", r.id<T>(), name_of<T>()}; }

// ---- primitives --------------------------------------------------------------------------------------------------
template <class T>
constexpr std::string_view primitive_name() {
  if constexpr (std::is_same_v<T, bool>) return "bool";
  else if constexpr (std::is_same_v<T, std::string>) return "str";
  else {
    constexpr bool is_signed = static_cast<T>(-1) < static_cast<T>(0);
    constexpr std::string_view names[2][5] = {{"u8", "u16", "u32", "u64", "u128"}, {"i8", "i16", "i32", "i64", "i128"}};
    constexpr size_t width = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : sizeof(T) == 8 ? 3 : 4;
    return names[is_signed][width];
  }
}
template <class T>
  requires(scale::Integer<T> || std::is_same_v<T, bool> || std::is_same_v<T, std::string>)
struct Describe<T> {
  static std::string name() { return std::is_same_v<T, std::string> ? "String" : std::string(primitive_name<T>()); }
  static Type type(Registry&) { return {.kind = Kind::primitive, .primitive = std::string(primitive_name<T>())}; }
};

// ---- sequences, arrays, tuples -----------------------------------------------------------------------------------
template <class T>
struct Describe<std::vector<T>> {
  static std::string name() { return "Vec<" + name_of<T>() + ">"; }
  static Type type(Registry& r) { return {.kind = Kind::sequence, .items = {r.id<T>()}}; }
};
template <class T, size_t N>
struct Describe<std::array<T, N>> {
  static std::string name() { return "[" + name_of<T>() + "; " + std::to_string(N) + "]"; }
  static Type type(Registry& r) { return {.kind = Kind::array, .items = {r.id<T>()}, .length = N}; }
};
/// Accounts and hashes carry the path by which clients know them.
template <size_t N, class Tag>
struct Describe<FixedBytes<N, Tag>> {
  static constexpr bool is_account = std::is_same_v<FixedBytes<N, Tag>, AccountId>, is_hash = std::is_same_v<FixedBytes<N, Tag>, Hash>;
  static std::string name() { return is_account ? "AccountId" : is_hash ? "Hash" : name_of<std::array<u8, N>>(); }
  static Type type(Registry& r) {
    if constexpr (is_account || is_hash)
      return {.kind = Kind::composite, .path = {"ink_primitives", "types", name()}, .fields = {unnamed<std::array<u8, N>>(r)}};
    else
      return Describe<std::array<u8, N>>::type(r);
  }
};
template <class... T>
struct Describe<std::tuple<T...>> {
  static std::string name() {
    std::string out;
    ((out += (out.empty() ? "" : ", ") + name_of<T>()), ...);
    return "(" + out + ")";
  }
  static Type type(Registry& r) { return {.kind = Kind::tuple, .items = {r.id<T>()...}}; }
};
template <class A, class B>
struct Describe<std::pair<A, B>> : Describe<std::tuple<A, B>> {};
template <>
struct Describe<void> : Describe<std::tuple<>> {};

// ---- Option, Result ----------------------------------------------------------------------------------------------
template <class T>
struct Describe<std::optional<T>> {
  static std::string name() { return "Option<" + name_of<T>() + ">"; }
  static Type type(Registry& r) {
    const u32 t = r.id<T>();
    return {.kind = Kind::variant, .path = {"Option"}, .parameters = {{"T", t}}, .variants = {{"None", {}, 0}, {"Some", {{"", t, ""}}, 1}}};
  }
};
template <class T, class E>
struct Describe<Result<T, E>> {
  static std::string name() { return "Result<" + name_of<T>() + ", " + name_of<E>() + ">"; }
  static Type type(Registry& r) {
    const u32 t = r.id<T>(), e = r.id<E>();
    return {.kind = Kind::variant, .path = {"Result"}, .parameters = {{"T", t}, {"E", e}},
            .variants = {{"Ok", {{"", t, ""}}, 0}, {"Err", {{"", e, ""}}, 1}}};
  }
};

// ---- enums -------------------------------------------------------------------------------------------------------
/// A plain enum: its names come from the compiler, its members are those that is_valid accepts.
template <class T>
  requires std::is_enum_v<T>
struct Describe<T> {
  static std::string name() { return type_path<T>().back(); }
  static Type type(Registry&) {
    Type out{.kind = Kind::variant, .path = type_path<T>()};
    add(out, std::make_index_sequence<256>{});
    return out;
  }

 private:
  template <size_t... I>
  static void add(Type& out, std::index_sequence<I...>) { (add_one<static_cast<T>(I)>(out), ...); }
  template <T V>
  static void add_one(Type& out) {
    if (!is_valid(V)) return;
    const std::string_view name = enumerator_in(spelled_value<V>());
    if (!name.empty()) out.variants.push_back({std::string(name), {}, static_cast<u8>(V)});
  }
};

/// Members of a described struct; one called _0, _1 … has no name.
template <class T>
std::vector<Field> fields_of(Registry& r) {
  std::vector<Field> out;
  T* none = nullptr;
  const auto add = [&]<class F>(std::type_identity<F>) {
    std::string name(scale::field_names<T>()[out.size()]);
    if (name.size() == 2 && name[0] == '_') name.clear();
    out.push_back({std::move(name), r.id<F>(), name_of<F>()});
  };
  using Types = decltype(T::phala_visit(*none, []<class... F>(F&...) { return List<std::remove_const_t<F>...>{}; }));
  [&]<class... F>(List<F...>) { (add(std::type_identity<F>{}), ...); }(Types{});
  return out;
}

template <scale::Described T>
struct Describe<T> {
  static std::string name() { return std::string(scale::type_name<T>()); }
  static Type type(Registry& r) { return {.kind = Kind::composite, .path = type_path<T>(), .fields = fields_of<T>(r)}; }
};

/// An Enum of structs. One that derives from Enum has a name of its own.
template <scale::IsTaggedEnum T>
struct Describe<T> {
  static std::string name() { return type_path<T>().back(); }
  static Type type(Registry& r) {
    Type out{.kind = Kind::variant, .path = type_path<T>()};
    add(out, r, std::make_index_sequence<std::variant_size_v<decltype(T::value)>>{});
    return out;
  }

 private:
  template <size_t... I>
  static void add(Type& out, Registry& r, std::index_sequence<I...>) {
    (out.variants.push_back(one<std::variant_alternative_t<I, decltype(T::value)>>(r, T::indices[I])), ...);
  }
  template <class A>
  static Variant one(Registry& r, u8 index) {
    if constexpr (scale::Described<A>) return {std::string(scale::type_name<A>()), fields_of<A>(r), index};
    else return {name_of<A>(), {unnamed<A>(r)}, index};
  }
};

/// What clients call the failure to read a call.
struct LangError {};
template <>
struct Describe<LangError> {
  static std::string name() { return "LangError"; }
  static Type type(Registry&) { return {.kind = Kind::variant, .path = {"ink_primitives", "LangError"}, .variants = {{"CouldNotReadInput", {}, 1}}}; }
};
struct NoChainExtension {};
template <>
struct Describe<NoChainExtension> {
  static std::string name() { return "ChainExtension"; }
  static Type type(Registry&) { return {.kind = Kind::variant, .path = {"ink_env", "types", "NoChainExtension"}}; }
};

// ---- the contract ------------------------------------------------------------------------------------------------
template <class M>
std::vector<Argument> arguments_of(Registry& r) {
  std::vector<Argument> out;
  M* none = nullptr;
  using Types = decltype(M::phala_visit(*none, []<class... F>(F&...) { return List<std::remove_const_t<F>...>{}; }));
  const auto add = [&]<class F>(std::type_identity<F>) {
    const std::string name(scale::field_names<M>()[out.size()]);
    out.push_back({name, r.id<F>(), display_of<F>(), detail::is_topic<M>(name)});
  };
  [&]<class... F>(List<F...>) { (add(std::type_identity<F>{}), ...); }(Types{});
  return out;
}

template <class M>
MessageSpec message_of(Registry& r, const Message& m) {
  return {.label = std::string(m.label), .selector = m.selector, .payable = m.is_payable, .is_default = m.is_default,
          .arguments = arguments_of<M>(r), .docs = std::string(m.docs)};
}

template <class C, class M>
MessageSpec constructor_of(Registry& r) {
  auto out = message_of<M>(r, M::constructor);
  using R = decltype(std::declval<C&>()(std::declval<const M&>()));
  out.return_type = r.id<Result<R, LangError>>();
  return out;
}

template <class C>
ContractSpec describe() {
  Registry r;
  ContractSpec out;
  out.name = scale::type_name<C>();
  for (size_t i = 0; const Field& field : fields_of<C>(r)) {
    out.storage.push_back({field.name, Fields<C>::keys[i++], field.type, false});
  }
  C* none = nullptr;
  C::phala_visit(*none, [&]<class... F>(F&...) {
    size_t i = 0;
    ((out.storage[i++].own_cell = OwnCell<F>), ...);
  });
  for (auto& field : out.storage)
    if (!field.own_cell) field.key = 0;
  [&]<class... M>(List<M...>) { (out.constructors.push_back(constructor_of<C, M>(r)), ...); }(typename C::Constructors{});
  [&]<class... M>(List<M...>) {
    const auto add = [&]<class One>(std::type_identity<One>) {
      auto spec = message_of<One>(r, One::message);
      spec.mutates = !detail::Reads<C, One> || One::message.is_mutating;
      spec.return_type = r.id<Result<typename One::Returns, LangError>>();
      out.messages.push_back(std::move(spec));
    };
    (add(std::type_identity<M>{}), ...);
  }(typename C::Messages{});
  [&]<class... E>(List<E...>) { (out.events.push_back({std::string(scale::type_name<E>()), arguments_of<E>(r)}), ...); }(typename C::Events{});
  out.lang_error = r.id<LangError>();
  out.account_id = r.id<AccountId>();
  out.balance = r.id<Balance>();
  out.hash = r.id<Hash>();
  out.timestamp = r.id<Timestamp>();
  out.block_number = r.id<BlockNumber>();
  out.no_extension = r.id<NoChainExtension>();
  out.types = r.take();
  return out;
}

template <OwnCell F>
struct Describe<F> : Describe<typename F::Value> {};

int print(const std::string& text);
template <class C>
int print_metadata() { return print(to_json(describe<C>())); }

}  // namespace phala::sdk::metadata

namespace phala::sdk {
using metadata::print_metadata;
}
