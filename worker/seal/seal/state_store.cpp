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

}  // namespace

Result<std::pair<StateStore, StateStore::Recovered>> StateStore::open(Files& files, const crypto::Key32& root, Random random) {
  const auto names = TRY(files.list());
  for (const auto& name : names)
    if (name.ends_with(".new")) TRY(files.remove(name));   // a snapshot whose writing was interrupted
  Recovered found;
  const auto snapshots = generations(names, "snapshot"), frame_files = generations(names, "frames");
  const auto new_file = [&](u64 generation, const FrameTag& after) -> Result<FrameCursor> {
    FileId id;
    random(id.data(), id.size());
    FrameCursor cursor(root, frames_magic, id, after);
    TRY(files.append(name_of(generation, "frames"), cursor.header()));
    TRY(files.sync(name_of(generation, "frames")));
    return cursor;
  };
  if (snapshots.empty() && frame_files.empty()) {
    auto cursor = TRY(new_file(0, {}));
    return std::pair(StateStore(files, root, std::move(random), 0, std::move(cursor)), std::move(found));
  }

  // the newest snapshot that reads; before the first one there is nothing, and all frames are still there
  Snapshot base;
  u64 from = frame_files.empty() ? 0 : frame_files.front();
  bool based = from == 0 && !frame_files.empty();
  for (auto at = snapshots.rbegin(); at != snapshots.rend(); ++at) {
    auto snapshot = read_snapshot(files, root, *at);
    if (snapshot) {
      base = std::move(*snapshot);
      from = *at;
      based = true;
      break;
    }
    if (snapshot.error().code == ErrorCode::unavailable) return fail(std::move(snapshot).error());
    found.warnings.push_back("snapshot " + name_of(*at, "snapshot") + " cannot be read (" + snapshot.error().message + "); going back to the one before");
  }
  if (!based) return fail(ErrorCode::corrupted, "no snapshot of the worker's state can be read", "restore the folder from a backup, or remove its files and let the relay sync anew");

  Image image = std::move(base.image);
  found.height = base.height;
  FrameTag tag = base.after;
  std::optional<FrameCursor> last;
  u64 last_generation = from, frames = 0;
  bool damaged = false;
  for (const u64 generation : frame_files) {
    if (generation < from) continue;
    const std::string name = name_of(generation, "frames");
    if (damaged) {
      // what follows a damaged frame cannot be chained to anything; the relay brings those blocks again
      TRY(files.remove(name));
      continue;
    }
    const Bytes file = TRY(files.read(name));
    auto cursor = FrameCursor::of(root, frames_magic, file, tag);
    if (!cursor) {
      if (file.size() >= file_header_bytes) found.warnings.push_back(name + ": " + cursor.error().message + "; the state goes back to block " + std::to_string(found.height));
      damaged = file.size() >= file_header_bytes;
      TRY(files.remove(name));
      continue;
    }
    for (;;) {
      const auto plain = cursor->open(file);
      if (!plain) {
        if (plain.error() == FrameCursor::Stop::end) break;
        damaged = plain.error() == FrameCursor::Stop::corrupted;
        found.warnings.push_back(name + ": frame " + std::to_string(cursor->index()) + (damaged ? " is damaged; the state goes back to block " : " was not completely written; cut back to block ") +
                                 std::to_string(found.height));
        TRY(files.truncate(name, cursor->offset()));
        break;
      }
      auto frame = TRY(scale::decode<StateFrame>(*plain).map_error(scale::to_error).context(name));
      merge(image, frame.diff);
      std::move(frame.records.begin(), frame.records.end(), std::back_inserter(found.records));
      found.height = frame.height;
      ++frames;
    }
    tag = cursor->tag();
    last = std::move(*cursor);
    last_generation = generation;
  }
  if (!last) {
    last_generation = from;
    last = TRY(new_file(last_generation, tag));
  }
  if (frames > 0 || !snapshots.empty()) found.image = std::move(image);
  return std::pair(StateStore(files, root, std::move(random), last_generation, std::move(*last)), std::move(found));
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
  Result<> written = files_->append(draft, cursor.header());
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
  FileId frames_id;
  random_(frames_id.data(), frames_id.size());
  FrameCursor frames(root_, frames_magic, frames_id, frames_.tag());
  const std::string frames_name = name_of(generation, "frames");
  if (written) written = files_->append(frames_name, frames.header());
  if (written) written = files_->sync(frames_name);
  if (!written) {
    static_cast<void>(files_->remove(draft));
    static_cast<void>(files_->remove(frames_name));
    return std::move(written).context("snapshot of the worker's state");
  }
  if (auto renamed = files_->rename(draft, name); !renamed) {
    broken_ = true;   // whether the snapshot counts is unknown, so no file is right for the next frame
    return std::move(renamed).context("snapshot of the worker's state");
  }
  frames_ = std::move(frames);
  generation_ = generation;
  const auto names = TRY(files_->list());
  for (const char* kind : {"snapshot", "frames"})
    for (const u64 old : generations(names, kind))
      if (old + 1 < generation) TRY(files_->remove(name_of(old, kind)));
  return {};
}

}  // namespace phala::worker
