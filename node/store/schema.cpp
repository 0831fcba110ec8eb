#include "store/schema.hpp"

namespace phala::store::schema {

KvStore::Options kv_options(size_t cache_bytes) {
  KvStore::Options out;
  out.columns = {{.name = "meta"},
                 {.name = "state", .version_bytes = version_bytes},
                 {.name = "nodes", .compress = false},
                 {.name = "undo", .version_bytes = version_bytes, .compress = false},
                 {.name = "journal"},
                 {.name = "blocks"},
                 {.name = "bodies"},
                 {.name = "messages"}};
  out.cache_bytes = cache_bytes;
  return out;
}

Bytes escaped(ByteView key) {
  Bytes out;
  out.reserve(key.size() + 8 + version_bytes);
  for (const u8 byte : key) {
    out.push_back(byte);
    if (byte == 0) out.push_back(0xff);
  }
  out.push_back(0);
  out.push_back(1);
  return out;
}

std::optional<Bytes> unescaped(ByteView form) {
  Bytes out;
  out.reserve(form.size());
  for (size_t i = 0; i < form.size(); ++i) {
    if (form[i] != 0) {
      out.push_back(form[i]);
      continue;
    }
    if (++i == form.size()) return std::nullopt;
    if (form[i] == 1) return i + 1 == form.size() ? std::optional(std::move(out)) : std::nullopt;
    if (form[i] != 0xff) return std::nullopt;
    out.push_back(0);
  }
  return std::nullopt;
}

Bytes with_version(ByteView form, BlockNumber block) { return concat(form, be_bytes(static_cast<BlockNumber>(~block))); }

std::optional<Versioned> split_version(ByteView row) {
  if (row.size() < version_bytes) return std::nullopt;
  const ByteView form = row.first(row.size() - version_bytes);
  return Versioned{form, static_cast<BlockNumber>(~load_be<BlockNumber>(form.data() + form.size()))};
}

Bytes after_versions(ByteView form) { return concat(form, Bytes(version_bytes + 1, 0xff)); }

Bytes stored_value(const std::optional<Bytes>& value) {
  if (!value) return {0};
  Bytes out;
  out.reserve(value->size() + 1);
  out.push_back(1);
  append(out, *value);
  return out;
}

std::optional<std::optional<Bytes>> value_of(ByteView stored) {
  if (stored.size() == 1 && stored[0] == 0) return std::optional<Bytes>{};
  if (stored.empty() || stored[0] != 1) return std::nullopt;
  return std::optional(to_bytes(stored.subspan(1)));
}

Bytes place(ByteView path) {
  Bytes out = to_bytes(be_bytes(static_cast<u16>(path.size())));
  for (size_t i = 0; i < path.size(); ++i) {
    if (i % 2 == 0) out.push_back(static_cast<u8>(path[i] << 4));
    else out.back() |= path[i];
  }
  return out;
}

Bytes undo_key(ByteView place, BlockNumber changed_in) { return concat(place, be_bytes(changed_in)); }

static Bytes kind_key(char kind, ByteView rest) {
  Bytes out{static_cast<u8>(kind)};
  append(out, rest);
  return out;
}
Bytes journal_key(char kind, BlockNumber number) { return kind_key(kind, be_bytes(number)); }
Bytes block_key(char kind, BlockNumber number) { return kind_key(kind, be_bytes(number)); }
Bytes hash_key(const Hash& hash) { return kind_key('n', hash); }

}  // namespace phala::store::schema
