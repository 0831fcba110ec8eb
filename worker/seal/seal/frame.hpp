#pragma once
// Why: what a worker writes is read back by nobody else, may be cut off at any byte by a crash, and lies on a disk the host owns. All its
// files are therefore one kind of thing: an append-only chain of authenticated, encrypted frames. Format, frozen: docs/adr/0005-sealed-frames.md.

#include "crypto/cipher.hpp"

namespace phala::worker {

using FileMagic = FixedBytes<4, struct FileMagicTag>;
using FileId = FixedBytes<16, struct FileIdTag>;    ///< random, one per file
using FrameTag = FixedBytes<16, struct FrameTagTag>;   ///< of AES-GCM; zero before the first frame

constexpr u32 frame_format_version = 1;
constexpr size_t file_header_bytes = 24, frame_overhead_bytes = 4 + 12 + 16;
constexpr size_t max_frame_bytes = 1u << 30;

/// A place in a file: the next frame goes, or is read, here. Owns the file's key.
class FrameCursor {
 public:
  /// A new file. `after`: tag of the frame that its first frame continues. `root`: the worker's storage key.
  FrameCursor(const crypto::Key32& root, const FileMagic& magic, const FileId& id, const FrameTag& after);
  /// An existing file by its first bytes. Errors: too short, another kind, an unknown version.
  static Result<FrameCursor> of(const crypto::Key32& root, const FileMagic& magic, ByteView file, const FrameTag& after);

  /// The first bytes of the file.
  ByteView header() const { return header_; }
  /// The bytes of the next frame; moves past it. `iv`: fresh random bytes. Precondition: at most max_frame_bytes.
  Bytes seal(ByteView plain, const crypto::Iv& iv);

  enum class Stop : u8 {
    end,         ///< no more bytes
    torn,        ///< the file ends inside this frame: a crash while it was written
    corrupted,   ///< the frame is there and not what was written
  };
  /// The next frame of `file`, in clear; moves past it, or says why there is none.
  Result<Bytes, Stop> open(ByteView file);

  /// The same place again: to try a frame that may fail to be written.
  FrameCursor clone() const;

  u64 offset() const { return offset_; }      ///< bytes up to here
  u64 index() const { return index_; }        ///< frames up to here
  const FrameTag& tag() const { return tag_; }   ///< of the last frame

 private:
  FrameCursor(crypto::Key32 key, const FrameCursor& place);
  Bytes associated() const;
  crypto::Key32 key_;
  std::array<u8, file_header_bytes> header_;
  u64 offset_ = file_header_bytes, index_ = 0;
  FrameTag tag_;
};

}  // namespace phala::worker
