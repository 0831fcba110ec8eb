#include "store/witness.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "crypto/hash.hpp"
#include "scale/codec.hpp"

namespace phala::store {
namespace {
constexpr size_t block_bytes = 36, check_bytes = 8, file_bytes = block_bytes + check_bytes;

Bytes with_check(const Witness::Block& block) {
  Bytes out = scale::encode(block);
  const Hash check = crypto::blake2_256(out);
  append(out, check.view().first(check_bytes));
  return out;
}
}  // namespace

Result<Witness> Witness::open(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) return fail(ErrorCode::refused, "opening " + path + ": " + std::strerror(errno), "make the data folder writable for this user");
  return Witness(file, path);
}

Witness::~Witness() {
  if (file_ >= 0) ::close(file_);
}

std::optional<Witness::Block> Witness::last() const {
  Bytes raw(file_bytes);
  if (::pread(file_, raw.data(), raw.size(), 0) != static_cast<ssize_t>(file_bytes)) return std::nullopt;
  const auto block = scale::decode<Block>(ByteView(raw).first(block_bytes));
  if (!block || with_check(*block) != raw) return std::nullopt;
  return *block;
}

void Witness::note(const Block& block) {
  const Bytes raw = with_check(block);
  static_cast<void>(!::pwrite(file_, raw.data(), raw.size(), 0));
}

}  // namespace phala::store
