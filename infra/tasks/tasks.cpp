#include "tasks/tasks.hpp"

#include <atomic>
#include <memory>

namespace phala {

CpuPool::CpuPool(unsigned threads, size_t queue_limit) : limit_(queue_limit) {
  for (unsigned i = 0; i < std::max(1u, threads); ++i) threads_.emplace_back([this] { run(); });
}

CpuPool::~CpuPool() { stop(); }

bool CpuPool::submit(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || queue_.size() >= limit_) return false;
    queue_.push_back(std::move(job));
  }
  wake_.notify_one();
  return true;
}

void CpuPool::for_each(size_t n, const std::function<void(size_t)>& body) {
  // Shared, because helpers that the pool starts late may outlive this call; they find nothing left and touch `body` no more.
  struct Shared {
    std::atomic<size_t> next = 0;
    std::mutex mutex;
    std::condition_variable all_done;
    size_t done = 0;
  };
  auto shared = std::make_shared<Shared>();
  const auto work = [shared, n, &body] {
    size_t mine = 0;
    for (size_t i; (i = shared->next++) < n; ++mine) body(i);
    if (mine == 0) return;
    const std::lock_guard lock(shared->mutex);
    shared->done += mine;
    if (shared->done == n) shared->all_done.notify_all();
  };
  for (size_t i = 1; i < n && i < threads_.size(); ++i) {
    if (!submit(work)) break;
  }
  work();
  std::unique_lock lock(shared->mutex);
  shared->all_done.wait(lock, [&] { return shared->done == n; });
}

size_t CpuPool::queued() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

void CpuPool::stop() {
  std::deque<Job> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(queue_);
  }
  wake_.notify_all();
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void CpuPool::run() {
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    job();
  }
}

}  // namespace phala
