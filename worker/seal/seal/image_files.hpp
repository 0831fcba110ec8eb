#pragma once
// Why: compiled contracts are native code, so a worker may take back from a disk that the host owns only what it has written there itself:
// every image is one sealed frame (docs/adr/0005-sealed-frames.md) that holds its own name. What does not open is not used and goes.

#include <list>
#include <mutex>

#include "engine/engine.hpp"
#include "seal/frame.hpp"
#include "seal/state_store.hpp"

namespace phala::worker {

/// Files "BUILD-NAME-BYTES" of one folder. Safe to use from several threads. A full disk costs time, nothing else.
class ImageFiles final : public engine::ImageStore {
 public:
  /// `files`: a folder of its own; must outlive this. Removes what other builds have left. Errors: the folder cannot be listed.
  static Result<std::unique_ptr<ImageFiles>> open(Files& files, const crypto::Key32& root, Random random, u64 capacity_bytes);

  std::optional<Bytes> get(const Hash& name) override;
  /// Beyond the capacity those go that were not asked for longest.
  void put(const Hash& name, ByteView image) override;
  u64 bytes() const;

 private:
  struct Image { Hash name; u64 bytes; };
  ImageFiles(Files& files, const crypto::Key32& root, Random random, u64 capacity) : files_(files), root_(root.clone()), random_(std::move(random)), capacity_(capacity) {}
  std::string file_of(const Image& image) const;
  void drop(std::list<Image>::iterator image);

  Files& files_;
  const crypto::Key32 root_;
  const Random random_;
  const u64 capacity_;
  mutable std::mutex mutex_;
  std::list<Image> recent_;   ///< last asked for first
  u64 bytes_ = 0;
};

}  // namespace phala::worker
