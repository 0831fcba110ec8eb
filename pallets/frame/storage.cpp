#include "frame/storage.hpp"

namespace phala::frame {

void Blake2_128Concat::append_key(Bytes& out, ByteView key) {
  append(out, crypto::blake2_128(key));
  append(out, key);
}
void Twox64Concat::append_key(Bytes& out, ByteView key) {
  append(out, crypto::twox_64(key));
  append(out, key);
}

Bytes detail::item_key(const StorageRoot& root, const crypto::Hash16& item, size_t extra) {
  Bytes out;
  out.reserve(32 + extra);
  append(out, root.pallet);
  append(out, item);
  return out;
}

}  // namespace phala::frame
