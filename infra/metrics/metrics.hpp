#pragma once
// Why: what a program measures of itself, in the text format that Prometheus reads (exposition format 0.0.4). Numbers are registered once, while
// objects are built, and changed from any thread without a lock.

#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"

namespace phala {

using Labels = std::vector<std::pair<std::string, std::string>>;

class Counter {
 public:
  void add(u64 n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  u64 value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<u64> value_ = 0;
};

class Gauge {
 public:
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_ = 0;
};

class Histogram {
 public:
  explicit Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}
  void observe(double value);
  void render(std::string& out, const std::string& name, const Labels& labels) const;

 private:
  const std::vector<double> bounds_;   ///< upper bounds, ascending; +Inf is implied
  std::vector<std::atomic<u64>> counts_;
  std::atomic<double> sum_ = 0;
};

/// The registry. References it hands out live as long as it does; asking again for the same name and labels gives the same object.
class Metrics {
 public:
  /// `common`: labels on every line ("chain").
  explicit Metrics(Labels common = {}) : common_(std::move(common)) {}
  Counter& counter(const std::string& name, const std::string& help, const Labels& labels = {});
  Gauge& gauge(const std::string& name, const std::string& help, const Labels& labels = {});
  Histogram& histogram(const std::string& name, const std::string& help, std::vector<double> bounds, const Labels& labels = {});
  /// The page for GET /metrics.
  std::string render() const;
  static constexpr const char* content_type = "text/plain; version=0.0.4; charset=utf-8";

 private:
  struct Family {
    std::string help;
    std::map<Labels, Counter> counters;
    std::map<Labels, Gauge> gauges;
    std::map<Labels, Histogram> histograms;
  };
  const Labels common_;
  mutable std::mutex mutex_;
  std::map<std::string, Family> families_;
};

}  // namespace phala
