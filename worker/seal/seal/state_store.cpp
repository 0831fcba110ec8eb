#include "seal/state_store.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

namespace phala::worker {

namespace {

const FileMagic frames_magic{std::array<u8, 4>{'P', 'H', 'W', 'F'}}, snapshot_magic{std::array<u8, 4>{'P', 'H', 'W', 'S'}};

std::string name_of(u64 generation, const char* kind) {
  char out[64];
  std::snprintf(out, sizeof out, "state-%010" PRIu64 ".%s", generation, kind);
  return out;
}

/// Generations for which there is a file of that kind, ascending.
std::vector<u64> generations(const std::vector<std::string>& names, std::string_view kind) {
  std::vector<u64> out;
  for (const auto& name : names) {
    u64 number = 0;
    char rest[32];
    if (std::sscanf(name.c_str(), "state-%10" SCNu64 ".%31s", &number, rest) == 2 && kind == rest) out.push_back(number);
  }
  std::sort(out.begin(), out.end());
  return out;
}

/// A snapshot is frames of this, the last one with `last` set.
struct SnapshotChunk {
  BlockNumber height{};
  FrameTag after;       ///< the frame whose effect is the last one in it
  bool last{};
  std::vector<std::pair<Bytes, Bytes>> entries;
  FIELDS(height, after, last, entries)
};

/// The first file of frames when it is new: its header, and a frame that changes nothing.
const size_t first_file_bytes = file_header_bytes + frame_overhead_bytes + scale::encode(StateFrame{}).size();

struct Snapshot { Image image; FrameTag after; BlockNumber height{}; };

Result<Snapshot> read_snapshot(const Files& files, const crypto::Key32& root, u64 generation) {
  const Bytes file = TRY(files.read(name_of(generation, "snapshot")));
  auto cursor = TRY(FrameCursor::of(root, snapshot_magic, file, {}));
  Snapshot out;
  for (bool last = false; !last;) {
    const auto plain = cursor.open(file);
    if (!plain) return fail(ErrorCode::corrupted, "part " + std::to_string(cursor.index()) + " is damaged or missing");
    auto chunk = TRY(scale::decode<SnapshotChunk>(*plain).map_error(scale::to_error));
    for (auto& [key, value] : chunk.entries) out.image[std::move(key)] = std::move(value);
    out.after = chunk.after;
    out.height = chunk.height;
    last = chunk.last;
  }
  return out;
}

void merge(Image& image, const StateDiff& diff) {
  for (const auto& [key, value] : diff) {
    if (value) image[key] = *value;
    else image.erase(key);
  }
}

crypto::Iv fresh_iv(const Random& random) {
  crypto::Iv iv;
  random(iv.data(), iv.size());
  return iv;
}

/// A file that frames go to. The first of all begins with a frame that changes nothing: before the worker does anything, it ties the folder to the key.
Result<FrameCursor> new_frames_file(Files& files, const crypto::Key32& root, const Random& random, u64 generation, const FrameTag& after, bool first_of_all) {
  const std::string name = name_of(generation, "frames");
  FileId id;
  random(id.data(), id.size());
  FrameCursor cursor(root, frames_magic, id, after);
  TRY(files.truncate(name, 0));   // what an interrupted attempt left
  TRY(files.append(name, cursor.header()));
  if (first_of_all) TRY(files.append(name, cursor.seal(scale::encode(StateFrame{}), fresh_iv(random))));
  TRY(files.sync(name));
  return cursor;
}

/// Reads a folder back: the newest snapshot that reads, then every frame after it.
class Reading {
 public:
  Reading(Files& files, const crypto::Key32& root, const Random& random) : files_(files), root_(root), random_(random) {}

  StateStore::Recovered found;
  u64 base = 0;          ///< generation of the snapshot it started from; 0: from the first frame
  u64 generation = 0;    ///< of the file the next frame goes to
  std::optional<FrameCursor> end;

  Result<> run() {
    const auto names = TRY(files_.list());
    for (const auto& name : names)
      if (name.starts_with("state-") && name.ends_with(".new")) TRY(files_.remove(name));   // a snapshot whose writing was interrupted
    const auto frame_files = generations(names, "frames");
    TRY(find_base(generations(names, "snapshot"), frame_files));
    for (const u64 g : frame_files)
      if (g >= base) TRY(read_frames(g, frame_files.size() == 1));
    if (!end) {
      generation = base;
      end = TRY(new_frames_file(files_, root_, random_, base, tag_, !based_));
    }
    if (based_ || frames_ > 1) found.image = std::move(image_);   // the first frame of all changes nothing
    return {};
  }

