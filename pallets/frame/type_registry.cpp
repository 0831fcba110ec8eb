#include "frame/type_registry.hpp"

#include "frame/pallet.hpp"

namespace phala::frame {

namespace {
bool upper(char c) { return c >= 'A' && c <= 'Z'; }
char lower(char c) { return upper(c) ? static_cast<char>(c + 32) : c; }
}  // namespace

std::string snake_case(std::string_view pascal) {
  std::string out;
  for (size_t i = 0; i < pascal.size(); ++i) {
    // a run of capitals is one word: "SyncIAS" → "sync_ias"
    const bool starts_word = upper(pascal[i]) && i > 0 && (!upper(pascal[i - 1]) || (i + 1 < pascal.size() && !upper(pascal[i + 1])));
    if (starts_word && out.back() != '_') out += '_';
    out += lower(pascal[i]);
  }
  return out;
}

std::vector<std::string> split_names(std::string_view text) {
  std::vector<std::string> out;
  for (size_t from = 0; from < text.size();) {
    size_t to = std::min(text.find(',', from), text.size());
    std::string_view one = text.substr(from, to - from);
    while (!one.empty() && one.front() == ' ') one.remove_prefix(1);
    while (!one.empty() && one.back() == ' ') one.remove_suffix(1);
    if (!one.empty()) out.emplace_back(one);
    from = to + 1;
  }
  return out;
}

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> out;
  for (size_t from = 0; from < path.size();) {
    const size_t to = std::min(path.find("::", from), path.size());
    out.emplace_back(path.substr(from, to - from));
    from = to + 2;
  }
  return out;
}

std::optional<u32> TypeRegistry::find(const void* key_of_type) const {
  const auto at = ids_.find(key_of_type);
  return at == ids_.end() ? std::nullopt : std::optional(at->second);
}
u32 TypeRegistry::reserve(const void* key_of_type) {
  const u32 at = static_cast<u32>(types_.size());
  ids_.emplace(key_of_type, at);
  types_.push_back({{at}, {}});
  return at;
}
u32 TypeRegistry::add(metadata::Type type) {
  const u32 at = static_cast<u32>(types_.size());
  types_.push_back({{at}, std::move(type)});
  return at;
}

std::vector<metadata::Field> TypeRegistry::make_fields(std::span<const std::string_view> names, std::span<const u32> ids) {
  std::vector<metadata::Field> out;
  for (size_t i = 0; i < ids.size(); ++i) out.push_back({names.empty() ? std::nullopt : std::optional(std::string(names[i])), {ids[i]}, {}, {}});
  return out;
}
void TypeRegistry::push_variant(std::vector<metadata::VariantItem>& out, std::string_view name, u8 index, bool snake, std::vector<metadata::Field> fields) {
  out.push_back({snake ? snake_case(name) : std::string(name), std::move(fields), index, {}});
}

namespace detail {
metadata::StorageEntry plain_entry(std::string_view name, bool optional, u32 value, Bytes fallback) {
  return {std::string(name), static_cast<u8>(optional ? 0 : 1), metadata::PlainEntry{value}, std::move(fallback), {}};
}
metadata::StorageEntry map_entry(std::string_view name, bool optional, std::initializer_list<metadata::Hasher> hashers, u32 key, u32 value, Bytes fallback) {
  return {std::string(name), static_cast<u8>(optional ? 0 : 1), metadata::MapEntry{hashers, {key}, {value}}, std::move(fallback), {}};
}

metadata::Type plain(std::string_view path, metadata::TypeDef def) { return {split_path(path), {}, std::move(def), {}}; }

metadata::Type byte_array(TypeRegistry& types, u32 size, std::string_view path) {
  const metadata::Array array{size, {types.id<u8>()}};
  if (path.empty()) return plain("", array);
  return plain(path, metadata::Composite{{{{}, {types.add(plain("", array))}, {}, {}}}});
}

metadata::Type enum_of_names(std::string_view path, std::string_view names) {
  metadata::Variant variant;
  for (auto& name : split_names(names)) variant.variants.push_back({std::move(name), {}, static_cast<u8>(variant.variants.size()), {}});
  return plain(path, std::move(variant));
}

metadata::Type option_of(u32 inner) {
  metadata::Type out = plain("Option", metadata::Variant{{{"None", {}, 0, {}}, {"Some", {{{}, {inner}, {}, {}}}, 1, {}}}});
  out.params.push_back({"T", metadata::TypeId{inner}});
  return out;
}
}  // namespace detail

