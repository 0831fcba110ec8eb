#pragma once
// Why: work that takes processor time runs on a fixed number of threads with a bounded queue, so that load from outside shows as a refusal
// and never as memory or as a stalled I/O thread.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/bytes.hpp"

namespace phala {

class CpuPool {
 public:
  using Job = std::move_only_function<void()>;
  CpuPool(unsigned threads, size_t queue_limit);
  /// As `stop`.
  ~CpuPool();
  CpuPool(const CpuPool&) = delete;
  CpuPool& operator=(const CpuPool&) = delete;

  /// False when the queue is full or the pool has stopped; the job is then destroyed unrun.
  bool submit(Job job);
  /// Runs `body(0) … body(n - 1)`, the caller helping, and returns when all are done. Works on a full queue and after `stop` too: then the caller
  /// does it alone. Bodies must not throw.
  void for_each(size_t n, const std::function<void(size_t)>& body);
  size_t queued() const;
  unsigned threads() const { return static_cast<unsigned>(threads_.size()); }
  /// Finishes running jobs, destroys queued ones unrun. Not from a job.
  void stop();

 private:
  void run();
  const size_t limit_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace phala