 private:
  Result<> find_base(const std::vector<u64>& snapshots, const std::vector<u64>& frame_files) {
    for (auto at = snapshots.rbegin(); at != snapshots.rend(); ++at) {
      auto snapshot = read_snapshot(files_, root_, *at);
      if (snapshot) {
        image_ = std::move(snapshot->image);
        tag_ = snapshot->after;
        found.height = snapshot->height;
        base = *at;
        based_ = true;
        return {};
      }
      if (snapshot.error().code == ErrorCode::unavailable) return fail(std::move(snapshot).error());
      found.warnings.push_back("snapshot " + name_of(*at, "snapshot") + " cannot be read (" + snapshot.error().message + "); going back to the one before");
    }
    // before the first snapshot there is nothing, and all frames are still there
    if (frame_files.empty() ? snapshots.empty() : frame_files.front() == 0) return {};
    return fail(ErrorCode::corrupted, "no snapshot of the worker's state can be read", "restore the folder from a backup, or remove its state-* files and let the relay sync anew");
  }

  /// One file of frames. What cannot be read is kept beside it, and so is every file after it: those frames continue ones that are missing.
  Result<> read_frames(u64 g, bool only_file) {
    const std::string name = name_of(g, "frames");
    if (damaged_) return set_aside(name, 0);
    const Bytes file = TRY(files_.read(name));
    auto cursor = FrameCursor::of(root_, frames_magic, file, tag_);
    const auto first = cursor ? cursor->open(file) : Result<Bytes, FrameCursor::Stop>(fail(FrameCursor::Stop::corrupted));
    const bool nothing_yet = !based_ && frames_ == 0;
    if (!first && nothing_yet) {
      if (only_file && file.size() <= first_file_bytes) return {};   // making it was interrupted; it is made again
      return fail(ErrorCode::corrupted, name + " does not open with this worker's identity: another one wrote it, or its beginning is damaged",
                  "put back the identity.seal that wrote it; to start anew without what it holds, move the state-* files away");
    }
    if (!cursor) {
      if (file.size() < file_header_bytes) return files_.remove(name);   // making it was interrupted; no frame can be in it
      found.warnings.push_back(name + ": " + cursor.error().message + "; the state goes back to block " + std::to_string(found.height));
      damaged_ = true;
      return set_aside(name, 0);
    }
    TRY(take_frames(name, file, *cursor, std::move(first)));
    tag_ = cursor->tag();
    end = std::move(*cursor);
    generation = g;
    return {};
  }

  Result<> take_frames(const std::string& name, ByteView file, FrameCursor& cursor, Result<Bytes, FrameCursor::Stop> plain) {
    for (; plain; plain = cursor.open(file)) {
      auto frame = TRY(scale::decode<StateFrame>(*plain).map_error(scale::to_error).context(name));
      merge(image_, frame.diff);
      std::move(frame.records.begin(), frame.records.end(), std::back_inserter(found.records));
      found.height = frame.height;
      ++frames_;
    }
    if (plain.error() == FrameCursor::Stop::end) return {};
    damaged_ = plain.error() == FrameCursor::Stop::corrupted;
    found.warnings.push_back(name + ": frame " + std::to_string(cursor.index()) + (damaged_ ? " is damaged; the state goes back to block " : " was not completely written; cut back to block ") +
                             std::to_string(found.height));
    return set_aside(name, cursor.offset());
  }

  /// Keeps the bytes of a file from `offset` on under another name, and takes them away. Someone may still make something of them: they may hold keys.
  Result<> set_aside(const std::string& name, u64 offset) {
    const auto names = TRY(files_.list());
    u64 n = 0;
    const auto kept = [&] { return name + ".damaged-" + std::to_string(n); };
    while (std::find(names.begin(), names.end(), kept()) != names.end()) ++n;
    found.warnings.push_back("what could not be read is kept in " + kept());
    if (offset == 0) return files_.rename(name, kept());
    const Bytes file = TRY(files_.read(name));
    auto copied = files_.append(kept(), ByteView(file).subspan(offset));
    if (copied) copied = files_.sync(kept());
    if (!copied) static_cast<void>(files_.remove(kept()));
    TRY(std::move(copied));
    return files_.truncate(name, offset);
  }

