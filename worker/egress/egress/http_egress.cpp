#include "egress/http_egress.hpp"

#include <algorithm>
#include <condition_variable>
#include <thread>

#include "egress/transfer.hpp"

namespace phala::egress {

using engine::HttpError;
using engine::HttpRequest;
using engine::HttpResult;

namespace {

struct MultiDeleter { void operator()(CURLM* multi) const { curl_multi_cleanup(multi); } };

/// Transfers that run side by side.
class Batch {
 public:
  explicit Batch(std::vector<std::unique_ptr<Transfer>> transfers) : multi_(curl_multi_init()), transfers_(std::move(transfers)) {
    if (!multi_) return;
    for (auto& transfer : transfers_)
      if (transfer && curl_multi_add_handle(multi_.get(), transfer->handle.get()) == CURLM_OK) ++waiting_;
  }
  Batch(Batch&&) = default;
  Batch& operator=(Batch&&) = default;
  ~Batch() {
    for (auto& transfer : transfers_) drop(transfer);
  }

  /// One per request; null: refused, or over and abandoned.
  std::vector<std::unique_ptr<Transfer>>& transfers() { return transfers_; }

  /// Does what can be done now. False: nothing is under way any more.
  bool perform() {
    int running = 0, left = 0;
    if (waiting_ == 0 || curl_multi_perform(multi_.get(), &running) != CURLM_OK) return false;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      Transfer* transfer = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
      transfer->done = true;
      transfer->code = message->data.result;
      --waiting_;
    }
    for (auto& transfer : transfers_)
      if (transfer && transfer->done && transfer->abandoned) drop(transfer);
    return waiting_ > 0;
  }
  /// Until there is something to do. False: it cannot.
  bool wait(std::chrono::milliseconds most) { return curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(most.count()), nullptr) == CURLM_OK; }
  void run(Deadline deadline) {
    while (perform()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0 || !wait(std::min(left, std::chrono::milliseconds(1000)))) return;
    }
  }

  /// Ends everything but lookups, which cannot be ended. True: there are some.
  bool abandon() {
    for (auto& transfer : transfers_) {
      if (!transfer || transfer->done || !transfer->looking_up) drop(transfer);
      else transfer->abandoned = true;
    }
    waiting_ = static_cast<size_t>(std::count_if(transfers_.begin(), transfers_.end(), [](const auto& t) { return t != nullptr; }));
    return waiting_ > 0;
  }
  /// Leaves the threads of lookups to themselves: the program is about to end.
  void let_go() {
    for (auto& transfer : transfers_)
      if (transfer) curl_easy_setopt(transfer->handle.get(), CURLOPT_QUICK_EXIT, 1L);
  }

 private:
  void drop(std::unique_ptr<Transfer>& transfer) {
    if (transfer && multi_) curl_multi_remove_handle(multi_.get(), transfer->handle.get());
    transfer.reset();
  }
  std::unique_ptr<CURLM, MultiDeleter> multi_;
  std::vector<std::unique_ptr<Transfer>> transfers_;
  size_t waiting_ = 0;
};

bool libcurl_starts() {
  static const bool started = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return started;
}

}  // namespace

/// The system's resolver cannot be interrupted, so a lookup may outlast its query by many seconds, with a thread of its own. It ends here, and keeps its
/// slot until then: however slow name servers are, there are no more such threads than transfers at once.
class HttpEgress::Lookups {
 public:
  Lookups() : thread_([this] { run(); }) {}
  ~Lookups() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }
  void finish(Batch batch) {
    {
      const std::lock_guard lock(mutex_);
      given_.push_back(std::move(batch));
    }
    changed_.notify_one();
  }

 private:
  static constexpr std::chrono::milliseconds look_every{50};
  void run() {
    std::vector<Batch> batches;
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return stopping_ || !given_.empty() || !batches.empty(); });
      std::move(given_.begin(), given_.end(), std::back_inserter(batches));
      given_.clear();
      if (stopping_) break;
      lock.unlock();
      std::erase_if(batches, [](Batch& batch) { return !batch.perform(); });
      if (!batches.empty()) batches.front().wait(look_every);
      lock.lock();
    }
    for (auto& batch : batches) batch.let_go();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Batch> given_;
  bool stopping_ = false;
  std::thread thread_;
};

HttpEgress::HttpEgress(std::vector<AddressRange> allowed, OwnServer own, HttpLimits limits)
    : filter_(std::move(allowed), std::move(own)), limits_(limits), lookups_(libcurl_starts() ? std::make_unique<Lookups>() : nullptr) {}
HttpEgress::~HttpEgress() = default;

HttpResult HttpEgress::request(const HttpRequest& request, Deadline deadline) const {
  auto answers = batch({request}, ~u64{0}, deadline);
  if (!answers) return fail(answers.error());
  return std::move(answers->front());
}

Result<std::vector<HttpResult>, HttpError> HttpEgress::batch(const std::vector<HttpRequest>& requests, u64 timeout_ms, Deadline deadline) const {
  if (requests.size() > limits_.batch) return fail(HttpError::too_many_requests);
  if (!lookups_) return fail(HttpError::failed_to_create_client);
  // never added to the clock as it is: it is the contract's number, and may be 2^64 - 1
  const auto now = std::chrono::steady_clock::now();
  // the difference to a time long past does not fit
  const u64 left_ms = deadline > now ? static_cast<u64>(std::chrono::duration_cast<std::chrono::milliseconds>(deadline - now).count()) : 0;
  if (timeout_ms < left_ms) deadline = now + std::chrono::milliseconds(timeout_ms);

  if ((running_ += requests.size()) > limits_.transfers) {
    running_ -= requests.size();
    return fail(HttpError::too_many_requests);
  }
  std::vector<std::unique_ptr<Transfer>> transfers;
  for (size_t i = 0; i < requests.size(); ++i) transfers.push_back(std::make_unique<Transfer>(limits_, filter_, running_));
  std::vector<HttpResult> answers;
  for (size_t i = 0; i < requests.size(); ++i) {
    const auto prepared = transfers[i]->prepare(requests[i]);
    answers.push_back(prepared ? HttpResult(fail(HttpError::timeout)) : HttpResult(fail(prepared.error())));
    if (!prepared) transfers[i].reset();
  }
  Batch batch(std::move(transfers));
  if (deadline > std::chrono::steady_clock::now()) batch.run(deadline);
  for (size_t i = 0; i < requests.size(); ++i)
    if (const auto& transfer = batch.transfers()[i]) answers[i] = transfer->result();
  if (batch.abandon()) lookups_->finish(std::move(batch));
  return answers;
}

}  // namespace phala::egress
