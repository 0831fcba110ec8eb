#include "trie/node.hpp"

#include "crypto/hash.hpp"
#include "scale/codec.hpp"

namespace phala::trie::detail {
namespace {

/// The format's own limit for a partial key.
constexpr size_t max_partial = 65535;

class Input {
 public:
  explicit Input(ByteView bytes) : rest_(bytes) {}
  bool take(size_t n, ByteView& out) {
    if (n > rest_.size()) return false;
    out = rest_.first(n);
    rest_ = rest_.subspan(n);
    return true;
  }
  bool take_sized(ByteView& out) {
    scale::Reader reader(rest_);
    const auto size = reader.compact();
    if (!size || *size > reader.left()) return false;
    rest_ = reader.rest();
    return take(static_cast<size_t>(*size), out);
  }
  bool empty() const { return rest_.empty(); }

 private:
  ByteView rest_;
};

bool take_partial_size(Input& in, u8 first, size_t& size) {
  size = first & 0x3f;
  if (size < 0x3f) return true;
  for (size = 62; size <= max_partial;) {
    ByteView more;
    if (!in.take(1, more)) return false;
    if (more[0] < 255) {
      size += more[0] + 1u;
      return size <= max_partial;
    }
    size += 255;
  }
  return false;
}

}  // namespace

size_t common_prefix(Nibbles a, Nibbles b) {
  const size_t n = std::min(a.count, b.count);
  size_t i = 0;
  if ((a.from ^ b.from) % 2 == 0) {   // the same halves of bytes: compare bytes
    if (a.from % 2 == 1 && n > 0) {
      if (a[0] != b[0]) return 0;
      i = 1;
    }
    const u8* left = a.bytes + (a.from + i) / 2;
    const u8* right = b.bytes + (b.from + i) / 2;
    for (; i + 16 <= n && std::memcmp(left, right, 8) == 0; i += 16, left += 8, right += 8) {}
    for (; i + 2 <= n && *left == *right; i += 2, ++left, ++right) {}
  }
  while (i < n && a[i] == b[i]) ++i;
  return i;
}

void write_nibbles(u8* bytes, size_t to, Nibbles source) {
  size_t i = 0;
  const auto put = [&](size_t at, unsigned nibble) {
    u8& byte = bytes[at / 2];
    byte = static_cast<u8>(at % 2 == 0 ? (byte & 15) | nibble << 4 : (byte & 0xf0) | nibble);
  };
  if ((source.from ^ to) % 2 == 0) {
    if (to % 2 == 1 && source.count > 0) {
      put(to, source[0]);
      i = 1;
    }
    const size_t whole = (source.count - i) / 2;
    if (whole > 0) std::memcpy(bytes + (to + i) / 2, source.bytes + (source.from + i) / 2, whole);
    i += whole * 2;
  }
  for (; i < source.count; ++i) put(to + i, source[i]);
}

Reference reference_of(ByteView encoding) {
  Reference out;
  if (encoding.size() < hash_size) {
    out.size = static_cast<u8>(encoding.size());
    std::copy(encoding.begin(), encoding.end(), out.bytes.begin());
  } else {
    out.size = hash_size;
    out.bytes = crypto::blake2_256(encoding);
  }
  return out;
}

void append_compact(Bytes& out, size_t value) {
  if (value < 64) out.push_back(static_cast<u8>(value << 2));
  else scale::encode_compact(out, value);
}

void append_header(Bytes& out, Kind kind, Nibbles partial) {
  const u8 prefix = static_cast<u8>(kind);
  if (partial.count < 63) {
    out.push_back(static_cast<u8>(prefix | partial.count));
  } else {
    out.push_back(prefix | 63);
    size_t rest = partial.count - 62;
    for (; rest >= 256; rest -= 255) out.push_back(255);
    out.push_back(static_cast<u8>(rest - 1));
  }
  const size_t at = out.size();
  out.resize(at + (partial.count + 1) / 2);   // zeros, so the padding is right
  write_nibbles(out.data() + at, partial.count % 2, partial);
}

Result<NodeView, std::string_view> decode_node(ByteView encoding) {
  Input in(encoding);
  NodeView node;
  ByteView first, raw;
  if (!in.take(1, first)) return fail(std::string_view("it is empty"));
  const unsigned kind = first[0] & 0xc0;
  if (kind == 0) return fail(std::string_view("its header is none of state version 0"));
  size_t nibbles = 0;
  if (!take_partial_size(in, first[0], nibbles)) return fail(std::string_view("the length of its partial key is cut off or too large"));
  if (!in.take((nibbles + 1) / 2, raw)) return fail(std::string_view("its partial key is cut off"));
  if (nibbles % 2 == 1 && raw[0] >> 4 != 0) return fail(std::string_view("the padding of its partial key is not zero"));
  node.partial = {raw.data(), nibbles % 2, nibbles};
  node.has_value = kind != static_cast<u8>(Kind::branch);
  if (kind != static_cast<u8>(Kind::leaf)) {
    if (!in.take(2, raw)) return fail(std::string_view("its bitmap of children is cut off"));
    node.bitmap = raw[0] | static_cast<unsigned>(raw[1]) << 8;
    if (std::popcount(node.bitmap) < (node.has_value ? 1 : 2)) return fail(std::string_view("it is a branch with too few children"));
  }
  if (node.has_value && !in.take_sized(node.value)) return fail(std::string_view("its value is cut off"));
  for (unsigned i = 0; i < 16; ++i) {
    if ((node.bitmap >> i & 1) == 0) continue;
    if (!in.take_sized(node.children[i])) return fail(std::string_view("a child is cut off"));
    if (node.children[i].empty() || node.children[i].size() > hash_size) return fail(std::string_view("a child is neither a hash nor a shorter node"));
  }
  if (!in.empty()) return fail(std::string_view("bytes follow its end"));
  return node;
}

Answer ask(const NodeView& node, ByteView key, size_t depth) {
  const Nibbles rest = Nibbles::of_key(key, depth);
  if (rest.count < node.partial.count || common_prefix(node.partial, rest) < node.partial.count) return {};
  depth += node.partial.count;
  if (depth == key.size() * 2) {
    if (!node.has_value) return {};
    return {Answer::present, node.value, {}, depth};
  }
  const ByteView child = node.children[Nibbles::nibble(key.data(), depth)];
  if (child.empty()) return {};
  return {Answer::descend, {}, child, depth + 1};
}

}  // namespace phala::trie::detail
