#include "seal/image_files.hpp"

#include <algorithm>
#include <charconv>

namespace phala::worker {

namespace {

const FileMagic image_magic{std::array<u8, 4>{'P', 'H', 'W', 'C'}};
constexpr std::string_view unfinished = "image.new";

std::string build() { return to_hex(ByteView(engine::code_fingerprint()).first(8)); }

}  // namespace

Result<std::unique_ptr<ImageFiles>> ImageFiles::open(Files& files, const crypto::Key32& root, Random random, u64 capacity_bytes) {
  std::unique_ptr<ImageFiles> out(new ImageFiles(files, root, std::move(random), capacity_bytes));
  const size_t name_at = build().size() + 1, bytes_at = name_at + 2 * Hash::bytes + 1;
  for (const auto& file : TRY(files.list())) {
    Image image{};
    if (file.size() > bytes_at) {
      if (const auto name = from_hex(std::string_view(file).substr(name_at, 2 * Hash::bytes)); name && name->size() == Hash::bytes) image.name = Hash(*name);
      std::from_chars(file.data() + bytes_at, file.data() + file.size(), image.bytes);
    }
    if (out->file_of(image) != file) {
      TRY(files.remove(file));   // of another build, or cut off
      continue;
    }
    out->recent_.push_back(image);
    out->bytes_ += image.bytes;
  }
  return out;
}

std::string ImageFiles::file_of(const Image& image) const { return build() + "-" + to_hex(image.name) + "-" + std::to_string(image.bytes); }

u64 ImageFiles::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

void ImageFiles::drop(std::list<Image>::iterator image) {
  static_cast<void>(files_.remove(file_of(*image)));
  bytes_ -= image->bytes;
  recent_.erase(image);
}

std::optional<Bytes> ImageFiles::get(const Hash& name) {
  const std::lock_guard lock(mutex_);
  const auto at = std::find_if(recent_.begin(), recent_.end(), [&](const Image& image) { return image.name == name; });
  if (at == recent_.end()) return {};
  const auto opened = [&]() -> std::optional<Bytes> {
    const auto file = files_.read(file_of(*at));
    if (!file) return {};
    auto cursor = FrameCursor::of(root_, image_magic, *file, {});
    if (!cursor) return {};
    auto plain = cursor->open(*file);
    if (!plain || !starts_with(*plain, name)) return {};
    plain->erase(plain->begin(), plain->begin() + Hash::bytes);
    return std::move(*plain);
  }();
  if (opened) recent_.splice(recent_.begin(), recent_, at);
  else drop(at);
  return opened;
}

void ImageFiles::put(const Hash& name, ByteView image) {
  const std::lock_guard lock(mutex_);
  const auto known = std::find_if(recent_.begin(), recent_.end(), [&](const Image& one) { return one.name == name; });
  if (known != recent_.end()) drop(known);
  FileId id;
  random_(id.data(), id.size());
  crypto::Iv iv;
  random_(iv.data(), iv.size());
  FrameCursor cursor(root_, image_magic, id, {});
  const Bytes file = concat(cursor.header(), cursor.seal(concat(name, image), iv));
  if (file.size() > capacity_) return;
  while (bytes_ + file.size() > capacity_) drop(std::prev(recent_.end()));
  const std::string temporary(unfinished);
  const Image added{name, file.size()};
  static_cast<void>(files_.remove(temporary));   // half of one that did not fit
  // under its name it is whole
  if (files_.append(temporary, file) && files_.rename(temporary, file_of(added))) {
    recent_.push_front(added);
    bytes_ += added.bytes;
  } else {
    static_cast<void>(files_.remove(temporary));
  }
}

}  // namespace phala::worker
