#include "seal/frame.hpp"

#include "base/assert.hpp"

namespace phala::worker {

FrameCursor::FrameCursor(const crypto::Key32& root, const FileMagic& magic, const FileId& id, const FrameTag& after)
    : key_(crypto::hkdf_sha256(as_bytes("phala sealed frames"), root.expose(), concat(magic, id))), tag_(after) {
  std::copy_n(magic.data(), 4, header_.data());
  store_le(header_.data() + 4, frame_format_version);
  std::copy_n(id.data(), 16, header_.data() + 8);
}

Result<FrameCursor> FrameCursor::of(const crypto::Key32& root, const FileMagic& magic, ByteView file, const FrameTag& after) {
  if (file.size() < file_header_bytes) return fail(ErrorCode::corrupted, "the file ends inside its header");
  if (!same_bytes(file.first(4), magic)) return fail(ErrorCode::corrupted, "not a file of kind " + std::string(as_text(magic)));
  if (const u32 version = load_le<u32>(file.data() + 4); version != frame_format_version)
    return fail(ErrorCode::corrupted, "format version " + std::to_string(version) + " is not known to this worker", "use the worker that wrote it");
  return FrameCursor(root, magic, FileId(file.subspan(8, 16)), after);
}

FrameCursor::FrameCursor(crypto::Key32 key, const FrameCursor& place)
    : key_(std::move(key)), header_(place.header_), offset_(place.offset_), index_(place.index_), tag_(place.tag_) {}

FrameCursor FrameCursor::clone() const { return FrameCursor(key_.clone(), *this); }

/// Binds a frame to its file, its place and everything before it.
Bytes FrameCursor::associated() const {
  Bytes index(8);
  store_le(index.data(), index_);
  return concat(header_, index, tag_);
}

Bytes FrameCursor::seal(ByteView plain, const crypto::Iv& iv) {
  PHALA_ASSERT(plain.size() <= max_frame_bytes);
  const Bytes sealed = crypto::aes256gcm_seal(key_, iv, plain, associated());
  Bytes out(4);
  store_le(out.data(), static_cast<u32>(plain.size()));
  append(out, iv);
  append(out, sealed);
  tag_ = FrameTag(ByteView(sealed).last(16));
  ++index_;
  offset_ += out.size();
  return out;
}

Result<Bytes, FrameCursor::Stop> FrameCursor::open(ByteView file) {
  if (offset_ >= file.size()) return fail(Stop::end);
  const ByteView rest = file.subspan(offset_);
  if (rest.size() < 4) return fail(Stop::torn);
  const size_t size = load_le<u32>(rest.data());
  if (size > max_frame_bytes) return fail(Stop::corrupted);
  if (rest.size() < size + frame_overhead_bytes) return fail(Stop::torn);
  const ByteView sealed = rest.subspan(16, size + 16);
  auto plain = crypto::aes256gcm_open(key_, crypto::Iv(rest.subspan(4, 12)), sealed, associated());
  // a file system may have grown the file before it wrote the bytes: a bad last frame is a torn one
  if (!plain) return fail(rest.size() == size + frame_overhead_bytes ? Stop::torn : Stop::corrupted);
  tag_ = FrameTag(sealed.last(16));
  ++index_;
  offset_ += size + frame_overhead_bytes;
  return std::move(*plain);
}

}  // namespace phala::worker
