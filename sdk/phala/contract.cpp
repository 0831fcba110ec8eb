#include "phala/contract.hpp"

namespace phala::sdk::detail {

static const u8 root_key[4] = {};

Bytes field_key(u32 root) {
  Bytes key(4);
  store_le(key.data(), root);
  return key;
}

void broken_storage() { panic("stored data does not read back as the declared type"); }

Hash topic(ByteView data) {
  if (data.size() > 32) return blake2_256(data);
  Hash out;
  std::copy(data.begin(), data.end(), out.begin());
  return out;
}

void refuse_value() {
  if (value_transferred() != 0) panic("this message takes no value");
}

void could_not_read() {
  const u8 lang_error[2] = {1, 1};
  finish(true, lang_error);
}

Bytes load_root() {
  auto raw = get_storage(root_key);
  if (!raw) panic("the contract has no storage: its constructor did not run");
  return std::move(*raw);
}

void store_root(ByteView value) { set_storage(root_key, value); }

}  // namespace phala::sdk::detail
