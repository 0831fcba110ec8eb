#include "api/query_pool.hpp"

#include <chrono>

namespace phala::worker {

QueryPool::QueryPool(const Places& places) : places_(places), queue_(places.running, places.waiting) {
  for (unsigned i = 0; i < places.running + places.opening; ++i) threads_.emplace_back([this] { loop(); });
}

QueryPool::~QueryPool() { stop(); }

bool QueryPool::open(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || unopened_.size() >= places_.unopened) return false;
    unopened_.push_back(std::move(job));
  }
  wake_.notify_one();
  return true;
}

void QueryPool::submit(const Hash& contract, u32 weight, Job run, Job refused) {
  Job unlucky;
  {
    const std::lock_guard lock(mutex_);
    const auto ticket = next_++;
    const auto admission = stopping_ ? FairQueue::Admission{} : queue_.enter(contract, weight, ticket);
    if (!admission.accepted) {
      unlucky = std::move(refused);
    } else {
      waiting_.emplace(ticket, Waiting{std::move(run), std::move(refused)});
      if (admission.evicted) {
        const auto at = waiting_.find(*admission.evicted);
        unlucky = std::move(at->second.refused);
        waiting_.erase(at);
      }
      // a thread that opens looks for itself when it is done, and is the next to run this unless there is more to open
      if (opening_ == 0 || may_open()) wake_.notify_one();
    }
  }
  if (unlucky) unlucky();
}

void QueryPool::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    std::optional<FairQueue::Ticket> ticket;
    // opening comes first: only among queries that are open can weight decide
    wake_.wait(lock, [&] { return stopping_ || may_open() || (ticket = queue_.start()).has_value(); });
    if (ticket) run(*ticket, lock);
    else if (stopping_) return;
    else open_next(lock);
  }
}

void QueryPool::open_next(std::unique_lock<std::mutex>& lock) {
  Job job = std::move(unopened_.front());
  unopened_.pop_front();
  ++opening_;
  wake_if_there_is_more();
  lock.unlock();
  job();
  job = {};
  lock.lock();
  --opening_;
}

void QueryPool::run(FairQueue::Ticket ticket, std::unique_lock<std::mutex>& lock) {
  const auto at = waiting_.find(ticket);
  Waiting job = std::move(at->second);
  waiting_.erase(at);
  wake_if_there_is_more();   // with this one out of the line, another may have a right to a place
  lock.unlock();
  const auto begin = std::chrono::steady_clock::now();
  job.run();
  const auto elapsed = std::chrono::steady_clock::now() - begin;
  job = {};
  lock.lock();
  queue_.finish(ticket, static_cast<u64>(std::chrono::duration_cast<std::chrono::nanoseconds>(elapsed).count()));
}

void QueryPool::stop() {
  std::map<FairQueue::Ticket, Waiting> left;
  {
    std::deque<Job> unopened;   // destroyed before anybody is waited for, and not under the lock
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    left.swap(waiting_);
    unopened.swap(unopened_);
  }
  wake_.notify_all();
  for (auto& [ticket, job] : left) job.refused();
  for (auto& thread : threads_)
    if (thread.joinable()) thread.join();
}

}  // namespace phala::worker
