#pragma once
// Why: queries run beside each other on a fixed number of threads, and which one is next follows the weight of its contract.

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "core/scheduler.hpp"

namespace phala::worker {

class QueryPool {
 public:
  using Job = std::move_only_function<void()>;
  QueryPool(unsigned threads, size_t backlog);
  /// As `stop`.
  ~QueryPool();
  QueryPool(const QueryPool&) = delete;
  QueryPool& operator=(const QueryPool&) = delete;

  /// Runs `run` on a thread of the pool, or `refused` (on this thread, at once or later) when there is no room for it. Exactly one of them.
  void submit(const Hash& contract, u32 weight, Job run, Job refused);
  /// Finishes what runs; what waits is refused.
  void stop();

 private:
  struct Waiting { Job run, refused; };
  void loop();
  std::mutex mutex_;
  std::condition_variable wake_;
  FairQueue queue_;
  FairQueue::Ticket next_ = 1;
  std::map<FairQueue::Ticket, Waiting> waiting_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace phala::worker