metadata::Type TypeInfo<Weight>::describe(TypeRegistry& types) {
  const u32 compact = types.id<Compact<u64>>();
  return detail::plain("sp_weights::weight_v2::Weight", metadata::Composite{{{"ref_time", {compact}, {}, {}}, {"proof_size", {compact}, {}, {}}}});
}

metadata::Type TypeInfo<DispatchError>::describe(TypeRegistry& types) {
  const u32 module = types.add(detail::plain("sp_runtime::ModuleError", metadata::Composite{{{"index", {types.id<u8>()}, {}, {}}, {"error", {types.id<std::array<u8, 4>>()}, {}, {}}}}));
  const u32 transactional = types.add(detail::enum_of_names("sp_runtime::TransactionalError", "LimitReached, NoLayer"));
  metadata::Variant variant;
  for (auto& name : split_names("Other, CannotLookup, BadOrigin, Module, ConsumerRemaining, NoProviders, TooManyConsumers, Token, Arithmetic, Transactional, Exhausted, Corruption, Unavailable")) {
    std::vector<metadata::Field> fields;
    if (name == "Module") fields = {{{}, {module}, {}, {}}};
    if (name == "Token") fields = {{{}, {types.id<TokenError>()}, {}, {}}};
    if (name == "Arithmetic") fields = {{{}, {types.id<ArithmeticError>()}, {}, {}}};
    if (name == "Transactional") fields = {{{}, {transactional}, {}, {}}};
    variant.variants.push_back({std::move(name), std::move(fields), static_cast<u8>(variant.variants.size()), {}});
  }
  return detail::plain("sp_runtime::DispatchError", std::move(variant));
}

metadata::Type TypeInfo<Result<void, DispatchError>>::describe(TypeRegistry& types) {
  const u32 ok = types.id<std::tuple<>>(), err = types.id<DispatchError>();
  metadata::Type out = detail::plain("Result", metadata::Variant{{{"Ok", {{{}, {ok}, {}, {}}}, 0, {}}, {"Err", {{{}, {err}, {}, {}}}, 1, {}}}});
  out.params = {{"T", metadata::TypeId{ok}}, {"E", metadata::TypeId{err}}};
  return out;
}

metadata::Type TypeInfo<RuntimeCall>::describe(TypeRegistry& types) {
  metadata::Variant variant;
  for (const PalletOps* ops : all_pallets())
    if (ops->call_type) variant.variants.push_back({std::string(ops->name), {{{}, {ops->call_type(types)}, {}, {}}}, ops->index, {}});
  return detail::plain("phala_runtime::RuntimeCall", std::move(variant));
}

metadata::Type TypeInfo<MultiAddress>::describe(TypeRegistry& types) {
  // clients learn the kind of account from the first parameter
  const u32 account = types.id<AccountId>(), account_index = types.id<u32>();
  metadata::Type out = detail::plain(type_path<MultiAddress>, metadata::Variant{types.variants<MultiAddress>()});
  out.params = {{"AccountId", metadata::TypeId{account}}, {"AccountIndex", metadata::TypeId{account_index}}};
  return out;
}

metadata::Type TypeInfo<Era>::describe(TypeRegistry& types) {
  // clients decode eras by this very shape: variant k > 0 is the first byte k followed by one more
  metadata::Variant variant;
  variant.variants.push_back({"Immortal", {}, 0, {}});
  for (unsigned i = 1; i < 256; ++i) variant.variants.push_back({"Mortal" + std::to_string(i), {{{}, {types.id<u8>()}, {}, {}}}, static_cast<u8>(i), {}});
  return detail::plain("sp_runtime::generic::era::Era", std::move(variant));
}

}  // namespace phala::frame
