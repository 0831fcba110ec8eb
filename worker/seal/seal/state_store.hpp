#pragma once
// Why: what a worker has dispatched must be on disk before anybody hears of it. One frame per dispatched batch goes to a chain that runs through all
// files; a snapshot now and then only shortens reading. So a torn frame is cut off (nobody heard of it), a damaged snapshot costs time, and
// nothing is lost or repeated. Format, frozen: docs/adr/0005-sealed-frames.md.

#include <functional>

#include "core/log_server.hpp"
#include "core/machine.hpp"
#include "seal/files.hpp"
#include "seal/frame.hpp"

namespace phala::worker {

/// What one dispatched batch changed.
struct StateFrame {
  BlockNumber height{};            ///< after it
  u64 message_index{};             ///< leaves of the log up to there
  StateDiff diff;                  ///< of the machine's image
  std::vector<NumberedRecord> records;
  FIELDS(height, message_index, diff, records)
};

/// Fills with random bytes.
using Random = std::function<void(u8* to, size_t size)>;

class StateStore {
 public:
  /// What the disk held.
  struct Recovered {
    std::optional<Image> image;              ///< nothing: a new folder
    std::vector<NumberedRecord> records;     ///< of the frames that were read, for the log server
    BlockNumber height = 0;
    std::vector<std::string> warnings;       ///< what was damaged and what was done about it
  };
  /// `files` must outlive the store and be used by it alone. Frames that cannot be read go to files of their own (`….damaged-0`). Errors: unavailable;
  /// corrupted when no snapshot can be read, or the first frame of all is not of this key: then nothing is changed.
  static Result<std::pair<StateStore, Recovered>> open(Files& files, const crypto::Key32& root, Random random);

  /// Returns when the frame is durable. After an error nothing of it counts; when even that cannot be made sure, all further calls fail.
  Result<> append(const StateFrame& frame);
  /// Writes everything anew and forgets what is older than the previous good snapshot. `entries` calls its argument for each key and value of the image.
  using Visit = std::function<void(ByteView key, ByteView value)>;
  Result<> snapshot(const std::function<void(const Visit&)>& entries, BlockNumber height);
  /// Bytes of frames since the last snapshot.
  u64 frame_bytes() const { return frames_.offset(); }

 private:
  StateStore(Files& files, const crypto::Key32& root, Random random, u64 base, u64 generation, FrameCursor frames)
      : files_(&files), root_(root.clone()), random_(std::move(random)), base_(base), generation_(generation), frames_(std::move(frames)) {}
  Files* files_;
  crypto::Key32 root_;
  Random random_;
  u64 base_;             ///< number of the newest snapshot that is known to be good; 0: none yet
  u64 generation_;       ///< number of the file that frames go to
  FrameCursor frames_;
  bool broken_ = false;
};

/// Entries of a snapshot that share a frame, in bytes.
constexpr size_t snapshot_chunk_bytes = 4u << 20;

}  // namespace phala::worker
