#pragma once
// Why: queries run beside each other on a fixed number of threads, and which one is next follows the weight of its contract. That is known only
// when the query has been decrypted and its signatures checked, so that is done here too, by the same threads: a query that finds no line goes on
// where it was opened, without a hand-over.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "core/scheduler.hpp"

namespace phala::worker {

class QueryPool {
 public:
  using Job = std::move_only_function<void()>;
  /// How many there may be at once: queries that run and that wait for it, queries that are opened and that wait for that.
  struct Places { unsigned running; size_t waiting; unsigned opening; size_t unopened; };
  explicit QueryPool(const Places& places);
  /// As `stop`.
  ~QueryPool();
  QueryPool(const QueryPool&) = delete;
  QueryPool& operator=(const QueryPool&) = delete;

  /// Runs `job`, which opens a query and submits it. False when there is no room, or the pool has stopped; the job is then destroyed unrun.
  bool open(Job job);
  /// Runs `run` on a thread of the pool, or `refused` (on this thread, at once or later) when there is no room for it. Exactly one of them.
  void submit(const Hash& contract, u32 weight, Job run, Job refused);
  /// Finishes what runs; what waits is refused, what is not opened destroyed.
  void stop();

 private:
  struct Waiting { Job run, refused; };
  void loop();
  bool may_open() const { return !unopened_.empty() && opening_ < places_.opening; }
  void open_next(std::unique_lock<std::mutex>& lock);
  void run(FairQueue::Ticket ticket, std::unique_lock<std::mutex>& lock);
  /// Of whoever takes something: so one thread that is woken, or that got free, is enough for any number of things. One that finds nothing costs a
  /// third of a small query.
  void wake_if_there_is_more() {
    if (may_open() || !waiting_.empty()) wake_.notify_one();
  }
  const Places places_;
  std::mutex mutex_;
  std::condition_variable wake_;
  FairQueue queue_;
  FairQueue::Ticket next_ = 1;
  std::map<FairQueue::Ticket, Waiting> waiting_;
  std::deque<Job> unopened_;
  unsigned opening_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace phala::worker