  Files& files_;
  const crypto::Key32& root_;
  const Random& random_;
  Image image_;
  FrameTag tag_;
  bool based_ = false, damaged_ = false;
  u64 frames_ = 0;
};

}  // namespace

Result<std::pair<StateStore, StateStore::Recovered>> StateStore::open(Files& files, const crypto::Key32& root, Random random) {
  Reading reading(files, root, random);
  TRY(reading.run());
  return std::pair(StateStore(files, root, std::move(random), reading.base, reading.generation, std::move(*reading.end)), std::move(reading.found));
}

Result<> StateStore::append(const StateFrame& frame) {
  if (broken_) return fail(ErrorCode::unavailable, "the state on disk is in doubt after a failed write", "restart the worker when the disk works again");
  Bytes plain = scale::encode(frame);
  if (plain.size() > max_frame_bytes) return fail(ErrorCode::refused, "a batch changes more than fits in one frame", "send fewer blocks at once");
  const std::string name = name_of(generation_, "frames");
  FrameCursor next = frames_.clone();
  const Bytes bytes = next.seal(plain, fresh_iv(random_));
  wipe(plain.data(), plain.size());   // it may hold keys
  if (auto written = files_->append(name, bytes); !written) {
    if (!files_->truncate(name, frames_.offset())) broken_ = true;
    return written;
  }
  if (auto synced = files_->sync(name); !synced) {
    // the system may have dropped the pages: what is on disk is unknown
    broken_ = true;
    return synced;
  }
  frames_ = std::move(next);
  return {};
}

Result<> StateStore::snapshot(const std::function<void(const Visit&)>& entries, BlockNumber height) {
  if (broken_) return fail(ErrorCode::unavailable, "the state on disk is in doubt after a failed write", "restart the worker when the disk works again");
  const u64 generation = generation_ + 1;
  const std::string name = name_of(generation, "snapshot"), draft = name + ".new";
  FileId id;
  random_(id.data(), id.size());
  FrameCursor cursor(root_, snapshot_magic, id, {});
  // a draft or frames file that an earlier attempt left and could not remove must not stay in front of this one's
  Result<> written = files_->truncate(draft, 0);
  if (written) written = files_->append(draft, cursor.header());
  SnapshotChunk chunk{height, frames_.tag(), false, {}};
  size_t bytes = 0;
  const auto flush = [&] {
    Bytes plain = scale::encode(chunk);
    if (written) written = files_->append(draft, cursor.seal(plain, fresh_iv(random_)));
    wipe(plain.data(), plain.size());
    for (auto& [key, value] : chunk.entries) wipe(value.data(), value.size());
    chunk.entries.clear();
    bytes = 0;
  };
  entries([&](ByteView key, ByteView value) {
    chunk.entries.emplace_back(to_bytes(key), to_bytes(value));
    bytes += key.size() + value.size();
    if (bytes >= snapshot_chunk_bytes) flush();
  });
  chunk.last = true;
  flush();
  // first the file that frames go to from now on: a snapshot of a generation means that its frames are in files of that number and later
  std::optional<FrameCursor> frames;
  if (written) {
    auto made = new_frames_file(*files_, root_, random_, generation, frames_.tag(), false);
    if (made) frames = std::move(*made);
    else written = fail(std::move(made).error());
  }
  if (!written) {
    static_cast<void>(files_->remove(draft));
    static_cast<void>(files_->remove(name_of(generation, "frames")));
    return std::move(written).context("snapshot of the worker's state");
  }
  if (auto renamed = files_->rename(draft, name); !renamed) {
    broken_ = true;   // whether the snapshot counts is unknown, so no file is right for the next frame
    return std::move(renamed).context("snapshot of the worker's state");
  }
  frames_ = std::move(*frames);
  generation_ = generation;
  // the snapshot that was known to be good until now stays, with all frames since: this one could turn out unreadable
  const u64 keep = std::exchange(base_, generation);
  const auto names = TRY(files_->list());
  for (const char* kind : {"snapshot", "frames"})
    for (const u64 old : generations(names, kind))
      if (old < keep) TRY(files_->remove(name_of(old, kind)));
  return {};
}

}  // namespace phala::worker
