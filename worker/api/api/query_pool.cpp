#include "api/query_pool.hpp"

#include <chrono>

namespace phala::worker {

QueryPool::QueryPool(unsigned threads, size_t backlog) : queue_(threads, backlog) {
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { loop(); });
}

QueryPool::~QueryPool() { stop(); }

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
    }
  }
  wake_.notify_one();
  if (unlucky) unlucky();
}

void QueryPool::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    std::optional<FairQueue::Ticket> ticket;
    wake_.wait(lock, [&] { return stopping_ || (ticket = queue_.start()).has_value(); });
    if (!ticket) return;
    const auto at = waiting_.find(*ticket);
    Waiting job = std::move(at->second);
    waiting_.erase(at);
    if (!waiting_.empty()) wake_.notify_one();   // with this one out of the line, another may have a right to a place
    lock.unlock();
    const auto begin = std::chrono::steady_clock::now();
    job.run();
    const auto elapsed = std::chrono::steady_clock::now() - begin;
    job = {};
    lock.lock();
    queue_.finish(*ticket, static_cast<u64>(std::chrono::duration_cast<std::chrono::nanoseconds>(elapsed).count()));
    if (!waiting_.empty()) wake_.notify_one();   // a woken thread that finds nothing costs a third of a small query
  }
}

void QueryPool::stop() {
  std::map<FairQueue::Ticket, Waiting> left;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    left.swap(waiting_);
  }
  wake_.notify_all();
  for (auto& [ticket, job] : left) job.refused();
  for (auto& thread : threads_)
    if (thread.joinable()) thread.join();
}

}  // namespace phala::worker
